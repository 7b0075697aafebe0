import { abs, cast, full, grad, HebbError, jit, mul, sum, type Tensor, treeMap } from "../engine/index.js";
import { applyMask, type WeightMask } from "../nn/index.js";
import { magnitudeMask } from "./magnitude.js";
import { type Exclude, fullMask, maskDensity } from "./mask.js";

/** What SynFlow needs of a model: no data, only how it computes. */
export interface SynflowOptions {
  /** The shape of one input, without the batch axis. */
  readonly inputShape: readonly number[];
  /** How many times weights are scored and removed; after k of n rounds the share keep^(k/n) lives. */
  readonly rounds?: number;
  /** Tensors that are never pruned. Default: biases and normalisation. */
  readonly exclude?: Exclude;
}

/**
 * Synaptic flow of each weight: s = |w| ⊙ ∂R/∂|w| with R = 1' f(1; |w| ⊙ m), the model with the magnitudes of its living
 * parameters on an input of ones, in float64. In a network of positive homogeneous layers without biases the scores of every
 * layer sum to R.
 *
 * Source: Tanaka, Kunin, Yamins and Ganguli, "Pruning neural networks without any data by iteratively conserving synaptic
 * flow", 2020, section 5.
 */
export const synflowScores = <P>(
  apply: (params: P, x: Tensor) => Tensor,
  params: P,
  mask: WeightMask<P>,
  inputShape: readonly number[],
): P => {
  const sizes = treeMap((w: Tensor) => abs(cast(w, "float64")), applyMask(params, mask)) as P;
  const flow = (p: P) => sum(apply(p, full([1, ...inputShape], 1, "float64")));
  return treeMap((w: Tensor, g: Tensor) => mul(w, g), sizes, grad(flow)(sizes)) as P;
};

/**
 * SynFlow: prunes without data, in many rounds that each score the weights that still live (`synflowScores`) and remove the
 * lowest of all tensors together, to the density keep^(k/rounds) after round k. Scored anew each time, no layer loses all its
 * weights before the others do.
 *
 * Throws `HebbError` when `keep` is outside (0, 1], `rounds` is not a positive integer, or a score is not finite.
 *
 * Source: Tanaka, Kunin, Yamins and Ganguli, 2020, algorithm 1.
 */
export async function synflowMask<P>(
  apply: (params: P, x: Tensor) => Tensor,
  params: P,
  keep: number,
  { inputShape, rounds = 100, exclude }: SynflowOptions,
): Promise<WeightMask<P>> {
  if (!(keep > 0 && keep <= 1)) throw new HebbError(`synflowMask: the share to keep must lie in (0, 1], got ${keep}.`);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new HebbError(`synflowMask: rounds must be a positive integer, got ${rounds}.`);
  }
  const scores = jit((p: P, m: WeightMask<P>) => synflowScores(apply, p, m, inputShape), { name: "synflow" });
  let mask = fullMask(params, exclude);
  const { total } = await maskDensity(mask);
  for (let round = 1, alive = total; round <= rounds; round++) {
    const wanted = Math.round(total * keep ** (round / rounds));
    if (wanted === alive) continue;
    mask = await magnitudeMask(await scores(params as never, mask as never), wanted / alive, "global", { alive: mask });
    alive = wanted;
  }
  return mask;
}
