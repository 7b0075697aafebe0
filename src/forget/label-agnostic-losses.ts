import { add, div, exp, logSumExp, mul, sub, sum, type Tensor } from "../engine/index.js";
import { cosineSimilarity } from "../nn/index.js";

/**
 * exp(m / (m + 1)): errors m >= 0 of any size in [1, e), so that no row can push for ever.
 *
 * Source: Shen et al., "Label-Agnostic Forgetting", ICLR 2024.
 */
export const squashError = (error: Tensor): Tensor => exp(div(error, add(error, 1)));

/**
 * What label-agnostic forgetting asks of the representation: to look like that of rows to keep, and unlike that of rows to
 * forget. With the squared reconstruction errors of two autoencoders, of retain rows under the one that knows all rows and
 * of forget rows under the one that knows these:
 *
 *     Σ_retain r(m_s) - Σ_forget r(m_u),   r = squashError.
 *
 * Errors [nr] and [nf]; sums, not means. Source: Shen et al., ICLR 2024.
 */
export const extractorLoss = (retainErrors: Tensor, forgetErrors: Tensor): Tensor =>
  sub(sum(squashError(retainErrors)), sum(squashError(forgetErrors)));

/** 1 - cos of each row's features [B, d] with those of the original model, in [0, 2]. */
export const representationShift = (features: Tensor, original: Tensor): Tensor =>
  sub(1, cosineSimilarity(features, original));

/**
 * What keeps the representation in place where it should stay: with the shifts d (`representationShift`) of retain rows
 * [nr] and forget rows [nf],
 *
 *     Σ_i log( exp(d_i) / Σ_j exp(d_j / temp) ) = Σ_i d_i - nr · logsumexp_j(d_j / temp),
 *
 * which pulls retain rows home and pushes forget rows away; a high `temp` pushes more softly. Source: Shen et al., ICLR
 * 2024.
 */
export const alignmentLoss = (retainShifts: Tensor, forgetShifts: Tensor, temp: number): Tensor =>
  sub(sum(retainShifts), mul(logSumExp(div(forgetShifts, temp)), retainShifts.size));
