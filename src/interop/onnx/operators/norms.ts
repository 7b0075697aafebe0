import { batchNorm, layerNorm } from "../../../engine/composites/norms.js";
import { logSoftmax, softmax } from "../../../engine/composites/softmax.js";
import { mean, norm } from "../../../engine/composites/statistics.js";
import { abs, add, div, mul, sqrt, sub } from "../../../engine/primitives/elementwise.js";
import { sum } from "../../../engine/primitives/reduce.js";
import { reshape, zeros } from "../../../engine/primitives/structure.js";
import { sameShape, sizeOf } from "../../../engine/shape.js";
import type { Tensor } from "../../../engine/tensor.js";
import type { Call, Operator } from "../call.js";

const keep = { keepDims: true };

function batchNormalization(call: Call): Tensor {
  if (call.attributes.int("training_mode", 0) !== 0)
    call.fail("training mode is not supported; export the model for inference");
  call.fixed("spatial", 1);
  const [x, ...channels] = [0, 1, 2, 3, 4].map((i) => call.tensor(i));
  const [scale, shift, centre, variance] = channels;
  if (x.rank < 2 || channels.some((t) => !sameShape(t.shape, [x.shape[1]])))
    call.fail(`[${x.shape}] does not fit channels of ${channels.map((t) => `[${t.shape}]`).join(", ")}`);
  return batchNorm(x, { mean: centre, variance }, scale, shift, { epsilon: call.attributes.float("epsilon", 1e-5) });
}

/** Mean 0 and variance 1 over `axes`. */
function standardised(x: Tensor, axes: readonly number[], epsilon: number): Tensor {
  const centred = sub(x, mean(x, axes, keep));
  return div(centred, sqrt(add(mean(mul(centred, centred), axes, keep), epsilon)));
}

const from = (x: Tensor, axis: number): number[] => x.shape.map((_, i) => i).slice(axis);

function layerNormalization(call: Call): Tensor {
  const x = call.tensor(0);
  const scale = call.tensor(1);
  const shift = call.optional(2);
  const axis = call.axis(x.shape, -1);
  const epsilon = call.attributes.float("epsilon", 1e-5);
  if (axis === x.rank - 1 && sameShape(scale.shape, x.shape.slice(axis)))
    return layerNorm(x, scale, shift ?? zeros(scale.shape, x.dtype), { epsilon });
  const scaled = mul(standardised(x, from(x, axis), epsilon), scale);
  return shift ? add(scaled, shift) : scaled;
}

function rmsNormalization(call: Call): Tensor {
  const x = call.tensor(0);
  const axes = from(x, call.axis(x.shape, -1));
  const size = sqrt(add(mean(mul(x, x), axes, keep), call.attributes.float("epsilon", 1e-5)));
  return mul(div(x, size), call.tensor(1));
}

/** Normalises groups of channels of [N, C, ...]; scale and shift have one number a channel (or, once, a group). */
function byGroups(call: Call, groups: number): Tensor {
  const [x, scale, shift] = [call.tensor(0), call.tensor(1), call.tensor(2)];
  const [n, c, ...rest] = x.shape;
  if (scale.size !== shift.size || (scale.size !== c && scale.size !== groups))
    call.fail(`scale [${scale.shape}] and bias [${shift.shape}] do not fit [${x.shape}]`);
  if (!(groups >= 1) || c % groups !== 0) call.fail(`${groups} groups do not divide ${c} channels`);
  const epsilon = call.attributes.float("epsilon", 1e-5);
  const each = reshape(x, [n, groups, (c / groups) * sizeOf(rest)]);
  const normal = standardised(each, [2], epsilon);
  const column = (t: Tensor): Tensor => reshape(t, [1, t.size, ...new Array(rest.length).fill(1)]);
  if (scale.size === c) return add(mul(reshape(normal, x.shape), column(scale)), column(shift));
  const group = (t: Tensor): Tensor => reshape(t, [1, groups, 1]);
  return reshape(add(mul(normal, group(scale)), group(shift)), x.shape);
}

function lpNormalization(call: Call): Tensor {
  const x = call.tensor(0);
  const axis = call.axis(x.shape, -1);
  const p = call.attributes.int("p", 2);
  if (p !== 1 && p !== 2) call.fail(`p = ${p} is not supported`);
  return div(x, p === 2 ? norm(x, axis, keep) : sum(abs(x), axis, keep));
}

/** Before operator set 13, all axes from `axis` on were one. */
const alongAxis =
  (f: (x: Tensor, axis: number) => Tensor): Operator =>
  (call) => {
    const x = call.tensor(0);
    if (call.opset >= 13) return f(x, call.axis(x.shape, -1));
    const axis = call.axis(x.shape, 1);
    return reshape(f(reshape(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]), 1), x.shape);
  };

export const normOperators: Readonly<Record<string, Operator>> = {
  BatchNormalization: batchNormalization,
  GroupNormalization: (call) => byGroups(call, call.attributes.int("num_groups", 0)),
  InstanceNormalization: (call) => byGroups(call, call.tensor(0).shape[1]),
  LayerNormalization: layerNormalization,
  LogSoftmax: alongAxis(logSoftmax),
  LpNormalization: lpNormalization,
  RMSNormalization: rmsNormalization,
  Softmax: alongAxis(softmax),
};
