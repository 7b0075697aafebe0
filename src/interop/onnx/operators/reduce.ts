import { logSumExp } from "../../../engine/composites/softmax.js";
import { mean } from "../../../engine/composites/statistics.js";
import type { Spec } from "../../../engine/core.js";
import { abs, log, mul, sqrt } from "../../../engine/primitives/elementwise.js";
import { topK } from "../../../engine/primitives/indexing.js";
import { argmax, argmin, cumsum, sum } from "../../../engine/primitives/reduce.js";
import { cast, expandDims, reshape } from "../../../engine/primitives/structure.js";
import { normalAxes, type Shape } from "../../../engine/shape.js";
import type { Tensor } from "../../../engine/tensor.js";
import { type Algebra, over, type Value } from "../algebra.js";
import type { Call, Operator } from "../call.js";

/** The axes to reduce and the shape of the result. */
function reduction(call: Call, shape: Shape): { axes: number[]; out: number[] } {
  const given = call.list("axes", 1) ?? [];
  const none = given.length === 0 && call.attributes.int("noop_with_empty_axes", 0) !== 0;
  const axes = none ? [] : normalAxes("axes", given.length === 0 ? undefined : given, shape);
  const kept = call.attributes.int("keepdims", 1) !== 0;
  const out = kept ? shape.map((n, i) => (axes.includes(i) ? 1 : n)) : shape.filter((_, i) => !axes.includes(i));
  return { axes, out };
}

/** Reductions that shape arithmetic uses, too. */
const shared =
  (f: <T extends Spec>(m: Algebra<T>, x: T, axes: readonly number[]) => T): Operator =>
  (call): Value => {
    const x = call.value(0);
    const { axes, out } = reduction(call, x.shape);
    return over([x], (m, [t]) => m.reshape(f(m, t, axes), out));
  };

const reduced =
  (f: (x: Tensor, axes: readonly number[]) => Tensor): Operator =>
  (call) => {
    const x = call.tensor(0);
    const { axes, out } = reduction(call, x.shape);
    return reshape(f(x, axes), out);
  };

const arg =
  (f: (x: Tensor, axis: number) => Tensor): Operator =>
  (call) => {
    call.fixed("select_last_index", 0);
    const x = call.tensor(0);
    const axis = call.axis(x.shape, 0);
    const index = cast(f(x, axis), "int64");
    return call.attributes.int("keepdims", 1) !== 0 ? expandDims(index, axis) : index;
  };

function runningSum(call: Call): Tensor {
  const { attributes } = call;
  const [exclusive, reverse] = [attributes.int("exclusive", 0) !== 0, attributes.int("reverse", 0) !== 0];
  return cumsum(call.tensor(0), call.number(1, 0), { exclusive, reverse });
}

/** The k largest (or smallest) elements along an axis, in order, and their indices. */
function largest(call: Call): Tensor[] {
  const x = call.tensor(0);
  const k = call.opset < 10 ? call.attributes.int("k", 1) : call.number(1, 1);
  const { values, indices } = topK(x, k, call.axis(x.shape, -1), { largest: call.attributes.int("largest", 1) !== 0 });
  return [values, cast(indices, "int64")];
}

export const reduceOperators: Readonly<Record<string, Operator>> = {
  ArgMax: arg(argmax),
  ArgMin: arg(argmin),
  CumSum: runningSum,
  ReduceL1: reduced((x, axes) => sum(abs(x), axes)),
  ReduceL2: reduced((x, axes) => sqrt(sum(mul(x, x), axes))),
  ReduceLogSum: reduced((x, axes) => log(sum(x, axes))),
  ReduceLogSumExp: reduced((x, axes) => logSumExp(x, axes)),
  ReduceMax: shared((m, x, axes) => m.max(x, axes)),
  ReduceMean: reduced((x, axes) => mean(x, axes)),
  ReduceMin: shared((m, x, axes) => m.min(x, axes)),
  ReduceProd: shared((m, x, axes) => m.prod(x, axes)),
  ReduceSum: shared((m, x, axes) => m.sum(x, axes)),
  ReduceSumSquare: reduced((x, axes) => sum(mul(x, x), axes)),
  TopK: largest,
};
