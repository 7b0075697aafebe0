import type { Checkpoint } from "../../src/lab/index.js";
import type { Network, NetworkTrainer, TrainedSteps } from "../../src/select/index.js";
import { type TrainedNetworks, trainTo } from "./data-diet-bench.js";

/** What is gathered while a group of networks trains. */
export interface Watcher<P, Seen> {
  onSteps(block: TrainedSteps<P>): void;
  /** What has been seen so far, as a checkpoint keeps it. */
  seen(): Seen;
}

/** Work on a trained group that may be interrupted. */
export interface Progress<Part> {
  /** What an earlier part of the run has kept of it. */
  readonly from?: Part;
  save(part: Part): Promise<void>;
}

export interface GroupsOptions<P, Seen, Result, Part> {
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
  finish(group: readonly Network[], trained: TrainedNetworks<P>, seen: Seen, progress: Progress<Part>): Promise<Result>;
}

/** What a checkpoint keeps: the results of the groups before, and where the one in training or in its finish stands. */
interface Saved<P, Seen, Result, Part> {
  readonly results: readonly Result[];
  readonly seen: Seen;
  readonly trained: TrainedNetworks<P>;
  readonly part?: Part;
}

/** Trains networks in groups, one after the other; in a unit of a resumed run, from where that was interrupted. */
export async function trainGroups<P, Seen, Result, Part = never>(
  options: GroupsOptions<P, Seen, Result, Part>,
): Promise<Result[]> {
  const { trainer, networks, together, steps, arm, signal, checkpoint, watch, finish } = options;
  type State = Saved<P, Seen, Result, Part>;
  let saved = checkpoint?.restore<State>();
  const results = [...(saved?.results ?? [])];
  for (const group of inGroups(networks, together).slice(results.length)) {
    const { onSteps, seen } = watch(group, saved?.seen);
    const save = async (trained: TrainedNetworks<P>, part?: Part) =>
      checkpoint?.save((): State => ({ results, seen: seen(), trained, part }));
    const trained = await trainTo(trainer, group, { steps, arm, signal, from: saved?.trained, save }, onSteps);
    const progress = { from: saved?.part, save: (part: Part) => save(trained, part) };
    saved = undefined;
    results.push(await finish(group, trained, seen(), progress));
  }
  return results;
}

export const inGroups = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
