import { spearman } from "../data/index.js";
import { HebbError, type NDArray } from "../engine/index.js";

/**
 * The linear datamodelling score: how well an attribution predicts what training on other subsets gives. For each output,
 * Spearman's correlation over subsets between predicted and actual values; the mean over outputs.
 *
 * `predicted` and `actual` are [subsets, outputs], of subsets that took no part in the estimation. An output that is the
 * same for all subsets on one side says nothing and counts as 0. Throws `HebbError` when the shapes differ or there are
 * fewer than two subsets.
 *
 * Source: Park, Georgiev, Ilyas, Leclerc, Madry, "TRAK: Attributing Model Behavior at Scale", 2023.
 */
export function lds(predicted: NDArray, actual: NDArray): number {
  const [subsets, outputs] = predicted.shape;
  if (predicted.shape.length !== 2 || actual.shape[0] !== subsets || actual.shape[1] !== outputs)
    throw new HebbError(`lds: both must be [subsets, outputs], got [${predicted.shape}] and [${actual.shape}].`);
  if (subsets < 2) throw new HebbError(`lds: a correlation needs two subsets at least, got ${subsets}.`);
  const column = (of: NDArray, output: number) =>
    Float64Array.from({ length: subsets }, (_, s) => Number(of.data[s * outputs + output]));
  let sum = 0;
  for (let k = 0; k < outputs; k++) sum += spearman(column(predicted, k), column(actual, k)) || 0;
  return sum / outputs;
}
