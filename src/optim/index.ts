/** Optimisers as pure pairs `{ init, update }` that chain, and learning-rate schedules. */
export { type AdamOptions, type AdamState, type AdamWOptions, adam, adamW, scaleByAdam } from "./adam.js";
export { clipByGlobalNorm, globalNorm } from "./clip.js";
export { type StepState, scale, scaleByLearningRate } from "./learning-rate.js";
export { type Mask, masked, resolveMask } from "./mask.js";
export { type MomentumState, momentum } from "./momentum.js";
export { applyUpdates, chain, type Optimizer } from "./optimizer.js";
export * as schedules from "./schedules.js";
export { type Schedule, scheduleAt } from "./schedules.js";
export { type SgdOptions, sgd } from "./sgd.js";
export { addDecayedWeights } from "./weight-decay.js";
