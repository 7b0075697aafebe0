/** Optimisers as pure pairs `{ init, update }` that chain, schedules, averages of parameters, and full-batch methods. */
export { type AccumulateState, accumulate } from "./accumulate.js";
export { adabelief, type ScaleByBeliefOptions, scaleByBelief } from "./adabelief.js";
export { type AdadeltaState, adadelta, type ScaleByAdadeltaOptions, scaleByAdadelta } from "./adadelta.js";
export {
  type AdafactorOptions,
  adafactor,
  type FactoredMoment,
  type FactoredState,
  type ScaleByFactoredRmsOptions,
  scaleByFactoredRms,
  scaleByParameterRms,
} from "./adafactor.js";
export { type AdagradState, adagrad, type ScaleByAdagradOptions, scaleByAdagrad } from "./adagrad.js";
export {
  type AdamOptions,
  type AdamState,
  type AdamWOptions,
  adam,
  adamW,
  type ScaleByAdamOptions,
  scaleByAdam,
} from "./adam.js";
export { adamax, scaleByAdamax } from "./adamax.js";
export { adaptiveClip } from "./adaptive-clip.js";
export { type ApplyIfState, allFinite, applyIf, applyIfFinite } from "./apply-if.js";
export { type Average, type AveragedState, type AverageState, averaged, ema, swa } from "./average.js";
export { centralise } from "./centralise.js";
export { clipByBlockRms, clipByGlobalNorm, clipByValue, globalNorm } from "./clip.js";
export type { DescentOptions } from "./descent.js";
export { gradientDescent } from "./gradient-descent.js";
export { type HyperparamsState, injectHyperparams } from "./hyperparams.js";
export { type LambOptions, lamb } from "./lamb.js";
export { type LarsOptions, lars } from "./lars.js";
export { type LbfgsOptions, lbfgs } from "./lbfgs.js";
export { type StepState, scale, scaleByLearningRate } from "./learning-rate.js";
export { armijo, type LinePoint, type LineSearchOptions, type WolfeOptions, wolfe } from "./line-search.js";
export { type LionState, lion, type ScaleByLionOptions, scaleByLion } from "./lion.js";
export { type LookaheadOptions, type LookaheadState, lookahead } from "./lookahead.js";
export { freeze, type Mask, masked, resolveMask } from "./mask.js";
export type { MinimizeOptions, MinimizeRecord, MinimizeStep, Minimum, StopReason } from "./minimize.js";
export type { MomentsState, ScaleByMomentsOptions } from "./moments.js";
export { type MomentumState, momentum } from "./momentum.js";
export { type NadamState, nadam, type ScaleByNadamOptions, scaleByNadam } from "./nadam.js";
export { addNoise, type NoiseOptions, type NoiseState, noisySgd } from "./noise.js";
export { applyUpdates, chain, type Optimizer } from "./optimizer.js";
export { partition } from "./partition.js";
export type { Prefix } from "./prefix.js";
export { type Procedure, procedure } from "./procedure.js";
export { radam, scaleByRadam } from "./radam.js";
export { type RmspropOptions, type RmsState, rmsprop, type ScaleByRmsOptions, scaleByRms } from "./rmsprop.js";
export { type SamOptions, sam } from "./sam.js";
export * as schedules from "./schedules.js";
export { type Rate, type Schedule, scheduleAt } from "./schedules.js";
export { type SgdOptions, sgd } from "./sgd.js";
export { scaleBySign, signSgd } from "./sign-sgd.js";
export { scaleByTrustRatio, type TrustRatioOptions } from "./trust-ratio.js";
export { addDecayedWeights } from "./weight-decay.js";
