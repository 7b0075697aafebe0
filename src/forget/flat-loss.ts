import { add, exp, HebbError, mean, mul, neg, softplus, square, sub, type Tensor, tanh } from "../engine/index.js";

/** The divergences that `flatLoss` knows. */
export type Divergence = "kl" | "reverse-kl" | "tv" | "js" | "pearson" | "hellinger";

/** The optimal variational function of an f-divergence, as a function of a model's score v. */
export interface Variational {
  /** The output activation g, which brings v into the domain of the conjugate f*. */
  g(v: Tensor): Tensor;
  /** f*(g(v)). */
  fStarOfG(v: Tensor): Tensor;
}

const variationals: Readonly<Record<Divergence, Variational>> = {
  kl: { g: (v) => v, fStarOfG: (v) => exp(sub(v, 1)) },
  "reverse-kl": { g: (v) => neg(exp(neg(v))), fStarOfG: (v) => sub(v, 1) },
  tv: { g: (v) => mul(tanh(v), 0.5), fStarOfG: (v) => mul(tanh(v), 0.5) },
  js: { g: (v) => sub(Math.LN2, softplus(neg(v))), fStarOfG: (v) => sub(softplus(v), Math.LN2) },
  pearson: { g: (v) => v, fStarOfG: (v) => add(v, mul(square(v), 0.25)) },
  hellinger: { g: (v) => sub(1, exp(neg(v))), fStarOfG: (v) => sub(exp(v), 1) },
};

/**
 * The two functions of an f-divergence's variational form, sup_v E_P[g(v)] - E_Q[f*(g(v))] (Nowozin et al., 2016).
 * Throws `HebbError` for a name it does not know.
 */
export function fDivergenceVariational(name: Divergence): Variational {
  const found = variationals[name];
  if (!found) {
    throw new HebbError(
      `fDivergenceVariational: there is no divergence "${name}"; choose one of ${Object.keys(variationals).join(", ")}.`,
    );
  }
  return found;
}

/**
 * The loss of unlearning with forget data alone (FLAT; Wang et al., 2025): minus the variational divergence between what
 * the model should say and what it should no longer say, L = mean[-g(e) + f*(g(p))], a scalar.
 *
 * `pTemplate` e and `pForget` p [B] are mean token probabilities in [0, 1] (see `averageTokenProbability`) of a refusal
 * and of the unwanted answer. With `batchMean` both are averaged over the batch first, as in the authors' code.
 */
export function flatLoss(
  pTemplate: Tensor,
  pForget: Tensor,
  divergence: Divergence = "tv",
  { batchMean = false }: { batchMean?: boolean } = {},
): Tensor {
  const { g, fStarOfG } = fDivergenceVariational(divergence);
  const [e, p] = batchMean ? [mean(pTemplate), mean(pForget)] : [pTemplate, pForget];
  return mean(sub(fStarOfG(p), g(e)));
}
