import { mean } from "../engine/composites/statistics.js";
import type { DType } from "../engine/dtype.js";
import { add } from "../engine/primitives/elementwise.js";
import { swapAxes } from "../engine/primitives/structure.js";
import { splitList } from "../engine/random/keys.js";
import type { ConvParams } from "./conv.js";
import { type FeedForwardParams, feedForward } from "./feed-forward.js";
import { type LinearParams, linear } from "./linear.js";
import type { Model } from "./model.js";
import { layerNorm, type NormParams } from "./norms.js";
import { patchEmbedding } from "./patches.js";

export interface MixerBlockParams {
  readonly norm1: NormParams;
  /** Mixes patches, in each channel. */
  readonly tokens: FeedForwardParams;
  readonly norm2: NormParams;
  /** Mixes channels, in each patch. */
  readonly channels: FeedForwardParams;
}

export interface MixerParams {
  readonly patches: ConvParams;
  readonly blocks: readonly MixerBlockParams[];
  readonly norm: NormParams;
  readonly head: LinearParams;
}

export interface MixerOptions {
  /** Channels, height and width of an image. */
  readonly inputShape: readonly [number, number, number];
  readonly classes: number;
  /** Side of the square patches. */
  readonly patch: number;
  readonly layers: number;
  readonly width: number;
  /** Hidden units of the mixing of patches. Default width / 2. */
  readonly tokenHidden?: number;
  /** Hidden units of the mixing of channels. Default 4 width. */
  readonly channelHidden?: number;
  readonly dtype?: DType;
}

/**
 * MLP-Mixer (Tolstikhin et al., 2021): layers that mix patches and layers that mix channels take turns; [B, channels,
 * height, width] to logits [B, classes]. Throws as `patchEmbedding`.
 */
export function mixer(options: MixerOptions): Model<MixerParams> {
  const { inputShape, classes, patch, layers, width, dtype } = options;
  const { tokenHidden = width / 2, channelHidden = 4 * width } = options;
  const patches = patchEmbedding(inputShape, patch, width, { dtype });
  const norm = layerNorm(width, { dtype });
  const tokens = feedForward(patches.count, { hidden: tokenHidden, dtype });
  const channels = feedForward(width, { hidden: channelHidden, dtype });
  const head = linear(width, classes, { dtype });
  return {
    init(key) {
      const [a, b, ...keys] = splitList(key, 2 + 2 * layers);
      return {
        patches: patches.init(a),
        blocks: Array.from({ length: layers }, (_, i) => ({
          norm1: norm.init(a),
          tokens: tokens.init(keys[2 * i]),
          norm2: norm.init(a),
          channels: channels.init(keys[2 * i + 1]),
        })),
        norm: norm.init(a),
        head: head.init(b),
      };
    },
    apply(params, x) {
      const h = params.blocks.reduce(
        (y, block) => {
          const mixed = tokens.apply(block.tokens, swapAxes(norm.apply(block.norm1, y), 1, 2));
          const z = add(y, swapAxes(mixed, 1, 2));
          return add(z, channels.apply(block.channels, norm.apply(block.norm2, z)));
        },
        patches.apply(params.patches, x),
      );
      return head.apply(params.head, mean(norm.apply(params.norm, h), 1));
    },
  };
}
