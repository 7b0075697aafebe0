import type { NDArray } from "../../src/engine/index.js";
import { DivergedError, predictRetrained, type UnlearnCost, unlearn } from "../../src/forget/index.js";
import { type ArmSizes, type Matched, methodOf, type TrainedArm } from "./matching-arms.js";
import type { ForgetSet } from "./matching-bench.js";
import { type Fleets, meanLogits, repeatedTargets } from "./matching-fleets.js";
import { type KlomSummary, klomOf, type RowGroups } from "./matching-measures.js";
import { budget, type Drawn } from "./tuning.js";

/** Originals that are to forget one set, and models that never saw it; logits of each, [models, rows, 10]. */
export interface Cell {
  readonly groups: RowGroups;
  readonly original: NDArray;
  readonly gold: NDArray;
  /** As many golds again: what the gold models differ by themselves. */
  readonly floor: NDArray;
  /** What datamodels with this penalty predict, with no network. */
  dmDirect(lambda: number): Promise<NDArray>;
  /** Unlearns every original by an arm; undefined where a loss was not finite any more. */
  unlearned(arm: TrainedArm, options: Drawn): Promise<UnlearnedFleet | undefined>;
  klom(logits: NDArray): KlomSummary;
}

export interface UnlearnedFleet {
  readonly logits: NDArray;
  /** Of one model. */
  readonly cost: UnlearnCost;
}

export interface CellOptions {
  readonly fleets: Fleets;
  readonly datamodels: Matched["datamodels"];
  readonly set: ForgetSet;
  /** The originals' numbers, and those of the golds. */
  readonly first: number;
  readonly count: number;
}

/** The sizes of batches: the forget set, and as many retain rows. */
export function sizesOf({ bench, forgetSize }: Pick<Fleets, "bench" | "forgetSize">): ArmSizes {
  const rows = bench.options.trainRows;
  // What the datamodels' targets cost is taken off for all.
  const passes = budget * bench.passes(rows - forgetSize) - rows / 3;
  return { forget: forgetSize, retain: forgetSize, steps: Math.floor(passes / (2 * forgetSize)) };
}

export async function openCell({ fleets, datamodels, set, first, count }: CellOptions): Promise<Cell> {
  const { bench, cache, signal, rows } = fleets;
  const forget = fleets.forget[set];
  const kept = bench.kept(forget);
  const { models, logits: original } = await fleets.fleet("original", first, count);
  const { logits: gold } = await fleets.fleet("gold", first, count, set);
  const { logits: floor } = await fleets.fleet("floor", first, count, set);
  const examples = bench.options.trainRows;
  const groups = {
    forget,
    retain: kept,
    val: Int32Array.from({ length: rows.x.shape[0] - examples }, (_, i) => examples + i),
  };
  const matched = { datamodels, forget, oracle: repeatedTargets(meanLogits(floor, forget, kept), count) };
  const goldMargins = fleets.margins(gold);
  return {
    groups,
    original,
    gold,
    floor,
    dmDirect: async (lambda) => predictRetrained(await datamodels(lambda), original, forget),
    klom: (logits) => klomOf(goldMargins, fleets.margins(logits), groups),
    async unlearned(name, options) {
      const key = { ...fleets.key, subsets: fleets.subsetsKey, set, first, count, arm: name, options };
      const found = await cache.get(key, async () => {
        try {
          const problem = bench.problem(models, forget, first);
          const { method, options: settings } = await methodOf(name, options, sizesOf(fleets), matched);
          const { params, cost } = await unlearn(method, problem, { ...settings, signal }).run();
          const logits = await bench.logits(params, rows);
          // The last step has no loss after it that would show where it went.
          return (logits.data as Float32Array).every(Number.isFinite) ? { logits, cost } : "diverged";
        } catch (error) {
          if (error instanceof DivergedError) return "diverged";
          throw error;
        }
      });
      return found === "diverged" ? undefined : (found as UnlearnedFleet);
    },
  };
}
