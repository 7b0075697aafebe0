/** Exchange with other libraries (`hebb/interop`): ONNX models, NumPy arrays, safetensors checkpoints. */
export { loadSafetensors, saveSafetensors } from "./checkpoints.js";
export { readNpy, writeNpy } from "./npy.js";
export { readNpz, writeNpz } from "./npz.js";
export { type ToOnnxOptions, toOnnx } from "./onnx/export.js";
export { type FromOnnxOptions, fromOnnx, type OnnxModel } from "./onnx/import.js";
export type { ValueInfo } from "./onnx/model.js";
export { standardOperators } from "./onnx/operators/index.js";
export type { ExternalData } from "./onnx/tensors.js";
export { decodeSafetensors, encodeSafetensors, type SafeTensors } from "./safetensors.js";
export type { ZipOptions } from "./zip.js";
