/** Dense linear algebra in float64 on the host, with large products on the backend; and iterative methods. */
export { cholesky, choleskySolve, logdet } from "./cholesky.js";
export { type Eigendecomposition, eigh, eigvalsh } from "./eigh.js";
export { expm, matrixPower } from "./functions.js";
export {
  type ConjugateGradientOptions,
  type ConjugateGradientResult,
  conjugateGradient,
} from "./iterative/conjugate-gradient.js";
export {
  hutchinsonTrace,
  type TopEigenvalues,
  type TopEigenvaluesOptions,
  type TraceEstimate,
  topEigenvalues,
} from "./iterative/estimates.js";
export {
  type LanczosOptions,
  type LanczosResult,
  lanczos,
  lanczosQuadrature,
  type Spectrum,
  type SpectrumOptions,
} from "./iterative/lanczos.js";
export type { LinearMap } from "./iterative/vectors.js";
export { lstsq, pinv, type RankOptions } from "./least-squares.js";
export { det, inv, type LU, lu, slogdet, solve } from "./lu.js";
export { cond, matrixRank, norm } from "./norms.js";
export { type QRMode, qr } from "./qr.js";
export { type SVD, svd, svdvals } from "./svd.js";
export { solveTriangular, type TriangularOptions } from "./triangular.js";
