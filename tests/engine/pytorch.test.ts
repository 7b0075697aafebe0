import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import {
  abs,
  add,
  arange,
  avgPool,
  batchNorm,
  broadcastTo,
  cast,
  channelMoments,
  concat,
  conv,
  convTranspose,
  cos,
  crossEntropy,
  cumsum,
  type DType,
  div,
  elu,
  erf,
  exp,
  flip,
  gather,
  gelu,
  globalAvgPool,
  grad,
  greaterEqual,
  hvp,
  jit,
  layerNorm,
  leakyRelu,
  log,
  logSigmoid,
  logSoftmax,
  logSumExp,
  matmul,
  max,
  maximum,
  maxPool,
  mean,
  min,
  minimum,
  mul,
  type NDArray,
  neg,
  norm,
  notEqual,
  pad,
  pow,
  putAlongAxis,
  reciprocal,
  relu,
  reshape,
  scatterAdd,
  sigmoid,
  silu,
  sin,
  slice,
  softmax,
  softplus,
  sort,
  sqrt,
  square,
  stack,
  sub,
  sum,
  type Tensor,
  takeAlongAxis,
  tanh,
  tensor,
  transpose,
  variance,
  where,
} from "../../src/engine/index.js";
import { assertClose, onEachBackend, tensorData, values } from "./helpers.js";

interface Values {
  readonly shape: number[];
  readonly data: number[];
}
interface Case {
  readonly name: string;
  readonly op: string;
  readonly args: any;
  readonly inputs: (Values & { dtype: "float" | "int" })[];
  readonly weights: Values;
  readonly directions: Values[];
  readonly output: Values;
  readonly gradients: Values[];
  readonly second: Values[];
}
const { cases } = JSON.parse(await readFile(new URL("../fixtures/engine.json", import.meta.url), "utf8")) as {
  cases: Case[];
};

function attention(q: Tensor, k: Tensor, v: Tensor, causal: boolean): Tensor {
  const scores = mul(matmul(q, k, { transposeB: true }), 1 / Math.sqrt(q.shape[q.rank - 1]));
  if (!causal) return matmul(softmax(scores), v);
  const t = arange(q.shape[q.rank - 2]);
  const visible = greaterEqual(reshape(t, [-1, 1]), t);
  return matmul(softmax(where(visible, scores, -1e9)), v);
}

const activations: Record<string, (x: Tensor) => Tensor> = { relu, tanh, gelu };

/** The operations of tests/fixtures/engine.py. */
const operations: Record<string, (x: Tensor[], args: any) => Tensor> = {
  neg: ([x]) => neg(x),
  abs: ([x]) => abs(x),
  exp: ([x]) => exp(x),
  log: ([x]) => log(x),
  sqrt: ([x]) => sqrt(x),
  square: ([x]) => square(x),
  reciprocal: ([x]) => reciprocal(x),
  sin: ([x]) => sin(x),
  cos: ([x]) => cos(x),
  tanh: ([x]) => tanh(x),
  sigmoid: ([x]) => sigmoid(x),
  relu: ([x]) => relu(x),
  erf: ([x]) => erf(x),
  silu: ([x]) => silu(x),
  softplus: ([x]) => softplus(x),
  logSigmoid: ([x]) => logSigmoid(x),
  gelu: ([x], args) => gelu(x, args),
  leakyRelu: ([x], { slope }) => leakyRelu(x, slope),
  elu: ([x], { alpha }) => elu(x, alpha),
  add: ([a, b]) => add(a, b),
  sub: ([a, b]) => sub(a, b),
  mul: ([a, b]) => mul(a, b),
  div: ([a, b]) => div(a, b),
  pow: ([a, b]) => pow(a, b),
  maximum: ([a, b]) => maximum(a, b),
  minimum: ([a, b]) => minimum(a, b),
  power: ([x], { exponent }) => pow(x, exponent),
  where: ([c, a, b]) => where(notEqual(c, 0), a, b),
  matmul: ([a, b], args) => matmul(a, b, args),
  conv: ([x, w], args) => conv(x, w, args),
  convTranspose: ([x, w], args) => convTranspose(x, w, args),
  maxPool: ([x], { size, ...options }) => maxPool(x, size, options),
  avgPool: ([x], { size, ...options }) => avgPool(x, size, options),
  globalAvgPool: ([x]) => globalAvgPool(x),
  softmax: ([x], { axis }) => softmax(x, axis),
  logSoftmax: ([x], { axis }) => logSoftmax(x, axis),
  logSumExp: ([x], { axis }) => logSumExp(x, axis),
  crossEntropy: ([x, y]) => crossEntropy(x, y),
  layerNorm: ([x, s, b], args) => layerNorm(x, s, b, args),
  batchNorm: ([x, s, b]) => batchNorm(x, channelMoments(x), s, b),
  batchNormGiven: ([x, m, v, s, b]) => batchNorm(x, { mean: m, variance: v }, s, b),
  sum: ([x], { axes, ...options }) => sum(x, axes, options),
  mean: ([x], { axes, ...options }) => mean(x, axes, options),
  max: ([x], { axes, ...options }) => max(x, axes, options),
  min: ([x], { axes, ...options }) => min(x, axes, options),
  variance: ([x], { axes, ...options }) => variance(x, axes, options),
  norm: ([x], { axes, ...options }) => norm(x, axes, options),
  cumsum: ([x], { axis }) => cumsum(x, axis),
  reshape: ([x], { shape }) => square(reshape(x, shape)),
  transpose: ([x], { permutation }) => square(transpose(x, permutation)),
  broadcastTo: ([x], { shape }) => square(broadcastTo(x, shape)),
  slice: ([x], { starts, ends, steps }) => square(slice(x, starts, ends, steps)),
  flip: ([x], { axis }) => mul(square(flip(x, axis)), x),
  pad: ([x], { low, high }) => square(pad(x, low, high)),
  concat: ([a, b], { axis }) => square(concat([a, b, a], axis)),
  stack: ([a, b], { axis }) => square(stack([a, b], axis)),
  embedding: ([w, i]) => square(gather(w, i)),
  gather: ([x, i], { axis }) => square(gather(x, i, axis)),
  takeAlongAxis: ([x, i], { axis }) => square(takeAlongAxis(x, i, axis)),
  putAlongAxis: ([x, i], { axis, size }) => square(putAlongAxis(x, i, size, axis)),
  scatterAdd: ([x, i], { axis, size }) => square(scatterAdd(x, i, size, axis)),
  sort: ([x], { axis, ...options }) => square(sort(x, axis, options)),
  attention: ([q, k, v], { causal }) => attention(q, k, v, causal),
  mlp: ([y, x, w1, b1, w2, b2], { activation }) =>
    mean(crossEntropy(add(matmul(activations[activation](add(matmul(x, w1), b1)), w2), b2), y)),
  cnn([y, x, k1, b1, k2, w, b]) {
    let h = maxPool(relu(add(conv(x, k1, { padding: 1 }), reshape(b1, [-1, 1, 1]))), 2);
    h = tanh(conv(h, k2));
    return mean(crossEntropy(add(matmul(reshape(h, [h.shape[0], -1]), w), b), y));
  },
  gptBlock([tokens, embedding, position, s1, o1, wqkv, wo, s2, o2, w1, b1, w2, b2]) {
    const [n, length] = tokens.shape;
    const [t, d] = [length - 1, embedding.shape[1]];
    let x = add(gather(embedding, slice(tokens, [0, 0], [n, t])), position);
    const heads = transpose(reshape(matmul(layerNorm(x, s1, o1), wqkv), [n, t, 3, 2, d / 2]), [2, 0, 3, 1, 4]);
    const [q, k, v] = [0, 1, 2].map((i) => reshape(slice(heads, [i], [i + 1]), heads.shape.slice(1)));
    x = add(x, matmul(reshape(transpose(attention(q, k, v, true), [0, 2, 1, 3]), [n, t, d]), wo));
    const h = gelu(add(matmul(layerNorm(x, s2, o2), w1), b1), { approximate: true });
    x = add(x, add(matmul(h, w2), b2));
    return mean(crossEntropy(matmul(x, embedding, { transposeB: true }), slice(tokens, [0, 1], [n, length])));
  },
  ridge: ([x, y, w]) => add(mean(square(sub(matmul(x, w), y))), mul(sum(square(w)), 0.1)),
};

describe("fixtures from PyTorch", () => {
  it("cover the operations", () => {
    expect(cases.length).toBeGreaterThanOrEqual(120);
    expect([...new Set(cases.map((c) => c.op))].sort()).toEqual(Object.keys(operations).sort());
  });
});

const array = ({ shape, data }: Values, dtype: DType): NDArray => ({ data: tensorData(data, dtype), shape, dtype });

onEachBackend("PyTorch", () => {
  for (const dtype of ["float32", "float64"] as const) {
    describe(dtype, () => {
      for (const { name, op, args, ...c } of cases) {
        it(name, async () => {
          const inputs = c.inputs.map((x) => tensor(array(x, x.dtype === "int" ? "int64" : dtype)));
          const which = inputs.flatMap((t, i) => (t.dtype === dtype ? [i] : []));
          const weights = tensor(array(c.weights, dtype));
          const directions = c.directions.map((v) => tensor(array(v, dtype)));
          const full = (floats: readonly Tensor[]) =>
            inputs.map((t, i) => (which.includes(i) ? floats[which.indexOf(i)] : t));
          const f = (floats: readonly Tensor[]) => operations[op](full(floats), args);
          const loss = (floats: readonly Tensor[], u: Tensor) => sum(mul(f(floats), u));
          const along = (floats: readonly Tensor[], u: Tensor) =>
            (grad(loss)(floats, u) as Tensor[]).map((g, i) => sum(mul(g, directions[i]))).reduce((a, b) => add(a, b));
          const everything = jit((floats: Tensor[], u: Tensor) => ({
            output: f(floats),
            gradients: grad(loss)(floats, u) as Tensor[],
            second: grad(along, { argnums: [0, 1] })(floats, u) as [Tensor[], Tensor],
            product: hvp((x: Tensor[]) => loss(x, u), floats, directions),
          }));
          const out = await everything(
            which.map((i) => inputs[i]),
            weights,
          );
          expect(out.output.shape).toEqual(c.output.shape);
          const tolerance = dtype === "float32" ? 1e-4 : 1e-9;
          const check = async (tensors: readonly Tensor[], expected: readonly Values[], what: string) => {
            const actual = await values(tensors.map((t) => (t.dtype === "float32" ? cast(t, "float64") : t)));
            expected.forEach((e, i) => {
              assertClose(actual[i], e.data, tolerance, `${what} ${i}`);
            });
          };
          await check([out.output], [c.output], "output");
          await check(out.gradients, c.gradients, "gradient");
          await check([...out.second[0], out.second[1]], c.second, "second order");
          await check(out.product, c.second.slice(0, -1), "Hessian-vector product");
        });
      }
    });
  }
});
