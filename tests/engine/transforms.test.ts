import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  abs,
  add,
  arange,
  cast,
  concat,
  cos,
  cumsum,
  customGradient,
  div,
  exp,
  gather,
  gelu,
  grad,
  hvp,
  jit,
  jvp,
  logSoftmax,
  logSumExp,
  matmul,
  max,
  maximum,
  mean,
  mul,
  neg,
  pow,
  random,
  relu,
  reshape,
  round,
  sigmoid,
  sin,
  slice,
  softmax,
  softplus,
  sqrt,
  stack,
  stopGradient,
  sub,
  sum,
  swapAxes,
  type Tensor,
  tanh,
  tensor,
  transpose,
  treeLeaves,
  treeMap,
  valueAndGrad,
  vjp,
  vmap,
  where,
  zeros,
} from "../../src/engine/index.js";
import { assertClose, checkGradients, fill, numbers, onEachBackend, values } from "./helpers.js";

const f64 = (list: number[] | number[][]) => tensor(list, { dtype: "float64" });

onEachBackend("grad", () => {
  it("differentiates with respect to chosen arguments", async () => {
    const f = (x: Tensor, y: Tensor, z: { a: Tensor }) => sum(mul(mul(x, y), z.a));
    const [x, y, z] = [f64([1, 2]), f64([3, 4]), { a: f64([5, 6]) }];
    expect(await numbers(grad(f)(x, y, z))).toEqual([15, 24]);
    expect(await numbers(grad(f, { argnums: 1 })(x, y, z))).toEqual([5, 12]);
    const [gz, gx] = grad(f, { argnums: [2, 0] })(x, y, z) as [{ a: Tensor }, Tensor];
    expect(await values([gz.a, gx])).toEqual([
      [3, 8],
      [15, 24],
    ]);
  });

  it("gives trees like the argument, with zeros where nothing flows", async () => {
    const params = { used: f64([2, 3]), list: [f64([1]), f64([[1, 2]])] };
    const g = grad((p: typeof params) => sum(mul(p.used, p.list[0])))(params);
    expect(await values([g.used, g.list[0], g.list[1]])).toEqual([[1, 1], [5], [0, 0]]);
    expect(g.list[1].shape).toEqual([1, 2]);
  });

  it("passes on what the function returns beside its loss", async () => {
    const f = (x: Tensor) => [sum(mul(x, x)), { twice: x.mul(2), label: "aux" }] as const;
    const [g, aux] = grad(f, { hasAux: true })(f64([1, 2]));
    expect([await numbers(g), await numbers(aux.twice), aux.label]).toEqual([[2, 4], [2, 4], "aux"]);
    const [[loss], g2] = valueAndGrad(f, { hasAux: true })(f64([1, 2]));
    expect([await loss.item(), await numbers(g2)]).toEqual([5, [2, 4]]);
  });

  it("adds up all uses of an argument", async () => {
    expect(await numbers(grad((x: Tensor) => sum(add(mul(x, x), mul(x, 3))))(f64([1, 2])))).toEqual([5, 7]);
    expect(await numbers(grad((x: Tensor) => sum(concat([x, x.mul(2), x])))(f64([1])))).toEqual([4]);
  });

  it("differentiates with respect to a tensor that was computed from another", async () => {
    const x = f64([2]);
    const y = mul(x, x);
    expect(await numbers(grad((t: Tensor) => sum(mul(t, 3)))(y))).toEqual([3]);
    // The closure sees the original, not the argument.
    expect(await numbers(grad((t: Tensor) => sum(mul(t, x)))(x))).toEqual([2]);
    // An argument that stands upstream of another is held constant within it.
    expect(await values(grad((a: Tensor, b: Tensor) => sum(mul(a, b)), { argnums: [0, 1] })(x, y))).toEqual([[4], [2]]);
  });

  it("is repeated to any order", async () => {
    let f = (x: Tensor): Tensor => sum(sin(x));
    const x = f64([0.3]);
    for (const expected of [Math.cos(0.3), -Math.sin(0.3), -Math.cos(0.3), Math.sin(0.3), Math.cos(0.3)]) {
      const g = f;
      f = (t: Tensor) => sum(grad(g)(t));
      assertClose(await numbers(f(x)), [expected], 1e-13, "derivative");
    }
  });

  it("of powers stays finite at zero, to any order", async () => {
    let f = (x: Tensor): Tensor => sum(pow(x, 3));
    for (const expected of [0, 0, 6, 0, 0]) {
      const g = f;
      f = (t: Tensor) => sum(grad(g)(t));
      expect((await numbers(f(f64([0]))))[0]).toBeCloseTo(expected, 12);
    }
    const both = grad((x: Tensor, y: Tensor) => sum(pow(x, y)), { argnums: [0, 1] })(
      f64([0, 0, 2]),
      f64([0, 2, 0]),
    ) as Tensor[];
    expect(await values(both)).toEqual([
      [0, 0, 0],
      [0, 0, expect.closeTo(Math.LN2, 12)],
    ]);
  });

  it("shares ties evenly in max, maximum and minimum, and chooses the first in max pooling", async () => {
    const tied = f64([1, 3, 3, 0]);
    expect(await numbers(grad((x: Tensor) => max(x))(tied))).toEqual([0, 0.5, 0.5, 0]);
    expect(await numbers(grad((x: Tensor) => sum(maximum(x, 3)))(tied))).toEqual([0, 0.5, 0.5, 0]);
    expect(await numbers(grad((x: Tensor) => sum(relu(x)))(f64([-1, 0, 2])))).toEqual([0, 0, 1]);
    expect(await numbers(grad((x: Tensor) => sum(abs(x)))(f64([-1, 0, 2])))).toEqual([-1, 0, 1]);
  });

  it("keeps dtypes, through casts", async () => {
    const x = tensor([1, 2]);
    const g = grad((t: Tensor) => sum(mul(cast(t, "float64"), cast(t, "float64"))))(x);
    expect([g.dtype, await numbers(g)]).toEqual(["float32", [2, 4]]);
    expect(await numbers(grad((t: Tensor) => sum(mul(t, cast(cast(t, "int32"), "float32"))))(x))).toEqual([1, 2]);
  });

  it("of a large sum of a deep chain needs no deep recursion", async () => {
    const deep = (x: Tensor) => {
      let y = x;
      for (let i = 0; i < 3000; i++) y = i % 2 === 0 ? y.mul(1.0001) : y.add(0.0001);
      return sum(y);
    };
    const g = await numbers(grad(deep)(f64([1])));
    expect(g[0]).toBeCloseTo(1.0001 ** 1500, 9);
  });
});

onEachBackend("stopGradient and customGradient", () => {
  it("stopGradient keeps the value and stops the gradient, also the second", async () => {
    const f = (x: Tensor) => sum(mul(stopGradient(x), x));
    const x = f64([2, 3]);
    expect(await f(x).item()).toBe(13);
    expect(await numbers(grad(f)(x))).toEqual([2, 3]);
    expect(await numbers(grad((t: Tensor) => sum(grad(f)(t)))(x))).toEqual([0, 0]);
    expect(await numbers(grad((t: Tensor) => sum(vmap(stopGradient)(t)))(x))).toEqual([0, 0]);
  });

  const straightThrough = customGradient(
    (x: Tensor) => round(x),
    (g) => [g],
  );

  it("straight-through rounding", async () => {
    const x = f64([0.4, 0.6, 2.5]);
    expect(await numbers(straightThrough(x))).toEqual([0, 1, 2]);
    expect(await numbers(grad((t: Tensor) => sum(mul(straightThrough(t), t)))(x))).toEqual([0.4, 1.6, 4.5]);
    const compiled = jit((t: Tensor) => grad((u: Tensor) => sum(straightThrough(u)))(t));
    expect(await numbers(await compiled(x))).toEqual([1, 1, 1]);
  });

  it("composes with vmap, per example and shared", async () => {
    const xs = f64([
      [0.4, 0.6],
      [1.7, -1.2],
    ]);
    const w = f64([2, 3]);
    const loss = (x: Tensor, v: Tensor) => sum(mul(straightThrough(mul(x, v)), v));
    const per = vmap(grad(loss, { argnums: [0, 1] }), { inAxes: [0, null] })(xs, w) as [Tensor, Tensor];
    const rows = [0, 1].map(
      (i) => grad(loss, { argnums: [0, 1] })(reshape(slice(xs, [i], [i + 1]), [2]), w) as [Tensor, Tensor],
    );
    const expected = await values(rows);
    expect(await values(per)).toEqual([
      [...expected[0], ...expected[2]],
      [...expected[1], ...expected[3]],
    ]);
    // Outside: the shared argument's gradient is the sum.
    const outside = grad((v: Tensor) => sum(vmap(loss, { inAxes: [0, null] })(xs, v) as Tensor))(w);
    assertClose(
      await numbers(outside),
      expected[1].map((v, i) => v + expected[3][i]),
      1e-14,
      "shared",
    );
  });

  it("composes with grad of grad: the rule itself is differentiated", async () => {
    // A rule that is not the derivative: g x^2 instead of g 3 x^2.
    const third = customGradient(
      (x: Tensor) => x.pow(3),
      (g, [x]) => [mul(g, mul(x, x))],
    );
    const x = f64([2, 3]);
    expect(await numbers(grad((t: Tensor) => sum(third(t)))(x))).toEqual([4, 9]);
    expect(await numbers(grad((t: Tensor) => sum(grad((u: Tensor) => sum(third(u)))(t)))(x))).toEqual([4, 6]);
    const mapped = vmap((t: Tensor) => grad((s: Tensor) => sum(grad((u: Tensor) => third(u))(s)))(t))(x) as Tensor;
    expect(await numbers(mapped)).toEqual([4, 6]);
  });

  it("takes several inputs, gets the output, and may leave a gradient out", async () => {
    const f = customGradient(
      (x: Tensor, y: Tensor) => exp(mul(x, y)),
      (g, [, y], out) => [mul(g, mul(out, y)), undefined],
    );
    const [gx, gy] = grad((x: Tensor, y: Tensor) => sum(f(x, y)), { argnums: [0, 1] })(f64([1]), f64([2])) as Tensor[];
    assertClose(await numbers(gx), [2 * Math.exp(2)], 1e-14, "x");
    expect(await numbers(gy)).toEqual([0]);
  });

  it("clips gradients on their way back", async () => {
    const clip = customGradient(
      (x: Tensor) => x,
      (g) => [where(abs(g).cast("bool"), g.mul(0.5), g)],
    );
    expect(await numbers(grad((x: Tensor) => sum(mul(clip(x), 4)))(f64([1, 2])))).toEqual([2, 2]);
  });
});

onEachBackend("vjp", () => {
  it("pulls back cotangents of trees", async () => {
    const f = (p: { a: Tensor; b: Tensor }, c: Tensor) => ({ product: mul(p.a, c), list: [sum(p.b), matmul(p.b, c)] });
    const p = { a: f64([1, 2]), b: f64([[3, 4]]) };
    const c = f64([5, 6]);
    const [out, pull] = vjp(f, p, c);
    expect(await values([out.product, ...out.list])).toEqual([[5, 12], [7], [39]]);
    const [gp, gc] = pull({ product: f64([1, 10]), list: [f64([0]).reshape([]), f64([2])] });
    expect(await values([gp.a, gp.b, gc])).toEqual([
      [5, 60],
      [10, 12],
      [1 + 2 * 3, 20 + 2 * 4],
    ]);
  });

  it("can be pulled more than once, also after the output was computed", async () => {
    const [y, pull] = vjp((x: Tensor) => mul(sin(x), x), f64([0.5, 1]));
    await y.data();
    const [a] = await values(pull(f64([1, 0])));
    const [b] = await values(pull(f64([0, 1])));
    const d = (t: number) => Math.sin(t) + t * Math.cos(t);
    assertClose(a, [d(0.5), 0], 1e-14, "first");
    assertClose(b, [0, d(1)], 1e-14, "second");
  });
});

onEachBackend("jvp and hvp", () => {
  const model = (p: { w: Tensor; v: Tensor }, x: Tensor) => {
    const h = tanh(matmul(x, p.w));
    return { logits: logSoftmax(matmul(h, p.v)), norm: sum(mul(h, h)) };
  };
  const p = { w: fill({ shape: [3, 4] }, 1), v: fill({ shape: [4, 2] }, 2) };
  const x = fill({ shape: [5, 3] }, 3);
  const dp = { w: fill({ shape: [3, 4] }, 4), v: fill({ shape: [4, 2] }, 5) };
  const dx = fill({ shape: [5, 3] }, 6);

  it("jvp agrees with differences", async () => {
    const [out, tangent] = jvp(model, [p, x], [dp, dx]);
    const at = (h: number) =>
      model(treeMap((a: Tensor, b: Tensor) => a.add(b.mul(h)), p, dp) as typeof p, x.add(dx.mul(h)));
    const h = 1e-3;
    const [up, down, up2, down2] = await Promise.all([at(h), at(-h), at(2 * h), at(-2 * h)].map((t) => values(t)));
    const [value, derivative] = [await values(out), await values(tangent)];
    expect(value).toEqual(await values(model(p, x)));
    derivative.forEach((list, i) => {
      const expected = list.map((_, j) => (8 * (up[i][j] - down[i][j]) - (up2[i][j] - down2[i][j])) / (12 * h));
      assertClose(list, expected, 1e-9, `output ${i}`);
    });
  });

  it("jvp and vjp are transposes: u . (J v) = (J' u) . v", async () => {
    const [, tangent] = jvp(model, [p, x], [dp, dx]);
    const [out, pull] = vjp(model, p, x);
    const u = { logits: fill({ shape: out.logits.shape }, 7), norm: fill({ shape: [] }, 8) };
    const inner = (a: unknown, b: unknown) => {
      const [l, r] = [treeLeaves(a), treeLeaves(b)];
      return l.map((t, i) => sum(mul(t, r[i]))).reduce((s, t) => add(s, t));
    };
    const [left, right] = [await inner(u, tangent).item(), await inner(pull(u as any), [dp, dx]).item()];
    expect(left).toBeCloseTo(right, 11);
  });

  it("jvp of parts that do not move is zero", async () => {
    const [, t] = jvp(
      (a: Tensor, b: Tensor) => [mul(a, 2), arange(2, "float64"), stopGradient(b)],
      [f64([1]), f64([1])],
      [f64([3]), f64([4])],
    );
    expect(await values(t)).toEqual([[6], [0, 0], [0]]);
  });

  it("jvp of a function that returns its argument is the tangent", async () => {
    const [y, t] = jvp((a: Tensor) => a, [f64([1])], [f64([5])]);
    expect(await values([y, t])).toEqual([[1], [5]]);
  });

  const loss = (t: Tensor) => {
    const m = reshape(t, [2, 3]);
    return sum(
      add(
        mul(exp(mul(m, 0.3)), sin(m)),
        softplus(matmul(m, m, { transposeB: true }))
          .sum()
          .mul(0.1),
      ),
    );
  };
  const at = fill({ shape: [6] }, 9);

  it("hvp is the dense Hessian times the vector", async () => {
    const basis = Array.from({ length: 6 }, (_, i) => f64(Array.from({ length: 6 }, (_, j) => Number(i === j))));
    const hessian = await Promise.all(basis.map((e) => numbers(vjp(grad(loss), at)[1](e)[0] as Tensor)));
    for (let i = 0; i < 6; i++) for (let j = 0; j < i; j++) expect(hessian[i][j]).toBeCloseTo(hessian[j][i], 11);
    const v = fill({ shape: [6] }, 10);
    const list = await numbers(v);
    const expected = hessian.map((row) => row.reduce((s, h, j) => s + h * list[j], 0));
    assertClose(await numbers(hvp(loss, at, v)), expected, 1e-11, "H v");
    // Mapped over directions, it is the Hessian again.
    const rows = vmap((e: Tensor) => hvp(loss, at, e))(stack(basis)) as Tensor;
    assertClose(await numbers(rows), hessian.flat(), 1e-11, "mapped");
  });

  it("hvp of trees", async () => {
    const f = (q: { a: Tensor; b: Tensor }) => sum(mul(mul(q.a, q.a), q.b));
    const q = { a: f64([1, 2]), b: f64([3, 4]) };
    const v = { a: f64([1, 1]), b: f64([10, 20]) };
    const h = hvp(f, q, v);
    expect(await values([h.a, h.b])).toEqual([
      [2 * 3 * 1 + 2 * 1 * 10, 2 * 4 * 1 + 2 * 2 * 20],
      [2, 4],
    ]);
  });

  it("all of it runs inside jit", async () => {
    const run = jit((t: Tensor, v: Tensor) => ({ h: hvp(loss, t, v), j: jvp(loss, [t], [v])[1], g: grad(loss)(t) }));
    const v = fill({ shape: [6] }, 11);
    const { h, j, g } = await run(at, v);
    assertClose(await numbers(h), await numbers(hvp(loss, at, v)), 1e-12, "hvp");
    assertClose(await numbers(j), [await sum(mul(g, v)).item()], 1e-12, "jvp");
  });
});

// ---- random graphs -----------------------------------------------------------------------------------------------

/** A step of a random program: an operation, and the earlier values (by position from the end) that it reads. */
type Step = readonly [operation: number, first: number, second: number];
const unaryOps: readonly ((x: Tensor) => Tensor)[] = [
  (x) => sin(x),
  (x) => tanh(x),
  (x) => sigmoid(x),
  (x) => exp(mul(x, 0.2)),
  (x) => neg(cos(x)),
  (x) => sqrt(add(mul(x, x), 1)),
  (x) => softmax(x),
  (x) => logSoftmax(x, 0),
  (x) => softplus(x),
  (x) => gelu(x),
  (x) => cumsum(x, 1),
  (x) => sub(x, mean(x, 1, { keepDims: true })),
  (x) => add(x, logSumExp(x, 0, { keepDims: true })),
  (x) => reshape(transpose(x), [2, 3]),
  (x) => concat([slice(x, [0, 1], [2, 3]), slice(x, [0, 0], [2, 1])], 1),
  (x) => gather(x, tensor([1, 1], { dtype: "int32" }), 0),
  (x) => vmap((row: Tensor) => mul(row, sum(row)))(x) as Tensor,
  (x) => grad((t: Tensor) => sum(mul(sin(t), t)))(x),
];
const binaryOps: readonly ((x: Tensor, y: Tensor) => Tensor)[] = [
  (x, y) => add(x, y),
  (x, y) => mul(tanh(x), y),
  (x, y) => div(x, add(mul(y, y), 1)),
  (x, y) => sub(x, slice(y, [0, 0], [1, 3])),
  (x, y) => matmul(matmul(x, y, { transposeB: true }).mul(0.3), y),
  (x, y) => mul(x, sum(y, 0)),
  (x, y) =>
    swapAxes(
      stack([swapAxes(x, 0, 1), swapAxes(y, 0, 1)])
        .sum(0)
        .mul(0.5),
      0,
      1,
    ),
];
const program = (steps: readonly Step[]) => (a: Tensor, b: Tensor) => {
  const list = [a, b];
  for (const [operation, first, second] of steps) {
    const x = list[list.length - 1 - (first % list.length)];
    const y = list[list.length - 1 - (second % list.length)];
    const which = operation % (unaryOps.length + binaryOps.length);
    list.push(which < unaryOps.length ? unaryOps[which](x) : binaryOps[which - unaryOps.length](x, y));
  }
  return list[list.length - 1];
};
const steps = fc.array(fc.tuple(fc.nat(1000), fc.nat(20), fc.nat(20)), { minLength: 1, maxLength: 6 });

onEachBackend("random graphs", () => {
  it("have gradients of first and second order that agree with differences", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(1000), async (list, seed) => {
        const inputs = [
          fill({ shape: [2, 3], range: [-1.5, 1.5] }, seed),
          fill({ shape: [2, 3], range: [-1.5, 1.5] }, seed + 5000),
        ];
        await checkGradients(program(list), inputs, { order: list.length <= 3 ? 2 : 1, tolerance: 1e-6 });
      }),
      { numRuns: 40, seed: 11 },
    );
  });

  it("mean the same mapped and in a loop, compiled and not, forward and reverse", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(1000), async (list, seed) => {
        const f = program(list);
        const a = fill({ shape: [3, 2, 3], range: [-1.5, 1.5] }, seed);
        const b = fill({ shape: [2, 3], range: [-1.5, 1.5] }, seed + 1);
        const one = (i: number) => reshape(slice(a, [i], [i + 1]), [2, 3]);
        const many = vmap(f, { inAxes: [0, null] })(a, b) as Tensor;
        const loop = stack([0, 1, 2].map((i) => f(one(i), b)));
        const compiled = await jit((x: Tensor, y: Tensor) => f(x, y))(one(0), b);
        const v = fill({ shape: [2, 3] }, seed + 2);
        const u = fill({ shape: [2, 3] }, seed + 3);
        const [, tangent] = jvp((x: Tensor) => f(x, b), [one(0)], [v]);
        const [, pull] = vjp((x: Tensor) => f(x, b), one(0));
        const [p, q, r, s, forward, reverse] = await values([
          many,
          loop,
          compiled,
          f(one(0), b),
          sum(mul(tangent, u)),
          sum(mul(pull(u)[0], v)),
        ]);
        assertClose(p, q, 1e-10, "vmap");
        assertClose(r, s, 1e-12, "jit");
        assertClose(forward, reverse, 1e-9, "jvp against vjp");
      }),
      { numRuns: 40, seed: 12 },
    );
  });
});

describe("gradients through random numbers", () => {
  it("treat them as constants", async () => {
    const k = random.key(1);
    const f = (x: Tensor) => sum(mul(random.normal(k, [2], { dtype: "float64" }), x));
    expect(await numbers(grad(f)(zeros([2], "float64")))).toEqual(
      await numbers(random.normal(k, [2], { dtype: "float64" })),
    );
  });
});
