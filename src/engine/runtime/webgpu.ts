import { create as createMessage, toBinary } from "@bufbuild/protobuf";
import type * as Ort from "onnxruntime-common";
import { type DType, dtypes, type NDArray } from "../dtype.js";
import { HebbError } from "../errors.js";
import { ModelProtoSchema } from "../onnx/onnx_pb.js";
import { sizeOf } from "../shape.js";
import type { Backend, DeviceValue, Executable, Port, Signature } from "./backend.js";
import { inNode } from "./in-node.js";
import { hostArray, ortTensor, type Runtime } from "./ort-values.js";

/** Larger host arrays stay on the device once they have been used there. */
const keepBytes = 16 * 1024;

/** What the device computes with; results of other types come back to the host. */
const deviceTypes: readonly DType[] = ["float32", "float16", "int32", "uint32"];

/**
 * ONNX Runtime's WebGPU kernels. Results stay on the device until they are read. Graphs with float64, graphs of small
 * operations and graphs that run once are executed by the processor, and so are operations for which there is no kernel.
 *
 * Memory of results that were neither donated nor disposed of is freed when JavaScript collects them.
 */
export async function webgpuBackend(): Promise<Backend> {
  const loaded = (await load()) as any;
  const ort: Runtime = loaded.default ?? loaded;
  const host = inNode ? "cpu" : "wasm";
  const session = async (
    model: Uint8Array,
    device: boolean,
    settings: Ort.InferenceSession.SessionOptions = {},
  ): Promise<Ort.InferenceSession> => {
    const executionProviders = device ? ["webgpu", host] : [host];
    try {
      return await ort.InferenceSession.create(model, { executionProviders, logSeverityLevel: 3, ...settings });
    } catch (error) {
      const { message } = error as Error;
      throw new HebbError(
        /adapter|navigator\.gpu|WebGPU is not/i.test(message)
          ? `There is no graphics processor that WebGPU can use here; choose setBackend("${inNode ? "node" : "wasm"}"). (${message.trim().split("\n")[0]})`
          : `ONNX Runtime (webgpu) refused a compiled graph: ${message}`,
      );
    }
  };
  // One after another: the device has one queue, and WASM is not re-entrant.
  let last: Promise<unknown> = Promise.resolve();
  const queued = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work);
    last = next.catch(() => {});
    return next;
  };

  const copiers = new Map<string, Promise<Ort.InferenceSession>>();
  const copy = async (tensor: Ort.Tensor, to: "gpu-buffer" | "cpu"): Promise<Ort.Tensor> => {
    const key = `${tensor.type} ${to}`;
    let copier = copiers.get(key);
    if (!copier) {
      const dtype = tensor.type as DType;
      copiers.set(key, (copier = session(identityModel(dtype), true, { preferredOutputLocation: to })));
    }
    return (await (await copier).run({ from: tensor })).to;
  };

  class DeviceTensor implements DeviceValue {
    readonly backend: Backend = backend;
    readonly shape: readonly number[];
    readonly dtype: DType;
    #host: NDArray | undefined;
    #device: Ort.Tensor | undefined;
    constructor(value: NDArray | Ort.Tensor, dtype: DType) {
      this.dtype = dtype;
      if ("shape" in value) this.#host = value;
      else this.#device = value;
      this.shape = "shape" in value ? value.shape : [...value.dims];
    }
    /** In host memory; must be called in turn. */
    async toHost(): Promise<NDArray> {
      this.#host ??= hostArray(await copy(this.#device!, "cpu"), this.dtype);
      return this.#host;
    }
    /** As the device takes it; must be called in turn. */
    async tensor(): Promise<Ort.Tensor> {
      if (this.#device) return this.#device;
      const tensor = ortTensor(ort, this.#host!);
      if (sizeOf(this.shape) * dtypes[this.dtype].array.BYTES_PER_ELEMENT <= keepBytes) return tensor;
      if (!deviceTypes.includes(this.dtype)) return tensor;
      this.#device = await copy(tensor, "gpu-buffer");
      return this.#device;
    }
    async read(): Promise<NDArray> {
      const array = await queued(() => this.toHost());
      return { ...array, data: array.data.slice() };
    }
    release(): void {
      this.#device?.dispose();
      this.#device = undefined;
    }
  }

  const backend: Backend = {
    name: "webgpu",
    device: true,
    write: (array) => new DeviceTensor(array, array.dtype),
    compile: async (model, signature) => {
      const device = !signature.double && !signature.once && !signature.small;
      const preferredOutputLocation = Object.fromEntries(
        signature.outputs.map((port) => [port.name, device && staysThere(port) ? "gpu-buffer" : "cpu"] as const),
      );
      const level = signature.once ? "disabled" : signature.double ? "basic" : "all";
      const created = await session(model, device, {
        graphOptimizationLevel: level,
        ...(device ? { preferredOutputLocation } : {}),
      });
      return executable(created, signature, device);
    },
  };

  function executable(created: Ort.InferenceSession, { inputs, outputs }: Signature, device: boolean): Executable {
    const run = async (values: readonly DeviceValue[]): Promise<DeviceValue[]> => {
      const feeds: Record<string, Ort.Tensor> = {};
      for (const {
        name,
        values: [{ index }],
      } of inputs) {
        const value = values[index] as DeviceTensor;
        feeds[name] = device ? await value.tensor() : ortTensor(ort, await value.toHost());
      }
      const found = await created.run(feeds).catch((error: Error) => {
        throw new HebbError(`ONNX Runtime (webgpu) failed: ${error.message}`);
      });
      const results: DeviceValue[] = [];
      for (const {
        name,
        dtype,
        values: [{ index }],
      } of outputs) {
        const tensor = found[name];
        results[index] = new DeviceTensor(tensor.location === "gpu-buffer" ? tensor : hostArray(tensor, dtype), dtype);
      }
      return results;
    };
    return { run: (values) => queued(() => run(values)), dispose: () => void created.release() };
  }
  return backend;
}

/** Whether what leaves through a port stays on the device. */
const staysThere = (port: Port): boolean => deviceTypes.includes(port.dtype);

/** A model that hands on a tensor of any shape: how values get to the device and back. */
function identityModel(dtype: DType): Uint8Array {
  const info = (name: string) => ({
    name,
    type: { value: { case: "tensorType" as const, value: { elemType: dtypes[dtype].onnx } } },
  });
  return toBinary(
    ModelProtoSchema,
    createMessage(ModelProtoSchema, {
      irVersion: 10n,
      opsetImport: [{ domain: "", version: 21n }],
      graph: {
        name: "copy",
        node: [{ opType: "Identity", input: ["from"], output: ["to"] }],
        input: [info("from")],
        output: [info("to")],
      },
    }),
  );
}

function load(): Promise<unknown> {
  // Named at run time, so that bundlers for browsers leave it out.
  const native = "onnxruntime-node";
  return inNode ? import(/* @vite-ignore */ native) : import("onnxruntime-web/webgpu");
}
