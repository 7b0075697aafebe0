/** Layers and models as pure functions of trees, losses, and the training loop. */
export { type Activation, activationOf } from "./activations.js";
export { type AttentionOptions, type AttentionParams, attention } from "./attention.js";
export { type CnnOptions, type CnnParams, cnn } from "./cnn.js";
export { type ConvParams, conv2d } from "./conv2d.js";
export { dropout } from "./dropout.js";
export { type EmbeddingParams, embedding } from "./embedding.js";
export { type Fit, type FitOptions, type FitStep, type Fitted, fit } from "./fit.js";
export { type GptBlockParams, type GptOptions, type GptParams, gpt } from "./gpt.js";
export {
  constant,
  type Fan,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  type Init,
  type Initializer,
  kaimingUniform,
  lecunNormal,
  normal,
  uniform,
} from "./initializers.js";
export { type LayerOptions, type LinearParams, linear } from "./linear.js";
export { accuracy, binaryCrossEntropy, correct, meanSquaredError } from "./losses.js";
export { flattenRows, type MlpOptions, type MlpParams, mlp } from "./mlp.js";
export { countParameters, type Model } from "./model.js";
export { type BatchNorm, type BatchNormState, batchNorm, layerNorm, type NormParams } from "./norms.js";
export { sequential } from "./sequential.js";
export { type Stepped, trainStep } from "./train-step.js";
