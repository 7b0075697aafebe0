/** How and when networks grok, memorise and align: the methods of the family `phenomena` (`hebb/phenomena`). */
export { exactPolyTestLoss, featureAlignment, type PolyTestLoss, polyTestLossOfMoments } from "./exact-test-loss.js";
export { type GrokLag, type GrokLagOptions, grokLag, type LossCurve } from "./grok-lag.js";
export { type KernelLaziness, type Laziness, laziness } from "./laziness.js";
export { linearise } from "./linearise.js";
export { type AlignmentOptions, kernelTaskAlignment, type NtkOptions, ntk } from "./ntk.js";
export { type Centred, type OutputScaleOptions, outputScaled, scaledLr } from "./output-scale.js";
export {
  type PolyRegressionOptions,
  type PolyRegressionTask,
  polyRegressionTask,
  type QuadraticStudentOptions,
  quadraticStudent,
  quadraticStudentKernel,
  type StudentMoments,
  type StudentParams,
  studentMoments,
} from "./poly-regression.js";
