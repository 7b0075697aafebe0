import { add, mul } from "../engine/primitives/elementwise.js";
import type { Tensor } from "../engine/tensor.js";
import type { Optimizer } from "./optimizer.js";
import { firstStep, perDType, rateAt, times } from "./scalars.js";
import type { Rate } from "./schedules.js";
import { mapTree } from "./trees.js";

/** How many steps were taken, float32 scalar; absent when nothing depends on it. */
export interface StepState {
  readonly step?: Tensor;
}

/** Updates times `factor`: a number, a scalar tensor or a schedule. */
export function scale(factor: Rate): Optimizer<StepState> {
  return scaleBy(factor, 1);
}

/** Updates times -`learningRate`: the last link of a chain, which turns ascent directions into descent steps. */
export function scaleByLearningRate(learningRate: Rate): Optimizer<StepState> {
  return scaleBy(learningRate, -1);
}

function scaleBy(factor: Rate, sign: number): Optimizer<StepState> {
  const counts = typeof factor === "function";
  return {
    init: () => (counts ? { step: firstStep() } : {}),
    update(grads, { step }) {
      const at = perDType((dtype) => times(rateAt(factor, step!, dtype), sign));
      const updates = mapTree((g) => mul(g, at(g.dtype)), grads);
      return [updates, counts ? { step: add(step!, 1) } : {}];
    },
  };
}
