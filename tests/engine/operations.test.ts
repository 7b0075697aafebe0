import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import * as hebb from "../../src/engine/index.js";
import { type DType, grad, jit, mul, type NDArray, square, sum, type Tensor, tensor } from "../../src/engine/index.js";
import { assertClose, onEachBackend, tensorData, values } from "./helpers.js";

interface Values {
  readonly shape: number[];
  readonly data: (number | string)[];
}
type Typed = Values & { dtype: "float" | DType };
interface Case {
  readonly name: string;
  readonly op: string;
  readonly args: any;
  readonly inputs: Typed[];
  readonly output: Typed;
  readonly gradients?: Values[];
  readonly second?: Values[];
}
const file = new URL("../fixtures/operations.json", import.meta.url);
const { cases } = JSON.parse(await readFile(file, "utf8")) as { cases: Case[] };

type Operation = (x: Tensor[], args: any) => Tensor;
const plain =
  (f: (...x: any[]) => Tensor): Operation =>
  (x) =>
    f(...x);
const chosen = (mask: Tensor): Tensor => hebb.notEqual(mask, 0);

/** The operations of tests/fixtures/operations.py. */
const operations: Record<string, Operation> = {
  tan: plain(hebb.tan),
  asin: plain(hebb.asin),
  acos: plain(hebb.acos),
  atan: plain(hebb.atan),
  sinh: plain(hebb.sinh),
  cosh: plain(hebb.cosh),
  asinh: plain(hebb.asinh),
  acosh: plain(hebb.acosh),
  atanh: plain(hebb.atanh),
  exp2: plain(hebb.exp2),
  log2: plain(hebb.log2),
  log10: plain(hebb.log10),
  log1p: plain(hebb.log1p),
  expm1: plain(hebb.expm1),
  rsqrt: plain(hebb.rsqrt),
  cbrt: plain(hebb.cbrt),
  logit: plain(hebb.logit),
  erfc: plain(hebb.erfc),
  erfcx: plain(hebb.erfcx),
  erfinv: plain(hebb.erfinv),
  normalCdf: plain(hebb.normalCdf),
  logNormalCdf: plain(hebb.logNormalCdf),
  normalPpf: plain(hebb.normalPpf),
  lgamma: plain(hebb.lgamma),
  digamma: plain(hebb.digamma),
  trigamma: plain(hebb.trigamma),
  ceil: plain(hebb.ceil),
  trunc: plain(hebb.trunc),
  isNaN: plain(hebb.isNaN),
  isFinite: plain(hebb.isFinite),
  isInfinite: plain(hebb.isInfinite),
  atan2: plain(hebb.atan2),
  hypot: plain(hebb.hypot),
  xlogy: plain(hebb.xlogy),
  logAddExp: plain(hebb.logAddExp),
  betaln: plain(hebb.betaln),
  straightThrough: plain(hebb.straightThrough),
  outer: plain(hebb.outer),
  kron: plain(hebb.kron),
  polygamma: ([x], { order }) => hebb.polygamma(order, x),
  nanToNum: ([x], args) => hebb.nanToNum(x, args),
  clip: ([x], { low, high }) => hebb.clip(x, low, high),
  roundStraightThrough: ([x]) => square(hebb.roundStraightThrough(x)),
  prod: ([x], { axes, ...options }) => hebb.prod(x, axes, options),
  std: ([x], { axes, ...options }) => hebb.std(x, axes, options),
  variance: ([x], { axes, ...options }) => hebb.variance(x, axes, options),
  any: ([x], { axes }) => hebb.any(x, axes),
  all: ([x], { axes }) => hebb.all(x, axes),
  countNonzero: ([x], { axes }) => hebb.countNonzero(x, axes),
  logSumExp: ([x], { axes, ...options }) => hebb.logSumExp(x, axes, options),
  logSumExpWeighted: ([x, weights], { axes }) => hebb.logSumExp(x, axes, { weights }),
  logSumExpMasked: ([x, mask], { axes }) => hebb.logSumExp(x, axes, { where: chosen(mask) }),
  softmaxMasked: ([x, mask], { axis }) => hebb.softmax(x, axis, { where: chosen(mask) }),
  median: ([x], { axis }) => hebb.median(x, axis),
  quantile: ([x], { axis, q }) => hebb.quantile(x, q, axis),
  argmin: ([x], { axis }) => hebb.argmin(x, axis),
  min: ([x], { axes }) => hebb.min(x, axes),
  max: ([x], { axes }) => hebb.max(x, axes),
  cumsum: ([x], { axis, ...options }) => square(hebb.cumsum(x, axis, options)),
  cumsumInteger: ([x], { axis, ...options }) => hebb.cumsum(x, axis, options),
  cumprod: ([x], { axis }) => hebb.cumprod(x, axis),
  cummax: ([x], { axis }) => hebb.cummax(x, axis),
  logCumSumExp: ([x], { axis }) => hebb.logCumSumExp(x, axis),
  einsum: (x, { spec }) => hebb.einsum(spec, ...x),
  tile: ([x], { counts }) => square(hebb.tile(x, counts)),
  repeat: ([x], { count, axis }) => square(hebb.repeat(x, count, axis)),
  roll: ([x], { shift, axis }) => mul(square(hebb.roll(x, shift, axis)), x),
  split: ([x], { parts, axis }) =>
    hebb.concat(
      hebb.split(x, parts, axis).map((p, i) => mul(square(p), i + 1)),
      axis,
    ),
  unstack: ([x], { axis }) =>
    hebb
      .unstack(x, axis)
      .map((p, i) => mul(square(p), i + 1))
      .reduce((a, b) => a.add(b)),
  take: ([x], { indices, axis }) => square(hebb.take(x, indices, axis)),
  tril: ([x], { offset }) => (x.dtype === "int64" ? hebb.tril(x, offset) : square(hebb.tril(x, offset))),
  triu: ([x], { offset = 0 }) => (x.dtype === "int64" ? hebb.triu(x, offset) : square(hebb.triu(x, offset))),
  diagonal: ([x], args) => square(hebb.diagonal(x, args)),
  diag: ([x], { offset }) => (x.dtype === "int64" ? hebb.diag(x, offset) : square(hebb.diag(x, offset))),
  trace: ([x], args) => square(hebb.trace(x, args)),
  eye: ([x], { rows, ...options }) => mul(x, hebb.eye(rows, { ...options, dtype: x.dtype })),
  linspace: ([x], { start, stop, count, endpoint }) =>
    mul(x, hebb.linspace(start, stop, count, { endpoint, dtype: x.dtype })),
  meshgrid: (x, { indexing }) => {
    const [a, b, c] = hebb.meshgrid(x, { indexing });
    return mul(a, square(b)).add(c);
  },
  topK: ([x], { k, axis, largest }) => square(hebb.topK(x, k, axis, { largest }).values),
  topKIndices: ([x], { k, axis, largest }) => hebb.topK(x, k, axis, { largest }).indices,
  setAt: ([x, i, u], { axis }) => square(hebb.setAt(x, i, u, axis)),
  segmentSum: ([x, i], { segments }) =>
    x.dtype === "int64" || x.shape[0] === 0 ? hebb.segmentSum(x, i, segments) : square(hebb.segmentSum(x, i, segments)),
  segmentMean: ([x, i], { segments }) => square(hebb.segmentMean(x, i, segments)),
  segmentMax: ([x, i], { segments }) => hebb.segmentMax(x, i, segments),
  segmentMin: ([x, i], { segments }) => hebb.segmentMin(x, i, segments),
  segmentMaxFilled: ([x, i], { segments }) => square(hebb.take(hebb.segmentMax(x, i, segments), [0, 2], 0)),
  segmentMinFilled: ([x, i], { segments }) => square(hebb.take(hebb.segmentMin(x, i, segments), [0, 2], 0)),
  segmentSoftmax: ([x, i], { segments }) => hebb.segmentSoftmax(x, i, segments),
  conv: ([x, w], args) => hebb.conv(x, w, args),
  convTranspose: ([x, w], args) => hebb.convTranspose(x, w, args),
  maxPool: ([x], { size, ...options }) => hebb.maxPool(x, size, options),
  avgPool: ([x], { size, ...options }) => hebb.avgPool(x, size, options),
  resize: ([x], { size, ...options }) => square(hebb.resize(x, size, options)),
};

describe("fixtures from PyTorch", () => {
  it("cover the operations, by name", () => {
    expect(cases.length).toBeGreaterThanOrEqual(380);
    expect(new Set(cases.map((c) => c.name)).size).toBe(cases.length);
    expect([...new Set(cases.map((c) => c.op))].sort()).toEqual(Object.keys(operations).sort());
  });
});

const array = ({ shape, data }: Values, dtype: DType): NDArray => ({
  data: tensorData(data.map(dtype === "int64" ? (v) => v as number : Number), dtype),
  shape,
  dtype,
});
const filled = (like: Tensor, value: (i: number) => number): Tensor =>
  tensor(array({ shape: [...like.shape], data: Array.from({ length: like.size }, (_, i) => value(i)) }, like.dtype));

/** What the fixture holds of one case, as a graph. */
function graphs({ op, args, inputs, gradients, second }: Case, x: readonly Tensor[]): Tensor[][] {
  const f = (floats: readonly Tensor[]) => {
    let at = 0;
    return operations[op](
      inputs.map((input, i) => (input.dtype === "float" ? floats[at++] : x[i])),
      args,
    );
  };
  const floats = x.filter((_, i) => inputs[i].dtype === "float");
  const output = f(floats);
  if (!gradients) return [[output], [], []];
  const u = filled(output, (i) => 0.5 + ((7 * i) % 10) / 10);
  const v = floats.map((t, k) => filled(t, (i) => (((3 * (i + 2 * k)) % 7) - 3) / 4));
  const loss = (t: readonly Tensor[], weights: Tensor) => sum(mul(f(t), weights));
  const first = grad(loss)(floats, u) as Tensor[];
  if (!second) return [[output], first, []];
  const along = (t: readonly Tensor[], weights: Tensor) =>
    (grad(loss)(t, weights) as Tensor[]).map((g, k) => sum(mul(g, v[k]))).reduce((a, b) => a.add(b));
  const [dx, du] = grad(along, { argnums: [0, 1] })(floats, u) as [Tensor[], Tensor];
  return [[output], first, [...dx, du]];
}

// Higher orders are made of the same operations: not every dtype and backend needs to go so far.
const order = { node: { float32: 1, float64: 2 }, wasm: { float32: 1, float64: 0 } };
const upTo = (c: Case, n: number): Case => ({
  ...c,
  gradients: n > 0 ? c.gradients : undefined,
  second: n > 1 ? c.second : undefined,
});

// Many cases in one model, because making a model is what takes time.
onEachBackend("PyTorch", (backend) => {
  for (const dtype of ["float32", "float64"] as const) {
    const known = cases.map((c) => upTo(c, order[backend][dtype]));
    for (let from = 0; from < known.length; from += 40) {
      const chunk = known.slice(from, from + 40);
      const last = chunk[chunk.length - 1];
      it(`${dtype}: from "${chunk[0].name}" to "${last.name}"`, async () => {
        const inputs = chunk.map((c) => c.inputs.map((x) => tensor(array(x, x.dtype === "float" ? dtype : x.dtype))));
        const problems: string[] = [];
        const compute = (some: readonly Case[], x: Tensor[][]) =>
          jit((all: Tensor[][]) => some.map((c, i) => graphs(c, all[i])))(x);
        const check = async (c: Case, actual: readonly Tensor[][]) => {
          const output = actual[0][0];
          expect([output.shape, output.dtype], c.name).toEqual([
            c.output.shape,
            c.output.dtype === "float" ? dtype : c.output.dtype,
          ]);
          const numbers = await values(actual);
          const expected = [c.output, ...(c.gradients ?? []), ...(c.second ?? [])];
          expect(numbers).toHaveLength(expected.length);
          expected.forEach((e, i) => {
            const what = i === 0 ? "output" : i <= (c.gradients ?? []).length ? "gradient" : "second order";
            assertClose(numbers[i], e.data.map(Number), dtype === "float32" ? 1e-4 : 1e-9, `${c.name}: ${what}`);
          });
        };
        const attempt = async (c: Case, f: () => Promise<void>) =>
          f().catch((error) => problems.push(`${c.name}: ${error.message}`));
        try {
          const results = await compute(chunk, inputs);
          for (const [i, c] of chunk.entries()) await attempt(c, () => check(c, results[i]));
        } catch (error) {
          // Some case cannot be built or compiled: one at a time names it.
          for (const [i, c] of chunk.entries())
            await attempt(c, async () => check(c, (await compute([c], [inputs[i]]))[0]));
          if (problems.length === 0) throw error;
        }
        expect(problems.join("\n")).toBe("");
      });
    }
  }
});
