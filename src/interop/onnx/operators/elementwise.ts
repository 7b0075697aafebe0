import { elu, gelu, leakyRelu, reciprocal, silu, softplus } from "../../../engine/composites/activations.js";
import { isInfinite, isNaN as isNotNumber } from "../../../engine/composites/elementary.js";
import { acos, acosh, asin, asinh, atanh, cosh, sinh, tan } from "../../../engine/composites/trigonometry.js";
import type { Spec } from "../../../engine/core.js";
import type { DType } from "../../../engine/dtype.js";
import { isFloat } from "../../../engine/dtype.js";
import {
  abs,
  add,
  atan,
  bitAnd,
  bitOr,
  bitXor,
  cos,
  div,
  equal,
  erf,
  exp,
  greater,
  log,
  maximum,
  minimum,
  mul,
  pow,
  relu,
  round,
  shiftLeft,
  shiftRight,
  sigmoid,
  sign,
  sin,
  tanh,
  where,
} from "../../../engine/primitives/elementwise.js";
import { Tensor } from "../../../engine/tensor.js";
import { type Algebra, asTensor, over, type Value } from "../algebra.js";
import type { Call, Operator } from "../call.js";
import { dtypeOfOnnx } from "../tensors.js";

/** An operator of one tensor. */
const unary =
  (f: (x: Tensor) => Tensor): Operator =>
  (call) =>
    f(call.tensor(0));
const binary =
  (f: (a: Tensor, b: Tensor) => Tensor): Operator =>
  (call) =>
    f(call.tensor(0), call.tensor(1));

/** Operators that shape arithmetic uses, too. */
const shared1 =
  (f: <T extends Spec>(m: Algebra<T>, x: T) => T): Operator =>
  (call) =>
    over([call.value(0)], (m, [x]) => f(m, x));
const shared2 =
  (f: <T extends Spec>(m: Algebra<T>, a: T, b: T) => T): Operator =>
  (call) =>
    over([call.value(0), call.value(1)], (m, [a, b]) => f(m, a, b));
const variadic =
  (f: <T extends Spec>(m: Algebra<T>, a: T, b: T) => T): Operator =>
  (call) =>
    over(
      call.inputs.map((_, i) => call.value(i)),
      (m, all) => all.reduce((a, b) => f(m, a, b)),
    );

const clamp = (x: Tensor, low: number, high: number): Tensor => minimum(maximum(x, low), high);

function clip(call: Call): Tensor {
  const bound = (i: number, name: string): Tensor | number | undefined => {
    if (call.opset < 11) return call.attributes.has(name) ? call.attributes.float(name, 0) : undefined;
    return call.optional(i);
  };
  const [low, high] = [bound(1, "min"), bound(2, "max")];
  const x = call.tensor(0);
  const raised = low === undefined ? x : maximum(x, low);
  return high === undefined ? raised : minimum(raised, high);
}

/** The exponent may have a dtype of its own. */
function power(call: Call): Value {
  const [base, exponent] = [call.value(0), call.value(1)];
  // A plain number as the exponent has the simpler derivative.
  if (
    base instanceof Tensor &&
    !(exponent instanceof Tensor) &&
    exponent.dtype !== "float16" &&
    exponent.data.length === 1
  ) {
    const value = Number(exponent.data[0]);
    const fits = isFloat(base.dtype) || Number.isInteger(value);
    if (fits && exponent.shape.length <= base.rank) return pow(base, value);
  }
  const { dtype } = base;
  return over([base, exponent], (m, [a, b]) => m.pow(a, m.cast(b, dtype)));
}

function cast(call: Call, dtype: DType): Value {
  return over([call.value(0)], (m, [x]) => m.cast(x, dtype));
}

/** In inference, when nothing is dropped. */
function dropout(call: Call): Value | Value[] {
  if (call.has(2) && call.number(2, 0) !== 0)
    call.fail("training mode is not supported; export the model for inference");
  const x = call.value(0);
  return call.outputs[1] ? [x, equal(asTensor(x), asTensor(x))] : x;
}

function prelu(call: Call): Tensor {
  const [x, slope] = [call.tensor(0), call.tensor(1)];
  return where(greater(x, 0), x, mul(x, slope));
}

const gain = 1.0507009873554805;
const alphaOfSelu = 1.6732632423543772;

const thresholded = (x: Tensor, alpha: number): Tensor => where(greater(x, alpha), x, 0);

const gelus = (call: Call): Tensor => {
  const approximate = call.attributes.text("approximate", "none");
  if (approximate !== "none" && approximate !== "tanh") call.fail(`approximate = ${approximate} is not supported`);
  return gelu(call.tensor(0), { approximate: approximate === "tanh" });
};

const shift = (call: Call): Tensor => {
  const direction = call.attributes.text("direction", "");
  if (direction !== "LEFT" && direction !== "RIGHT") call.fail(`direction = ${direction} is not supported`);
  return (direction === "LEFT" ? shiftLeft : shiftRight)(call.tensor(0), call.tensor(1));
};

export const elementwiseOperators: Readonly<Record<string, Operator>> = {
  Acos: unary(acos),
  Acosh: unary(acosh),
  Asin: unary(asin),
  Asinh: unary(asinh),
  Atan: unary(atan),
  Atanh: unary(atanh),
  Abs: shared1((m, x) => m.abs(x)),
  Add: shared2((m, a, b) => m.add(a, b)),
  And: shared2((m, a, b) => m.and(a, b)),
  BitShift: shift,
  BitwiseAnd: binary(bitAnd),
  BitwiseOr: binary(bitOr),
  BitwiseXor: binary(bitXor),
  Cast: (call) => cast(call, dtypeOfOnnx(call.attributes.int("to", 0), "Cast")),
  CastLike: (call) => cast(call, call.value(1).dtype),
  Ceil: shared1((m, x) => m.neg(m.floor(m.neg(x)))),
  Celu: (call) => {
    const alpha = call.attributes.float("alpha", 1);
    const x = call.tensor(0);
    return add(relu(x), mul(elu(mul(minimum(x, 0), 1 / alpha)), alpha));
  },
  Clip: clip,
  Cos: unary(cos),
  Cosh: unary(cosh),
  Div: shared2((m, a, b) => m.div(a, b)),
  Dropout: dropout,
  Elu: (call) => elu(call.tensor(0), call.attributes.float("alpha", 1)),
  Equal: shared2((m, a, b) => m.equal(a, b)),
  Erf: unary(erf),
  Exp: unary(exp),
  Floor: shared1((m, x) => m.floor(x)),
  Gelu: gelus,
  Greater: shared2((m, a, b) => m.less(b, a)),
  GreaterOrEqual: shared2((m, a, b) => m.lessEqual(b, a)),
  HardSigmoid: (call) => {
    const [alpha, beta] = [call.attributes.float("alpha", 0.2), call.attributes.float("beta", 0.5)];
    return clamp(add(mul(call.tensor(0), alpha), beta), 0, 1);
  },
  HardSwish: unary((x) => mul(x, clamp(add(mul(x, 1 / 6), 0.5), 0, 1))),
  Identity: (call) => call.value(0),
  IsInf: (call) => {
    call.fixed("detect_negative", 1);
    call.fixed("detect_positive", 1);
    return isInfinite(call.tensor(0));
  },
  IsNaN: unary(isNotNumber),
  LeakyRelu: (call) => leakyRelu(call.tensor(0), call.attributes.float("alpha", 0.01)),
  Less: shared2((m, a, b) => m.less(a, b)),
  LessOrEqual: shared2((m, a, b) => m.lessEqual(a, b)),
  Log: unary(log),
  Max: variadic((m, a, b) => m.maximum(a, b)),
  Mean: (call) =>
    mul(
      call.inputs.map((_, i) => call.tensor(i)).reduce((a, b) => add(a, b)),
      1 / call.inputs.length,
    ),
  Min: variadic((m, a, b) => m.minimum(a, b)),
  Mish: unary((x) => mul(x, tanh(softplus(x)))),
  Mod: (call) => {
    call.fixed("fmod", 0);
    return over([call.value(0), call.value(1)], (m, [a, b]) => m.mod(a, b));
  },
  Mul: shared2((m, a, b) => m.mul(a, b)),
  Neg: shared1((m, x) => m.neg(x)),
  Not: shared1((m, x) => m.not(x)),
  Or: shared2((m, a, b) => m.or(a, b)),
  Pow: power,
  PRelu: prelu,
  Reciprocal: unary(reciprocal),
  Relu: unary(relu),
  Round: unary(round),
  Selu: (call) => {
    const alpha = call.attributes.float("alpha", alphaOfSelu);
    return mul(elu(call.tensor(0), alpha), call.attributes.float("gamma", gain));
  },
  Sigmoid: unary(sigmoid),
  Sign: unary(sign),
  Sin: unary(sin),
  Sinh: unary(sinh),
  Softplus: unary(softplus),
  Softsign: unary((x) => div(x, add(abs(x), 1))),
  Sqrt: shared1((m, x) => m.sqrt(x)),
  Sub: shared2((m, a, b) => m.sub(a, b)),
  Sum: variadic((m, a, b) => m.add(a, b)),
  Swish: (call) => {
    const alpha = call.attributes.float("alpha", 1);
    const x = call.tensor(0);
    return alpha === 1 ? silu(x) : mul(x, sigmoid(mul(x, alpha)));
  },
  Tan: unary(tan),
  Tanh: unary(tanh),
  ThresholdedRelu: (call) => thresholded(call.tensor(0), call.attributes.float("alpha", 1)),
  Where: (call) => over([call.value(0), call.value(1), call.value(2)], (m, [c, a, b]) => m.where(c, a, b)),
  Xor: (call) => over([call.value(0), call.value(1)], (m, [a, b]) => m.not(m.equal(a, b))),
};
