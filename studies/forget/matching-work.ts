import { HebbError, type NDArray } from "../../src/engine/index.js";
import {
  datamodelOutputs,
  drawSubsets,
  type EstimatedDatamodels,
  estimateDatamodels,
  fitDatamodels,
  lds,
} from "../../src/forget/index.js";
import { logSpaced, mean, type RunContext } from "../../src/lab/index.js";
import { baselines, type Matched, spacesOf, type TrainedArm, trainedArms } from "./matching-arms.js";
import type { BenchOptions, ForgetSet } from "./matching-bench.js";
import { type Cell, openCell, sizesOf, type UnlearnedFleet } from "./matching-cell.js";
import type { Fleets } from "./matching-fleets.js";
import { columns, klomMeasures, klomOf, pooled, rowsAndModelsBootstrap } from "./matching-measures.js";
import {
  type RidgeArm,
  type RidgeOptions,
  ridgeArms,
  ridgeDescents,
  ridgeDraw,
  stepsTo,
  tuneRidge,
} from "./matching-ridge.js";
import { type Drawn, drawConfigurations, tuningSeed } from "./tuning.js";

export interface Options {
  readonly ridge: RidgeOptions;
  readonly bench: BenchOptions;
  readonly datamodels: {
    readonly nSubsets: number;
    readonly alpha: number;
    readonly lambdas: readonly number[];
    readonly together: number;
    /** Draws the subsets; the fresh ones have the next seed. */
    readonly seed: number;
    readonly fresh: number;
    /** Numbers of models to fit to, for the curve of LDS; the last is all of them. */
    readonly curve: readonly number[];
  };
  readonly forget: { readonly size: number; readonly seed: number; readonly sets: readonly ForgetSet[] };
  /** Originals, and golds of each forget set, in all: the seeds share them out. */
  readonly models: number;
  readonly tuning: { readonly trials: number; readonly models: number };
}

/** Part A: iterations that each method takes to the retrained ridge regression. */
export async function ridgePart(context: RunContext<Options>): Promise<void> {
  const { ridge } = context.options;
  await context.unit("ridge", async () => {
    for (const lambda of ridge.lambdas) {
      context.signal.throwIfAborted();
      const weights = await tuneRidge(ridge, lambda);
      for (let draw = 0; draw < ridge.draws; draw++) {
        const descend = await ridgeDescents(ridgeDraw(ridge, draw), lambda, ridge.steps, weights);
        for (const arm of Object.keys(ridgeArms) as RidgeArm[]) {
          const errors = await descend(arm);
          const steps = stepsTo(errors, ridge.goal);
          // A method that diverged has no error that could be written down.
          const least = errors.reduce((a, b) => (b < a ? b : a), Number.POSITIVE_INFINITY);
          const measures = {
            iterations: steps ?? ridge.steps,
            reached: steps === undefined ? 0 : 1,
            leastError: least,
          };
          context.record({ arm, seed: draw, setting: { lambda }, measures });
          for (const step of [0, ...logSpaced(ridge.steps, 60)]) {
            if (!(errors[step] < 10)) break;
            context.metric({ arm, seed: draw, step, setting: { lambda }, values: { error: errors[step] } });
          }
        }
      }
    }
  });
}

/** Trains the models behind the datamodels, and records their logits on all rows. */
export async function attribute(context: RunContext<Options>, fleets: Fleets): Promise<EstimatedDatamodels> {
  const { datamodels, bench } = context.options;
  return estimateDatamodels((subsets, first) => fleets.onSubsets("subset", subsets, first), {
    ...datamodels,
    examples: bench.trainRows,
    lambda: datamodels.lambdas[0],
    signal: context.signal,
  }).run(({ trained, total }) => context.progress(trained, total, "models on random subsets"));
}

/** The datamodels of the logits for any penalty, each fitted once. */
export function fitsOf(attribution: EstimatedDatamodels): Matched["datamodels"] {
  const { datamodels } = attribution;
  const fits = new Map([[datamodels.lambda, Promise.resolve(datamodels)]]);
  return (lambda) => {
    const fit = fits.get(lambda) ?? fitDatamodels(attribution, { lambda });
    fits.set(lambda, fit);
    return fit;
  };
}

/**
 * How well datamodels predict margins of test rows after training on fresh subsets: by the number of models behind them, with
 * the penalty that predicts held-out subsets best, and for all of them with the penalty that DMM has.
 */
export async function scoreAttribution(
  context: RunContext<Options>,
  fleets: Fleets,
  attribution: EstimatedDatamodels,
  dmmLambda: number,
): Promise<void> {
  const { alpha, fresh, curve, seed, together, lambdas } = context.options.datamodels;
  const examples = context.options.bench.trainRows;
  const test = Int32Array.from({ length: fleets.rows.x.shape[0] - examples }, (_, i) => examples + i);
  const margins = (logits: NDArray) => columns(fleets.margins(logits), test);
  await context.unit("LDS", async () => {
    const subsets = drawSubsets({ examples, count: fresh, alpha, seed: seed + 1 });
    const parts: NDArray[] = [];
    for (let first = 0; first < fresh; first += together)
      parts.push(margins(await fleets.onSubsets("fresh", subsets.slice(first, first + together), first)));
    const actual = pooled(parts);
    const all = margins(attribution.outputs);
    const score = async (models: number, penalty: string, lambda: number | readonly number[]) => {
      const outputs: NDArray = { ...all, data: all.data.slice(0, models * test.length), shape: [models, test.length] };
      const samples = { examples, subsets: attribution.subsets.slice(0, models), outputs };
      const fitted = await fitDatamodels(samples, { lambda });
      const predicted = pooled(subsets.map((rows) => ({ ...datamodelOutputs(fitted, rows), shape: [1, test.length] })));
      const measures = { lds: lds(predicted, actual), lambda: fitted.lambda };
      context.record({ arm: "datamodels", seed: context.seeds[0], setting: { models, penalty }, measures });
    };
    for (const models of curve) await score(models, "best on held-out subsets", lambdas);
    await score(attribution.subsets.length, "that of DMM", dmmLambda);
  });
}

/** The best of the configurations drawn for each arm, on originals and forget sets that serve nothing else. */
export async function tuneArms(
  context: RunContext<Options>,
  fleets: Fleets,
  datamodels: Matched["datamodels"],
): Promise<Record<TrainedArm, Drawn>> {
  const { forget, tuning } = context.options;
  const cells = await Promise.all(
    forget.sets.map((set) => openCell({ fleets, datamodels, set, first: tuningSeed * 100, count: tuning.models })),
  );
  const spaces = spacesOf(sizesOf(fleets), context.options.datamodels.lambdas);
  const chosen: [TrainedArm, Drawn][] = [];
  for (const arm of trainedArms) {
    const best = await context.unit(`tuning, ${arm}`, async () => {
      let winner: { score: number; options: Drawn } | undefined;
      const configurations = drawConfigurations({ name: arm, space: spaces[arm] }, tuning.trials);
      for (const [step, options] of configurations.entries()) {
        const scores: number[] = [];
        for (const cell of cells) {
          const fleet = await cell.unlearned(arm, options);
          if (!fleet) continue;
          const { klomForget, klomRetain, klomVal } = klomMeasures(cell.klom(fleet.logits));
          scores.push((klomForget + klomRetain + klomVal) / 3);
        }
        context.progress(step + 1, tuning.trials, `tuning, ${arm}`);
        if (scores.length < cells.length) continue;
        const score = mean(scores);
        context.metric({ arm, seed: tuningSeed, step, values: { tuningScore: score } });
        if (score < (winner?.score ?? Number.POSITIVE_INFINITY)) winner = { score, options };
      }
      if (!winner) throw new HebbError(`${arm}: all ${tuning.trials} configurations diverged.`);
      return winner.options;
    });
    chosen.push([arm, best]);
  }
  return Object.fromEntries(chosen) as Record<TrainedArm, Drawn>;
}

/** Every arm on every forget set: for the models of each seed, and for all of them together. */
export async function compareArms(
  context: RunContext<Options>,
  fleets: Fleets,
  datamodels: Matched["datamodels"],
  chosen: Record<TrainedArm, Drawn>,
): Promise<void> {
  const { seeds, options } = context;
  const { sets } = options.forget;
  const arms = [...trainedArms, "original", "floor", "dmDirect"] as const;
  const outcome = async (cell: Cell, arm: (typeof arms)[number]): Promise<Outcome | undefined> => {
    if (arm === "original" || arm === "floor") return { logits: cell[arm] };
    if (arm === "dmDirect") return { logits: await cell.dmDirect(chosen.dmm.lambda as number) };
    return cell.unlearned(arm, chosen[arm]);
  };

  for (const [s, set] of sets.entries()) {
    const cells = await Promise.all(
      groupsOf(options.models, seeds.length).map((group) => openCell({ fleets, datamodels, set, ...group })),
    );
    for (const [g, cell] of cells.entries()) {
      await context.unit(`${set}, seed ${seeds[g]}`, async () => {
        for (const arm of arms) {
          const found = await outcome(cell, arm);
          if (!found) {
            context.log(`${arm} diverged on the ${set} set, seed ${seeds[g]}`);
            continue;
          }
          const { passes = 0, steps = 0 } = found.cost ?? {};
          context.meter.step(passes * cell.original.shape[0], 64 * options.bench.hidden + options.bench.hidden * 10);
          const measures = { ...klomMeasures(cell.klom(found.logits)), passes, steps };
          context.record({ arm, seed: seeds[g], setting: { set, models: "of a seed" }, measures });
        }
      });
      context.progress(s * cells.length + g + 1, sets.length * cells.length, `${set}, seed ${seeds[g]}`);
    }
    await context.unit(`${set}, all models`, async () => {
      const gold = fleets.margins(pooled(cells.map((cell) => cell.gold)));
      const forgetKlom: Partial<Record<(typeof arms)[number], number[][]>> = {};
      for (const arm of arms) {
        const found = await Promise.all(cells.map((cell) => outcome(cell, arm)));
        if (!found.every((outcome) => outcome !== undefined)) continue;
        const margins = fleets.margins(pooled(found.map(({ logits }) => logits)));
        const measures = klomMeasures(klomOf(gold, margins, cells[0].groups));
        context.record({ arm, seed: seeds[0], setting: { set, models: "all" }, measures });
        forgetKlom[arm] = found.map(({ logits }, g) => [...cells[g].klom(logits).forget]);
      }
      const { dmm } = forgetKlom;
      for (const against of baselines) {
        const theirs = forgetKlom[against];
        if (!dmm || !theirs) continue;
        const gain = rowsAndModelsBootstrap(theirs.map((own, g) => own.map((value, row) => value - dmm[g][row])));
        const measures = { gain: gain.mean, gainLow: gain.low, gainHigh: gain.high };
        context.record({ arm: "dmm", seed: seeds[0], setting: { set, against }, measures });
      }
    });
  }
}

type Outcome = Pick<UnlearnedFleet, "logits"> & Partial<UnlearnedFleet>;

/** The models' numbers, shared out among so many groups. */
function groupsOf(models: number, groups: number): { first: number; count: number }[] {
  const start = (g: number) => Math.round((g * models) / groups);
  return Array.from({ length: groups }, (_, g) => ({ first: start(g), count: start(g + 1) - start(g) }));
}
