/** Tensors, operations, transforms and execution: the engine of Hebb. */
export { customGradient, type GradOptions, grad, hvp, jvp, valueAndGrad, vjp } from "./autodiff.js";
export * from "./composites/activations.js";
export { batchNorm, channelMoments, layerNorm, type Moments } from "./composites/norms.js";
export { avgPool, globalAvgPool } from "./composites/pooling.js";
export { crossEntropy, logSoftmax, logSumExp, oneHot, softmax } from "./composites/softmax.js";
export { mean, norm, variance } from "./composites/statistics.js";
export type { DType, NDArray, TypedArray } from "./dtype.js";
export { HebbError, ShapeError } from "./errors.js";
export { type Feed, type JitOptions, type Jitted, jit } from "./jit.js";
export { moveAxis } from "./primitives/batching.js";
export { type ConvOptions, conv, convTranspose } from "./primitives/conv.js";
export {
  abs,
  add,
  and,
  bitAnd,
  bitOr,
  bitXor,
  cos,
  div,
  equal,
  erf,
  exp,
  floor,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  maximum,
  minimum,
  mod,
  mul,
  neg,
  not,
  notEqual,
  or,
  pow,
  relu,
  round,
  shiftLeft,
  shiftRight,
  sigmoid,
  sign,
  sin,
  sqrt,
  square,
  sub,
  tanh,
  where,
} from "./primitives/elementwise.js";
export { argsort, gather, putAlongAxis, scatterAdd, sort, takeAlongAxis } from "./primitives/indexing.js";
export { dot, matmul } from "./primitives/matmul.js";
export { maxPool, type PoolOptions } from "./primitives/pool.js";
export { argmax, argmin, cumsum, max, min, sum } from "./primitives/reduce.js";
export {
  arange,
  broadcastTo,
  cast,
  concat,
  expandDims,
  flatten,
  flip,
  full,
  ones,
  pad,
  reshape,
  slice,
  sliceAxis,
  squeeze,
  stack,
  stopGradient,
  swapAxes,
  transpose,
  zeros,
} from "./primitives/structure.js";
export { type HostRandom, hostRandom } from "./random/host.js";
export * as random from "./random/index.js";
export { realise } from "./run.js";
export type { Backend, BackendOptions, DeviceValue, Executable, Signature } from "./runtime/backend.js";
export { setBackend } from "./runtime/index.js";
export { type Nested, type Operand, Tensor, tensor } from "./tensor.js";
export {
  flattenTree,
  type Tree,
  type TreeDef,
  type TreeLike,
  treeEntries,
  treeLeaves,
  treeMap,
  unflattenTree,
} from "./tree.js";
export { type VmapOptions, vmap } from "./vmap.js";
