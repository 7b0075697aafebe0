import { describe, expect, it } from "vitest";
import * as hebb from "../../src/engine/index.js";
import {
  add,
  concat,
  type DType,
  flatten,
  grad,
  HebbError,
  ShapeError,
  stack,
  sum,
  type Tensor,
  tensor,
} from "../../src/engine/index.js";
import { assertClose, checkBatching, fill, numbers, onEachBackend, tensorData, values } from "./helpers.js";

const ints = (...list: number[]): Tensor => tensor(Int32Array.from(list));
const doubles = (...list: number[]): Tensor => tensor(Float64Array.from(list));
const joined = (...parts: Tensor[]): Tensor => concat(parts.map(flatten));

// Many functions of the same inputs in one check: making models is what takes time.
const batched: Record<string, { shapes: number[][]; indices?: number[][]; f: (...x: Tensor[]) => Tensor }> = {
  "element-wise": {
    shapes: [[2], [2, 2]],
    f: (a, b) => {
      const p = hebb.sigmoid(a);
      const one = [hebb.expm1, hebb.log1p, hebb.asin, hebb.acos, hebb.atanh, hebb.asinh, hebb.sinh, hebb.cbrt];
      const two = [hebb.atan2, hebb.hypot, hebb.xlogy, hebb.logAddExp];
      return joined(
        ...one.map((g) => g(p)),
        ...two.map((g) => g(p, add(hebb.square(b), 0.5))),
        hebb.acosh(add(p, 1)),
        hebb.erfc(a),
        hebb.erfcx(a),
        hebb.erfinv(p),
        hebb.logNormalCdf(a),
        hebb.normalPpf(p),
      );
    },
  },
  "gamma family": {
    shapes: [[3]],
    f: (a) => joined(hebb.lgamma(a), hebb.digamma(add(a, 3)), hebb.trigamma(hebb.square(a).add(0.4))),
  },
  "reductions and scans": {
    shapes: [[3, 4], [4]],
    f: (a, w) =>
      joined(
        hebb.prod(a, 0),
        hebb.std(a, 1),
        hebb.quantile(a, [0.2, 0.5], 0),
        hebb.logSumExp(a, [0, 1], { weights: hebb.exp(w) }),
        hebb.softmax(a, 1, { where: hebb.greater(w, 0) }),
        hebb.cumprod(a),
        hebb.cummax(a, 0),
        hebb.logCumSumExp(a),
        hebb.cumsum(a, 0, { exclusive: true, reverse: true }),
        hebb.topK(a, 2, 0).values,
      ),
  },
  structure: {
    shapes: [[3, 4], [2]],
    f: (a, b) =>
      joined(
        hebb.tile(a, [2, 1]),
        hebb.repeat(a, 2, 1),
        hebb.roll(a, [1, -1], [0, 1]),
        hebb.tril(a, 1),
        hebb.triu(a),
        hebb.diagonal(a, { offset: -1 }),
        hebb.diag(b, 1),
        hebb.trace(a),
        hebb.outer(b, b),
        hebb.kron(b, a),
        ...hebb.split(a, [1, 2], 0),
        ...hebb.unstack(a, 1),
        ...hebb.meshgrid([b, b]),
        hebb.take(a, [2, 0], 1),
      ),
  },
  einsum: {
    shapes: [
      [2, 3],
      [3, 3],
    ],
    f: (a, b) =>
      joined(hebb.einsum("ij,jk->ki", a, b), hebb.einsum("ii,ji->j", b, a), hebb.einsum("...i,ij,kj", a, b, a)),
  },
  "segments and updates": {
    shapes: [[4, 2], [4]],
    indices: [[2, 0, 2, 1]],
    f: (a, b, i) =>
      joined(
        hebb.segmentSum(a, i, 4),
        hebb.segmentMean(a, i, 4),
        hebb.take(hebb.segmentMax(a, i, 3), [0, 2], 0),
        hebb.take(hebb.segmentMin(b, i, 3), [1, 2], 0),
        hebb.segmentSoftmax(b, i, 4),
        hebb.setAt(a, i, a.mul(2)),
        hebb.setAt(b, hebb.take(i, [0, 3], 0), hebb.take(b, [1, 2], 0)),
      ),
  },
  images: {
    shapes: [
      [1, 1, 3, 4],
      [1, 1, 2, 2],
    ],
    f: (x, w) =>
      joined(
        hebb.conv(x, w, { padding: [[1, 0], 1] }),
        hebb.conv(x.reshape(1, 1, 3, 2, 2), w.reshape(1, 1, 2, 2, 1)),
        hebb.convTranspose(x.reshape(1, 1, 3, 2, 2), w.reshape(1, 1, 1, 2, 2)),
        hebb.avgPool(x, 2, { stride: 1, padding: 1, countPadding: false }),
        hebb.maxPool(x.reshape(1, 1, 3, 2, 2), 2, { stride: 1 }),
        hebb.resize(x, [4, 2]),
        hebb.resize(x, [2, 8], { method: "nearest" }),
      ),
  },
};

// Batching rules make graphs, whatever runs them: one backend suffices.
describe("vmap against a loop", () => {
  for (const [name, { shapes, indices = [], f }] of Object.entries(batched)) {
    it(name, async () => {
      const floats = shapes.map((shape, k) => [0, 1, 2].map((e) => fill({ shape, distinct: k === 0 }, 10 * e + k)));
      const whole = indices.map((list) =>
        [0, 1, 2].map((e) => ints(...list.map((_, k) => list[(k + e) % list.length]))),
      );
      await checkBatching(f, [...floats, ...whole], { tolerance: 1e-11, size: 2 });
    });
  }
});

const all = ["float32", "float64", "float16", "int32", "int64", "uint32", "uint64", "uint8", "bool"] as const;
type Dtypes = readonly DType[];
const notFloat: Dtypes = ["int32", "int64", "uint32", "uint64", "uint8", "bool"];
const of = (list: readonly number[], dtype: DType): Tensor =>
  dtype === "float16"
    ? tensor(list as number[], { dtype })
    : tensor({ data: tensorData(list, dtype), shape: [list.length], dtype });
const a = [5, 2, 9, 2];
const rows = (x: Tensor): Tensor => x.reshape(2, 2);

interface Row {
  readonly f: (x: Tensor) => Tensor;
  readonly expected: readonly number[];
  readonly refuses?: Dtypes;
  /** What booleans (all true here) give. */
  readonly bool?: readonly number[];
}
const table: Record<string, Row> = {
  prod: { f: (x) => hebb.prod(x.slice([0], [2])), expected: [10], bool: [1] },
  cumprod: { f: (x) => hebb.cumprod(x.slice([0], [3])), expected: [5, 10, 90], bool: [1, 1, 1] },
  cummax: { f: (x) => hebb.cummax(x), expected: [5, 5, 9, 9], refuses: ["bool"] },
  cumsum: {
    f: (x) => hebb.cumsum(x, 0, { reverse: true, exclusive: true }),
    expected: [13, 11, 2, 0],
    bool: [3, 2, 1, 0],
  },
  any: { f: (x) => hebb.any(x), expected: [1], bool: [1] },
  all: { f: (x) => hebb.all(x), expected: [1], bool: [1] },
  countNonzero: { f: (x) => hebb.countNonzero(x), expected: [4], bool: [4] },
  clip: { f: (x) => hebb.clip(x, 3, 6), expected: [5, 3, 6, 3], refuses: ["bool"] },
  isFinite: { f: (x) => hebb.isFinite(x), expected: [1, 1, 1, 1], bool: [1, 1, 1, 1] },
  isNaN: { f: (x) => hebb.isNaN(x), expected: [0, 0, 0, 0], bool: [0, 0, 0, 0] },
  nanToNum: { f: (x) => hebb.nanToNum(x), expected: a, bool: [1, 1, 1, 1] },
  tile: { f: (x) => hebb.tile(x.slice([0], [2]), [2]), expected: [5, 2, 5, 2], bool: [1, 1, 1, 1] },
  repeat: { f: (x) => hebb.repeat(x.slice([0], [2]), 2), expected: [5, 5, 2, 2], bool: [1, 1, 1, 1] },
  roll: { f: (x) => hebb.roll(x, 1), expected: [2, 5, 2, 9], bool: [1, 1, 1, 1] },
  take: { f: (x) => hebb.take(x, [-1, 0]), expected: [2, 5], bool: [1, 1] },
  tril: { f: (x) => hebb.tril(rows(x)), expected: [5, 0, 9, 2], bool: [1, 0, 1, 1] },
  triu: { f: (x) => hebb.triu(rows(x)), expected: [5, 2, 0, 2], bool: [1, 1, 0, 1] },
  diag: { f: (x) => hebb.diag(x.slice([0], [2])), expected: [5, 0, 0, 2], bool: [1, 0, 0, 1] },
  diagonal: { f: (x) => hebb.diagonal(rows(x)), expected: [5, 2], bool: [1, 1] },
  trace: { f: (x) => hebb.trace(rows(x)), expected: [7], bool: [2] },
  outer: { f: (x) => hebb.outer(x.slice([0], [1]), x), expected: [25, 10, 45, 10], refuses: ["bool"] },
  kron: { f: (x) => hebb.kron(x.slice([0], [1]), x), expected: [25, 10, 45, 10], refuses: ["bool"] },
  einsum: {
    f: (x) => hebb.einsum("ij,kj->ik", rows(x), rows(x)),
    expected: [29, 49, 49, 85],
    refuses: ["uint8", "bool"],
  },
  topK: { f: (x) => hebb.topK(x, 2).values, expected: [9, 5], refuses: ["uint64"], bool: [1, 1] },
  topKIndices: { f: (x) => hebb.topK(x, 3).indices, expected: [2, 0, 1], refuses: ["uint64"], bool: [0, 1, 2] },
  setAt: { f: (x) => hebb.setAt(x, ints(3, 0), x.slice([1], [3])), expected: [9, 2, 9, 2], bool: [1, 1, 1, 1] },
  segmentSum: { f: (x) => hebb.segmentSum(x, ints(1, 0, 1, 1), 2), expected: [2, 16], refuses: ["bool"] },
  segmentMax: { f: (x) => hebb.segmentMax(x, ints(1, 0, 1, 1), 2), expected: [2, 9], refuses: ["uint64", "bool"] },
  segmentMean: { f: (x) => hebb.segmentMean(x, ints(1, 0, 0, 0), 3), expected: [13 / 3, 5, 0], refuses: notFloat },
  segmentSoftmax: {
    f: (x) => hebb.segmentSoftmax(x, ints(1, 0, 1, 0), 2),
    expected: [1 / (1 + Math.exp(4)), 0.5, 1 / (1 + Math.exp(-4)), 0.5],
    refuses: notFloat,
  },
  ceil: { f: (x) => hebb.ceil(x), expected: a, refuses: notFloat },
  trunc: { f: (x) => hebb.trunc(x), expected: a, refuses: notFloat },
  expm1: { f: (x) => hebb.expm1(x.slice([1], [2])), expected: [Math.expm1(2)], refuses: notFloat },
  erfinv: { f: (x) => hebb.erfinv(x.slice([1], [2])), expected: [NaN], refuses: notFloat },
  lgamma: { f: (x) => hebb.lgamma(x), expected: [Math.log(24), 0, Math.log(40320), 0], refuses: notFloat },
  hypot: { f: (x) => hebb.hypot(x, x), expected: a.map((v) => v * Math.SQRT2), refuses: notFloat },
  quantile: { f: (x) => hebb.quantile(x, 0.5), expected: [3.5], refuses: notFloat },
  roundStraightThrough: { f: (x) => hebb.roundStraightThrough(x), expected: a, refuses: notFloat },
  softmaxMasked: {
    f: (x) => hebb.softmax(x, 0, { where: tensor([true, false, false, true]) }),
    expected: [1 / (1 + Math.exp(-3)), 0, 0, 1 / (1 + Math.exp(3))],
    refuses: notFloat,
  },
  resize: { f: (x) => hebb.resize(x.reshape(1, 1, 4), [2]), expected: [3.5, 5.5], refuses: notFloat },
};

onEachBackend("dtypes", () => {
  it("each is handled, or refused while the graph is built", async () => {
    const made: { what: string; out: Tensor; expected: readonly number[] }[] = [];
    for (const [name, { f, expected, refuses = [], bool }] of Object.entries(table)) {
      for (const dtype of all) {
        const what = `${name} of ${dtype}`;
        if (refuses.includes(dtype)) {
          expect(() => f(of(a, dtype)), what).toThrow(ShapeError);
          continue;
        }
        const x = dtype === "bool" ? of([1, 1, 1, 1], dtype) : of(a, dtype);
        const out = f(x);
        made.push({
          what,
          out: out.dtype === "float16" ? hebb.cast(out, "float32") : out,
          expected: dtype === "bool" ? bool! : expected,
        });
      }
    }
    const results = await values(made.map((m) => m.out));
    made.forEach(({ what, expected }, i) => {
      assertClose(results[i], expected, what.includes("16") ? 4e-3 : 1e-5, what);
    });
  });
});

onEachBackend("functions", () => {
  it("setAt replaces, the last of several updates stands", async () => {
    const x = doubles(0, 0, 0, 0).reshape(2, 2);
    expect(await numbers(hebb.setAt(x, ints(1, 1), doubles(1, 2, 3, 4).reshape(2, 2)))).toEqual([0, 0, 3, 4]);
    expect(await numbers(hebb.setAt(x, ints(-1), 7, 1))).toEqual([0, 7, 0, 7]);
    expect(hebb.setAt(x, ints(), doubles().reshape(0, 2))).toBe(x);
  });

  it("a masked softmax of nothing is zero, with a finite gradient", async () => {
    const mask = tensor([
      [true, true, false],
      [false, false, false],
    ]);
    const x = doubles(1, 2, Infinity, 4, 5, 6).reshape(2, 3);
    const f = (t: Tensor) => sum(hebb.square(hebb.softmax(t, 1, { where: mask })));
    const [y, g] = await values([hebb.softmax(x, 1, { where: mask }), grad(f)(x)]);
    expect(y.slice(2)).toEqual([0, 0, 0, 0]);
    expect(y[0] + y[1]).toBeCloseTo(1, 14);
    expect(g.every(Number.isFinite)).toBe(true);
    const none = (t: Tensor) => hebb.logSumExp(t, 1, { where: mask }).slice([1], [2]);
    const [top, slope] = await values([none(x), grad((t: Tensor) => sum(hebb.exp(none(t))))(x)]);
    expect([top[0], ...slope]).toEqual([-Infinity, 0, 0, 0, 0, 0, 0]);
  });

  it("cut and glue: split and concat, unstack and stack, roll and back, triangles", async () => {
    const x = fill({ shape: [4, 3] }, 1);
    const same = async (t: Tensor) => assertClose(await numbers(t), await numbers(x), 0, "the same");
    await same(concat(hebb.split(x, [1, 0, 2], 1), 1));
    await same(stack(hebb.unstack(x, 1), 1));
    await same(hebb.roll(hebb.roll(x, [3, -2], [0, 1]), [-3, 2], [0, 1]));
    await same(hebb.tril(x, -1).add(hebb.triu(x)));
  });

  it("linspace meets both ends, eye and masks have their shapes", async () => {
    const x = await numbers(hebb.linspace(-0.1, 0.7, 9, { dtype: "float64" }));
    expect([x[0], x[8], x.length]).toEqual([-0.1, 0.7, 9]);
    expect(await numbers(hebb.eye(2, { columns: 3, offset: 1 }))).toEqual([0, 1, 0, 0, 0, 1]);
    expect(await numbers(hebb.triangularMask(2, 3))).toEqual([1, 0, 0, 1, 1, 0]);
  });

  it("einsum makes no outer product where a matrix product will do", () => {
    const x = fill({ shape: [50, 40] }, 1);
    const out = hebb.einsum("ij,kj,kl->il", x, x, x);
    const sizes = hebb.treeLeaves([out]).flatMap((t) => sizesBehind(t as Tensor));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(50 * 50);
  });
});

function sizesBehind(t: Tensor): number[] {
  return [t.size, ...t.node.inputs.flatMap(sizesBehind)];
}

describe("errors", () => {
  const x = tensor(new Float32Array(6), { shape: [2, 3] });
  const i = ints(0, 1);
  const cases: [string, () => unknown, string][] = [
    [
      "einsum, ranks",
      () => hebb.einsum("ijk->i", x),
      'einsum: "ijk" does not name the axes of operand 0, whose shape is [2, 3]',
    ],
    [
      "einsum, sizes",
      () => hebb.einsum("ij,jk", x, x),
      'einsum: subscript "j" is 3 long in operand 0 and 2 long in operand 1',
    ],
    [
      "einsum, dots",
      () => hebb.einsum("...i,...i", x, tensor(new Float32Array(12), { shape: [4, 3] })),
      'an axis of "..." is 2 long in operand 0 and 4 long',
    ],
    ["einsum, operands", () => hebb.einsum("ij,jk", x), '"ij,jk" names 2 operands, but 1 were given'],
    ["einsum, arrows", () => hebb.einsum("ij->i->j", x), '"ij->i->j" has more than one "->"'],
    ["einsum, letters", () => hebb.einsum("i1->i", x), '"i1" in "i1->i" is not letters'],
    ["einsum, unknown", () => hebb.einsum("ij->k", x), `the result's subscript "k" is in no operand`],
    ["einsum, twice", () => hebb.einsum("ij->ii", x), 'the result of "ij->ii" names "i" twice'],
    [
      "conv",
      () => hebb.conv(x.reshape(1, 2, 3), x.reshape(1, 2, 3), { stride: [1, 1] }),
      "conv: stride has 2 entries for 1 spatial axes",
    ],
    [
      "resize",
      () => hebb.resize(x.reshape(1, 2, 3), [0]),
      "resize: [1, 2, 3] cannot become [N, C, ...spatial] with spatial size [0]",
    ],
    [
      "resize, corners",
      () => hebb.resize(x.reshape(1, 2, 3), [2], { method: "nearest", alignCorners: true }),
      'alignCorners is for method "linear" only',
    ],
    ["topK", () => hebb.topK(x, 4), "topK: axis -1 of [2, 3] has no 4 values to choose"],
    ["quantile", () => hebb.quantile(x, 1.5), "quantile: 1.5 is not between 0 and 1"],
    ["quantile of nothing", () => hebb.quantile(x.slice([0], [0]), 0.5, 0), "quantile: axis 0 of [0, 3] is empty"],
    [
      "segments",
      () => hebb.segmentSum(x, ints(0, 1, 2), 3),
      "segmentSum: rows [2, 3] need one segment each, got ids [3]",
    ],
    [
      "segment ids",
      () => hebb.segmentMax(x, x.slice([0], [1]).reshape(3), 3),
      "segmentMax: indices have dtype float32",
    ],
    [
      "setAt",
      () => hebb.setAt(x, i, fill({ shape: [4], dtype: "float32" }, 1)),
      "broadcastTo: [4] cannot be broadcast to [2, 3]",
    ],
    ["split", () => hebb.split(x, 2, 1), "split: axis 1 of [2, 3] does not fall into 2 equal parts"],
    ["split, sizes", () => hebb.split(x, [1, 1], 1), "split: axis 1 of [2, 3] does not fall into parts of sizes [1,1]"],
    ["tile", () => hebb.tile(x, [1.5]), "tile: counts [1.5] must be whole numbers"],
    ["repeat", () => hebb.repeat(x, -1), "repeat: count -1 must be a whole number"],
    ["roll", () => hebb.roll(x, [1], [0, 1]), "roll: shifts [1] must be whole numbers, one for each of axes [0,1]"],
    ["meshgrid", () => hebb.meshgrid([x]), "meshgrid: needs vectors, got shape [2, 3]"],
    ["tril", () => hebb.tril(ints(1)), "tril: needs at least two axes, got shape [1]"],
    ["diagonal", () => hebb.diagonal(x, { axes: [0, -2] }), "diagonal: axes [0,-2] name an axis twice"],
    ["diag", () => hebb.diag(x.slice([0, 0], [1, 1]).reshape()), "diag: needs at least one axis, got shape []"],
    [
      "polygamma",
      () => hebb.polygamma(0, x),
      "polygamma: the order must be a whole number from 1 on, got 0; order 0 is digamma",
    ],
    [
      "straightThrough",
      () => hebb.straightThrough(x, x.reshape(3, 2)),
      "straightThrough: hard float32[2, 3] and soft float32[3, 2] must be alike",
    ],
    [
      "chi-square",
      () => hebb.logNoncentralChiSquare(x, 0, x),
      "the degrees of freedom must be a positive number, got 0",
    ],
    ["dtypes", () => hebb.hypot(x, ints(1)), "hypot: dtypes float32[2, 3] and int32[1] differ"],
    [
      "broadcasting",
      () => hebb.atan2(x, x.reshape(3, 2)),
      "atan2: shapes [2, 3] and [3, 2] cannot be broadcast together",
    ],
  ];
  for (const [name, f, message] of cases) {
    it(name, () => {
      expect(f).toThrow(HebbError);
      expect(f).toThrow(message);
    });
  }
});
