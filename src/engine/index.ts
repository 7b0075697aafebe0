/** Tensors, operations, transforms and execution: the engine of Hebb. */
export { customGradient, type GradOptions, grad, valueAndGrad, vjp } from "./autodiff.js";
export * from "./composites/activations.js";
export * from "./composites/arrays.js";
export { logNoncentralChiSquare } from "./composites/chi-square.js";
export { einsum } from "./composites/einsum.js";
export * from "./composites/elementary.js";
export { betaln, digamma, lgamma, polygamma, trigamma } from "./composites/gamma.js";
export * from "./composites/matrices.js";
export { erfc, erfcx, erfinv, logNormalCdf, normalCdf, normalPpf } from "./composites/normal.js";
export { batchNorm, channelMoments, layerNorm, type Moments, ownMomentsNorm } from "./composites/norms.js";
export { type AvgPoolOptions, avgPool, globalAvgPool } from "./composites/pooling.js";
export { gaussHermite, type Quadrature } from "./composites/quadrature.js";
export { all, any, countNonzero, median, prod, quantile } from "./composites/reductions.js";
export { type ResizeOptions, resize } from "./composites/resize.js";
export { cummax, cumprod, logCumSumExp } from "./composites/scans.js";
export {
  segmentMax,
  segmentMean,
  segmentMin,
  segmentSoftmax,
  segmentSum,
  setAt,
} from "./composites/segments.js";
export { crossEntropy, logSoftmax, logSumExp, oneHot, softmax } from "./composites/softmax.js";
export { mean, norm, std, variance } from "./composites/statistics.js";
export { roundStraightThrough, straightThrough } from "./composites/straight-through.js";
export { acos, acosh, asin, asinh, atan2, atanh, cosh, sinh, tan } from "./composites/trigonometry.js";
export { checkpoint } from "./control/checkpoint.js";
export { cond } from "./control/cond.js";
export { type HostFunction, type OpaqueOptions, opaque } from "./control/opaque.js";
export { type ScanOptions, scan } from "./control/scan.js";
export { fori, whileLoop } from "./control/while.js";
export type { DType, NDArray, TypedArray } from "./dtype.js";
export { HebbError, ShapeError } from "./errors.js";
export { type Arithmetic, type Cost, costOf, type OperationCost } from "./inspect/cost.js";
export { mermaidGraph, printGraph } from "./inspect/graph.js";
export { findNonFinite, type NonFinite } from "./inspect/nonfinite.js";
export { siteOf, withSites } from "./inspect/sites.js";
export { hessian, type JacobianOptions, jacobian } from "./jacobian.js";
export { type Feed, type JitOptions, type Jitted, jit } from "./jit.js";
export * as linalg from "./linalg/index.js";
export { hvp, jvp, linearize, linearTranspose } from "./linearize.js";
export {
  assertLocal,
  assertNoGradient,
  type GradientPath,
  type GradientStep,
  gradientPaths,
} from "./locality.js";
export { moveAxis } from "./primitives/batching.js";
export { type ConvOptions, conv, convTranspose } from "./primitives/conv.js";
export {
  abs,
  add,
  and,
  atan,
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
  heaviside,
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
export { argsort, gather, putAlongAxis, scatterAdd, sort, takeAlongAxis, topK } from "./primitives/indexing.js";
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
export { type FixedPointOptions, fixedPoint } from "./solvers/fixed-point.js";
export { type OdeOptions, odeSolve } from "./solvers/ode.js";
export { ravel } from "./solvers/ravel.js";
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
export { type AxisTree, type VmapOptions, vmap } from "./vmap.js";
