import type { Backend, DeviceValue, Executable, NDArray } from "../../src/engine/index.js";
import { getBackend, setBackend } from "../../src/engine/runtime/index.js";

/** A backend that passes everything on to another and counts it. */
export interface Spy extends Backend {
  readonly counts: { compile: number; write: number; read: number; run: number; reused: number };
  reset(): void;
}

class SpyValue implements DeviceValue {
  readonly shape: readonly number[];
  readonly dtype: NDArray["dtype"];
  constructor(
    readonly backend: Spy,
    readonly inner: DeviceValue,
  ) {
    this.shape = inner.shape;
    this.dtype = inner.dtype;
  }
  read(): Promise<NDArray> {
    this.backend.counts.read++;
    return this.inner.read();
  }
  release(): void {
    this.inner.release();
  }
}

/** Puts a counting backend in front of a real one, and in force. */
export async function spyOn(name: "node" | "wasm"): Promise<Spy> {
  setBackend(name, { threads: 1 });
  const real = await getBackend();
  const counts = { compile: 0, write: 0, read: 0, run: 0, reused: 0 };
  const spy: Spy = {
    name: `spy on ${name}`,
    counts,
    reset: () => {
      for (const k of Object.keys(counts) as (keyof typeof counts)[]) counts[k] = 0;
    },
    write: (array) => {
      counts.write++;
      return new SpyValue(spy, real.write(array));
    },
    compile: async (model, signature): Promise<Executable> => {
      counts.compile++;
      const inner = await real.compile(model, signature);
      const unwrap = (v: DeviceValue | undefined) => (v as SpyValue | undefined)?.inner;
      return {
        run: async (inputs, reuse) => {
          counts.run++;
          counts.reused += (reuse ?? []).filter((r) => r !== undefined).length;
          const results = await inner.run(
            inputs.map((v) => unwrap(v)!),
            reuse?.map(unwrap),
          );
          return results.map((r) => new SpyValue(spy, r));
        },
        dispose: () => inner.dispose(),
      };
    },
  };
  setBackend(spy);
  return spy;
}
