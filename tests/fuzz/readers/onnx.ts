import { toBinary } from "@bufbuild/protobuf";
import type { NDArray } from "../../../src/engine/dtype.js";
import { HebbError } from "../../../src/engine/errors.js";
import { ModelProtoSchema } from "../../../src/engine/onnx/onnx_pb.js";
import { zeros } from "../../../src/engine/primitives/structure.js";
import { type FromOnnxOptions, fromOnnx } from "../../../src/interop/index.js";
import { onnxMessage } from "../../interop/onnx-models.js";
import { build, cases } from "../../interop/operator-cases.js";
import { file, type Reader } from "../reader.js";

const vector = (...values: number[]): NDArray => ({
  data: BigInt64Array.from(values, BigInt),
  shape: [values.length],
  dtype: "int64",
});

const classifier = onnxMessage({
  inputs: [{ name: "x", shape: ["n", 1, 4, 4] }],
  outputs: [{ name: "y", shape: ["n", 3] }],
  initializers: {
    "conv.weight": { data: new Float32Array(18).fill(0.5), shape: [2, 1, 3, 3], dtype: "float32" },
    "conv.bias": { data: Float32Array.of(1, -1), shape: [2], dtype: "float32" },
    w: { data: new Float32Array(24).fill(0.25), shape: [8, 3], dtype: "float32" },
    rest: vector(-1),
    zero: vector(0),
  },
  nodes: [
    {
      op: "Conv",
      name: "conv",
      inputs: ["x", "conv.weight", "conv.bias"],
      outputs: ["a"],
      attrs: { pads: [1, 1, 1, 1] },
    },
    { op: "Relu", inputs: ["a"], outputs: ["b"] },
    { op: "MaxPool", inputs: ["b"], outputs: ["c"], attrs: { kernel_shape: [2, 2], strides: [2, 2] } },
    { op: "Shape", inputs: ["x"], outputs: ["shape"] },
    { op: "Gather", inputs: ["shape", "zero"], outputs: ["n"] },
    { op: "Concat", inputs: ["n", "rest"], outputs: ["target"], attrs: { axis: 0 } },
    { op: "Reshape", inputs: ["c", "target"], outputs: ["d"] },
    { op: "Gemm", inputs: ["d", "w"], outputs: ["e"] },
    { op: "Softmax", inputs: ["e"], outputs: ["y"], attrs: { axis: -1 } },
  ],
});
const shapes = onnxMessage({
  inputs: [{ name: "x", shape: ["n", 4] }],
  outputs: [{ name: "y" }],
  initializers: { pads: vector(0, 1, 1, 0), from: vector(0, 1), to: vector(9, 2) },
  nodes: [
    { op: "Pad", inputs: ["x", "pads"], outputs: ["a"], attrs: { mode: "reflect" } },
    { op: "Constant", inputs: [], outputs: ["times"], attrs: { value_ints: [2, 1] } },
    { op: "Tile", inputs: ["a", "times"], outputs: ["b"] },
    { op: "Split", inputs: ["b"], outputs: ["c", "d"], attrs: { axis: 1, num_outputs: 2 } },
    { op: "Slice", inputs: ["c", "from", "to"], outputs: ["s"] },
    { op: "Concat", inputs: ["s", "d"], outputs: ["f"], attrs: { axis: 1 } },
    { op: "ReduceMean", inputs: ["f"], outputs: ["e"], attrs: { keepdims: 1 } },
    { op: "Expand", inputs: ["e", "times"], outputs: ["y"] },
  ],
});

/** Reads a model and applies it to zeros, which builds its graph and computes nothing. */
function readModel(bytes: Uint8Array, options: FromOnnxOptions = {}): void {
  const model = fromOnnx<any>(bytes, { ...options, name: file });
  const size = (n: number | string) => (typeof n === "number" ? n : 2);
  try {
    model.apply(model.params, ...model.inputs.map(({ shape, dtype }) => zeros((shape ?? []).map(size), dtype)));
  } catch (error) {
    // What an operator throws is wrapped in a sentence that names the node; a defect in one must not hide there.
    const { cause } = error as Error;
    if (cause !== undefined && !(cause instanceof HebbError)) throw cause;
    throw error;
  }
}

export const onnxReaders: readonly Reader[] = [
  {
    name: "ONNX",
    files: [classifier, shapes]
      .map((message) => toBinary(ModelProtoSchema, message))
      .concat(cases.map((c) => build(c).bytes as Uint8Array<ArrayBuffer>)),
    words: ["ai.onnx", "Relu", "Reshape", "Constant", "Loop", "axis", "shape", "x"],
    read: (bytes) => readModel(bytes),
  },
];
