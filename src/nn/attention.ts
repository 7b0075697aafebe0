import { softmax } from "../engine/composites/softmax.js";
import type { DType } from "../engine/dtype.js";
import { HebbError, ShapeError } from "../engine/errors.js";
import { add, lessEqual, mul, where } from "../engine/primitives/elementwise.js";
import { matmul } from "../engine/primitives/matmul.js";
import { arange, reshape, sliceAxis, transpose } from "../engine/primitives/structure.js";
import { splitList } from "../engine/random/keys.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import type { Init } from "./initializers.js";
import { affine, type LinearParams, linear } from "./linear.js";
import type { Model } from "./model.js";

export interface AttentionParams {
  /** Queries, keys and values in one: w [width, 3 width]. */
  readonly qkv: LinearParams;
  /** Mixes the heads: w [width, width]. */
  readonly out: LinearParams;
}

export interface AttentionOptions {
  readonly heads: number;
  /** Whether a position sees only itself and those before it. Default true. */
  readonly causal?: boolean;
  readonly bias?: boolean;
  readonly init?: Init;
  /** How the last projection's weight starts; `init` by default. */
  readonly outInit?: Init;
  readonly dtype?: DType;
}

/**
 * Multi-head self-attention: softmax(Q K' / sqrt(width / heads)) V for each head (Vaswani et al., 2017);
 * [B, T, width] to [B, T, width]. Throws `HebbError` when `heads` does not divide `width`.
 */
export function attention(width: number, options: AttentionOptions): Model<AttentionParams> {
  const { heads, causal = true, outInit = options.init, ...layer } = options;
  if (width % heads !== 0) throw new HebbError(`attention: ${heads} heads do not divide the width ${width}.`);
  const qkv = linear(width, 3 * width, layer);
  const out = linear(width, width, { ...layer, init: outInit });
  const size = width / heads;
  return {
    init(key) {
      const [a, b] = splitList(key, 2);
      return { qkv: qkv.init(a), out: out.init(b) };
    },
    apply(params, x) {
      if (x.rank !== 3 || x.shape[2] !== width) {
        throw new ShapeError("attention", `the layer takes [B, T, ${width}], got ${show(x.shape)}`);
      }
      const [batch, time] = x.shape;
      const [q, k, v] = [0, 1, 2].map((i) => {
        const part = affine(third(params.qkv, i, width), x);
        return transpose(reshape(part, [batch, time, heads, size]), [0, 2, 1, 3]);
      });
      const scores = matmul(mul(q, 1 / Math.sqrt(size)), k, { transposeB: true });
      const weights = softmax(causal ? add(scores, causalMask(time, x.dtype)) : scores);
      const mixed = transpose(matmul(weights, v), [0, 2, 1, 3]);
      return affine(params.out, reshape(mixed, [batch, time, width]));
    },
  };
}

/** The i-th of three layers side by side. Cutting the weight is cheaper than cutting the result, above all backwards. */
const third = ({ w, b }: LinearParams, i: number, width: number): LinearParams => ({
  w: sliceAxis(w, 1, i * width, (i + 1) * width),
  b: b && sliceAxis(b, 0, i * width, (i + 1) * width),
});

/** 0 where position j may be seen from position i (j <= i), else a number so low that its softmax is 0: [T, T]. */
function causalMask(time: number, dtype: DType): Tensor {
  const at = arange(time);
  const zero = mul(arange(1, dtype), 0);
  return where(lessEqual(at, reshape(at, [time, 1])), zero, -1e9);
}
