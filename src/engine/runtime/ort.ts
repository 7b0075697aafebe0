import type * as Ort from "onnxruntime-common";
import type { DType, NDArray, TypedArray } from "../dtype.js";
import { dtypes } from "../dtype.js";
import { HebbError } from "../errors.js";
import { sizeOf } from "../shape.js";
import type { Backend, DeviceValue, Executable, Signature } from "./backend.js";

type Runtime = Pick<typeof Ort, "InferenceSession" | "Tensor">;

/**
 * A backend over ONNX Runtime's JavaScript interface, which the native and the WASM build share. `writesInto`: whether
 * the build writes results into tensors that are offered to it (the WASM build leaves such tensors as they were).
 */
export function ortBackend(
  name: string,
  ort: Runtime,
  session: Ort.InferenceSession.SessionOptions,
  { writesInto }: { writesInto: boolean },
): Backend {
  const backend: Backend = {
    name,
    write: (array) => hostValue(backend, ort, array),
    compile: async (model, signature) => {
      let created: Ort.InferenceSession;
      try {
        // ONNX Runtime fuses float64 nodes into operations for which it has only float32 kernels (QuickGelu, in 1.30).
        const level = signature.once ? "disabled" : signature.double ? "basic" : "all";
        created = await ort.InferenceSession.create(model, {
          ...session,
          graphOptimizationLevel: level,
          ...(signature.small ? { intraOpNumThreads: 1 } : {}),
          ...(signature.spin === false ? { extra: { session: { intra_op: { allow_spinning: "0" } } } } : {}),
        });
      } catch (error) {
        throw new HebbError(`ONNX Runtime (${name}) refused a compiled graph: ${(error as Error).message}`);
      }
      return executable(backend, ort, created, signature, writesInto);
    },
  };
  return backend;
}

class HostValue implements DeviceValue {
  readonly shape: readonly number[];
  readonly dtype: DType;
  constructor(
    readonly backend: Backend,
    readonly tensor: Ort.Tensor,
    readonly array: NDArray,
  ) {
    this.shape = array.shape;
    this.dtype = array.dtype;
  }
  async read(): Promise<NDArray> {
    // A copy: once the value is donated, its buffer holds other results.
    return { ...this.array, data: this.array.data.slice() };
  }
  release(): void {}
}

function hostValue(backend: Backend, ort: Runtime, array: NDArray): HostValue {
  const data = array.dtype === "float16" ? halfView(array.data) : array.data;
  return new HostValue(backend, new ort.Tensor(array.dtype as any, data as any, array.shape as number[]), array);
}

/** ONNX Runtime wants Float16Array where the platform has it, Uint16Array elsewhere. */
const halfView = (data: TypedArray): unknown => {
  const Half = (globalThis as any).Float16Array;
  return Half && !(data instanceof Half) ? new Half(data.buffer, data.byteOffset, data.length) : data;
};

/** The value of a result in the engine's own typed array (float16 as bit patterns). */
function hostArray(tensor: Ort.Tensor, dtype: DType): NDArray {
  const data = tensor.data as unknown as TypedArray;
  const Data = dtypes[dtype].array as unknown as { new (b: ArrayBufferLike, at: number, n: number): TypedArray };
  return {
    data: data instanceof Data ? data : new Data(data.buffer, data.byteOffset, data.length),
    shape: tensor.dims,
    dtype,
  };
}

function executable(
  backend: Backend,
  ort: Runtime,
  session: Ort.InferenceSession,
  { inputs, outputs }: Signature,
  writesInto: boolean,
): Executable {
  // ONNX Runtime sessions are not re-entrant in JavaScript builds; calls queue up.
  let last: Promise<unknown> = Promise.resolve();
  const run = async (
    values: readonly DeviceValue[],
    reuse: readonly (DeviceValue | undefined)[] = [],
  ): Promise<DeviceValue[]> => {
    const feeds: Record<string, Ort.Tensor> = {};
    inputs.forEach((name, i) => {
      feeds[name] = (values[i] as HostValue).tensor;
    });
    if (!writesInto) {
      const results = await session.run(feeds).catch(refused);
      return outputs.map(({ name, dtype }) => hostValue(backend, ort, hostArray(results[name], dtype)));
    }
    const targets = outputs.map(({ shape, dtype }, i) => {
      const offered = reuse[i] as HostValue | undefined;
      return offered ?? hostValue(backend, ort, { data: new dtypes[dtype].array(sizeOf(shape)), shape, dtype });
    });
    const fetches: Record<string, Ort.Tensor> = {};
    outputs.forEach(({ name }, i) => {
      fetches[name] = targets[i].tensor;
    });
    await session.run(feeds, fetches).catch(refused);
    return targets;
  };
  const refused = (error: Error): never => {
    throw new HebbError(`ONNX Runtime (${backend.name}) failed: ${error.message}`);
  };
  return {
    run(values, reuse) {
      const next = last.then(() => run(values, reuse));
      last = next.catch(() => {});
      return next;
    },
    dispose: () => void session.release(),
  };
}
