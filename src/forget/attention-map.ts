import { div, maximum, mean, ShapeError, sqrt, square, sub, sum, type Tensor } from "../engine/index.js";
import { flattenRows } from "../nn/index.js";

/** Below this length a map counts as empty and is not stretched to length 1. */
const shortest = 1e-12;

/**
 * Where a layer is active, whatever its channels say: the mean over channels of the squared activations, one row of
 * length 1 for each example.
 *
 *     a = flatten(mean_c A_c²) / ‖·‖₂
 *
 * Activations [B, C, ...positions] give [B, positions]; an example without any activation gives zeros. Throws `ShapeError`
 * when there are no positions.
 *
 * Source: Zagoruyko, Komodakis, "Paying More Attention to Attention", ICLR 2017, with channel means.
 */
export function attentionMap(activations: Tensor): Tensor {
  if (activations.rank < 3) {
    throw new ShapeError("attentionMap", `activations must be [B, channels, ...positions], got [${activations.shape}]`);
  }
  const map = flattenRows(mean(square(activations), 1));
  return div(map, sqrt(maximum(sum(square(map), -1, { keepDims: true }), shortest ** 2)));
}

/**
 * How differently two networks look at each example: the mean over positions of the squared difference of their
 * attention maps, [B]. Activations [B, C, ...positions] may differ in their channels, not in their positions.
 *
 * Throws `ShapeError` when they do. Source: as `attentionMap`; the mean in place of the norm as in Tarun et al., 2023.
 */
export function attentionTransferDistance(a: Tensor, b: Tensor): Tensor {
  const [mapA, mapB] = [attentionMap(a), attentionMap(b)];
  if (mapA.shape[0] !== mapB.shape[0] || mapA.shape[1] !== mapB.shape[1]) {
    throw new ShapeError(
      "attentionTransferDistance",
      `activations [${a.shape}] and [${b.shape}] must agree in examples and positions`,
    );
  }
  return mean(square(sub(mapA, mapB)), -1);
}
