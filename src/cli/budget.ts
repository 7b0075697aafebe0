import { availableParallelism } from "node:os";
import { usableMemory } from "./machine.js";
import { positiveInteger, UsageError } from "./usage.js";

/** What a sweep or a worker may use of its machine. */
export interface Budget {
  /** Processes at a time. */
  readonly parallel: number;
  /** Threads of each. */
  readonly threads: number;
  readonly memoryBytes: number;
}

export interface BudgetOptions {
  readonly parallel?: string;
  readonly threads?: string;
  readonly memory?: string;
}

/**
 * Processes and threads that together never exceed the cores: with neither named, one thread for each process and as many
 * processes as cores; with one of them named, as much of the other as fits.
 */
export function budgetOf(options: BudgetOptions, most: number, cores = availableParallelism()): Budget {
  const threads = options.threads === undefined ? undefined : positiveInteger("--threads", options.threads);
  if (threads !== undefined && threads > cores) {
    throw new UsageError(`--threads ${threads} is more than the ${cores} cores of this machine.`);
  }
  const parallel =
    options.parallel === undefined
      ? Math.max(1, Math.min(most, Math.floor(cores / (threads ?? 1))))
      : positiveInteger("--parallel", options.parallel);
  if (parallel * (threads ?? 1) > cores) {
    throw new UsageError(
      `--parallel ${parallel} with ${threads ?? 1} ${threads && threads > 1 ? "threads" : "thread"} each is more than the ${cores} cores of this machine.`,
    );
  }
  return {
    parallel,
    threads: threads ?? Math.max(1, Math.floor(cores / parallel)),
    memoryBytes: options.memory === undefined ? usableMemory() : gigabytes(options.memory),
  };
}

function gigabytes(value: string): number {
  const number = Number(value);
  if (value.trim() === "" || !(number > 0 && number < Number.POSITIVE_INFINITY)) {
    throw new UsageError(`--memory takes a number of gigabytes, for example --memory 8, not '${value}'.`);
  }
  return number * 1e9;
}
