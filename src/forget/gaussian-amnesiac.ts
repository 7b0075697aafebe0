import { HebbError, hostRandom, type NDArray } from "../engine/index.js";
import { adam } from "../optim/index.js";
import { meanLoss } from "./baselines.js";
import { rowBatches } from "./batches.js";
import { checkTargets } from "./blindspot.js";
import { joinRows } from "./rows.js";
import type { Unlearner } from "./unlearn.js";
import { gradientUpdate } from "./update.js";

export interface GaussianAmnesiacOptions {
  readonly epochs: number;
  /** Adam's. */
  readonly learningRate: number;
  readonly batchSize: number;
  /** Of the normal distribution that new targets come from; by default the mean of all training targets ... */
  readonly mean?: number;
  /** ... and their standard deviation, with n - 1. */
  readonly sd?: number;
}

/**
 * Gaussian amnesiac unlearning, for regression: every row to forget gets a target drawn once from Normal(mean, sd), and the
 * model goes on training on all rows, these wrong ones among them. Draws are not clipped, and do not change between epochs.
 *
 * Throws `HebbError` when the labels are classes, or not one number for each row. Source: Tarun, Chundawat, Mandal,
 * Kankanhalli, "Deep Regression Unlearning", ICML 2023.
 */
export const gaussianAmnesiac: Unlearner<GaussianAmnesiacOptions> = {
  name: "Gaussian amnesiac",
  defaults: { epochs: 1, learningRate: 1e-3, batchSize: 256 },
  needs: () => ["labels", "perExampleLoss", "retain"],
  run(view, { epochs, learningRate, batchSize, mean, sd }, session) {
    const { forget, retain, seed } = view;
    const all = momentsOf(joinRows("training set", forget, retain).y);
    const normal = { mean: mean ?? all.mean, sd: sd ?? all.sd };
    const wrong = { ...forget, y: drawTargets(forget.y, normal, seed) };
    return session.descend("unlearn", {
      params: view.params,
      update: gradientUpdate(meanLoss(view), adam({ learningRate })),
      batches: rowBatches(joinRows("training set with drawn targets", wrong, retain), { batchSize, epochs, seed }),
    });
  },
};

interface Moments {
  readonly mean: number;
  readonly sd: number;
}

/** Mean and standard deviation (with n - 1) of targets. */
function momentsOf(y: NDArray): Moments {
  checkTargets("Gaussian amnesiac", y.dtype);
  if (y.shape.length !== 1)
    throw new HebbError(`Gaussian amnesiac: the targets must be one number for each row, got [${y.shape}].`);
  const values = y.data as Float32Array;
  const n = values.length;
  const centre = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return { mean: centre, sd: Math.sqrt(squares / (n - 1)) };
}

function drawTargets(y: NDArray, { mean, sd }: Moments, seed: number): NDArray {
  const draw = hostRandom(seed).fork("gaussian amnesiac");
  return { ...y, data: (y.data as Float32Array).map(() => mean + sd * draw.normal()) };
}
