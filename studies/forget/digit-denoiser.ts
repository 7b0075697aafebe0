import {
  add,
  broadcastTo,
  cast,
  concat,
  gather,
  matmul,
  random,
  silu,
  type Tensor,
  tensor,
} from "../../src/engine/index.js";
import {
  type Denoiser,
  type EmbeddingParams,
  embedding,
  type LinearParams,
  linear,
  sinusoidal,
} from "../../src/nn/index.js";

export interface DenoiserParams {
  /** A row for each of the ten digits, and the last one for none. */
  readonly classes: EmbeddingParams;
  readonly layers: readonly LinearParams[];
}

export interface DigitDenoiser {
  init(key: random.Key): DenoiserParams;
  readonly apply: Denoiser<DenoiserParams>;
}

/** Pixels of a digit, digits, and the row of the embedding that stands for no digit. */
export const pixels = 64;
export const digitCount = 10;
export const none = 10;

/**
 * The network of track G: pixels, sinusoidal time and class embedding (64 each) through three layers of SiLU units, the
 * second and third added to what they got. A condition is a digit, int32 [B], or a mixture of the rows of the class
 * embedding, float32 [B, 11].
 */
export function digitDenoiser({ hidden = 512 }: { hidden?: number } = {}): DigitDenoiser {
  const classes = embedding(digitCount + 1, pixels);
  const layers = [linear(3 * pixels, hidden), linear(hidden, hidden), linear(hidden, hidden), linear(hidden, pixels)];
  return {
    init(key) {
      const [own, ...keys] = random.splitList(key, layers.length + 1);
      return { classes: classes.init(own), layers: layers.map((layer, i) => layer.init(keys[i])) };
    },
    apply(params, z, t, c) {
      const rows = c ?? broadcastTo(tensor(none, { dtype: "int32" }), t.shape);
      const concept =
        rows.dtype === "int32" ? gather(params.classes.w, rows) : matmul(cast(rows, z.dtype), params.classes.w);
      const layer = (i: number, h: Tensor) => layers[i].apply(params.layers[i], h);
      const first = silu(layer(0, concat([z, sinusoidal(t, pixels, { dtype: z.dtype }), concept], 1)));
      const second = add(first, silu(layer(1, first)));
      return layer(3, add(second, silu(layer(2, second))));
    },
  };
}
