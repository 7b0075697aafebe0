import { Coverage, type Ran } from "./coverage.js";
import { measure, measureAgain } from "./measure.js";
import { hostRandom, mutate } from "./mutate.js";
import { attempt, type Reader } from "./reader.js";

/** A read may take this much of the processor. */
export const mostMilliseconds = 1000;

/** A read may take four times the file's size of memory. */
export const factor = 4;
/** And this, garbage included: messages, schemas, graphs. */
export const allowance = 2 ** 20;
/** Of a large file, at any one time: so many parts, tensors, cells and classes are read in any case. */
export const largeAllowance = 2 ** 25;

/** So many inputs are read between two looks at the coverage. */
const portion = 256;

/** A file that a reader does not survive. */
export interface Finding {
  readonly problem: string;
  readonly bytes: Uint8Array;
}

export interface FuzzFigures {
  readonly inputs: number;
  readonly accepted: number;
  /** Files that reached code which none before them had reached. */
  readonly kept: number;
  /** Milliseconds. */
  readonly slowest: number;
  /** The most that was allocated beyond four times the file's size. */
  readonly excess: number;
  readonly findings: readonly Finding[];
}

export interface FuzzOptions {
  readonly inputs: number;
  readonly seed: number;
  /** Called with each input before it is read. */
  readonly watch?: (bytes: Uint8Array) => void;
}

/**
 * Reads mutated files. Those that reach new code join the files that are mutated. What a read does wrong is kept once for
 * each place in the code.
 */
export async function fuzz(reader: Reader, { inputs, seed, watch = () => {} }: FuzzOptions): Promise<FuzzFigures> {
  const random = hostRandom(seed);
  const words = (reader.words ?? []).map((word) => new TextEncoder().encode(word));
  const corpus = [...reader.files];
  const findings = new Map<string, Finding>();
  let accepted = 0;
  let slowest = 0;
  let excess = Number.NEGATIVE_INFINITY;

  const pass = async (bytes: Uint8Array): Promise<boolean> => {
    try {
      return await attempt(reader, bytes);
    } catch (error) {
      const { stack = String(error), name } = error as Error;
      const place = `${name} ${stack.split("\n").find((line) => /^ *at /.test(line) && !/tests\/fuzz\/(fuzz|reader|measure)\.ts/.test(line))}`;
      if (!findings.has(place)) findings.set(place, { problem: stack, bytes });
      return false;
    }
  };
  const read = async (bytes: Uint8Array): Promise<void> => {
    watch(bytes);
    let ok = false;
    let { milliseconds, allocated } = await measure(async () => {
      ok = await pass(bytes);
    });
    accepted += Number(ok);
    const most = factor * bytes.length + allowance;
    const suspicious =
      (milliseconds > mostMilliseconds && !findings.has("slow")) || (allocated > most && !findings.has("large"));
    if (suspicious) ({ milliseconds, allocated } = await measureAgain(() => pass(bytes)));
    slowest = Math.max(slowest, milliseconds);
    excess = Math.max(excess, allocated - factor * bytes.length);
    if (milliseconds > mostMilliseconds && !findings.has("slow"))
      findings.set("slow", { problem: `reading took ${milliseconds.toFixed(0)} ms`, bytes });
    if (allocated > most && !findings.has("large"))
      findings.set("large", { problem: `reading ${bytes.length} bytes allocated ${allocated}`, bytes });
  };

  const coverage = new Coverage();
  const ranBy = async (files: readonly Uint8Array[]): Promise<Ran> => {
    for (const file of files) await pass(file);
    return coverage.take();
  };
  /** Adds those of the files to the corpus that reach new code, of which there is at least one. */
  const keep = async (files: readonly Uint8Array[]): Promise<void> => {
    const middle = files.length >> 1;
    for (const half of [files.slice(0, middle), files.slice(middle)]) {
      const ran = half.length > 0 ? await ranBy(half) : undefined;
      if (!ran || !coverage.isNew(ran)) continue;
      if (half.length > 1) await keep(half);
      else corpus.push(half[0]);
      coverage.learn(ran);
    }
  };
  coverage.take();
  coverage.learn(await ranBy(reader.files));
  for (let done = 0; done < inputs; done += portion) {
    const files = Array.from({ length: Math.min(portion, inputs - done) }, () =>
      mutate(pick(corpus, random.integer), random, pick(corpus, random.integer), words),
    );
    for (const file of files) await read(file);
    const ran = coverage.take();
    if (!coverage.isNew(ran)) continue;
    await keep(files);
    coverage.learn(ran);
  }
  return {
    inputs,
    accepted,
    kept: corpus.length - reader.files.length,
    slowest,
    excess,
    findings: [...findings.values()],
  };
}

const pick = <T>(list: readonly T[], integer: (n: number) => number): T => list[integer(list.length)];
