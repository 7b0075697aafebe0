import type { DType } from "../engine/dtype.js";
import { HebbError, ShapeError } from "../engine/errors.js";
import { maxPool } from "../engine/primitives/pool.js";
import { splitList } from "../engine/random/keys.js";
import { sameShape, show } from "../engine/shape.js";
import { type Activation, activationOf, initializerFor } from "./activations.js";
import { type ConvParams, conv2d } from "./conv.js";
import type { Init } from "./initializers.js";
import type { LinearParams } from "./linear.js";
import { mlp } from "./mlp.js";
import type { Model } from "./model.js";

export interface CnnParams {
  readonly convs: readonly ConvParams[];
  /** The fully connected layers, the last of which gives the logits. */
  readonly layers: readonly LinearParams[];
}

export interface CnnOptions {
  /** Channels, height and width of an example. */
  readonly inputShape: readonly [number, number, number];
  readonly classes: number;
  /** Channels of each block; a list is a block of several convolutions: `[[64, 64], [128, 128]]`. */
  readonly channels: readonly (number | readonly number[])[];
  /** Width of the square windows. Default 3. */
  readonly kernel?: number;
  /** Max pooling after each block; 1 for none. Default 2. */
  readonly pool?: number;
  /** Default "same". */
  readonly padding?: number | "same";
  /** Widths of fully connected layers before the last. Default none. */
  readonly hidden?: readonly number[];
  /** Default "relu". */
  readonly activation?: Activation;
  readonly init?: Init;
  readonly bias?: boolean;
  readonly biasInit?: Init;
  readonly dtype?: DType;
}

/**
 * A convolutional network: blocks of convolutions with an activation after each and max pooling at their end, then
 * fully connected layers; [B, channels, height, width] to logits [B, classes]. LeNet- and VGG-like networks are of this
 * form.
 *
 * Throws `HebbError` when pooling leaves nothing of an image, and `ShapeError` when the input is not of `inputShape`.
 */
export function cnn(options: CnnOptions): Model<CnnParams> {
  const { inputShape, classes, channels, hidden = [], kernel = 3, pool = 2, padding = "same" } = options;
  const { activation = "relu", init = initializerFor(activation), bias, biasInit, dtype } = options;
  const layer = { init, bias, biasInit, dtype };
  const f = activationOf(activation);
  let [depth, height, width] = inputShape;
  const blocks = channels.map((block) => {
    const convs = [block].flat().map((out: number) => {
      const conv = conv2d(depth, out, kernel, { ...layer, padding });
      depth = out;
      const lost = padding === "same" ? 0 : kernel - 1 - 2 * padding;
      height -= lost;
      width -= lost;
      return conv;
    });
    height = Math.floor(height / pool);
    width = Math.floor(width / pool);
    return convs;
  });
  if (height < 1 || width < 1) {
    throw new HebbError(`cnn: ${channels.length} blocks leave nothing of images of ${show(inputShape)}.`);
  }
  const convs = blocks.flat();
  const head = mlp({ sizes: [depth * height * width, ...hidden, classes], activation, ...layer });
  return {
    init(key) {
      const [forHead, ...keys] = splitList(key, convs.length + 1);
      return { convs: convs.map((conv, i) => conv.init(keys[i])), ...head.init(forHead) };
    },
    apply(params, x) {
      if (!sameShape(x.shape.slice(1), inputShape)) {
        throw new ShapeError("cnn", `the model takes [B, ${inputShape.join(", ")}], got ${show(x.shape)}`);
      }
      let at = 0;
      let h = x;
      for (const block of blocks) {
        for (const conv of block) h = f(conv.apply(params.convs[at++], h));
        if (pool > 1) h = maxPool(h, pool);
      }
      return head.apply(params, h);
    },
  };
}
