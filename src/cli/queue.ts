import { hostname } from "node:os";
import { defaultLeaseMilliseconds, type JobQueue } from "../lab/queue/queue.js";
import { codeName } from "../lab/sweep.js";
import { version } from "../lab/version.js";
import { commitOf } from "./commit.js";
import { packageRoot } from "./lab.js";
import { positiveInteger, UsageError } from "./usage.js";

/** The sources that this program is made of: results of others would not fit with its own. */
export async function codeHere(): Promise<string> {
  const { commit, dirty = false } = await commitOf(packageRoot());
  return codeName(commit ?? `v${version}`, dirty);
}

export interface SharedQueueOptions {
  readonly url: string;
  readonly code: string;
  readonly worker: string;
  readonly leaseMilliseconds: number;
  readonly log: (message: string) => void;
  readonly signal: AbortSignal;
}

/** The queue in Redis for programs of these sources. */
export async function sharedQueue({ code, ...options }: SharedQueueOptions): Promise<JobQueue> {
  const { BullQueue } = await import("../lab/queue/bull.js");
  return BullQueue.open({ ...options, name: `hebb-${code}` });
}

/** The address of `--redis`. */
export function redisUrl(text: string): string {
  if (URL.canParse(text) && ["redis:", "rediss:"].includes(new URL(text).protocol) && new URL(text).hostname)
    return text;
  throw new UsageError(`--redis takes an address, for example --redis redis://host:6379, not '${text}'.`);
}

/** The milliseconds of `--lease`. */
export const leaseOf = (text: string | undefined): number =>
  text === undefined ? defaultLeaseMilliseconds : 1000 * positiveInteger("--lease", text);

/** How often a heart beats: four times in a lease. */
export const heartbeatOf = (leaseMilliseconds: number): number => leaseMilliseconds / 4;

/** A worker's name, where none is given. */
export const defaultWorkerName = (): string => `${hostname()}-${process.pid}`;
