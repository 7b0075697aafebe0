/** Layers and models as pure functions of trees, losses, and the training loop. */
export {
  type Activation,
  activationOf,
  hardShrink,
  hardSigmoid,
  hardSwish,
  hardTanh,
  mish,
  prelu,
  relu6,
  selu,
  softShrink,
  softsign,
  tanhShrink,
} from "./activations.js";
export { type Attention, type AttentionOptions, type AttentionParams, attention } from "./attention.js";
export type { AttentionCache } from "./attention-cache.js";
export { type BilinearParams, bilinear } from "./bilinear.js";
export {
  type Cell,
  type CellOptions,
  type CellParams,
  gruCell,
  type HiddenState,
  type LstmState,
  lstmCell,
  rnnCell,
} from "./cells.js";
export { type CnnOptions, type CnnParams, cnn } from "./cnn.js";
export {
  type ConvParams,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  depthwiseConv2d,
} from "./conv.js";
export { type DdimOptions, type DdimPath, ddim, guidedNoise, type NoisePredictor } from "./ddim.js";
export { type DeepSets, type DeepSetsOptions, type DeepSetsParams, deepSets } from "./deep-sets.js";
export {
  addNoise,
  cosineSchedule,
  type Denoiser,
  type NoiseSchedule,
  noisePredictionLoss,
  noiseSchedule,
} from "./diffusion.js";
export { causalMask, type DotProductOptions, dotProductAttention, paddingMask } from "./dot-product-attention.js";
export { dropout, dropPath, spatialDropout } from "./dropout.js";
export { type EmbeddingParams, embedding } from "./embedding.js";
export { type FeedForward, type FeedForwardOptions, type FeedForwardParams, feedForward } from "./feed-forward.js";
export { type Fit, type FitOptions, type FitStep, type Fitted, fit } from "./fit.js";
export { frechetDistance } from "./frechet.js";
export { type GatConvOptions, type GatOptions, type GatParams, gat, gatConv } from "./gat.js";
export { geglu, glu, swiglu } from "./gated.js";
export { type GcnOptions, type GcnParams, type GraphModel, gcn, gcnConv } from "./gcn.js";
export { type GenerateOptions, generate, type SampleOptions, sampleToken } from "./generate.js";
export { type Gpt, type GptBlockParams, type GptCache, type GptOptions, type GptParams, gpt } from "./gpt.js";
export {
  type Aggregate,
  batchGraphs,
  type Graph,
  type GraphBatch,
  passMessages,
  readout,
  withSelfLoops,
} from "./graph.js";
export {
  constant,
  deltaOrthogonal,
  type Fan,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  type Init,
  type Initializer,
  identity,
  kaimingUniform,
  lecunNormal,
  normal,
  orthogonal,
  truncatedNormal,
  uniform,
} from "./initializers.js";
export { type LayerOptions, type LinearParams, linear } from "./linear.js";
export {
  binaryCrossEntropy,
  cosineEmbedding,
  cosineSimilarity,
  hinge,
  huber,
  klDivergence,
  type LabelOptions,
  meanAbsoluteError,
  meanSquaredError,
  multiClassHinge,
  negativeLogLikelihood,
  softmaxCrossEntropy,
  tripletLoss,
} from "./losses.js";
export {
  accuracy,
  type ClassScores,
  classScores,
  confusionMatrix,
  correct,
  expectedCalibrationError,
  perplexity,
  topKAccuracy,
} from "./metrics.js";
export { type MixerOptions, type MixerParams, mixer } from "./mixer.js";
export { flattenRows, type MlpOptions, type MlpParams, mlp } from "./mlp.js";
export { countParameters, type Model, type StatefulModel, type Training } from "./model.js";
export {
  type AttendOptions,
  type MultiHeadAttention,
  type MultiHeadOptions,
  type MultiHeadParams,
  multiHeadAttention,
} from "./multi-head-attention.js";
export {
  type BatchNorm,
  type BatchNormState,
  batchNorm,
  groupNorm,
  instanceNorm,
  layerNorm,
  type NormParams,
  rmsNorm,
  type ScaleParams,
} from "./norms.js";
export { type PatchEmbedding, patchEmbedding } from "./patches.js";
export { adaptiveAvgPool, globalMaxPool } from "./pooling.js";
export { alibi, rotary, sinusoidal } from "./positions.js";
export {
  gru,
  lstm,
  type Recurrent,
  type RecurrentOptions,
  type RecurrentParams,
  type RecurrentState,
  type RunOptions,
  recurrent,
  rnn,
} from "./recurrent.js";
export {
  cifarResnet,
  type ResnetOptions,
  type ResnetParams,
  type ResnetState,
  resnet,
  resnet18,
  resnet34,
} from "./resnet.js";
export {
  type Transformer,
  type TransformerInput,
  type TransformerOptions,
  type TransformerParams,
  transformer,
} from "./seq2seq.js";
export { sequential } from "./sequential.js";
export { type Summary, type SummaryRow, summary } from "./summary.js";
export {
  initMany,
  type SteppedMany,
  type TrainedMany,
  type TrainManyOptions,
  type TrainManyStep,
  trainMany,
  trainManyStep,
  trainManySteps,
  unstack,
} from "./train-many.js";
export { type Stepped, type SteppedStateful, statefulTrainStep, trainStep } from "./train-step.js";
export {
  type BlockOptions,
  type DecoderBlock,
  type DecoderBlockParams,
  type DecoderOptions,
  decoderBlock,
  type EncoderBlock,
  type EncoderBlockParams,
  type EncoderOptions,
  encoderBlock,
  type StackOptions,
  type StackParams,
  transformerDecoder,
  transformerEncoder,
} from "./transformer.js";
export { type Unet, type UnetOptions, type UnetParams, unet } from "./unet.js";
export { type Vit, type VitOptions, type VitParams, vit } from "./vit.js";
export { applyMask, type WeightMask, withMask } from "./weight-mask.js";
export { type SpectralNormState, spectralNorm, type WeightNormParams, weightNorm } from "./weight-norms.js";
