import { norm } from "../engine/composites/statistics.js";
import { add, div, mul } from "../engine/primitives/elementwise.js";
import { matmul } from "../engine/primitives/matmul.js";
import { sum } from "../engine/primitives/reduce.js";
import { reshape, stopGradient } from "../engine/primitives/structure.js";
import { key as keyOf } from "../engine/random/keys.js";
import { normal } from "../engine/random/normal.js";
import type { Tensor } from "../engine/tensor.js";
import type { Model, StatefulModel } from "./model.js";

/** Parameters of a layer whose weight is called `w`, such as `linear` and `conv2d`. */
interface Weighted {
  readonly w: Tensor;
}

/** The axis of a weight that counts its outputs: the last of a linear layer's, the first of a convolution's. */
const outputAxis = (w: Tensor): number => (w.rank === 2 ? 1 : 0);
const otherAxes = (w: Tensor): number[] => w.shape.map((_, i) => i).filter((i) => i !== outputAxis(w));

/** A layer's parameters with a direction `v` and, for each output, a length `g` in place of its weight. */
export type WeightNormParams<P extends Weighted> = Omit<P, "w"> & { readonly v: Tensor; readonly g: Tensor };

/**
 * The layer with its weight written as w = g v / |v|, the norm being over all that one output reads (Salimans and
 * Kingma, 2016). It starts as the layer would.
 */
export function weightNorm<P extends Weighted>(layer: Model<P>): Model<WeightNormParams<P>> {
  const lengths = (v: Tensor) => norm(v, otherAxes(v), { keepDims: true });
  return {
    init(key) {
      const { w, ...rest } = layer.init(key);
      return { ...rest, v: w, g: lengths(w) };
    },
    apply({ v, g, ...rest }, x) {
      return layer.apply({ ...rest, w: mul(v, div(g, lengths(v))) } as unknown as P, x);
    },
  };
}

/** An estimate of the weight's first left singular vector, for its outputs: [out]. */
export interface SpectralNormState {
  readonly u: Tensor;
}

/**
 * The layer with its weight divided by its largest singular value, as estimated by one step of power iteration each
 * time it trains (Miyato et al., 2018). No gradient flows through the singular vectors. `epsilon` guards their norms.
 */
export function spectralNorm<P extends Weighted>(
  layer: Model<P>,
  { epsilon = 1e-12 }: { epsilon?: number } = {},
): StatefulModel<P, SpectralNormState> {
  const unit = (t: Tensor) => div(t, add(norm(t), epsilon));
  /** The weight as a matrix [out, rest]. */
  const matrix = (w: Tensor) => (w.rank === 2 ? w.transpose() : reshape(w, [w.shape[0], -1]));
  const right = (w: Tensor, u: Tensor) => unit(matmul(u, stopGradient(matrix(w))));
  const applied = (params: P, x: Tensor, u: Tensor, v: Tensor) => {
    const largest = sum(mul(u, matmul(matrix(params.w), v)));
    return layer.apply({ ...params, w: div(params.w, largest) }, x);
  };
  return {
    init: (key) => layer.init(key),
    initState() {
      const { w } = layer.init(keyOf(0));
      return { u: unit(normal(keyOf(0), [w.shape[outputAxis(w)]], { dtype: w.dtype })) };
    },
    train(params, x, { u }) {
      const v = right(params.w, stopGradient(u));
      const next = unit(matmul(stopGradient(matrix(params.w)), v));
      return [applied(params, x, next, v), { u: next }];
    },
    apply: (params, x, { u }) => applied(params, x, u, right(params.w, u)),
  };
}
