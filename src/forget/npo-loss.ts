import {
  div,
  exp,
  logSoftmax,
  maximum,
  mean,
  mul,
  sigmoid,
  softplus,
  stopGradient,
  sub,
  sum,
  type Tensor,
} from "../engine/index.js";
import { labelled } from "./sequences.js";

/** Gradient ascent as a loss to be minimised: the mean log-probability [B] of what is to be forgotten. */
export const gaLoss = (logp: Tensor): Tensor => mean(logp);

/**
 * Negative preference optimisation (Zhang et al., 2024): with r = logp - logpRef,
 * L = mean -(2 / beta) log sigmoid(-beta r), a scalar.
 *
 * `logp` and `logpRef` [B] are log-probabilities of whole answers, sums over tokens (see `logProbability`), under the
 * model and under the frozen original. The gradient is that of gradient ascent with the weight `npoAdaptiveWeight` for
 * each example; as beta goes to 0, L - (2 / beta) log 2 goes to the mean of r.
 */
export const npoLoss = (logp: Tensor, logpRef: Tensor, beta = 0.1): Tensor =>
  mul(mean(softplus(mul(sub(logp, stopGradient(logpRef)), beta))), 2 / beta);

/**
 * How hard each example still pushes in negative preference optimisation: W = 2 sigmoid(beta (logp - logpRef)), [B].
 * It is 1 at the original model, as for gradient ascent, and goes to 0 as the answer becomes unlikely.
 */
export const npoAdaptiveWeight = (logp: Tensor, logpRef: Tensor, beta = 0.1): Tensor =>
  mul(sigmoid(mul(sub(logp, logpRef), beta)), 2);

/** Log-probabilities [B] of an answer under the model and under the frozen original. */
export interface AgainstReference {
  readonly logp: Tensor;
  readonly logpRef: Tensor;
}

/**
 * Direct preference optimisation (Rafailov et al., 2023), scaled as `npoLoss` is:
 * L = mean -(2 / beta) log sigmoid(beta (r_preferred - r_rejected)), with r = logp - logpRef. Without the preferred
 * answers it is `npoLoss`.
 */
export function dpoLoss(preferred: AgainstReference, rejected: AgainstReference, beta = 0.1): Tensor {
  const ratio = ({ logp, logpRef }: AgainstReference) => sub(logp, stopGradient(logpRef));
  return mul(mean(softplus(mul(sub(ratio(rejected), ratio(preferred)), beta))), 2 / beta);
}

/**
 * The mean of KL(reference || model), in nats, over the positions that carry a label (-1 is none): logits of both
 * [B, ..., classes], labels [B, ...].
 */
export function referenceKl(logits: Tensor, refLogits: Tensor, labels: Tensor): Tensor {
  const reference = stopGradient(logSoftmax(refLogits));
  const each = sum(mul(exp(reference), sub(reference, logSoftmax(logits))), -1);
  const counted = labelled(labels, each);
  return div(sum(mul(each, counted)), maximum(sum(counted), 1));
}
