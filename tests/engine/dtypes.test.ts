import { describe, expect, it } from "vitest";
import {
  abs,
  add,
  and,
  arange,
  argmax,
  argmin,
  argsort,
  bitAnd,
  bitOr,
  bitXor,
  broadcastTo,
  cast,
  concat,
  conv,
  convTranspose,
  cumsum,
  type DType,
  div,
  equal,
  erf,
  exp,
  flip,
  floor,
  gather,
  gelu,
  grad,
  greater,
  greaterEqual,
  layerNorm,
  less,
  lessEqual,
  logSoftmax,
  matmul,
  max,
  maximum,
  maxPool,
  mean,
  min,
  minimum,
  mod,
  mul,
  type NDArray,
  neg,
  not,
  notEqual,
  oneHot,
  or,
  pad,
  pow,
  putAlongAxis,
  relu,
  reshape,
  ShapeError,
  scatterAdd,
  shiftLeft,
  shiftRight,
  sigmoid,
  sign,
  slice,
  softmax,
  sort,
  sqrt,
  sub,
  sum,
  type Tensor,
  takeAlongAxis,
  tanh,
  tensor,
  transpose,
  where,
} from "../../src/engine/index.js";
import { assertClose, fill, numbers, onEachBackend, tensorData, values } from "./helpers.js";
import { primitiveCases } from "./primitive-cases.js";

const integers = ["int32", "int64", "uint32", "uint64", "uint8"] as const;
const all = ["float32", "float64", "float16", ...integers, "bool"] as const;

const of = (dtype: DType, list: readonly number[], shape: readonly number[] = [list.length]): Tensor =>
  dtype === "float16"
    ? tensor(list, { shape, dtype })
    : tensor({ data: tensorData(list, dtype), shape: [...shape], dtype });

/** Values of any dtype as numbers; float16 through a cast. */
const read = async (t: Tensor): Promise<number[]> => numbers(t.dtype === "float16" ? cast(t, "float32") : t);

// Inputs that every dtype can hold; for bool they are read as 0 or 1.
const a = [5, 2, 9, 2, 0, 7];
const b = [2, 2, 3, 7, 4, 1];
const bit = (list: readonly number[]): number[] => list.map((x) => Number(x > 2));
const words = (list: readonly number[]): number[] => list.map((x) => x >>> 0);

interface Row {
  readonly name: string;
  readonly f: (a: Tensor, b: Tensor) => Tensor;
  readonly host: (a: readonly number[], b: readonly number[]) => readonly number[];
  /** Dtypes that the operation refuses with a ShapeError while the graph is built. */
  readonly refuses?: readonly DType[];
}
const each =
  (h: (x: number, y: number) => number) =>
  (x: readonly number[], y: readonly number[]): number[] =>
    x.map((v, i) => h(v, y[i]));
const uints = ["uint32", "uint64", "uint8"] as const;
const floats = ["float32", "float64", "float16"] as const;
const notFloats = [...integers, "bool"] as const;
const index = tensor([2, 0], { dtype: "int32" });
const places = tensor(
  [
    [2, 0, 2],
    [1, 1, 0],
  ],
  { dtype: "int64" },
);
const square = (t: Tensor): Tensor => reshape(t, [2, 3]);
const stable = (x: readonly number[], order: (p: number, q: number) => number): number[] =>
  x.map((_, i) => i).sort((i, j) => order(x[i], x[j]) || i - j);

const rows: readonly Row[] = [
  { name: "add", f: add, host: each((x, y) => x + y), refuses: ["bool"] },
  { name: "sub", f: (x, y) => sub(maximum(x, y), y), host: each((x, y) => Math.max(x, y) - y), refuses: ["bool"] },
  { name: "mul", f: mul, host: each((x, y) => x * y), refuses: ["bool"] },
  { name: "div", f: (x, y) => div(mul(x, y), y), host: each((x) => x), refuses: ["bool"] },
  { name: "pow", f: (x) => pow(x, 3), host: each((x) => x ** 3), refuses: [...uints, "bool"] },
  { name: "maximum", f: maximum, host: each(Math.max), refuses: ["bool"] },
  { name: "minimum", f: minimum, host: each(Math.min), refuses: ["bool"] },
  { name: "mod", f: mod, host: each((x, y) => x % y), refuses: [...floats, "bool"] },
  { name: "equal", f: equal, host: each((x, y) => Number(x === y)) },
  { name: "notEqual", f: notEqual, host: each((x, y) => Number(x !== y)) },
  { name: "less", f: less, host: each((x, y) => Number(x < y)), refuses: ["bool"] },
  { name: "lessEqual", f: lessEqual, host: each((x, y) => Number(x <= y)), refuses: ["bool"] },
  { name: "greater", f: greater, host: each((x, y) => Number(x > y)), refuses: ["bool"] },
  { name: "greaterEqual", f: greaterEqual, host: each((x, y) => Number(x >= y)), refuses: ["bool"] },
  { name: "and", f: and, host: each((x, y) => x & y), refuses: [...floats, ...integers] },
  { name: "or", f: or, host: each((x, y) => x | y), refuses: [...floats, ...integers] },
  { name: "not", f: (x) => not(x), host: each((x) => 1 - x), refuses: [...floats, ...integers] },
  { name: "bitAnd", f: bitAnd, host: each((x, y) => x & y), refuses: [...floats, "bool"] },
  { name: "bitOr", f: bitOr, host: each((x, y) => x | y), refuses: [...floats, "bool"] },
  { name: "bitXor", f: bitXor, host: each((x, y) => x ^ y), refuses: [...floats, "bool"] },
  {
    name: "shiftLeft",
    f: (x) => shiftLeft(x, 2),
    host: each((x) => x << 2),
    refuses: [...floats, "int32", "int64", "bool"],
  },
  {
    name: "shiftRight",
    f: (x) => shiftRight(x, 1),
    host: each((x) => x >> 1),
    refuses: [...floats, "int32", "int64", "bool"],
  },
  { name: "neg", f: (x) => neg(neg(x)), host: each((x) => x), refuses: [...uints, "bool"] },
  { name: "abs", f: (x) => abs(x), host: each((x) => x), refuses: ["bool"] },
  { name: "sign", f: (x) => sign(x), host: each(Math.sign), refuses: ["bool"] },
  { name: "floor", f: (x) => floor(x), host: each((x) => x), refuses: notFloats },
  { name: "sqrt", f: (x) => sqrt(mul(x, x)), host: each((x) => x), refuses: notFloats },
  { name: "relu", f: (x) => relu(x), host: each((x) => x), refuses: notFloats },
  { name: "tanh", f: (x) => tanh(x), host: each(Math.tanh), refuses: notFloats },
  { name: "sigmoid", f: (x) => sigmoid(x), host: each((x) => 1 / (1 + Math.exp(-x))), refuses: notFloats },
  { name: "exp", f: (x) => exp(mul(x, 0.5)), host: each((x) => Math.exp(x / 2)), refuses: notFloats },
  { name: "where", f: (x, y) => where(equal(x, y), x, y), host: each((_x, y) => y) },
  { name: "broadcastTo", f: (x) => broadcastTo(x, [2, 6]), host: (x) => [...x, ...x] },
  { name: "transpose", f: (x) => transpose(square(x)), host: ([p, q, r, s, t, u]) => [p, s, q, t, r, u] },
  { name: "slice", f: (x) => slice(x, [1], [6], [2]), host: (x) => [x[1], x[3], x[5]] },
  { name: "flip", f: (x) => flip(x, 0), host: (x) => [...x].reverse() },
  { name: "pad", f: (x) => pad(x, [1], [2]), host: (x) => [0, ...x, 0, 0] },
  { name: "concat", f: (x, y) => concat([x, y]), host: (x, y) => [...x, ...y] },
  { name: "sum", f: (x) => sum(square(x), 1), host: ([p, q, r, s, t, u]) => [p + q + r, s + t + u] },
  {
    name: "max",
    f: (x) => max(square(x), 1),
    host: (x) => [Math.max(...x.slice(0, 3)), Math.max(...x.slice(3))],
    refuses: ["uint64"],
  },
  {
    name: "min",
    f: (x) => min(square(x), 1),
    host: (x) => [Math.min(...x.slice(0, 3)), Math.min(...x.slice(3))],
    refuses: [],
  },
  { name: "argmax", f: (x) => argmax(x), host: (x) => [x.indexOf(Math.max(...x))], refuses: ["uint64"] },
  { name: "argmin", f: (x) => argmin(x), host: (x) => [x.indexOf(Math.min(...x))], refuses: [] },
  { name: "cumsum", f: (x) => cumsum(x), host: (x) => x.map((_, i) => x.slice(0, i + 1).reduce((p, q) => p + q)) },
  {
    name: "matmul",
    f: (x, y) => matmul(square(x), square(y), { transposeB: true }),
    host: (x, y) => [0, 3].flatMap((i) => [0, 3].map((j) => [0, 1, 2].reduce((s, k) => s + x[i + k] * y[j + k], 0))),
    refuses: ["uint8", "bool"],
  },
  { name: "gather", f: (x) => gather(x, index), host: (x) => [x[2], x[0]] },
  {
    name: "scatterAdd",
    f: (x) => scatterAdd(slice(x, [0], [2]), index, 3),
    host: ([p, q]) => [q, 0, p],
    refuses: ["bool"],
  },
  {
    name: "takeAlongAxis",
    f: (x) => takeAlongAxis(square(x), places),
    host: (x) => [x[2], x[0], x[2], x[4], x[4], x[3]],
  },
  {
    name: "putAlongAxis",
    f: (x) => putAlongAxis(square(x), places, 3, 1),
    host: ([p, q, r, s, t, u]) => [q, 0, p + r, u, s + t, 0],
    refuses: ["bool"],
  },
  { name: "argsort", f: (x) => argsort(x), host: (x) => stable(x, (p, q) => p - q), refuses: ["uint64"] },
  {
    name: "sort",
    f: (x) => sort(x, -1, { descending: true }),
    host: (x) => [...x].sort((p, q) => q - p),
    refuses: ["uint64"],
  },
  {
    name: "conv",
    f: (x, y) => conv(reshape(x, [1, 1, 6]), reshape(slice(y, [0], [2]), [1, 1, 2])),
    host: (x, y) => [0, 1, 2, 3, 4].map((i) => x[i] * y[0] + x[i + 1] * y[1]),
    refuses: notFloats,
  },
  {
    name: "convTranspose",
    f: (x, y) => convTranspose(reshape(x, [1, 1, 6]), reshape(slice(y, [0], [1]), [1, 1, 1])),
    host: (x, y) => x.map((v) => v * y[0]),
    refuses: notFloats,
  },
  {
    name: "maxPool",
    f: (x) => maxPool(reshape(x, [1, 1, 6]), 2),
    host: (x) => [0, 2, 4].map((i) => Math.max(x[i], x[i + 1])),
    refuses: notFloats,
  },
  {
    name: "oneHot",
    f: (x) => oneHot(slice(x, [1], [4]), 4),
    host: (x) => x.slice(1, 4).flatMap((v) => [0, 1, 2, 3].map((c) => Number(c === v))),
    refuses: ["bool"],
  },
  { name: "mean", f: (x) => mean(x), host: (x) => [x.reduce((p, q) => p + q) / 6], refuses: [...integers, "bool"] },
  {
    name: "softmax",
    f: (x) => softmax(x),
    host: (x) => x.map((v) => Math.exp(v) / x.reduce((s, w) => s + Math.exp(w), 0)),
    refuses: notFloats,
  },
  {
    name: "logSoftmax",
    f: (x) => logSoftmax(x),
    host: (x) => x.map((v) => v - Math.log(x.reduce((s, w) => s + Math.exp(w), 0))),
    refuses: notFloats,
  },
];

const tolerance = (dtype: DType): number => (dtype === "float16" ? 2e-3 : dtype === "float32" ? 1e-6 : 1e-12);

onEachBackend("dtypes", () => {
  for (const dtype of all) {
    for (const { name, f, host, refuses = [] } of rows) {
      it(`${name} of ${dtype}`, async () => {
        const [x, y] = dtype === "bool" ? [bit(a), bit(b)] : [a, b];
        const build = () => f(of(dtype, x), of(dtype, y));
        if (refuses.includes(dtype)) {
          expect(build).toThrow(ShapeError);
          expect(build).toThrow(dtype);
          return;
        }
        assertClose(await read(build()), host(x, y), tolerance(dtype), name);
      });
    }
  }

  it("cast between all pairs", async () => {
    for (const from of all) {
      for (const to of all) {
        const list = from === "bool" ? [1, 0, 1] : [3, 0, 100];
        const expected = to === "bool" ? list.map((v) => Number(v !== 0)) : list;
        const t = cast(of(from, list), to);
        expect(t.dtype).toBe(to);
        expect(await read(t), `${from} to ${to}`).toEqual(expected);
      }
    }
  });

  it("arange of every dtype", async () => {
    for (const dtype of [...floats, ...integers]) expect(await read(arange(4, dtype)), dtype).toEqual([0, 1, 2, 3]);
  });

  it("unsigned arithmetic wraps around", async () => {
    const x = [0xffffffff, 0x80000000, 0x12345678, 7];
    const y = [1, 0x80000001, 0x9abcdef0, 9];
    const [s, d, m, t] = await values([
      add(of("uint32", x), of("uint32", y)),
      sub(of("uint32", y), of("uint32", x)),
      mul(of("uint32", x), of("uint32", y)),
      sum(of("uint32", x)),
    ]);
    expect(s).toEqual(words(x.map((v, i) => v + y[i])));
    expect(d).toEqual(words(x.map((v, i) => y[i] - v)));
    expect(m).toEqual(x.map((v, i) => Math.imul(v, y[i]) >>> 0));
    expect(t).toEqual(words([x.reduce((p, q) => p + q)]));
    expect(await numbers(max(of("uint32", x)))).toEqual([0xffffffff]);
    expect(await numbers(min(of("uint32", x)))).toEqual([7]);
    expect(await numbers(max(of("uint32", x, [2, 2]), 0))).toEqual([0xffffffff, 0x80000000]);
    expect(await numbers(argsort(of("uint32", x)))).toEqual([3, 2, 1, 0]);
    expect(await numbers(cumsum(of("uint8", [200, 100, 50])))).toEqual([200, 44, 94]);
  });

  it("int64 compares all its bits", async () => {
    const x = [0xffffffff, 0x80000000, 0x12345678, -5, 7, 2 ** 40];
    const y = [0x80000001, 0x7fffffff, 0x92345678, -(2 ** 40), 0x80000007, 2 ** 40 + 2 ** 31];
    const [p, q] = [of("int64", x), of("int64", y)];
    expect(await numbers(maximum(p, q))).toEqual(x.map((v, i) => Math.max(v, y[i])));
    expect(await numbers(minimum(p, q))).toEqual(x.map((v, i) => Math.min(v, y[i])));
    expect(await numbers(less(p, q))).toEqual(x.map((v, i) => Number(v < y[i])));
    expect(await numbers(max(p.reshape(2, 3), 1))).toEqual([0xffffffff, 2 ** 40]);
    expect(await numbers(min(q.reshape(2, 3), [0, 1]))).toEqual([-(2 ** 40)]);
    expect(await numbers(max(p.reshape(3, 1, 2), [0, 1], { keepDims: true }))).toEqual([0xffffffff, 2 ** 40]);
  });

  it("uint64 keeps all its bits", async () => {
    const data = BigUint64Array.of(0xffffffffffffffffn, 0x8000000000000001n, 5n);
    const t = tensor({ data, shape: [3], dtype: "uint64" });
    const [low, both, chosen] = await Promise.all(
      [shiftRight(t, 60), add(t, t), where(tensor([true, false, true]), t, t)].map(async (x) => [
        ...((await x.data()) as BigUint64Array),
      ]),
    );
    expect(low).toEqual([15n, 8n, 0n]);
    expect(both).toEqual([0xfffffffffffffffen, 2n, 10n]);
    expect(chosen).toEqual([...data]);
  });

  it("float16 from numbers rounds to nearest and keeps special values", async () => {
    const list = [0, 1, -2.5, 65504, 65519, 65520, 1 / 3, 6e-8, 6.1e-5, 2 ** -25, Number.POSITIVE_INFINITY, 2049, 2051];
    const expected = [
      0,
      1,
      -2.5,
      65504,
      65504,
      Number.POSITIVE_INFINITY,
      0.333251953125,
      2 ** -24,
      6.09755516052246e-5,
      0,
    ];
    expect(await read(of("float16", list))).toEqual(
      [...expected, Number.POSITIVE_INFINITY, 2048, 2052].map(Math.fround),
    );
  });
});

describe("numbers beside integer tensors", () => {
  it("must be whole", () => {
    const t = tensor([1, 2], { dtype: "int32" });
    expect(() => t.mul(0.5)).toThrow("0.5 is not a whole number");
    expect(() => where(t.cast("bool"), t, 1.5)).toThrow(ShapeError);
    expect(t.mul(2).dtype).toBe("int32");
  });
});

// Where float32 runs on kernels of its own (convolution, GELU, erf, layer normalisation, fused products), float64 takes
// another road: both must arrive at the same place.
const single = primitiveCases.filter(
  (c) => !["literal", "iota", "cast"].includes(c.primitive) && c.inputs.some((i) => i.dtype === undefined),
);
onEachBackend("float32 against float64", () => {
  const compare = async (f: (...x: Tensor[]) => Tensor, inputs: readonly Tensor[], order: number) => {
    const which = inputs.flatMap((t, i) => (t.dtype === "float64" ? [i] : []));
    const loss = (...x: Tensor[]) => sum(mul(f(...x), f(...x)));
    const whole = (x: readonly Tensor[]) => [
      f(...x),
      ...(order > 0 ? (grad(loss, { argnums: which })(...x) as Tensor[]) : []),
    ];
    const narrow = inputs.map((t) => (t.dtype === "float64" ? cast(t, "float32") : t));
    const rounded = await Promise.all(narrow.map(async (t) => tensor((await t.array()) as NDArray)));
    const [low, high] = [whole(rounded), whole(rounded.map((t) => (t.dtype === "float32" ? cast(t, "float64") : t)))];
    low.forEach((t, i) => {
      if (high[i].dtype === "float64") expect(t.dtype).toBe("float32");
    });
    const [actual, expected] = [await values(low), await values(high)];
    actual.forEach((list, i) => {
      assertClose(list, expected[i], 5e-6, i === 0 ? "value" : `gradient ${i}`);
    });
  };
  for (const [i, { primitive, label, inputs, f, order = 2 }] of single.entries()) {
    it(`${primitive}: ${label}`, () =>
      compare(
        f,
        inputs.map((input, k) => fill(input, 500 + 10 * i + k)),
        order,
      ));
  }
  it("gelu, both forms, and erf", async () => {
    const x = fill({ shape: [40], range: [-5, 5] }, 3);
    await compare((t) => gelu(t), [x], 1);
    await compare((t) => gelu(t, { approximate: true }), [x], 1);
    await compare((t) => erf(t), [x], 1);
  });
  it("layerNorm", async () => {
    await compare(
      (t, s, b) => layerNorm(t, s, b),
      [fill({ shape: [3, 5] }, 4), fill({ shape: [5] }, 5), fill({ shape: [5] }, 6)],
      1,
    );
  });
});
