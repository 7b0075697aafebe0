/**
 * Pruning (`hebb/compress`): masks over any parameter tree, training that respects them, and the procedures that find
 * them.
 */

export { applyMask, type WeightMask } from "../nn/index.js";
export { earlyStopIteration, type ValidationPoint } from "./early-stop.js";
export {
  collectRounds,
  type IterativePruneOptions,
  iterativeMagnitudePrune,
  type PruneRound,
  type Trained,
  type TrainJob,
} from "./lottery.js";
export {
  type MagnitudeOptions,
  magnitudeMask,
  oneShotMask,
  type PerTensor,
  type PruneScope,
  survivors,
} from "./magnitude.js";
export {
  biasesAndNorms,
  type Density,
  type Exclude,
  fullMask,
  maskDensity,
  randomMaskLike,
  type TensorDensity,
} from "./mask.js";
export { packMask, unpackMask } from "./pack.js";
export { keepPerRound, type PruneRates } from "./rates.js";
export { reinitLike } from "./reinit.js";
export { stackTrees, unstackTree } from "./stacked.js";
export { type SynflowOptions, synflowMask, synflowScores } from "./synflow.js";
export {
  type MaskedProgress,
  type MaskedStep,
  maskedStep,
  type TrainMaskedOptions,
  trainMasked,
} from "./train.js";
