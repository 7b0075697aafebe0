import type * as Ort from "onnxruntime-common";
import type { DType, NDArray } from "../dtype.js";
import { HebbError } from "../errors.js";
import type { Backend, DeviceValue, Executable, Port, Signature } from "./backend.js";
import { fill, hostArray, isPack, ortTensor, type Runtime, room, views } from "./ort-values.js";
import { Turns } from "./turns.js";

/** A session that takes longer to make is not made again for other threads. */
const quickMilliseconds = 300;

/**
 * A backend over ONNX Runtime's JavaScript interface, which the native and the WASM build share. Only the native one writes
 * results into tensors that are offered to it; the WASM build leaves such tensors as they were.
 */
export function ortBackend(
  name: string,
  ort: Runtime,
  session: Ort.InferenceSession.SessionOptions,
  { isNative }: { isNative: boolean },
): Backend {
  const turns = new Turns();
  const backend: Backend = {
    name,
    inHostMemory: true,
    mayBlock: isNative,
    write: (array) => new HostValue(backend, ort, array),
    compile: async (model, signature) => {
      // ONNX Runtime fuses float64 nodes into operations for which it has only float32 kernels (QuickGelu, in 1.30).
      const level = signature.once ? "disabled" : signature.double ? "basic" : "all";
      const make = async (waiting: object) => {
        try {
          return await ort.InferenceSession.create(model, {
            ...session,
            graphOptimizationLevel: level,
            ...(signature.small ? { intraOpNumThreads: 1 } : {}),
            extra: { session: waiting },
          });
        } catch (error) {
          throw new HebbError(`ONNX Runtime (${name}) refused a compiled graph: ${(error as Error).message}`);
        }
      };
      const start = performance.now();
      const created = await make(signature.spin === false ? { intra_op: { allow_spinning: "0" } } : {});
      const quick = performance.now() - start < quickMilliseconds;
      const spins = !signature.small && !signature.once && signature.spin !== false && session.intraOpNumThreads !== 1;
      const remake = isNative && spins && quick ? (rest: boolean) => make(rest ? resting : {}) : undefined;
      return executable(backend, ort, created, signature, isNative, remake && { turns, remake });
    },
  };
  return backend;
}

/** Threads stop to spin when a run has ended. */
const resting = { force_spinning_stop: "1" };

class HostValue implements DeviceValue {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readers = 0;
  #tensor: Ort.Tensor | undefined;
  constructor(
    readonly backend: Backend,
    readonly ort: Runtime,
    readonly array: NDArray,
  ) {
    this.shape = array.shape;
    this.dtype = array.dtype;
  }
  /** The runtime's own object around the array; small values never need one. */
  get tensor(): Ort.Tensor {
    this.#tensor ??= ortTensor(this.ort, this.array);
    return this.#tensor;
  }
  async read(): Promise<NDArray> {
    // A copy: once the value is donated, its buffer holds other results.
    return { ...this.array, data: this.array.data.slice() };
  }
  release(): void {}
}

function executable(
  backend: Backend,
  ort: Runtime,
  created: Ort.InferenceSession,
  signature: Signature,
  writesInto: boolean,
  waiting?: { readonly turns: Turns; remake(rest: boolean): Promise<Ort.InferenceSession> },
): Executable {
  const { inputs, outputs } = signature;
  let session = created;
  let rests = false;
  const hold = (array: NDArray) => new HostValue(backend, ort, array);
  // Read during a call alone, so that one buffer serves all calls.
  const packs = new Map(inputs.filter(isPack).map((port) => [port, hold(room(port))]));
  const refused = (error: Error): never => {
    throw new HebbError(`ONNX Runtime (${backend.name}) failed: ${error.message}`);
  };
  const run = async (
    values: readonly DeviceValue[],
    reuse: readonly (DeviceValue | undefined)[] = [],
  ): Promise<DeviceValue[]> => {
    const feeds: Record<string, Ort.Tensor> = {};
    for (const port of inputs) {
      const pack = packs.get(port);
      if (pack) fill(pack.array.data, port, (index) => (values[index] as HostValue).array);
      feeds[port.name] = (pack ?? (values[port.values[0].index] as HostValue)).tensor;
    }
    const results: DeviceValue[] = [];
    const settle = (port: Port, value: HostValue) => {
      for (const [index, array] of isPack(port) ? views(port, value.array) : []) results[index] = hold(array);
      if (!isPack(port)) results[port.values[0].index] = value;
    };
    if (writesInto) {
      const fetches: Record<string, Ort.Tensor> = {};
      for (const port of outputs) {
        const offered = isPack(port) ? undefined : (reuse[port.values[0].index] as HostValue | undefined);
        const target = offered ?? hold(room(port));
        fetches[port.name] = target.tensor;
        settle(port, target);
      }
      await session.run(feeds, fetches).catch(refused);
    } else {
      const found = await session.run(feeds).catch(refused);
      for (const port of outputs) settle(port, hold(hostArray(found[port.name], port.dtype)));
    }
    return results;
  };
  const runInTurn = async (...args: Parameters<typeof run>): Promise<DeviceValue[]> => {
    if (!waiting) return run(...args);
    const rest = waiting.turns.start(signature);
    if (rest !== rests) {
      const before = session;
      session = await waiting.remake(rest);
      rests = rest;
      void before.release();
    }
    const results = await run(...args);
    waiting.turns.end();
    return results;
  };
  // ONNX Runtime sessions are not re-entrant in JavaScript builds; calls queue up.
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(values, reuse) {
      for (const value of values) (value as HostValue).readers++;
      const next = last
        .then(() => runInTurn(values, reuse))
        .finally(() => {
          for (const value of values) (value as HostValue).readers--;
        });
      last = next.catch(() => {});
      return next;
    },
    dispose: () => void session.release(),
  };
}
