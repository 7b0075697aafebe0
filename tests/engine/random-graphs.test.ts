import fc from "fast-check";
import { expect, it } from "vitest";
import * as hebb from "../../src/engine/index.js";
import { add, grad, jit, jvp, mul, stack, sub, sum, type Tensor, vmap } from "../../src/engine/index.js";
import { assertClose, fill, numbers, onEachBackend, values } from "./helpers.js";

// Smooth operations from two tensors of shape [n, n] to one; none of them grows fast.
const n = 3;
const rules: readonly ((a: Tensor, b: Tensor) => Tensor)[] = [
  (a, b) => add(a, b),
  (a, b) => mul(a, b).mul(0.3),
  (a, b) => sub(a, b).mul(0.5),
  (a, b) => a.div(add(mul(b, b), 1)),
  (a, b) => hebb.matmul(a, b).mul(0.2),
  (a, b) => hebb.matmul(a, b, { transposeA: true }).mul(0.2),
  (a, b) => hebb.einsum("ij,kj->ki", a, b).mul(0.2),
  (a, b) => hebb.einsum("ij,ij,jk->ik", a, b, a).mul(0.1),
  (a, b) => hebb.logAddExp(a, b),
  (a, b) => hebb.hypot(a, add(hebb.softplus(b), 0.5)),
  (a, b) => hebb.atan2(a, add(hebb.softplus(b), 0.5)),
  (a, b) => hebb.xlogy(a, add(hebb.sigmoid(b), 0.2)),
  (a, b) => hebb.where(hebb.triangularMask(n), a, b),
  (a, b) => hebb.softmax(add(a, b)),
  (a, b) => sub(a, sum(b, 1, { keepDims: true })).mul(0.3),
  (a, b) => mul(hebb.mean(a, 0), b),
  (a, b) => hebb.concat([a.slice([0], [1]), b.slice([1], [n])]),
  (a, b) => hebb.gather(a, hebb.argsort(hebb.arange(n)), 1).sub(hebb.flip(b, 0)),
  (a, b) => hebb.segmentSum(hebb.concat([a, b]), hebb.tensor(Int32Array.of(0, 2, 2, 1, 0, 0)), n).mul(0.4),
  (a, b) => hebb.setAt(a, hebb.tensor(Int32Array.of(1)), b.slice([0], [1])),
  (a, b) => hebb.layerNorm(a, hebb.sigmoid(b.slice([0], [1]).reshape(n)), b.slice([1], [2]).reshape(n)),
  (a, b) => hebb.logSumExp(stack([a, b, mul(a, b)]), 0),
  (a) => hebb.sin(a),
  (a) => hebb.tanh(a),
  (a) => hebb.erf(a),
  (a) => hebb.gelu(a),
  (a) => hebb.log1p(mul(a, a)),
  (a) => hebb.expm1(hebb.tanh(a)),
  (a) => hebb.atan(a),
  (a) => hebb.asinh(a),
  (a) => hebb.logNormalCdf(a),
  (a) => hebb.erfinv(hebb.tanh(a).mul(0.9)),
  (a) => hebb.lgamma(add(hebb.softplus(a), 0.3)).mul(0.3),
  (a) => hebb.cumsum(a, 0, { reverse: true, exclusive: true }).mul(0.5),
  (a) => hebb.cumprod(hebb.tanh(a), 1),
  (a) => hebb.roll(a.transpose(), 1, 1),
  (a) => hebb.diag(hebb.diagonal(a)).add(hebb.tril(a, -1)),
  (a) => hebb.kron(a.slice([0, 0], [1, n]), a.slice([0, 0], [n, 1])),
  (a) =>
    hebb
      .resize(a.reshape(1, 1, n, n), [5, 2])
      .reshape(10)
      .slice([0], [9])
      .reshape(n, n),
  (a) => hebb.prod(stack([hebb.tanh(a), a.transpose(), a]), 0).mul(0.3),
];

/** A graph: each step applies a rule to two earlier values, counted from the last. */
type Step = readonly [rule: number, left: number, right: number];
const build =
  (steps: readonly Step[]) =>
  (x: Tensor, y: Tensor): Tensor => {
    const made = [x, y];
    for (const [rule, left, right] of steps) {
      const back = (k: number) => made[made.length - 1 - (k % made.length)];
      made.push(rules[rule](back(left), back(right)));
    }
    return made[made.length - 1];
  };
const graphs = fc.array(fc.tuple(fc.nat(rules.length - 1), fc.nat(3), fc.nat(5)), { minLength: 2, maxLength: 7 });

onEachBackend("random graphs", (backend) => {
  it("derivatives, batching and differences agree", async () => {
    const property = fc.asyncProperty(graphs, fc.nat(1000), async (steps, seed) => {
      const f = build(steps);
      const make = (k: number, shape = [n, n]) => fill({ shape, range: [-1, 1] }, 10 * seed + k);
      const [x, y, v, w, u] = [0, 1, 2, 3, 4].map((k) => make(k));
      const [xs, ys] = [make(5, [2, n, n]), make(6, [n, 2, n])];
      const h = 2e-3;
      const everything = jit((a: Tensor, b: Tensor, bx: Tensor, by: Tensor) => {
        const loss = (p: Tensor, q: Tensor) => sum(mul(f(p, q), u));
        const [gx, gy] = grad(loss, { argnums: [0, 1] })(a, b) as Tensor[];
        const [, pushed] = jvp(f, [a, b], [v, w]);
        const moved = (t: number) => loss(add(a, mul(v, t)), add(b, mul(w, t)));
        const near = sub(moved(h), moved(-h)).mul(8);
        const item = (t: Tensor, i: number, axis: number) => hebb.take(t, i, axis);
        return {
          reverse: add(sum(mul(gx, v)), sum(mul(gy, w))),
          forward: sum(mul(pushed, u)),
          difference: sub(near, sub(moved(2 * h), moved(-2 * h))).div(12 * h),
          mapped: vmap(f, { inAxes: [0, 1] })(bx, by),
          loop: stack([0, 1].map((i) => f(item(bx, i, 0), item(by, i, 1)))),
          slopes: vmap(grad(loss), { inAxes: [0, 1] })(bx, by) as Tensor,
          slopeLoop: stack([0, 1].map((i) => grad(loss)(item(bx, i, 0), item(by, i, 1)))),
        };
      });
      const out = await everything(x, y, xs, ys);
      const [reverse, forward, difference] = await values([out.reverse, out.forward, out.difference]);
      expect(out.mapped.shape).toEqual([2, n, n]);
      assertClose(forward, reverse, 1e-10, "<u, J v> and <J' u, v>");
      assertClose(reverse, difference, 2e-6, "gradient and differences");
      assertClose(await numbers(out.mapped), await numbers(out.loop), 1e-11, "vmap and a loop");
      assertClose(await numbers(out.slopes), await numbers(out.slopeLoop), 1e-10, "vmap of the gradient and a loop");
    });
    await fc.assert(property, { numRuns: backend === "node" ? 20 : 5 });
  });
});
