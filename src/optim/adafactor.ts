import { mean } from "../engine/composites/statistics.js";
import { add, div, maximum, minimum, mul, pow, sqrt, sub } from "../engine/primitives/elementwise.js";
import { zeros } from "../engine/primitives/structure.js";
import type { Tensor } from "../engine/tensor.js";
import { treeLeaves } from "../engine/tree.js";
import { clipByBlockRms } from "./clip.js";
import { type DescentOptions, descent } from "./descent.js";
import { chain, type Optimizer } from "./optimizer.js";
import { firstStep, inDType, perDType } from "./scalars.js";
import type { Schedule } from "./schedules.js";
import { mapTree } from "./trees.js";

/** The second moment of one parameter: of rows and columns of a matrix, of every entry of a vector. */
export type FactoredMoment = { readonly rows: Tensor; readonly columns: Tensor } | { readonly entries: Tensor };

export interface FactoredState {
  readonly step: Tensor;
  /** One for each parameter, in the order of `flattenTree`. */
  readonly moments: readonly FactoredMoment[];
}

export interface ScaleByFactoredRmsOptions {
  /** The second moments' memory at step t is 1 - t^-decay. Default 0.8. */
  readonly decay?: number;
  /** Added to squared gradients. Default 1e-30. */
  readonly epsilon?: number;
}

export interface AdafactorOptions extends ScaleByFactoredRmsOptions, Partial<DescentOptions> {
  /** The largest root mean square of a tensor's update, before the learning rate. Default 1. */
  readonly clip?: number;
  /** The smallest size that a parameter counts as having. Default 0.001. */
  readonly least?: number;
}

/**
 * Gradients divided by their root mean square, of which only row and column means are kept for a tensor of rank 2 or
 * more (over its last two axes): V = R C / mean(R) for R, C the moving averages of the mean of g^2 over columns and rows
 * (Shazeer and Stern, 2018, sections 3 and 7).
 */
export function scaleByFactoredRms(options: ScaleByFactoredRmsOptions = {}): Optimizer<FactoredState> {
  const { decay = 0.8, epsilon = 1e-30 } = options;
  return {
    init: (params) => ({
      step: firstStep(),
      moments: treeLeaves(params).map(({ shape, dtype }) =>
        shape.length < 2
          ? { entries: zeros(shape, dtype) }
          : {
              rows: zeros([...shape.slice(0, -1), 1], dtype),
              columns: zeros([...shape.slice(0, -2), 1, shape[shape.length - 1]], dtype),
            },
      ),
    }),
    update(grads, state) {
      const step = add(state.step, 1);
      const share = perDType((dtype) => pow(inDType(step, dtype), -decay));
      const moments: FactoredMoment[] = [];
      const updates = mapTree((g: Tensor) => {
        const old = state.moments[moments.length];
        const squares = add(mul(g, g), epsilon);
        const average = (m: Tensor, x: Tensor) => add(m, mul(sub(x, m), share(g.dtype)));
        if ("entries" in old) {
          const entries = average(old.entries, squares);
          moments.push({ entries });
          return div(g, sqrt(entries));
        }
        const rows = average(old.rows, mean(squares, -1, { keepDims: true }));
        const columns = average(old.columns, mean(squares, -2, { keepDims: true }));
        moments.push({ rows, columns });
        // Rows are normalised first: the product of two tiny numbers would be zero.
        return div(div(g, sqrt(div(rows, mean(rows, -2, { keepDims: true })))), sqrt(columns));
      }, grads);
      return [updates, { step, moments }];
    },
  };
}

/** Each update times max(least, root mean square of its parameter): steps relative to the parameter's size. */
export const scaleByParameterRms = (least = 1e-3): Optimizer<Record<string, never>> => ({
  init: () => ({}),
  update: (grads, state, params) => [
    mapTree((u, p) => mul(u, sqrt(maximum(mean(mul(p, p)), least ** 2))), grads, params),
    state,
  ],
});

/** The smaller of 0.01 and 1 / sqrt(t), for t from 1. */
const relativeStep: Schedule = (step) => minimum(pow(add(step, 1), -0.5), 0.01);

/**
 * Adam's steps with the memory of plain gradient descent (Shazeer and Stern, 2018): with u = g / sqrt(V), V factored,
 *
 *     p <- p - rate_t (max(least, rms(p)) u / max(1, rms(u) / clip) + weightDecay p)
 *
 * `learningRate` is relative to the parameters' size: min(0.01, 1 / sqrt(t)) unless given.
 * `trainStep(loss, adafactor())`
 */
export const adafactor = ({ clip = 1, least, ...options }: AdafactorOptions = {}): Optimizer =>
  descent(chain(scaleByFactoredRms(options), clipByBlockRms(clip), scaleByParameterRms(least)), {
    learningRate: relativeStep,
    ...options,
  });
