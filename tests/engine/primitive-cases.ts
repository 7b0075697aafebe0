import {
  abs,
  add,
  and,
  arange,
  argmax,
  argsort,
  atan,
  bitAnd,
  bitOr,
  bitXor,
  broadcastTo,
  type ConvOptions,
  cast,
  concat,
  conv,
  convTranspose,
  cos,
  cumsum,
  customGradient,
  div,
  equal,
  erf,
  exp,
  flip,
  floor,
  gather,
  grad,
  heaviside,
  less,
  lessEqual,
  log,
  matmul,
  max,
  maximum,
  maxPool,
  minimum,
  mod,
  mul,
  neg,
  not,
  or,
  type PoolOptions,
  pad,
  pow,
  putAlongAxis,
  relu,
  reshape,
  round,
  scatterAdd,
  shiftLeft,
  shiftRight,
  sigmoid,
  sign,
  sin,
  slice,
  sqrt,
  stopGradient,
  sub,
  sum,
  type Tensor,
  takeAlongAxis,
  tanh,
  tensor,
  topK,
  transpose,
  where,
} from "../../src/engine/index.js";
import { alias } from "../../src/engine/primitives/structure.js";
import { controlCases } from "./control-cases.js";
import { type Fill, fill } from "./helpers.js";
import { linalgCases } from "./linalg/cases.js";

export interface PrimitiveCase {
  /** The primitive that the case is about; its graph must contain it. */
  readonly primitive: string;
  readonly label: string;
  readonly inputs: readonly Fill[];
  readonly f: (...inputs: Tensor[]) => Tensor;
  /** The value, in plain JavaScript, from inputs in row-major order. */
  readonly expected?: (...inputs: number[][]) => number[];
  /** How often the gradient exists as the limit of differences; 0 where there is none to check. Default 2. */
  readonly order?: 0 | 1 | 2;
  readonly gradientTolerance?: number;
  /** Not mapped: the case is about a shape that the batching tests need not repeat. */
  readonly skipBatching?: boolean;
}

const cases: PrimitiveCase[] = [];
type Rest = Partial<Omit<PrimitiveCase, "primitive" | "label" | "inputs" | "f">>;
const register = (
  primitive: string,
  label: string,
  inputs: readonly Fill[],
  f: PrimitiveCase["f"],
  rest: Rest = {},
): void => {
  cases.push({ primitive, label, inputs, f, ...rest });
};

// ---- leaves ----------------------------------------------------------------------------------------------------

register(
  "literal",
  "scalar and table",
  [{ shape: [2, 3] }],
  (x) => mul(add(x, 3), cast(tensor([1, 2, 3]), "float64")),
  {
    expected: (x) => x.map((v, i) => (v + 3) * ((i % 3) + 1)),
  },
);
register("iota", "times x", [{ shape: [2, 4] }], (x) => mul(x, arange(4, "float64")), {
  expected: (x) => x.map((v, i) => v * (i % 4)),
});
register("iota", "of size 0", [{ shape: [2, 0] }], (x) => mul(x, arange(0, "float64")), { expected: () => [] });

// ---- element-wise ----------------------------------------------------------------------------------------------

/** Row-major values of `x` of shape `from` read at shape `to`, by NumPy's rule. */
function stretched(x: readonly number[], from: readonly number[], to: readonly number[]): number[] {
  const n = to.reduce((a, b) => a * b, 1);
  return Array.from({ length: n }, (_, flat) => {
    let rest = flat;
    let at = 0;
    let stride = 1;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const index = rest % to[axis];
      rest = Math.floor(rest / to[axis]);
      const own = axis - (to.length - from.length);
      if (own < 0) continue;
      if (from[own] !== 1) at += index * stride;
      stride *= from[own];
    }
    return x[at];
  });
}

const broadcasts: readonly (readonly [left: readonly number[], right: readonly number[], out: readonly number[]])[] = [
  [
    [2, 3],
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3], [2, 3]],
  [
    [2, 1],
    [1, 3],
    [2, 3],
  ],
  [[], [2, 2], [2, 2]],
  [[1], [1, 1], [1, 1]],
  [
    [2, 1, 2],
    [3, 1],
    [2, 3, 2],
  ],
  [
    [0, 3],
    [1, 3],
    [0, 3],
  ],
  [[2, 0], [1], [2, 0]],
];

interface Binary {
  readonly name: string;
  readonly f: (a: Tensor, b: Tensor) => Tensor;
  readonly host: (a: number, b: number) => number;
  readonly left?: Partial<Fill>;
  readonly right?: Partial<Fill>;
  readonly order?: 0 | 1 | 2;
}
const away: Partial<Fill> = { range: [0.6, 2] };
const kinked: Partial<Fill> = { distinct: true };
const other: Partial<Fill> = { distinct: true, offset: 0.037 };
const whole: Partial<Fill> = { dtype: "int32", values: [7, -7, 5, -4, 9, 12, 0, 3, -2, 6, 1, 8] };
const divisors: Partial<Fill> = { dtype: "int32", values: [3, 2, -3, 4, -5, 7, 2, 9, 3, 4, 6, 5] };
const words: Partial<Fill> = {
  dtype: "uint32",
  values: [0, 1, 4294967295, 305419896, 2147483648, 77, 12, 5, 9, 65536, 3, 8],
};
const masks: Partial<Fill> = { dtype: "uint32", values: [5, 255, 4042322160, 1, 2147483649, 12, 7, 3, 2, 65535, 1, 9] };
const amounts: Partial<Fill> = { dtype: "uint32", values: [0, 1, 31, 7, 16, 3, 2, 4, 5, 9, 30, 8] };
const truths: Partial<Fill> = { dtype: "bool", values: [1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 1] };
const truths2: Partial<Fill> = { dtype: "bool", values: [1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 1] };
const some: Partial<Fill> = { values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] };
const others: Partial<Fill> = { values: [1, 3, 2, 4, 6, 5, 7, 8, 10, 9, 12, 11] };

const binaries: readonly Binary[] = [
  { name: "add", f: add, host: (a, b) => a + b },
  { name: "sub", f: sub, host: (a, b) => a - b },
  { name: "mul", f: mul, host: (a, b) => a * b },
  { name: "div", f: div, host: (a, b) => a / b, right: away },
  { name: "pow", f: pow, host: (a, b) => a ** b, left: away },
  { name: "maximum", f: maximum, host: Math.max, left: kinked, right: other },
  { name: "minimum", f: minimum, host: Math.min, left: kinked, right: other },
  { name: "mod", f: mod, host: (a, b) => a - b * Math.floor(a / b), left: whole, right: divisors, order: 0 },
  { name: "equal", f: equal, host: (a, b) => Number(a === b), left: some, right: others, order: 0 },
  { name: "less", f: less, host: (a, b) => Number(a < b), left: some, right: others, order: 0 },
  { name: "lessEqual", f: lessEqual, host: (a, b) => Number(a <= b), left: some, right: others, order: 0 },
  { name: "and", f: and, host: (a, b) => a & b, left: truths, right: truths2, order: 0 },
  { name: "or", f: or, host: (a, b) => a | b, left: truths, right: truths2, order: 0 },
  { name: "bitAnd", f: bitAnd, host: (a, b) => (a & b) >>> 0, left: words, right: masks, order: 0 },
  { name: "bitOr", f: bitOr, host: (a, b) => (a | b) >>> 0, left: words, right: masks, order: 0 },
  { name: "bitXor", f: bitXor, host: (a, b) => (a ^ b) >>> 0, left: words, right: masks, order: 0 },
  { name: "shiftLeft", f: shiftLeft, host: (a, b) => (a << b) >>> 0, left: words, right: amounts, order: 0 },
  { name: "shiftRight", f: shiftRight, host: (a, b) => a >>> b, left: words, right: amounts, order: 0 },
];
const cut = (fill: Partial<Fill> | undefined, shape: readonly number[]): Fill => {
  const n = shape.reduce((a, b) => a * b, 1);
  return { ...fill, shape, ...(fill?.values ? { values: fill.values.slice(0, n) } : {}) };
};
for (const { name, f, host, left, right, order } of binaries) {
  for (const [a, b, out] of broadcasts) {
    register(name, `[${a}] and [${b}]`, [cut(left, a), cut(right, b)], f, {
      order,
      expected: (x, y) => {
        const ys = stretched(y, b, out);
        return stretched(x, a, out).map((v, i) => host(v, ys[i]));
      },
    });
  }
}
register("mul", "a tensor by itself", [{ shape: [5] }], (x) => mul(x, x), { expected: (x) => x.map((v) => v * v) });
register("pow", "to a constant, negative base", [{ shape: [5], range: [-2, -0.5] }], (x) => pow(x, 3), {
  expected: (x) => x.map((v) => v ** 3),
});
register("pow", "to a constant, at zero", [{ shape: [3], values: [0, 1, -1] }], (x) => pow(x, 4), {
  expected: (x) => x.map((v) => v ** 4),
});
register("pow", "to the zeroth, at zero", [{ shape: [3], values: [0, 2, -1] }], (x) => pow(x, 0), {
  expected: () => [1, 1, 1],
});
register("pow", "to the first and second, at zero", [{ shape: [3], values: [0, 2, -1] }], (x) =>
  add(pow(x, tensor([1, 1, 1], { dtype: x.dtype })), pow(x, tensor([2, 2, 2], { dtype: x.dtype }))),
);
register("pow", "to -1/2", [{ shape: [5], range: [0.5, 2] }], (x) => pow(x, -0.5), {
  expected: (x) => x.map((v) => v ** -0.5),
});
register("div", "of a number", [{ shape: [5], range: [0.5, 2] }], (x) => div(3, x), {
  expected: (x) => x.map((v) => 3 / v),
});
register("sub", "from a number", [{ shape: [5] }], (x) => sub(3, x), { expected: (x) => x.map((v) => 3 - v) });

interface Unary {
  readonly name: string;
  readonly f: (x: Tensor) => Tensor;
  readonly host: (x: number) => number;
  readonly fill?: Partial<Fill>;
  readonly order?: 0 | 1 | 2;
}
/** The error function in float64: its Taylor series near 0, the continued fraction of erfc beyond. */
export function erfHost(x: number): number {
  const z = Math.abs(x);
  if (z > 2.5) {
    let fraction = 0;
    for (let n = 120; n > 0; n--) fraction = n / 2 / (z + fraction);
    return Math.sign(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction));
  }
  let term = x;
  let total = x;
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (total * 2) / Math.sqrt(Math.PI);
}
const halfEven = (x: number): number => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
const positive: Partial<Fill> = { range: [0.5, 3] };
const unaries: readonly Unary[] = [
  { name: "not", f: not, host: (x) => 1 - x, fill: truths, order: 0 },
  { name: "neg", f: neg, host: (x) => -x },
  { name: "abs", f: abs, host: Math.abs, fill: kinked },
  { name: "sign", f: sign, host: Math.sign, fill: kinked },
  { name: "heaviside", f: heaviside, host: (x) => (x > 0 ? 1 : 0), fill: kinked },
  { name: "floor", f: floor, host: Math.floor, fill: kinked },
  { name: "round", f: round, host: halfEven, fill: { distinct: true, offset: 0.01 } },
  { name: "exp", f: exp, host: Math.exp },
  { name: "log", f: log, host: Math.log, fill: positive },
  { name: "sqrt", f: sqrt, host: Math.sqrt, fill: positive },
  { name: "sin", f: sin, host: Math.sin },
  { name: "cos", f: cos, host: Math.cos },
  { name: "atan", f: atan, host: Math.atan },
  { name: "tanh", f: tanh, host: Math.tanh },
  { name: "sigmoid", f: sigmoid, host: (x) => 1 / (1 + Math.exp(-x)) },
  { name: "relu", f: relu, host: (x) => Math.max(x, 0), fill: kinked },
  { name: "erf", f: erf, host: erfHost },
];
for (const { name, f, host, fill, order } of unaries) {
  for (const shape of [[2, 3], [], [1, 1], [0, 2]]) {
    register(name, `[${shape}]`, [cut(fill, shape)], f, { order, expected: (x) => x.map(host) });
  }
}
register(
  "erf",
  "in all its ranges",
  [{ shape: [12], values: [-0.1, 0.2, 0.4, 0.6, 1, -1.5, 2.5, 3, -3.9, 4.1, -5, 5.5] }],
  erf,
  {
    expected: (x) => x.map(erfHost),
  },
);
register(
  "atan",
  "steep, flat and infinite",
  [{ shape: [8], values: [0, 1e-9, -0.3, 0.999, -1.001, 7, 1e12, Number.NEGATIVE_INFINITY] }],
  atan,
  { expected: (x) => x.map(Math.atan), order: 0 },
);
register("round", "halves go to even", [{ shape: [6], values: [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5] }], round, {
  order: 0,
  expected: (x) => x.map(halfEven),
});

const choose: Fill = { shape: [2, 3], dtype: "bool", values: [1, 0, 0, 1, 1, 0] };
register("where", "[2,3] and [2,3]", [choose, { shape: [2, 3] }, { shape: [2, 3] }], where, {
  expected: (c, a, b) => c.map((v, i) => (v ? a[i] : b[i])),
});
register(
  "where",
  "condition [3], operands [2,1] and []",
  [{ shape: [3], dtype: "bool", values: [1, 0, 1] }, { shape: [2, 1] }, { shape: [] }],
  where,
  {
    expected: (c, a, b) => [0, 1].flatMap((i) => c.map((v) => (v ? a[i] : b[0]))),
  },
);
register("where", "with a number", [choose, { shape: [2, 3] }], (c, a) => where(c, a, -1), {
  expected: (c, a) => c.map((v, i) => (v ? a[i] : -1)),
});
register("where", "size zero", [{ shape: [0], dtype: "bool" }, { shape: [0] }, { shape: [0] }], where, {
  expected: () => [],
});

// ---- structure -------------------------------------------------------------------------------------------------

const identity = (x: number[]): number[] => x;
register(
  "cast",
  "to float32 and back",
  [{ shape: [4], values: [1.5, -2.25, 0.5, 3] }],
  (x) => cast(cast(x, "float32"), "float64"),
  {
    expected: identity,
    order: 0,
  },
);
register(
  "cast",
  "towards zero",
  [{ shape: [4], values: [1.7, -1.7, 0.2, -0.2] }],
  (x) => cast(cast(x, "int32"), "float64"),
  {
    expected: (x) => x.map((v) => Math.trunc(v) + 0),
    order: 0,
  },
);
register("reshape", "[2,3] to [3,2]", [{ shape: [2, 3] }], (x) => reshape(x, [3, 2]), { expected: identity });
register("reshape", "[1] to []", [{ shape: [1] }], (x) => reshape(x, []), { expected: identity });
register("reshape", "[0,4] to [2,0]", [{ shape: [0, 4] }], (x) => reshape(x, [2, 0]), { expected: identity });
register("reshape", "one size open", [{ shape: [2, 6] }], (x) => reshape(x, [3, -1]), { expected: identity });
register("transpose", "[2,3]", [{ shape: [2, 3] }], (x) => transpose(x), {
  expected: ([a, b, c, d, e, f]) => [a, d, b, e, c, f],
});
register("transpose", "[2,1,3] by (2,0,1)", [{ shape: [2, 1, 3] }], (x) => transpose(x, [2, 0, 1]), {
  expected: ([a, b, c, d, e, f]) => [a, d, b, e, c, f],
});
register("transpose", "[0,3]", [{ shape: [0, 3] }], (x) => transpose(x), { expected: identity });
register("broadcastTo", "[3] to [2,3]", [{ shape: [3] }], (x) => broadcastTo(x, [2, 3]), {
  expected: (x) => [...x, ...x],
});
register("broadcastTo", "[2,1] to [2,2,3]", [{ shape: [2, 1] }], (x) => broadcastTo(x, [2, 2, 3]), {
  expected: ([a, b]) => [a, a, a, b, b, b, a, a, a, b, b, b],
});
register("broadcastTo", "[] to [2]", [{ shape: [] }], (x) => broadcastTo(x, [2]), { expected: ([a]) => [a, a] });
register("broadcastTo", "[1] to [0]", [{ shape: [1] }], (x) => broadcastTo(x, [0]), { expected: () => [] });
register("broadcastTo", "[1,2] to [0,2]", [{ shape: [1, 2] }], (x) => broadcastTo(x, [0, 2]), { expected: () => [] });
const grid = (rows: number, columns: number): Fill => ({
  shape: [rows, columns],
  values: Array.from({ length: rows * columns }, (_, i) => i + 1),
});
register("slice", "[3,4], rows 1.. and columns 1..3", [grid(3, 4)], (x) => slice(x, [1, 1], [3, 3]), {
  expected: () => [6, 7, 10, 11],
});
register("slice", "with steps", [grid(3, 5)], (x) => slice(x, [0, 1], [3, 5], [2, 3]), {
  expected: () => [2, 5, 12, 15],
});
register("slice", "with a step that leaves a rest", [grid(1, 6)], (x) => slice(x, [0, 0], [1, 6], [1, 4]), {
  expected: () => [1, 5],
});
register("slice", "negative positions", [grid(3, 4)], (x) => slice(x, [-2, 0], [3, -1]), {
  expected: () => [5, 6, 7, 9, 10, 11],
});
register("slice", "to nothing", [grid(2, 3)], (x) => slice(x, [1, 2], [2, 2]), { expected: () => [] });
register("slice", "to nothing with steps", [grid(2, 3)], (x) => slice(x, [0, 2], [2, 2], [2, 2]), {
  expected: () => [],
});
register("slice", "reversed", [grid(2, 3)], (x) => flip(x, 1), { expected: () => [3, 2, 1, 6, 5, 4] });
register("slice", "reversed on both axes", [grid(2, 3)], (x) => flip(x, [0, 1]), {
  expected: () => [6, 5, 4, 3, 2, 1],
});
register("slice", "reversed, of size zero", [{ shape: [0, 3] }], (x) => flip(x, 0), { expected: () => [] });
register("pad", "[2,2] by (1,0) and (0,2)", [grid(2, 2)], (x) => pad(x, [1, 0], [0, 2]), {
  expected: () => [0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0],
});
register("pad", "negative widths cut", [grid(2, 4)], (x) => pad(x, [0, -1], [1, -1]), {
  expected: () => [2, 3, 6, 7, 0, 0],
});
register("pad", "around nothing", [{ shape: [0] }], (x) => pad(x, [2], [1]), { expected: () => [0, 0, 0] });
register("pad", "cut to nothing", [grid(1, 3)], (x) => pad(x, [0, -2], [0, -1]), { expected: () => [] });
register("concat", "axis 0", [{ shape: [1, 2] }, { shape: [2, 2] }], (a, b) => concat([a, b]), {
  expected: (a, b) => [...a, ...b],
});
register(
  "concat",
  "last axis, three",
  [{ shape: [2, 1] }, { shape: [2, 0] }, { shape: [2, 2] }],
  (a, b, c) => concat([a, b, c], -1),
  {
    expected: ([a, b], _none, [c, d, e, f]) => [a, c, d, b, e, f],
  },
);
register("concat", "the same tensor twice", [{ shape: [2] }], (a) => concat([a, a]), { expected: (a) => [...a, ...a] });
// Differences see through stopGradient, so its zero gradient is asserted in the tests of transforms.
register("stopGradient", "[3]", [{ shape: [3] }], stopGradient, { expected: identity, order: 0 });
register("alias", "[3]", [{ shape: [3] }], alias, { expected: identity });

// ---- reductions ------------------------------------------------------------------------------------------------

const total = (x: number[]): number => x.reduce((a, b) => a + b, 0);
register("sum", "all", [{ shape: [2, 3] }], (x) => sum(x), { expected: (x) => [total(x)] });
register("sum", "axis 0", [{ shape: [2, 3] }], (x) => sum(x, 0), {
  expected: ([a, b, c, d, e, f]) => [a + d, b + e, c + f],
});
register("sum", "axes 0 and 2, kept", [{ shape: [2, 2, 2] }], (x) => sum(x, [0, -1], { keepDims: true }), {
  expected: ([a, b, c, d, e, f, g, h]) => [a + b + e + f, c + d + g + h],
});
register("sum", "over an axis of size one", [{ shape: [2, 1] }], (x) => sum(x, 1), { expected: identity });
register("sum", "over an empty axis", [{ shape: [2, 0] }], (x) => sum(x, 1), { expected: () => [0, 0] });
register("sum", "of an empty rest", [{ shape: [0, 3] }], (x) => sum(x, 1), { expected: () => [] });
register("sum", "of nothing", [{ shape: [0] }], (x) => sum(x), { expected: () => [0] });
const spaced = (shape: number[]): Fill => ({ shape, distinct: true });
register("max", "all", [spaced([2, 3])], (x) => max(x), { expected: (x) => [Math.max(...x)] });
register("max", "axis 1", [spaced([2, 3])], (x) => max(x, 1), {
  expected: (x) => [Math.max(...x.slice(0, 3)), Math.max(...x.slice(3))],
});
register("max", "axes 0 and 2, kept", [spaced([2, 2, 2])], (x) => max(x, [0, 2], { keepDims: true }), {
  expected: ([a, b, c, d, e, f, g, h]) => [Math.max(a, b, e, f), Math.max(c, d, g, h)],
});
register("max", "of an empty rest", [{ shape: [0, 3] }], (x) => max(x, 1), { expected: () => [] });
register("argmax", "axis 1", [spaced([3, 4])], (x) => argmax(x, 1), {
  order: 0,
  expected: (x) => [0, 1, 2].map((r) => x.slice(4 * r, 4 * r + 4).indexOf(Math.max(...x.slice(4 * r, 4 * r + 4)))),
});
register("argmax", "the first of equals", [{ shape: [2, 3], values: [1, 2, 2, 5, 5, 5] }], (x) => argmax(x), {
  order: 0,
  expected: () => [1, 0],
});
register("cumsum", "last axis", [{ shape: [2, 3] }], (x) => cumsum(x), {
  expected: ([a, b, c, d, e, f]) => [a, a + b, a + b + c, d, d + e, d + e + f],
});
register("cumsum", "axis 0", [{ shape: [2, 3] }], (x) => cumsum(x, 0), {
  expected: ([a, b, c, d, e, f]) => [a, b, c, a + d, b + e, c + f],
});
for (const exclusive of [false, true]) {
  for (const reverse of [false, true]) {
    if (!exclusive && !reverse) continue;
    register(
      "cumsum",
      `axis 0 of three rows${exclusive ? ", exclusive" : ""}${reverse ? ", reverse" : ""}`,
      [{ shape: [3, 2] }],
      (x) => cumsum(x, 0, { exclusive, reverse }),
      {
        expected: (x) =>
          x.map((v, at) => {
            const before = x.filter((_, i) => i % 2 === at % 2 && (reverse ? i > at : i < at));
            return total(before) + (exclusive ? 0 : v);
          }),
      },
    );
  }
}
register("cumsum", "of size zero", [{ shape: [2, 0] }], (x) => cumsum(x), { expected: () => [] });

// ---- matrix products -------------------------------------------------------------------------------------------

/** A plain product of [m, k] and [k, n]. */
export function product(a: readonly number[], b: readonly number[], m: number, k: number, n: number): number[] {
  return Array.from({ length: m * n }, (_, i) => {
    let s = 0;
    for (let j = 0; j < k; j++) s += a[Math.floor(i / n) * k + j] * b[j * n + (i % n)];
    return s;
  });
}
const turned = (x: readonly number[], rows: number, columns: number): number[] =>
  Array.from({ length: rows * columns }, (_, i) => x[(i % rows) * columns + Math.floor(i / rows)]);

for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    const a = transposeA ? [3, 2] : [2, 3];
    const b = transposeB ? [4, 3] : [3, 4];
    const f = (x: Tensor, y: Tensor) => matmul(x, y, { transposeA, transposeB });
    const flags = `${transposeA ? "T" : ""}${transposeB ? "T'" : ""}`;
    register("matmul", `[${a}] by [${b}] ${flags}`, [{ shape: a }, { shape: b }], f, {
      expected: (x, y) => product(transposeA ? turned(x, 3, 2) : x, transposeB ? turned(y, 4, 3) : y, 2, 3, 4),
    });
    register("matmul", `batches [2,${a}] by [2,${b}] ${flags}`, [{ shape: [2, ...a] }, { shape: [2, ...b] }], f);
    register("matmul", `shared left [${a}] by [2,${b}] ${flags}`, [{ shape: a }, { shape: [2, ...b] }], f);
    register("matmul", `shared right [2,${a}] by [${b}] ${flags}`, [{ shape: [2, ...a] }, { shape: b }], f);
    register(
      "matmul",
      `broadcast [2,1,${a}] by [1,2,${b}] ${flags}`,
      [{ shape: [2, 1, ...a] }, { shape: [1, 2, ...b] }],
      f,
      { skipBatching: true },
    );
  }
}
register("matmul", "vector by vector", [{ shape: [3] }, { shape: [3] }], (x, y) => matmul(x, y), {
  expected: (x, y) => [total(x.map((v, i) => v * y[i]))],
});
register("matmul", "vector by matrix", [{ shape: [3] }, { shape: [3, 2] }], (x, y) => matmul(x, y), {
  expected: (x, y) => product(x, y, 1, 3, 2),
});
register("matmul", "matrix by vector", [{ shape: [2, 3] }, { shape: [3] }], (x, y) => matmul(x, y), {
  expected: (x, y) => product(x, y, 2, 3, 1),
});
register("matmul", "stack by vector", [{ shape: [2, 2, 3] }, { shape: [3] }], (x, y) => matmul(x, y), {
  expected: (x, y) => product(x, y, 4, 3, 1),
});
register("matmul", "vector by stack", [{ shape: [3] }, { shape: [2, 3, 2] }], (x, y) => matmul(x, y));
register("matmul", "sizes one", [{ shape: [1, 1] }, { shape: [1, 1] }], (x, y) => matmul(x, y), {
  expected: ([x], [y]) => [x * y],
});
register("matmul", "a matrix by itself", [{ shape: [2, 2] }], (x) => matmul(x, x), {
  expected: (x) => product(x, x, 2, 2, 2),
});
register("matmul", "a matrix by its transpose", [{ shape: [2, 3] }], (x) => matmul(x, x, { transposeB: true }), {
  expected: (x) => product(x, turned(x, 2, 3), 2, 3, 2),
});
register("matmul", "inner size zero", [{ shape: [2, 0] }, { shape: [0, 3] }], (x, y) => matmul(x, y), {
  expected: () => [0, 0, 0, 0, 0, 0],
});
register("matmul", "no rows", [{ shape: [0, 2] }, { shape: [2, 3] }], (x, y) => matmul(x, y), { expected: () => [] });

// ---- indexing --------------------------------------------------------------------------------------------------

const index = (values: readonly number[], shape: readonly number[], dtype: "int32" | "int64" = "int32"): Fill => ({
  shape,
  values,
  dtype,
});
register("gather", "rows, some twice", [{ shape: [4, 2] }, index([2, 0, 2], [3])], (x, i) => gather(x, i), {
  expected: (x) => [2, 0, 2].flatMap((r) => x.slice(2 * r, 2 * r + 2)),
});
register(
  "gather",
  "axis 1, matrix of int64 indices",
  [{ shape: [2, 3] }, index([2, 0, 1, 1], [2, 2], "int64")],
  (x, i) => gather(x, i, 1),
  {
    expected: (x) => [2, 0, 1, 1, 5, 3, 4, 4].map((i) => x[i]),
  },
);
register(
  "gather",
  "middle axis, matrix of indices",
  [{ shape: [2, 3, 2] }, index([2, 0, 1, 1, 0, 2], [3, 2])],
  (x, i) => gather(x, i, 1),
);
register("gather", "one index", [{ shape: [3, 2] }, index([1], [])], (x, i) => gather(x, i), {
  expected: (x) => x.slice(2, 4),
});
register("gather", "negative indices", [{ shape: [3, 2] }, index([-1, 0, -2], [3])], (x, i) => gather(x, i), {
  expected: (x) => [2, 0, 1].flatMap((r) => x.slice(2 * r, 2 * r + 2)),
});
register("gather", "no indices", [{ shape: [3, 2] }, index([], [0])], (x, i) => gather(x, i), { expected: () => [] });
register("scatterAdd", "rows, some twice", [{ shape: [3, 2] }, index([2, 0, 2], [3])], (x, i) => scatterAdd(x, i, 4), {
  expected: ([a, b, c, d, e, f]) => [c, d, 0, 0, a + e, b + f, 0, 0],
});
register(
  "scatterAdd",
  "axis 1",
  [{ shape: [2, 3] }, index([1, 1, 0], [3], "int64")],
  (x, i) => scatterAdd(x, i, 3, 1),
  {
    expected: ([a, b, c, d, e, f]) => [c, a + b, 0, f, d + e, 0],
  },
);
register(
  "scatterAdd",
  "middle axis, matrix of indices",
  [{ shape: [2, 3, 2, 2] }, index([2, 0, 1, 1, 0, 2], [3, 2])],
  (x, i) => scatterAdd(x, i, 4, 1),
);
register("scatterAdd", "one index", [{ shape: [2] }, index([1], [])], (x, i) => scatterAdd(x, i, 3), {
  expected: ([a, b]) => [0, 0, a, b, 0, 0],
});
register("scatterAdd", "nothing", [{ shape: [0, 2] }, index([], [0])], (x, i) => scatterAdd(x, i, 2), {
  expected: () => [0, 0, 0, 0],
});
register(
  "takeAlongAxis",
  "last axis",
  [{ shape: [2, 3] }, index([2, 0, 1, 1], [2, 2])],
  (x, i) => takeAlongAxis(x, i),
  {
    expected: (x) => [2, 0, 4, 4].map((i) => x[i]),
  },
);
register(
  "takeAlongAxis",
  "axis 0",
  [{ shape: [3, 2] }, index([2, 0], [1, 2], "int64")],
  (x, i) => takeAlongAxis(x, i, 0),
  {
    expected: (x) => [x[4], x[1]],
  },
);
register(
  "putAlongAxis",
  "last axis, some twice",
  [{ shape: [2, 2] }, index([2, 2, 0, 1], [2, 2])],
  (x, i) => putAlongAxis(x, i, 3, 1),
  {
    expected: ([a, b, c, d]) => [0, 0, a + b, c, d, 0],
  },
);
register("putAlongAxis", "axis 0", [{ shape: [1, 2] }, index([2, 0], [1, 2])], (x, i) => putAlongAxis(x, i, 3, 0), {
  expected: ([a, b]) => [0, b, 0, 0, a, 0],
});
register("argsort", "ascending", [spaced([2, 4])], (x) => argsort(x), {
  order: 0,
  expected: (x) => [0, 1].flatMap((r) => [0, 1, 2, 3].sort((i, j) => x[4 * r + i] - x[4 * r + j])),
});
register("argsort", "descending, axis 0", [spaced([4, 1])], (x) => argsort(x, 0, { descending: true }), {
  order: 0,
  expected: (x) => [0, 1, 2, 3].sort((i, j) => x[j] - x[i]),
});
register("argsort", "the two largest", [spaced([2, 4])], (x) => topK(x, 2).indices, {
  order: 0,
  expected: (x) => [0, 1].flatMap((r) => [0, 1, 2, 3].sort((i, j) => x[4 * r + j] - x[4 * r + i]).slice(0, 2)),
});
register("argsort", "of size zero", [{ shape: [2, 0] }], (x) => argsort(x), { order: 0, expected: () => [] });

// ---- convolution -----------------------------------------------------------------------------------------------

/** Two-dimensional cross-correlation by its definition. */
function plainConv(
  x: number[],
  w: number[],
  xs: readonly number[],
  ws: readonly number[],
  o: { s: number[]; p: number[]; d: number[]; g: number },
): number[] {
  const [n, c, h, wide] = xs;
  const [out, per, kh, kw] = ws;
  const oh = Math.floor((h + 2 * o.p[0] - (kh - 1) * o.d[0] - 1) / o.s[0]) + 1;
  const ow = Math.floor((wide + 2 * o.p[1] - (kw - 1) * o.d[1] - 1) / o.s[1]) + 1;
  const y: number[] = [];
  for (let b = 0; b < n; b++)
    for (let f = 0; f < out; f++)
      for (let i = 0; i < oh; i++)
        for (let j = 0; j < ow; j++) {
          let s = 0;
          for (let q = 0; q < per; q++)
            for (let u = 0; u < kh; u++)
              for (let v = 0; v < kw; v++) {
                const r = i * o.s[0] + u * o.d[0] - o.p[0];
                const t = j * o.s[1] + v * o.d[1] - o.p[1];
                if (r < 0 || t < 0 || r >= h || t >= wide) continue;
                const channel = Math.floor(f / (out / o.g)) * per + q;
                s += x[((b * c + channel) * h + r) * wide + t] * w[((f * per + q) * kh + u) * kw + v];
              }
          y.push(s);
        }
  return y;
}
const perAxis = (n: number | readonly number[], rank: number): number[] =>
  typeof n === "number" ? new Array(rank).fill(n) : [...n];
const both = (n: number | readonly number[] | undefined, absent: number): number[] => perAxis(n ?? absent, 2);

export const convShapes: readonly {
  x: readonly number[];
  w: readonly number[];
  options: ConvOptions & { padding?: number | readonly number[] };
}[] = [
  { x: [2, 2, 4, 5], w: [3, 2, 3, 2], options: {} },
  { x: [1, 2, 5, 5], w: [2, 2, 3, 3], options: { stride: 2, padding: 1 } },
  { x: [1, 1, 6, 5], w: [2, 1, 2, 2], options: { stride: [3, 2] } },
  { x: [2, 4, 3, 3], w: [4, 2, 2, 2], options: { groups: 2, padding: 1 } },
  { x: [1, 3, 4, 4], w: [3, 1, 3, 3], options: { groups: 3, padding: 1 } },
  { x: [1, 1, 6, 6], w: [1, 1, 2, 3], options: { dilation: 2 } },
  { x: [1, 2, 7, 6], w: [2, 1, 2, 2], options: { stride: [2, 3], padding: [0, 1], dilation: [3, 2], groups: 2 } },
  { x: [2, 1, 3, 3], w: [1, 1, 1, 1], options: {} },
  { x: [1, 1, 4, 4], w: [1, 1, 1, 1], options: { stride: 2, padding: 1 } },
  { x: [1, 1, 2, 2], w: [1, 1, 3, 3], options: { padding: 2 } },
];
for (const { x, w, options } of convShapes) {
  const label = `x [${x}], kernel [${w}], ${JSON.stringify(options)}`;
  const geometry = {
    s: both(options.stride, 1),
    p: both(options.padding, 0),
    d: both(options.dilation, 1),
    g: options.groups ?? 1,
  };
  register("conv", label, [{ shape: x }, { shape: w }], (a, b) => conv(a, b, options), {
    expected: (a, b) => plainConv(a, b, x, w, geometry),
  });
  // The two gradients, as operations of their own: y and w to x, x and y to w.
  const g: Fill = {
    shape: conv(
      tensor(new Float64Array(x.reduce((a, b) => a * b, 1)), { shape: x }),
      tensor(new Float64Array(w.reduce((a, b) => a * b, 1)), { shape: w }),
      options,
    ).shape,
  };
  register(
    "convInput",
    label,
    [g, { shape: w }, { shape: x }],
    (y, k, at) => grad((z: Tensor) => sum(mul(conv(z, k, options), y)))(at),
    {},
  );
  register(
    "convKernel",
    label,
    [g, { shape: x }, { shape: w }],
    (y, at, k) => grad((z: Tensor) => sum(mul(conv(at, z, options), y)))(k),
    {},
  );
}
register("conv", "one spatial axis", [{ shape: [2, 2, 6] }, { shape: [3, 2, 3] }], (x, w) =>
  conv(x, w, { padding: 1, stride: 2 }),
);
register("conv", "uneven padding", [{ shape: [1, 2, 4, 3] }, { shape: [2, 2, 2, 2] }], (x, w) =>
  conv(x, w, { padding: [[2, 0], 1], stride: 2 }),
);
register("convInput", "convTranspose, uneven padding", [{ shape: [1, 2, 4] }, { shape: [2, 1, 3] }], (x, w) =>
  convTranspose(x, w, { padding: [[2, 0]], stride: 2 }),
);
register(
  "convInput",
  "convTranspose, three spatial axes",
  [{ shape: [1, 1, 2, 2, 1] }, { shape: [1, 1, 2, 1, 2] }],
  (x, w) => convTranspose(x, w, { stride: [2, 1, 1] }),
);
register("conv", "three spatial axes", [{ shape: [1, 1, 3, 3, 3] }, { shape: [2, 1, 2, 2, 2] }], (x, w) => conv(x, w), {
  skipBatching: true,
});
register("conv", "same size, even kernel", [{ shape: [1, 1, 4, 4] }, { shape: [1, 1, 2, 2] }], (x, w) =>
  conv(x, w, { padding: "same" }),
);
register(
  "convInput",
  "convTranspose, stride 2 and output padding 1",
  [{ shape: [1, 2, 3, 2] }, { shape: [2, 2, 3, 2] }],
  (x, w) => convTranspose(x, w, { stride: 2, padding: 1, outputPadding: 1 }),
);
register(
  "convInput",
  "convTranspose, grouped and dilated",
  [{ shape: [1, 4, 2, 2] }, { shape: [4, 1, 2, 2] }],
  (x, w) => convTranspose(x, w, { groups: 2, dilation: 2 }),
);
register("convInput", "convTranspose, one spatial axis", [{ shape: [2, 2, 3] }, { shape: [2, 1, 2] }], (x, w) =>
  convTranspose(x, w, { stride: 3 }),
);

// ---- pooling ---------------------------------------------------------------------------------------------------

const pools: readonly { x: number[]; size: number | number[]; options: PoolOptions }[] = [
  { x: [1, 2, 4, 4], size: 2, options: {} },
  { x: [2, 1, 5, 4], size: [3, 2], options: { stride: [2, 1] } },
  { x: [1, 1, 5, 5], size: 3, options: { stride: 2, padding: 1 } },
  { x: [2, 2, 6], size: 2, options: { stride: 2 } },
  { x: [1, 1, 1, 1], size: 1, options: {} },
];
for (const { x, size, options } of pools) {
  register("maxPool", `[${x}], window [${size}], ${JSON.stringify(options)}`, [spaced(x)], (t) =>
    maxPool(t, size, options),
  );
  const out = maxPool(fill(spaced(x), 1), size, options).shape;
  const [kernel, strides] = [perAxis(size, x.length - 2), perAxis(options.stride ?? size, x.length - 2)];
  // Windows side by side find their maxima by comparison, all others by the kernel's indices.
  const tiles = kernel.every((k, i) => k === strides[i]) && !options.padding;
  // The gradient with respect to x, as a function of x and of the output's gradient g.
  register(
    tiles ? "maxPool" : "maxPoolIndices",
    `gradient, [${x}], window [${size}], ${JSON.stringify(options)}`,
    [spaced(x), { shape: out }],
    (t, g) => grad((z: Tensor) => sum(mul(maxPool(z, size, options), g)))(t),
  );
}
register("maxPool", "a last row and column that no window covers", [spaced([1, 1, 5, 3])], (x) => maxPool(x, 2));
register("maxPool", "the largest of each window", [grid(2, 4)], (x) => maxPool(reshape(x, [1, 1, 2, 4]), 2), {
  expected: () => [6, 8],
});

// ---- customGradient --------------------------------------------------------------------------------------------

const cube = customGradient(
  (x: Tensor) => pow(x, 3),
  (g, [x]) => [mul(g, mul(mul(x, x), 3))],
);
register("customGradient", "the true derivative of a cube", [{ shape: [2, 2] }], (x) => cube(x), {
  expected: (x) => x.map((v) => v ** 3),
});
const scaled = customGradient(
  (x: Tensor, y: Tensor) => mul(x, sin(y)),
  (g, [x, y]) => [mul(g, sin(y)), mul(g, mul(x, cos(y)))],
);
register("customGradient", "two arguments", [{ shape: [3] }, { shape: [3] }], (x, y) => scaled(x, y), {
  expected: (x, y) => x.map((v, i) => v * Math.sin(y[i])),
});

export const primitiveCases: readonly PrimitiveCase[] = [...cases, ...controlCases, ...linalgCases];
