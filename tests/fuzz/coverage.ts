import { type Profiler, Session } from "node:inspector";

/** From the first byte that did not run to the one after the last. */
type Interval = readonly [start: number, end: number];

/** What ran in some time: of each function that was called, the parts that did not run. */
export type Ran = ReadonlyMap<string, readonly Interval[]>;

// The counters are put into a function when it is compiled, so this must be imported before what is to be watched.
const session = new Session();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

/**
 * Which parts of the code have run, by the precise block coverage of V8: of each function that was called, the parts that
 * never ran shrink as more inputs are read.
 */
export class Coverage {
  readonly #unused = new Map<string, readonly Interval[]>();

  /** Whether it reached anything that had not run before. */
  isNew(ran: Ran): boolean {
    for (const [key, unused] of ran) {
      const before = this.#unused.get(key);
      if (!before || total(intersection(before, unused)) < total(before)) return true;
    }
    return false;
  }

  learn(ran: Ran): void {
    for (const [key, unused] of ran) {
      const before = this.#unused.get(key);
      this.#unused.set(key, before ? intersection(before, unused) : unused);
    }
  }

  /** What has run since the last call. */
  take(): Ran {
    let scripts: Profiler.ScriptCoverage[] = [];
    // In-process sessions answer at once.
    session.post("Profiler.takePreciseCoverage", (error, answer) => {
      if (error) throw error;
      scripts = answer.result;
    });
    const called = new Map<string, readonly Interval[]>();
    for (const { url, scriptId, functions } of scripts) {
      if (!isRead(url)) continue;
      for (const { ranges } of functions) {
        const [{ startOffset, endOffset, count }] = ranges;
        if (count === 0) continue;
        const unused = ranges.filter((range) => range.count === 0);
        called.set(
          `${scriptId}:${startOffset}-${endOffset}`,
          unused.map((range): Interval => [range.startOffset, range.endOffset]).sort((a, b) => a[0] - b[0]),
        );
      }
    }
    return called;
  }
}

/** The library, the packages that parse for it, and the reader that is made to be fuzzed: neither Node nor this fuzzer. */
const isRead = (url: string): boolean =>
  /\/src\/|\/node_modules\/(fflate|@bufbuild|zod|commander)\/|\/maze\.ts/.test(url) && !url.startsWith("node:");

const total = (intervals: readonly Interval[]): number => intervals.reduce((sum, [start, end]) => sum + end - start, 0);

function intersection(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  const common: Interval[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const start = Math.max(a[i][0], b[j][0]);
    const end = Math.min(a[i][1], b[j][1]);
    if (start < end) common.push([start, end]);
    if (a[i][1] < b[j][1]) i++;
    else j++;
  }
  return common;
}
