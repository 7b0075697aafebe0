import v8 from "node:v8";
import { runInNewContext } from "node:vm";

v8.setFlagsFromString("--expose-gc");
const gc: () => void = runInNewContext("gc");

/** Twice, as the buffers that one collection found are given back while it goes on. */
function collect(): void {
  gc();
  gc();
}

const inUse = (): number => {
  const { used_heap_size, external_memory } = v8.getHeapStatistics() as v8.HeapInfo & { external_memory: number };
  return used_heap_size + external_memory;
};

export interface Measured {
  /** Processor time of the whole process: others may keep it waiting. */
  readonly milliseconds: number;
  /** All bytes that were allocated, garbage included, so long as no collection came between. */
  readonly allocated: number;
}

/** Time and memory of one piece of work. */
export async function measure(work: () => unknown): Promise<Measured> {
  const before = inUse();
  const started = process.cpuUsage();
  const result = work();
  if (result instanceof Promise) await result;
  const { user, system } = process.cpuUsage(started);
  return { milliseconds: (user + system) / 1000, allocated: Math.max(0, inUse() - before) };
}

/** The least of several measurements, each after a collection: other processes and the compiler only ever add. */
export async function measureAgain(work: () => unknown, times = 3): Promise<Measured> {
  let least: Measured = { milliseconds: Number.POSITIVE_INFINITY, allocated: Number.POSITIVE_INFINITY };
  for (let i = 0; i < times; i++) {
    collect();
    const { milliseconds, allocated } = await measure(work);
    least = {
      milliseconds: Math.min(least.milliseconds, milliseconds),
      allocated: Math.min(least.allocated, allocated),
    };
  }
  return least;
}

/**
 * The most bytes that were in use while the work was done, beyond those before: what each collection left, and at the end
 * what is left with the result.
 */
export async function peakMemory(work: () => unknown): Promise<number> {
  collect();
  const before = inUse();
  const profiler = new v8.GCProfiler();
  profiler.start();
  const result = await work();
  collect();
  const after = inUse();
  const peaks = profiler.stop().statistics.map(
    ({
      afterGC: {
        heapStatistics: { usedHeapSize, externalMemory },
      },
    }) => usedHeapSize + externalMemory - before,
  );
  // Until here the result must live.
  return result === collect ? 0 : Math.max(after - before, ...peaks);
}
