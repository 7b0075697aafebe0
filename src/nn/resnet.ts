import { globalAvgPool } from "../engine/composites/pooling.js";
import type { DType } from "../engine/dtype.js";
import { HebbError, ShapeError } from "../engine/errors.js";
import { add, relu } from "../engine/primitives/elementwise.js";
import { maxPool } from "../engine/primitives/pool.js";
import { pad, slice } from "../engine/primitives/structure.js";
import { type Key, splitList } from "../engine/random/keys.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { type ConvParams, conv2d } from "./conv.js";
import type { Init } from "./initializers.js";
import { type LinearParams, linear } from "./linear.js";
import type { StatefulModel } from "./model.js";
import { type BatchNormState, batchNorm, type NormParams } from "./norms.js";

/** A convolution without bias, then batch normalisation. */
export interface ConvNormParams {
  readonly conv: ConvParams;
  readonly norm: NormParams;
}

export interface ResnetBlockParams {
  readonly first: ConvNormParams;
  readonly second: ConvNormParams;
  /** Where the shortcut is a projection. */
  readonly shortcut?: ConvNormParams;
}

export interface ResnetParams {
  readonly stem: ConvNormParams;
  readonly blocks: readonly ResnetBlockParams[];
  readonly head: LinearParams;
}

export interface ResnetBlockState {
  readonly first: BatchNormState;
  readonly second: BatchNormState;
  readonly shortcut?: BatchNormState;
}

/** Running statistics of every normalisation. */
export interface ResnetState {
  readonly stem: BatchNormState;
  readonly blocks: readonly ResnetBlockState[];
}

export interface ResnetOptions {
  readonly classes: number;
  /** Blocks of each stage. From the second stage on the first block halves the image. */
  readonly blocks: readonly number[];
  /** Channels of each stage. */
  readonly channels: readonly number[];
  /** Channels of an image. Default 3. */
  readonly inputs?: number;
  /**
   * A convolution of 3 x 3 ("small"), or one of 7 x 7 and max pooling that together quarter the sides ("large").
   * Default "small".
   */
  readonly stem?: "small" | "large";
  /**
   * What a block that changes the shape adds: its input, strided and padded with channels of zeros, or a projection.
   * Default "projection".
   */
  readonly shortcut?: "pad" | "projection";
  readonly init?: Init;
  readonly dtype?: DType;
}

type Train = readonly [y: Tensor, state: BatchNormState];

/** A convolution and its normalisation, to train or to evaluate. */
function convNorm(inputs: number, outputs: number, kernel: number, stride: number, options: ResnetOptions) {
  const { init = "heNormal", dtype } = options;
  const conv = conv2d(inputs, outputs, kernel, { stride, padding: (kernel - 1) / 2, bias: false, init, dtype });
  const norm = batchNorm(outputs, { dtype });
  return {
    init: (key: Key): ConvNormParams => ({ conv: conv.init(key), norm: norm.init(key) }),
    initState: norm.initState,
    run(params: ConvNormParams, x: Tensor, state: BatchNormState, training: boolean): Train {
      const h = conv.apply(params.conv, x);
      return training ? norm.train(params.norm, h, state) : [norm.apply(params.norm, h, state), state];
    },
  };
}

/** relu(norm(conv(relu(norm(conv(x))))) + shortcut(x)), the basic block. */
function basicBlock(inputs: number, outputs: number, stride: number, options: ResnetOptions) {
  const first = convNorm(inputs, outputs, 3, stride, options);
  const second = convNorm(outputs, outputs, 3, 1, options);
  const same = inputs === outputs && stride === 1;
  const project = same || options.shortcut === "pad" ? undefined : convNorm(inputs, outputs, 1, stride, options);
  const widened = (x: Tensor) =>
    pad(slice(x, [], [], [1, 1, stride, stride]), [0, 0, 0, 0], [0, outputs - inputs, 0, 0]);
  return {
    init(key: Key): ResnetBlockParams {
      const [a, b, c] = splitList(key, 3);
      return { first: first.init(a), second: second.init(b), ...(project && { shortcut: project.init(c) }) };
    },
    initState: (): ResnetBlockState => ({
      first: first.initState(),
      second: second.initState(),
      ...(project && { shortcut: project.initState() }),
    }),
    run(params: ResnetBlockParams, x: Tensor, state: ResnetBlockState, training: boolean) {
      const [a, first1] = first.run(params.first, x, state.first, training);
      const [b, second1] = second.run(params.second, relu(a), state.second, training);
      if (!project) {
        return [relu(add(b, same ? x : widened(x))), { first: first1, second: second1 }] as const;
      }
      const [c, shortcut] = project.run(params.shortcut!, x, state.shortcut!, training);
      return [relu(add(b, c)), { first: first1, second: second1, shortcut }] as const;
    },
  };
}

/**
 * A residual network of basic blocks (He et al., 2016): images [B, inputs, H, W] of any size to logits [B, classes],
 * by the mean over what is left of the image. Normalisation keeps running statistics, so it is a stateful model.
 *
 * Throws `HebbError` unless there are as many channels as stages, and `ShapeError` when the input does not have
 * `inputs` channels.
 */
export function resnet(options: ResnetOptions): StatefulModel<ResnetParams, ResnetState> {
  const { classes, blocks, channels, inputs = 3, stem = "small", dtype } = options;
  if (blocks.length !== channels.length || blocks.length === 0) {
    throw new HebbError(`resnet: ${blocks.length} stages need as many channels, got [${channels}].`);
  }
  const large = stem === "large";
  const first = convNorm(inputs, channels[0], large ? 7 : 3, large ? 2 : 1, options);
  const body = blocks.flatMap((count, stage) =>
    Array.from({ length: count }, (_, i) => {
      const enters = i === 0 && stage > 0;
      return basicBlock(channels[enters ? stage - 1 : stage], channels[stage], enters ? 2 : 1, options);
    }),
  );
  const head = linear(channels[channels.length - 1], classes, { dtype });

  const run = (params: ResnetParams, x: Tensor, state: ResnetState, training: boolean): [Tensor, ResnetState] => {
    if (x.rank !== 4 || x.shape[1] !== inputs) {
      throw new ShapeError("resnet", `the model takes [B, ${inputs}, H, W], got ${show(x.shape)}`);
    }
    const [y, stemState] = first.run(params.stem, x, state.stem, training);
    let h = relu(y);
    if (large) h = maxPool(h, 3, { stride: 2, padding: 1 });
    const states = body.map((block, i) => {
      const [out, next] = block.run(params.blocks[i], h, state.blocks[i], training);
      h = out;
      return next;
    });
    return [head.apply(params.head, globalAvgPool(h)), { stem: stemState, blocks: states }];
  };
  return {
    init(key) {
      const [a, b, ...keys] = splitList(key, 2 + body.length);
      return { stem: first.init(a), blocks: body.map((block, i) => block.init(keys[i])), head: head.init(b) };
    },
    initState: () => ({ stem: first.initState(), blocks: body.map((block) => block.initState()) }),
    train: (params, x, state) => run(params, x, state, true),
    apply: (params, x, state) => run(params, x, state, false)[0],
  };
}

type Preset = Omit<ResnetOptions, "blocks" | "channels">;

/**
 * The residual networks for small images (He et al., 2016, section 4.2): 16, 32 and 64 channels in `depth` = 6 n + 2
 * layers, with shortcuts that have no parameters; ResNet-20 with ten classes has 269,722. Throws `HebbError` for
 * another depth.
 */
export function cifarResnet(depth: number, options: Preset): StatefulModel<ResnetParams, ResnetState> {
  const each = (depth - 2) / 6;
  if (!Number.isInteger(each) || each < 1) {
    throw new HebbError(`cifarResnet: the depth is 6 n + 2 for some n, such as 20, 32 or 56; got ${depth}.`);
  }
  return resnet({ shortcut: "pad", ...options, blocks: [each, each, each], channels: [16, 32, 64] });
}

/** ResNet-18 (He et al., 2016), with the large stem of ImageNet unless `stem` is "small". */
export const resnet18 = (options: Preset): StatefulModel<ResnetParams, ResnetState> =>
  resnet({ stem: "large", ...options, blocks: [2, 2, 2, 2], channels: [64, 128, 256, 512] });

/** ResNet-34 (He et al., 2016), with the large stem of ImageNet unless `stem` is "small". */
export const resnet34 = (options: Preset): StatefulModel<ResnetParams, ResnetState> =>
  resnet({ stem: "large", ...options, blocks: [3, 4, 6, 3], channels: [64, 128, 256, 512] });
