import { add, mul } from "../engine/primitives/elementwise.js";
import { zeros } from "../engine/primitives/structure.js";
import type { Tensor } from "../engine/tensor.js";
import { treeMap } from "../engine/tree.js";
import type { Optimizer } from "./optimizer.js";
import { perDType, rateAt, times } from "./scalars.js";
import type { Schedule } from "./schedules.js";

/** How many steps were taken, float32 scalar; absent when nothing depends on it. */
export interface StepState {
  readonly step?: Tensor;
}

/** The step count before the first step. */
export const firstStep = (): Tensor => zeros([], "float32");

/** Updates times `factor`, a number or a schedule. */
export function scale(factor: number | Schedule): Optimizer<StepState> {
  return scaleBy(factor, 1);
}

/** Updates times -`learningRate`: the last link of a chain, which turns ascent directions into descent steps. */
export function scaleByLearningRate(learningRate: number | Schedule): Optimizer<StepState> {
  return scaleBy(learningRate, -1);
}

function scaleBy(factor: number | Schedule, sign: number): Optimizer<StepState> {
  const counts = typeof factor !== "number";
  return {
    init: () => (counts ? { step: firstStep() } : {}),
    update(grads, { step }) {
      const at = perDType((dtype) => times(counts ? rateAt(factor, step!, dtype) : factor, sign));
      const updates = treeMap((g) => mul(g, at(g.dtype)), grads) as typeof grads;
      return [updates, counts ? { step: add(step!, 1) } : {}];
    },
  };
}
