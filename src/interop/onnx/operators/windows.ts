import { avgPool } from "../../../engine/composites/pooling.js";
import { mean } from "../../../engine/composites/statistics.js";
import { scalar } from "../../../engine/literals.js";
import { conv, convTranspose } from "../../../engine/primitives/conv.js";
import { add, div, equal, where } from "../../../engine/primitives/elementwise.js";
import { maxPool } from "../../../engine/primitives/pool.js";
import { max } from "../../../engine/primitives/reduce.js";
import { full, ones, pad, reshape } from "../../../engine/primitives/structure.js";
import { type Shape, sameShape } from "../../../engine/shape.js";
import type { Tensor } from "../../../engine/tensor.js";
import { type Call, checkSize, type Operator } from "../call.js";

/** The windows of a convolution or pooling: one number for each spatial axis. */
interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

function perAxis(call: Call, name: string, rank: number, absent: number, least: number): number[] {
  const list = call.attributes.ints(name) ?? new Array<number>(rank).fill(absent);
  if (list.length !== rank || list.some((n) => n < least || n > 2 ** 31))
    call.fail(`${name} = [${list}] does not fit ${rank} spatial axes`);
  return list;
}

function windowOf(call: Call, x: Tensor, kernel: Shape | undefined): Window {
  const rank = x.rank - 2;
  if (rank < 1) call.fail(`the input of shape [${x.shape}] has no spatial axes`);
  const own = call.attributes.ints("kernel_shape");
  if (kernel && own && !sameShape(kernel, own)) call.fail(`kernel_shape is [${own}], but the kernel has [${kernel}]`);
  if (!kernel && !own) call.fail("kernel_shape is missing");
  return {
    kernel: kernel ?? perAxis(call, "kernel_shape", rank, 1, 1),
    strides: perAxis(call, "strides", rank, 1, 1),
    dilations: perAxis(call, "dilations", rank, 1, 1),
  };
}

const extents = ({ kernel, dilations }: Window): number[] => kernel.map((k, i) => (k - 1) * dilations[i] + 1);

/** Places to add before and after each spatial axis. */
interface Padding {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

function paddingOf(call: Call, x: Tensor, window: Window): Padding {
  const auto = call.attributes.text("auto_pad", "NOTSET");
  const rank = x.rank - 2;
  const none = new Array<number>(rank).fill(0);
  if (auto === "VALID") return { low: none, high: none };
  if (auto === "NOTSET") {
    const pads = call.attributes.ints("pads") ?? [...none, ...none];
    if (pads.length !== 2 * rank || pads.some((n) => n < 0 || n > 2 ** 31))
      call.fail(`pads = [${pads}] does not fit ${rank} spatial axes`);
    return { low: pads.slice(0, rank), high: pads.slice(rank) };
  }
  // As many outputs as strides fit into the input.
  const total = extents(window).map((extent, i) => {
    const n = x.shape[i + 2];
    return Math.max(0, (Math.ceil(n / window.strides[i]) - 1) * window.strides[i] + extent - n);
  });
  return halves(call, auto, total);
}

/** Splits a total padding; the odd one goes to the end or to the beginning. */
function halves(call: Call, auto: string, total: readonly number[]): Padding {
  if (auto !== "SAME_UPPER" && auto !== "SAME_LOWER") call.fail(`auto_pad = ${auto} is not known`);
  const less = total.map((n) => Math.floor(n / 2));
  const more = total.map((n, i) => n - less[i]);
  return auto === "SAME_UPPER" ? { low: less, high: more } : { low: more, high: less };
}

/** `x` with places of `value` around its spatial axes. */
function padSpatial(x: Tensor, { low, high }: Padding, value: number): Tensor {
  const before = [0, 0, ...low];
  const after = [0, 0, ...high];
  const zeros = pad(x, before, after);
  if (value === 0 || zeros === x) return zeros;
  const inside = pad(ones([1, 1, ...x.shape.slice(2)], x.dtype), before, after);
  return where(equal(inside, 1), zeros, scalar(value, x.dtype));
}

const perChannel = (bias: Tensor, x: Tensor): Tensor => reshape(bias, [1, bias.size, ...new Array(x.rank - 2).fill(1)]);

function convolution(call: Call): Tensor {
  const [x, w] = [call.tensor(0), call.tensor(1)];
  const window = windowOf(call, x, w.shape.slice(2));
  const padding = paddingOf(call, x, window);
  const { strides: stride, dilations: dilation } = window;
  const groups = call.attributes.int("group", 1);
  const out = conv(x, w, { stride, dilation, groups, padding: padding.low.map((n, i) => [n, padding.high[i]]) });
  const bias = call.optional(2);
  return bias ? add(out, perChannel(bias, out)) : out;
}

function transposedConvolution(call: Call): Tensor {
  const [x, w] = [call.tensor(0), call.tensor(1)];
  const window = windowOf(call, x, w.shape.slice(2));
  const { strides: stride, dilations: dilation } = window;
  const groups = call.attributes.int("group", 1);
  const rank = x.rank - 2;
  const extra = perAxis(call, "output_padding", rank, 0, 0);
  const full = extents(window).map((extent, i) => stride[i] * (x.shape[i + 2] - 1) + extent + extra[i]);
  const auto = call.attributes.text("auto_pad", "NOTSET");
  const wanted =
    call.attributes.ints("output_shape")?.slice(-rank) ??
    (auto.startsWith("SAME") ? x.shape.slice(2).map((n, i) => n * stride[i]) : undefined);
  const padding = wanted
    ? halves(
        call,
        auto === "SAME_UPPER" ? auto : "SAME_LOWER",
        full.map((n, i) => n - wanted[i]),
      )
    : paddingOf(call, x, window);
  const { low, high } = padding;
  const cut = low.map((n, i) => [Math.max(n, 0), Math.max(high[i], 0)] as const);
  const all = convTranspose(x, w, { stride, dilation, groups, outputPadding: extra, padding: cut });
  // A size beyond the kernel's reach is filled up with zeros.
  const beyond = (n: number): number => Math.max(-n, 0);
  const out = pad(all, [0, 0, ...low.map(beyond)], [0, 0, ...high.map(beyond)]);
  const bias = call.optional(2);
  return bias ? add(out, perChannel(bias, out)) : out;
}

/** How far the last window reaches beyond the padded input when sizes are rounded up. */
function overhang(call: Call, x: Tensor, window: Window, { low, high }: Padding): number[] {
  const extent = extents(window);
  if (call.attributes.int("ceil_mode", 0) === 0) return extent.map(() => 0);
  return extent.map((e, i) => {
    const n = x.shape[i + 2] + low[i] + high[i];
    const stride = window.strides[i];
    let count = Math.ceil((n - e) / stride) + 1;
    // The last window must begin within the input or the padding before it.
    if ((count - 1) * stride >= x.shape[i + 2] + low[i]) count--;
    return Math.max(0, (count - 1) * stride + e - n);
  });
}

function pooling(call: Call) {
  const x = call.tensor(0);
  const window = windowOf(call, x, undefined);
  if (window.dilations.some((d) => d !== 1)) call.fail(`dilations = [${window.dilations}] is not supported`);
  const padding = paddingOf(call, x, window);
  const beyond = overhang(call, x, window, padding);
  const high = padding.high.map((n, i) => n + beyond[i]);
  checkSize([...x.shape.slice(0, 2), ...x.shape.slice(2).map((n, i) => n + padding.low[i] + high[i])]);
  return { x, window, padding, filled: { low: padding.low, high } };
}

function maximumPool(call: Call): Tensor {
  const { x, window, filled } = pooling(call);
  const { kernel, strides: stride } = window;
  const even = sameShape(filled.low, filled.high) && filled.low.every((n, i) => n < kernel[i]);
  if (even) return maxPool(x, kernel, { stride, padding: filled.low });
  return maxPool(padSpatial(x, filled, Number.NEGATIVE_INFINITY), kernel, { stride });
}

function averagePool(call: Call): Tensor {
  const { x, window, padding, filled } = pooling(call);
  const { kernel, strides: stride } = window;
  const sums = avgPool(padSpatial(x, filled, 0), kernel, { stride });
  // What counts in a window is the input, or also its padding; its share is the mean of ones there and zeros elsewhere.
  const { low, high } = padding;
  const counted = call.attributes.int("count_include_pad", 0) !== 0;
  const place = x.shape.slice(2).map((n, i) => (counted ? n + low[i] + high[i] : n));
  const around = counted ? { low: low.map(() => 0), high: filled.high.map((n, i) => n - high[i]) } : filled;
  if ([...around.low, ...around.high].every((n) => n === 0)) return sums;
  return div(sums, avgPool(padSpatial(full([1, 1, ...place], 1, x.dtype), around, 0), kernel, { stride }));
}

const spatial = (x: Tensor): number[] => x.shape.map((_, i) => i).slice(2);

function depthToSpace(call: Call): Tensor {
  const x = call.tensor(0);
  const [n, c, h, w] = x.shape;
  const block = call.attributes.int("blocksize", 1);
  const depth = c / (block * block);
  if (x.rank !== 4 || !Number.isInteger(depth)) call.fail(`blocks of ${block} do not fit the shape [${x.shape}]`);
  const rows = call.attributes.text("mode", "DCR") === "CRD";
  const apart = rows ? reshape(x, [n, depth, block, block, h, w]) : reshape(x, [n, block, block, depth, h, w]);
  const order = rows ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  return reshape(apart.transpose(order), [n, depth, h * block, w * block]);
}

function spaceToDepth(call: Call): Tensor {
  const x = call.tensor(0);
  const [n, c, h, w] = x.shape;
  const block = call.attributes.int("blocksize", 1);
  if (x.rank !== 4 || h % block !== 0 || w % block !== 0)
    call.fail(`blocks of ${block} do not fit the shape [${x.shape}]`);
  const apart = reshape(x, [n, c, h / block, block, w / block, block]).transpose([0, 3, 5, 1, 2, 4]);
  return reshape(apart, [n, c * block * block, h / block, w / block]);
}

export const windowOperators: Readonly<Record<string, Operator>> = {
  AveragePool: averagePool,
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  DepthToSpace: depthToSpace,
  GlobalAveragePool: (call) => mean(call.tensor(0), spatial(call.tensor(0)), { keepDims: true }),
  GlobalMaxPool: (call) => max(call.tensor(0), spatial(call.tensor(0)), { keepDims: true }),
  MaxPool: maximumPool,
  SpaceToDepth: spaceToDepth,
};
