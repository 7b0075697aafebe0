import type { Checkpoint } from "../../src/lab/index.js";
import type { Network, NetworkTrainer, TrainedSteps } from "../../src/select/index.js";
import { type TrainedNetworks, trainTo } from "./data-diet-bench.js";

/** What is gathered while a group of networks trains. */
export interface Watcher<P, Seen> {
  onSteps(block: TrainedSteps<P>): void;
  /** What has been seen so far, as a checkpoint keeps it. */
  seen(): Seen;
}

export interface GroupsOptions<P, Seen, Result> {
  readonly trainer: NetworkTrainer<P>;
  readonly networks: readonly Network[];
  /** How many of the networks train in one graph. */
  readonly together: number;
  readonly steps: number;
  readonly arm: string;
  readonly signal?: AbortSignal;
  readonly checkpoint?: Checkpoint;
  /** Watches the training of a group, from its start or from what was seen before an interruption. */
  watch(group: readonly Network[], seen?: Seen): Watcher<P, Seen>;
  /** What comes of a trained group. */
  finish(group: readonly Network[], trained: TrainedNetworks<P>, seen: Seen): Promise<Result>;
}

/** What a checkpoint keeps: the results of the groups before, and where the one in training stands. */
interface Saved<P, Seen, Result> {
  readonly results: readonly Result[];
  readonly seen: Seen;
  readonly trained: TrainedNetworks<P>;
}

/** Trains networks in groups, one after the other; in a unit of a resumed run, from where that was interrupted. */
export async function trainGroups<P, Seen, Result>(options: GroupsOptions<P, Seen, Result>): Promise<Result[]> {
  const { trainer, networks, together, steps, arm, signal, checkpoint, watch, finish } = options;
  let saved = checkpoint?.restore<Saved<P, Seen, Result>>();
  const results = [...(saved?.results ?? [])];
  for (const group of inGroups(networks, together).slice(results.length)) {
    const { onSteps, seen } = watch(group, saved?.seen);
    const save = async (trained: TrainedNetworks<P>) => checkpoint?.save(() => ({ results, seen: seen(), trained }));
    const trained = await trainTo(trainer, group, { steps, arm, signal, from: saved?.trained, save }, onSteps);
    saved = undefined;
    results.push(await finish(group, trained, seen()));
  }
  return results;
}

export const inGroups = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
