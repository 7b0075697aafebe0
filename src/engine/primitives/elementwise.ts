import { type Attrs, apply, type GradContext, type Primitive, type Spec, sameDType } from "../core.js";
import type { DType } from "../dtype.js";
import { dtypes, isFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { asTensor, literalValue } from "../literals.js";
import { broadcastShapes, sameShape } from "../shape.js";
import { type Operand, Tensor } from "../tensor.js";
import { alignForBatch } from "./batching.js";
import { erfLowered } from "./erf.js";
import { sumTo } from "./reduce.js";
import { broadcastPrimitive, cast, joinPadded, padPrimitive } from "./structure.js";

type Grad = (g: Tensor, context: GradContext<Attrs>) => (Tensor | undefined)[];

interface Kind {
  /** Dtypes that the operation is defined for. */
  readonly kinds?: readonly ("float" | "int" | "uint" | "bool")[];
  /** The output's dtype when it is not the inputs'. */
  readonly out?: DType;
  readonly attrs?: Attrs;
  readonly lower?: Primitive["lower"];
}

function elementwise(name: string, onnx: string, grad: "none" | Grad, kind: Kind = {}): Primitive {
  return {
    name,
    infer(inputs: readonly Spec[]) {
      const dtype = sameDType(name, inputs);
      if (kind.kinds && !kind.kinds.includes(dtypes[dtype].kind)) {
        throw new ShapeError(name, `not defined for dtype ${dtype}; convert with cast()`);
      }
      return { shape: broadcastShapes(name, ...inputs.map((i) => i.shape)), dtype: kind.out ?? dtype };
    },
    grad,
    batch: (inputs, batched, attrs) => apply(primitives[name], alignForBatch(inputs, batched), attrs),
    lower: (inputs, attrs) => kind.lower?.(inputs, attrs) ?? unstretched(name, inputs),
    emit: (e, inputs) => e.node(onnx, inputs, kind.attrs),
  };
}

/** The operation broadcasts by itself: what was stretched to its partner's shape before need not be. */
function unstretched(name: string, inputs: readonly Tensor[]): Tensor | undefined {
  if (inputs.length !== 2) return undefined;
  const shapeOf = (list: readonly Tensor[]) => broadcastShapes(name, ...list.map((t) => t.shape));
  const shape = shapeOf(inputs);
  for (const [i, { node }] of inputs.entries()) {
    if (node.primitive !== broadcastPrimitive) continue;
    const next = inputs.with(i, node.inputs[0]);
    if (sameShape(shapeOf(next), shape)) return apply(primitives[name], next, {});
  }
  return undefined;
}

const float = ["float"] as const;
const ordered = ["float", "int", "uint"] as const;
const integer = ["int", "uint"] as const;

/** Passes each operand's share of the gradient through `sumTo`, which undoes broadcasting. */
const pair =
  (left: (g: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor, right: typeof left): Grad =>
  (g, { inputs: [a, b], output, needs }) => [
    needs[0] ? sumTo(left(g, a, b, output), a.shape) : undefined,
    needs[1] ? sumTo(right(g, a, b, output), b.shape) : undefined,
  ];
const single =
  (rule: (g: Tensor, x: Tensor, y: Tensor) => Tensor): Grad =>
  (g, { inputs: [x], output }) => [rule(g, x, output)];

/** b a^(b - 1), and 0 rather than 0 times infinity where a and b are 0. */
function powerSlope(a: Tensor, b: Tensor): Tensor {
  const exponent = literalValue(b);
  if (exponent !== undefined) return exponent === 0 ? mul(a, 0) : mul(pow(a, exponent - 1), exponent);
  const flat = and(equal(a, 0), equal(b, 0));
  return mul(b, pow(a, sub(where(flat, 1, b), 1)));
}

/** The largest float32: times any normal number it is at least 1. */
const largest = 3.4028234663852886e38;

/** 1 where a > b, 1/2 where they are equal, else 0: the derivative of max(a, b) with respect to a. */
const winner = (a: Tensor, b: Tensor): Tensor =>
  add(cast(greater(a, b), a.dtype), mul(cast(equal(a, b), a.dtype), 0.5));

/** The padded tensors that a sum is made of; undefined when it has other terms. */
function padded(...terms: Tensor[]): Tensor[] | undefined {
  const found: Tensor[] = [];
  for (let t = terms.pop(); t !== undefined; t = terms.pop()) {
    const { primitive, inputs } = t.node;
    if (primitive === padPrimitive) found.push(t);
    else if (primitive === primitives.add && inputs.every((i) => i.rank === t.rank)) terms.push(...inputs);
    else return undefined;
  }
  return found;
}

/** (x times one number) times another, as x times their product; not where that is too large or too small to be exact. */
function mergedFactors(scaled: Tensor, factor: Tensor): Tensor | undefined {
  const by = literalValue(factor);
  if (by === undefined || !isFloat(scaled.dtype) || scaled.node.primitive !== primitives.mul) return undefined;
  const [a, b] = scaled.node.inputs;
  const [x, before] = literalValue(a) === undefined ? [a, literalValue(b)] : [b, literalValue(a)];
  if (before === undefined || !(Math.abs(by * before) > 1e-30 && Math.abs(by * before) < 1e30)) return undefined;
  return mul(x, by * before);
}

// ONNX Runtime's native Max and Min read the low halves of int64 as signed (1.30), so that dtype takes another road.
const list: readonly Primitive[] = [
  elementwise(
    "add",
    "Add",
    pair(
      (g) => g,
      (g) => g,
    ),
    { kinds: ordered, lower: ([a, b]) => (a === b && isFloat(a.dtype) ? mul(a, 2) : joinPadded(padded(a, b))) },
  ),
  elementwise(
    "sub",
    "Sub",
    pair(
      (g) => g,
      (g) => neg(g),
    ),
    { kinds: ordered },
  ),
  elementwise(
    "mul",
    "Mul",
    pair(
      (g, _a, b) => mul(g, b),
      (g, a) => mul(g, a),
    ),
    { kinds: ordered, lower: ([a, b]) => mergedFactors(a, b) ?? mergedFactors(b, a) },
  ),
  elementwise(
    "div",
    "Div",
    pair(
      (g, _a, b) => div(g, b),
      (g, _a, b, y) => neg(div(mul(g, y), b)),
    ),
    { kinds: ordered },
  ),
  elementwise(
    "pow",
    "Pow",
    pair(
      (g, a, b) => mul(g, powerSlope(a, b)),
      // log(a) has no meaning for a <= 0; there the derivative with respect to the exponent is taken as 0.
      (g, a, _b, y) => mul(g, mul(y, log(where(greater(a, 0), a, 1)))),
    ),
    { kinds: ["float", "int"] },
  ),
  elementwise(
    "maximum",
    "Max",
    pair(
      (g, a, b) => mul(g, winner(a, b)),
      (g, a, b) => mul(g, winner(b, a)),
    ),
    { kinds: ordered, lower: ([a, b]) => (a.dtype === "int64" ? where(less(a, b), b, a) : undefined) },
  ),
  elementwise(
    "minimum",
    "Min",
    pair(
      (g, a, b) => mul(g, winner(b, a)),
      (g, a, b) => mul(g, winner(a, b)),
    ),
    { kinds: ordered, lower: ([a, b]) => (a.dtype === "int64" ? where(less(b, a), b, a) : undefined) },
  ),
  elementwise("mod", "Mod", "none", { kinds: integer }),
  elementwise("equal", "Equal", "none", { out: "bool" }),
  elementwise("less", "Less", "none", { kinds: ordered, out: "bool" }),
  elementwise("lessEqual", "LessOrEqual", "none", { kinds: ordered, out: "bool" }),
  elementwise("and", "And", "none", { kinds: ["bool"] }),
  elementwise("or", "Or", "none", { kinds: ["bool"] }),
  elementwise("not", "Not", "none", { kinds: ["bool"] }),
  elementwise("bitAnd", "BitwiseAnd", "none", { kinds: integer }),
  elementwise("bitOr", "BitwiseOr", "none", { kinds: integer }),
  elementwise("bitXor", "BitwiseXor", "none", { kinds: integer }),
  elementwise("shiftLeft", "BitShift", "none", { kinds: ["uint"], attrs: { direction: "LEFT" } }),
  elementwise("shiftRight", "BitShift", "none", { kinds: ["uint"], attrs: { direction: "RIGHT" } }),
  elementwise(
    "neg",
    "Neg",
    single((g) => neg(g)),
    { kinds: ["float", "int"] },
  ),
  elementwise(
    "abs",
    "Abs",
    single((g, x) => mul(g, sign(x))),
    { kinds: ordered },
  ),
  elementwise("sign", "Sign", "none", { kinds: ordered }),
  // In float32 this kernel makes one pass where a comparison, a cast and their product make three.
  elementwise("heaviside", "HardSigmoid", "none", {
    kinds: float,
    attrs: { alpha: largest, beta: 0 },
    lower: ([x]) => (x.dtype === "float32" ? undefined : cast(greater(x, 0), x.dtype)),
  }),
  elementwise("floor", "Floor", "none", { kinds: float }),
  elementwise("round", "Round", "none", { kinds: float }),
  elementwise(
    "exp",
    "Exp",
    single((g, _x, y) => mul(g, y)),
    { kinds: float },
  ),
  elementwise(
    "log",
    "Log",
    single((g, x) => div(g, x)),
    { kinds: float },
  ),
  elementwise(
    "sqrt",
    "Sqrt",
    single((g, _x, y) => div(mul(g, 0.5), y)),
    { kinds: float },
  ),
  elementwise(
    "sin",
    "Sin",
    single((g, x) => mul(g, cos(x))),
    { kinds: float },
  ),
  elementwise(
    "cos",
    "Cos",
    single((g, x) => neg(mul(g, sin(x)))),
    { kinds: float },
  ),
  elementwise(
    "atan",
    "Atan",
    single((g, x) => div(g, add(mul(x, x), 1))),
    // ONNX Runtime has no float64 kernel for Atan.
    { kinds: float, lower: ([x]) => (x.dtype === "float64" ? atanLowered(x) : undefined) },
  ),
  elementwise(
    "tanh",
    "Tanh",
    single((g, _x, y) => mul(g, sub(1, mul(y, y)))),
    { kinds: float },
  ),
  elementwise(
    "sigmoid",
    "Sigmoid",
    single((g, _x, y) => mul(g, mul(y, sub(1, y)))),
    { kinds: float },
  ),
  elementwise(
    "relu",
    "Relu",
    // By the result, not by x: then nobody else needs x, and the runtime computes it and the result in one.
    single((g, _x, y) => mul(g, heaviside(y))),
    { kinds: float },
  ),
  elementwise(
    "erf",
    "Erf",
    single((g, x) => mul(g, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI)))),
    {
      kinds: float,
      // ONNX Runtime has no float64 kernel for Erf.
      lower: ([x]) => (x.dtype === "float64" ? erfLowered(x) : undefined),
    },
  ),
];

/** atan in float64: that in float32, y, and the angle that is left: tan(angle - y) = (t cos y - sin y) / (cos y + t sin y). */
function atanLowered(x: Tensor): Tensor {
  const isSteep = less(1, abs(x));
  const t = where(isSteep, div(1, x), x);
  const y = cast(atan(cast(t, "float32")), "float64");
  const [s, c] = [sin(y), cos(y)];
  const angle = add(y, div(sub(mul(t, c), s), add(c, mul(t, s))));
  return where(isSteep, sub(mul(sign(x), Math.PI / 2), angle), angle);
}

const primitives: Readonly<Record<string, Primitive>> = Object.fromEntries(list.map((p) => [p.name, p]));

export const addPrimitive = primitives.add;
export const mulPrimitive = primitives.mul;
export const subPrimitive = primitives.sub;
export const reluPrimitive = primitives.relu;

/** select(condition, a, b): element-wise choice. */
const select: Primitive = {
  name: "where",
  infer([condition, a, b]) {
    if (condition.dtype !== "bool")
      throw new ShapeError("where", `the condition has dtype ${condition.dtype}, not bool`);
    return { shape: broadcastShapes("where", condition.shape, a.shape, b.shape), dtype: sameDType("where", [a, b]) };
  },
  grad: (g, { inputs: [condition, a, b], needs }) => [
    undefined,
    needs[1] ? sumTo(where(condition, g, 0), a.shape) : undefined,
    needs[2] ? sumTo(where(condition, 0, g), b.shape) : undefined,
  ],
  batch: (inputs, batched, attrs) => apply(select, alignForBatch(inputs, batched), attrs),
  emit: (e, inputs, { dtype }) => {
    if (dtype !== "uint32" && dtype !== "uint64" && dtype !== "bool") return e.node("Where", inputs);
    // Where has no kernel for these; int64 holds all values of uint32 and the bits of uint64.
    const wide = inputs.slice(1).map((name) => e.cast(name, "int64"));
    return e.cast(e.node("Where", [inputs[0], ...wide]), dtype);
  },
};

export const elementwisePrimitives: readonly Primitive[] = [...list, select];

function binary(name: string, a: Operand, b: Operand, fallback: DType = "float32"): Tensor {
  const dtype = a instanceof Tensor ? a.dtype : b instanceof Tensor ? b.dtype : fallback;
  return apply(primitives[name], [asTensor(a, dtype), asTensor(b, dtype)], {});
}
const unary = (name: string, x: Operand): Tensor => apply(primitives[name], [asTensor(x, "float32")], {});

/** `x` itself when the other operand is the identity `value` and broadcasting changes nothing. */
function unchanged(x: Operand, other: Operand, value: number): Tensor | undefined {
  if (!(x instanceof Tensor)) return undefined;
  if (typeof other === "number") return other === value ? x : undefined;
  return other instanceof Tensor && other.dtype === x.dtype && literalValue(other) === value ? x : undefined;
}

/** Element-wise a + b with NumPy broadcasting. */
export const add = (a: Operand, b: Operand): Tensor => unchanged(a, b, 0) ?? unchanged(b, a, 0) ?? binary("add", a, b);
/** Element-wise a - b. */
export const sub = (a: Operand, b: Operand): Tensor => unchanged(a, b, 0) ?? binary("sub", a, b);
/** Element-wise a * b. */
export const mul = (a: Operand, b: Operand): Tensor => unchanged(a, b, 1) ?? unchanged(b, a, 1) ?? binary("mul", a, b);
/** Element-wise a / b; integer division truncates. */
export const div = (a: Operand, b: Operand): Tensor => unchanged(a, b, 1) ?? binary("div", a, b);
/** Element-wise a ** b. The derivative with respect to b is taken as 0 where a <= 0. */
export function pow(a: Operand, b: Operand): Tensor {
  const exponent = b instanceof Tensor ? literalValue(b) : Number(b);
  if (a instanceof Tensor && exponent === 1) return a;
  if (a instanceof Tensor && exponent === 2) return mul(a, a);
  return binary("pow", a, b);
}
/** Element-wise maximum; where operands are equal each gets half the gradient. */
export const maximum = (a: Operand, b: Operand): Tensor => binary("maximum", a, b);
/** Element-wise minimum; where operands are equal each gets half the gradient. */
export const minimum = (a: Operand, b: Operand): Tensor => binary("minimum", a, b);
/** Integer remainder with the sign of the divisor. */
export const mod = (a: Operand, b: Operand): Tensor => binary("mod", a, b, "int32");
export const equal = (a: Operand, b: Operand): Tensor => binary("equal", a, b);
export const notEqual = (a: Operand, b: Operand): Tensor => not(equal(a, b));
export const less = (a: Operand, b: Operand): Tensor => binary("less", a, b);
export const lessEqual = (a: Operand, b: Operand): Tensor => binary("lessEqual", a, b);
export const greater = (a: Operand, b: Operand): Tensor => binary("less", b, a);
export const greaterEqual = (a: Operand, b: Operand): Tensor => binary("lessEqual", b, a);
export const and = (a: Tensor, b: Tensor): Tensor => binary("and", a, b);
export const or = (a: Tensor, b: Tensor): Tensor => binary("or", a, b);
export const not = (a: Tensor): Tensor => unary("not", a);
export const bitAnd = (a: Tensor, b: Operand): Tensor => binary("bitAnd", a, b);
export const bitOr = (a: Tensor, b: Operand): Tensor => binary("bitOr", a, b);
export const bitXor = (a: Tensor, b: Operand): Tensor => binary("bitXor", a, b);
export const shiftLeft = (a: Tensor, b: Operand): Tensor => binary("shiftLeft", a, b);
export const shiftRight = (a: Tensor, b: Operand): Tensor => binary("shiftRight", a, b);
export function neg(x: Operand): Tensor {
  return unary("neg", x);
}
export const abs = (x: Operand): Tensor => unary("abs", x);
/** -1, 0 or 1; its derivative is 0. */
export const sign = (x: Operand): Tensor => unary("sign", x);
/** 1 where x is positive, else 0 (in float32, positive numbers below 3e-39 give less than 1); its derivative is 0. */
export const heaviside = (x: Operand): Tensor => unary("heaviside", x);
export const floor = (x: Operand): Tensor => unary("floor", x);
/** To the nearest integer, halves to even; its derivative is 0. */
export const round = (x: Operand): Tensor => unary("round", x);
export const exp = (x: Operand): Tensor => unary("exp", x);
/** Natural logarithm. */
export const log = (x: Operand): Tensor => unary("log", x);
export const sqrt = (x: Operand): Tensor => unary("sqrt", x);
export const sin = (x: Operand): Tensor => unary("sin", x);
export const cos = (x: Operand): Tensor => unary("cos", x);
/** The angle in (-pi/2, pi/2) whose tangent is x. */
export const atan = (x: Operand): Tensor => unary("atan", x);
export const tanh = (x: Operand): Tensor => unary("tanh", x);
/** 1 / (1 + exp(-x)). */
export const sigmoid = (x: Operand): Tensor => unary("sigmoid", x);
/** max(x, 0); the derivative at 0 is 0. */
export const relu = (x: Operand): Tensor => unary("relu", x);
/** The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x. */
export const erf = (x: Operand): Tensor => unary("erf", x);
/** x * x. */
export const square = (x: Tensor): Tensor => mul(x, x);

/** `a` where the condition holds, else `b`. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const dtype = a instanceof Tensor ? a.dtype : b instanceof Tensor ? b.dtype : "float32";
  return apply(select, [condition, asTensor(a, dtype), asTensor(b, dtype)], {});
}
