import { silu } from "../engine/composites/activations.js";
import { upsample } from "../engine/composites/tiles.js";
import type { DType } from "../engine/dtype.js";
import { HebbError, ShapeError } from "../engine/errors.js";
import { add } from "../engine/primitives/elementwise.js";
import { concat, reshape } from "../engine/primitives/structure.js";
import { type Key, splitList } from "../engine/random/keys.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { type ConvParams, conv2d } from "./conv.js";
import { type LinearParams, linear } from "./linear.js";
import { type MlpParams, mlp } from "./mlp.js";
import type { Model } from "./model.js";
import { groupNorm, type NormParams } from "./norms.js";
import { sinusoidal } from "./positions.js";

export interface UnetBlockParams {
  readonly norm1: NormParams;
  readonly conv1: ConvParams;
  /** Of the time's embedding; absent without time. */
  readonly time?: LinearParams;
  readonly norm2: NormParams;
  readonly conv2: ConvParams;
  /** Where the block changes the number of channels. */
  readonly shortcut?: ConvParams;
}

export interface UnetParams {
  readonly stem: ConvParams;
  /** Makes the embedding of the time; absent without time. */
  readonly time?: MlpParams;
  readonly down: readonly { readonly block: UnetBlockParams; readonly shrink: ConvParams }[];
  readonly middle: UnetBlockParams;
  /** From the coarsest level to the finest. */
  readonly up: readonly { readonly grow: ConvParams; readonly block: UnetBlockParams }[];
  readonly norm: NormParams;
  readonly head: ConvParams;
}

export interface UnetOptions {
  /** Channels of the input ... */
  readonly inputs: number;
  /** ... and of the output. Default `inputs`. */
  readonly outputs?: number;
  /** Channels of each level, from the finest; each level halves the image. */
  readonly channels: readonly number[];
  /** Whether the model is told a time, as for diffusion. Default false. */
  readonly time?: boolean;
  /** Groups of each normalisation; they must divide every level's channels. Default 8. */
  readonly groups?: number;
  readonly dtype?: DType;
}

export interface Unet extends Model<UnetParams> {
  /** `time` [B], in steps (0 to 1,000, say), for a model that is told it. */
  apply(params: UnetParams, x: Tensor, options?: { readonly time?: Tensor }): Tensor;
}

/**
 * Two normalised convolutions added to the input: [B, from, H, W] to [B, to, H, W]; knows of a time embedding of
 * `told` numbers.
 */
function block(from: number, to: number, told: number | undefined, groups: number, dtype: DType | undefined) {
  const norm1 = groupNorm(groups, from, { dtype });
  const conv1 = conv2d(from, to, 3, { padding: 1, dtype });
  const time = told === undefined ? undefined : linear(told, to, { dtype });
  const norm2 = groupNorm(groups, to, { dtype });
  const conv2 = conv2d(to, to, 3, { padding: 1, dtype });
  const shortcut = from === to ? undefined : conv2d(from, to, 1, { init: "lecunNormal", dtype });
  return {
    init(key: Key): UnetBlockParams {
      const [a, b, c, d] = splitList(key, 4);
      return {
        norm1: norm1.init(a),
        conv1: conv1.init(a),
        ...(time && { time: time.init(b) }),
        norm2: norm2.init(c),
        conv2: conv2.init(c),
        ...(shortcut && { shortcut: shortcut.init(d) }),
      };
    },
    apply(params: UnetBlockParams, x: Tensor, embedded: Tensor | undefined): Tensor {
      let h = conv1.apply(params.conv1, silu(norm1.apply(params.norm1, x)));
      if (time) h = add(h, reshape(time.apply(params.time!, silu(embedded!)), [x.shape[0], to, 1, 1]));
      h = conv2.apply(params.conv2, silu(norm2.apply(params.norm2, h)));
      return add(h, shortcut ? shortcut.apply(params.shortcut!, x) : x);
    },
  };
}

/**
 * A U-Net (Ronneberger et al., 2015) of residual blocks with group normalisation, as in diffusion models (Ho et al.,
 * 2020): [B, inputs, H, W] to [B, outputs, H, W]. At each level a block, then half the size; on the way back the
 * level's features stand beside those that come up.
 *
 * Throws `ShapeError` when the sides do not halve at each level, and `HebbError` when groups do not divide channels or
 * the time is missing or not asked for.
 */
export function unet(options: UnetOptions): Unet {
  const { inputs, outputs = inputs, channels, time = false, groups = 8, dtype = "float32" } = options;
  if (channels.length === 0) throw new HebbError("unet: needs the channels of at least one level.");
  const width = channels[0];
  const told = time ? 4 * width : undefined;
  const deepest = channels[channels.length - 1];
  const stem = conv2d(inputs, width, 3, { padding: 1, dtype });
  const embed = told === undefined ? undefined : mlp({ sizes: [width, told, told], activation: silu, dtype });
  const down = channels.map((to, i) => ({
    block: block(i === 0 ? width : channels[i - 1], to, told, groups, dtype),
    shrink: conv2d(to, to, 3, { stride: 2, padding: 1, dtype }),
  }));
  const middle = block(deepest, deepest, told, groups, dtype);
  const up = channels
    .map((to, i) => ({
      grow: conv2d(channels[i + 1] ?? deepest, to, 3, { padding: 1, dtype }),
      block: block(2 * to, to, told, groups, dtype),
    }))
    .reverse();
  const norm = groupNorm(groups, width, { dtype });
  const head = conv2d(width, outputs, 3, { padding: 1, init: "zeros", dtype });
  const scale = 2 ** channels.length;

  return {
    init(key) {
      const [a, b, c, ...keys] = splitList(key, 3 + 4 * channels.length);
      return {
        stem: stem.init(a),
        ...(embed && { time: embed.init(b) }),
        down: down.map((level) => ({ block: level.block.init(keys.pop()!), shrink: level.shrink.init(keys.pop()!) })),
        middle: middle.init(c),
        up: up.map((level) => ({ grow: level.grow.init(keys.pop()!), block: level.block.init(keys.pop()!) })),
        norm: norm.init(a),
        head: head.init(a),
      };
    },
    apply(params, x, { time: at } = {}) {
      if (x.rank !== 4 || x.shape[1] !== inputs || x.shape[2] % scale !== 0 || x.shape[3] % scale !== 0) {
        throw new ShapeError(
          "unet",
          `the model takes [B, ${inputs}, H, W] with sides that ${scale} divides, got ${show(x.shape)}`,
        );
      }
      if (time !== (at !== undefined)) {
        throw new HebbError(
          time ? "unet: give the { time } of each example." : "unet: made without `time`, but given one.",
        );
      }
      const embedded = embed?.apply(params.time!, sinusoidal(at!, width, { dtype }));
      const kept: Tensor[] = [];
      let h = stem.apply(params.stem, x);
      down.forEach((level, i) => {
        h = level.block.apply(params.down[i].block, h, embedded);
        kept.push(h);
        h = level.shrink.apply(params.down[i].shrink, h);
      });
      h = middle.apply(params.middle, h, embedded);
      up.forEach((level, i) => {
        h = level.grow.apply(params.up[i].grow, upsample(h, [2, 2]));
        h = level.block.apply(params.up[i].block, concat([h, kept.pop()!], 1), embedded);
      });
      return head.apply(params.head, silu(norm.apply(params.norm, h)));
    },
  };
}
