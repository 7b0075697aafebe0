import { expect, it } from "vitest";
import {
  add,
  concat,
  conv,
  costOf,
  crossEntropy,
  customGradient,
  type DType,
  exp,
  gather,
  gelu,
  grad,
  hessian,
  hvp,
  jacobian,
  jit,
  jvp,
  layerNorm,
  linearize,
  matmul,
  maxPool,
  mean,
  mul,
  norm,
  relu,
  reshape,
  round,
  sin,
  slice,
  sliceAxis,
  softmax,
  stack,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  transpose,
  treeEntries,
  treeMap,
  valueAndGrad,
  vjp,
  vmap,
} from "../../src/engine/index.js";
import { assertClose, fill, numbers, onEachBackend, values } from "./helpers.js";

const f64 = (list: number[] | number[][] | number[][][]) => tensor(list, { dtype: "float64" });
const example = (t: Tensor, i: number) => reshape(sliceAxis(t, 0, i, i + 1), t.shape.slice(1));

/** A model, and examples to differentiate it at. */
interface Case {
  readonly params: any;
  readonly loss: (params: any, x: Tensor, y: Tensor) => Tensor;
  readonly x: Tensor;
  readonly y: Tensor;
}

const labels = (...list: number[]) => tensor(list, { dtype: "int32" });

const mlp = (dtype: DType): Case => {
  const of = (shape: number[], seed: number) => fill({ shape, dtype, range: [-1, 1] }, seed);
  return {
    params: {
      layers: [
        { w: of([6, 5], 1), b: of([5], 2) },
        { w: of([5, 3], 3), b: of([3], 4) },
      ],
    },
    loss: (p, x, y) => {
      const h = tanh(add(matmul(x, p.layers[0].w), p.layers[0].b));
      return crossEntropy(add(matmul(h, p.layers[1].w), p.layers[1].b), y);
    },
    x: of([4, 6], 5),
    y: labels(0, 2, 1, 1),
  };
};

const cnn = (dtype: DType): Case => {
  const of = (shape: number[], seed: number) => fill({ shape, dtype, range: [-1, 1] }, seed);
  return {
    params: { k1: of([4, 2, 3, 3], 1), b1: of([4], 2), k2: of([3, 4, 3, 3], 3), w: of([12, 3], 4) },
    loss: (p, x, y) => {
      const one = reshape(x, [1, ...x.shape]);
      const h = maxPool(relu(add(conv(one, p.k1, { padding: 1 }), reshape(p.b1, [-1, 1, 1]))), 2);
      return crossEntropy(matmul(reshape(tanh(conv(h, p.k2, { padding: 1, stride: 2 })), [12]), p.w), y);
    },
    x: of([3, 2, 8, 8], 5),
    y: labels(0, 2, 1),
  };
};

const gptBlock = (dtype: DType): Case => {
  const of = (shape: number[], seed: number) => fill({ shape, dtype, range: [-1, 1] }, seed);
  const [time, width, heads] = [4, 6, 2];
  return {
    params: {
      tokens: of([7, width], 1),
      norm: { scale: of([width], 2), shift: of([width], 3) },
      qkv: of([width, 3 * width], 4),
      out: of([width, width], 5),
      up: of([width, 8], 6),
      down: of([8, width], 7),
    },
    loss: (p, x, y) => {
      const h = gather(p.tokens, x);
      const qkv = matmul(layerNorm(h, p.norm.scale, p.norm.shift), p.qkv);
      const [q, k, v] = [0, 1, 2].map((i) =>
        transpose(reshape(sliceAxis(qkv, 1, i * width, (i + 1) * width), [time, heads, width / heads]), [1, 0, 2]),
      );
      const mixed = matmul(softmax(matmul(q, k, { transposeB: true })), v);
      const a = add(h, matmul(reshape(transpose(mixed, [1, 0, 2]), [time, width]), p.out));
      const b = add(a, matmul(gelu(matmul(layerNorm(a, p.norm.scale, p.norm.shift), p.up)), p.down));
      return mean(crossEntropy(matmul(b, p.tokens, { transposeB: true }), y));
    },
    x: tensor(
      [
        [0, 3, 6, 2],
        [1, 1, 5, 4],
        [6, 0, 2, 3],
      ],
      { dtype: "int32" },
    ),
    y: tensor(
      [
        [3, 6, 2, 2],
        [1, 5, 4, 0],
        [0, 2, 3, 1],
      ],
      { dtype: "int32" },
    ),
  };
};

const axes = { inAxes: [null, 0, 0] };

onEachBackend("per-example gradients", () => {
  // In float64 convolutions take another road than in float32, and the runtime's fused kernels are not used.
  const dtypes = { mlp: ["float64"], cnn: ["float64", "float32"], gptBlock: ["float32"] } as const;
  for (const [name, make] of Object.entries({ mlp, cnn, gptBlock })) {
    for (const dtype of dtypes[name as keyof typeof dtypes]) {
      const tolerance = dtype === "float64" ? 1e-12 : 1e-5;
      it(`of ${name} in ${dtype} are those of a loop`, async () => {
        const { params, loss, x, y } = make(dtype);
        const all = await jit((p: any, a: Tensor, b: Tensor) => vmap(valueAndGrad(loss), axes)(p, a, b))(params, x, y);
        const one = jit(valueAndGrad(loss));
        const loop: number[][][] = [];
        for (let i = 0; i < x.shape[0]; i++) loop.push(await values(await one(params, example(x, i), example(y, i))));
        (await values(all)).forEach((list, k) => {
          assertClose(
            list,
            loop.flatMap((l) => l[k]),
            tolerance,
            `${name}, tensor ${k}`,
          );
        });
      });
    }
  }

  it("sum to the gradient of the sum", async () => {
    const { params, loss, x, y } = mlp("float64");
    const each = vmap(grad(loss), axes)(params, x, y);
    const whole = grad((p: any) => sum(vmap(loss, axes)(p, x, y)))(params);
    const sums = await values(treeMap((t: Tensor) => sum(t, 0), each));
    (await values(whole)).forEach((list, k) => {
      assertClose(sums[k], list, 1e-12, `tensor ${k}`);
    });
  });

  it("have norms that can be differentiated again", async () => {
    const { params, loss, x, y } = mlp("float64");
    const size = (tree: unknown) => treeEntries(tree).reduce((s, [, t]) => add(s, sum(mul(t, t))), f64([0]).sum());
    const penalty = (p: any, a: Tensor, b: Tensor) => size(grad(loss)(p, a, b));
    const mapped = grad((p: any) => sum(vmap(penalty, axes)(p, x, y)))(params);
    const loop = grad((p: any) =>
      [0, 1, 2, 3].map((i) => penalty(p, example(x, i), example(y, i))).reduce((a, b) => add(a, b)),
    )(params);
    const expected = await values(loop);
    (await values(mapped)).forEach((list, k) => {
      assertClose(list, expected[k], 1e-12, `tensor ${k}`);
    });
    // The gradient of |g|^2 is 2 H g.
    const at = [params, example(x, 0), example(y, 0)] as const;
    const twice = hvp((p: any) => loss(p, at[1], at[2]), params, grad(loss)(...at));
    const [a, b] = [await values(grad(penalty)(...at)), await values(twice)];
    a.forEach((list, k) => {
      assertClose(
        list,
        b[k].map((v) => 2 * v),
        1e-12,
        `2 H g, tensor ${k}`,
      );
    });
  });

  it("as a gradient penalty on inputs (Gulrajani et al., 2017) agree with a loop", async () => {
    const { params, loss, x, y } = mlp("float64");
    const slope = (p: any, a: Tensor, b: Tensor) => norm(grad(loss, { argnums: 1 })(p, a, b));
    const f = (p: any) => mean(mul(sub(vmap(slope, axes)(p, x, y), 1), sub(vmap(slope, axes)(p, x, y), 1)));
    const g = (p: any) => {
      const each = stack([0, 1, 2, 3].map((i) => slope(p, example(x, i), example(y, i))));
      return mean(mul(sub(each, 1), sub(each, 1)));
    };
    const [a, b] = [await values(grad(f)(params)), await values(grad(g)(params))];
    a.forEach((list, k) => {
      assertClose(list, b[k], 1e-12, `tensor ${k}`);
    });
  });
});

it("per-example gradients of dense layers cost one backward pass, not one for each example", () => {
  const { params, loss, x, y } = mlp("float32");
  const each = costOf((p: any) => vmap(grad(loss), axes)(p, x, y), params);
  const whole = costOf((p: any) => grad((q: any) => sum(vmap(loss, axes)(q, x, y)))(p), params);
  expect(each.macs).toBe(whole.macs);
});

onEachBackend("vmap", () => {
  it("maps and returns any axis, nested", async () => {
    const a = fill({ shape: [2, 3, 4, 5], range: [-1, 1] }, 1);
    const b = fill({ shape: [4, 5, 3] }, 2);
    const f = (x: Tensor, y: Tensor) => mul(sin(x), sum(y));
    // x runs over axes 3 and 1 of a, y over axes 1 and 2 of b.
    const inner = vmap(f, { inAxes: [1, -1], outAxes: 1 });
    const outer = vmap(inner, { inAxes: [3, 1], outAxes: -1 });
    const out = outer(a, b) as Tensor;
    expect(out.shape).toEqual([2, 3, 4, 5]);
    const [x, y, z] = await values([a, b, out]);
    const expected = x.map((v, at) => {
      const [j, l] = [Math.floor(at / 20) % 3, at % 5];
      let s = 0;
      for (let k = 0; k < 4; k++) s += y[k * 15 + l * 3 + j];
      return Math.sin(v) * s;
    });
    assertClose(z, expected, 1e-13, "nested");
  });

  it("commutes with grad, jvp and vjp", async () => {
    const f = (x: Tensor, w: Tensor) => sum(tanh(matmul(x, w)));
    const xs = fill({ shape: [3, 4] }, 1);
    const vs = fill({ shape: [3, 4] }, 2);
    const w = fill({ shape: [4, 2] }, 3);
    const [a, b, c, d, e, g] = await values([
      vmap((x: Tensor, v: Tensor) => jvp((t: Tensor) => f(t, w), [x], [v])[1])(xs, vs),
      jvp((t: Tensor) => vmap((x: Tensor) => f(x, w))(t), [xs], [vs])[1],
      vmap((x: Tensor) => grad(f)(x, w))(xs),
      grad((t: Tensor) => sum(vmap((x: Tensor) => f(x, w))(t)))(xs),
      vmap((x: Tensor) => hvp((t: Tensor) => f(t, w), x, x))(xs),
      hvp((t: Tensor) => sum(vmap((x: Tensor) => f(x, w))(t)), xs, xs),
    ]);
    assertClose(a, b, 1e-13, "jvp");
    assertClose(c, d, 1e-13, "grad");
    assertClose(e, g, 1e-13, "hvp");
  });

  it("of a jacobian gives one for each example, along any axis", async () => {
    const f = (x: Tensor) => stack([sum(mul(x, x)), sum(sin(x))]);
    const xs = f64([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const many = vmap(jacobian(f), { inAxes: 1, outAxes: 2 })(xs) as Tensor;
    expect(many.shape).toEqual([2, 2, 3]);
    const d = (x: number, i: number) => (i === 0 ? 2 * x : Math.cos(x));
    const x = [1, 2, 3, 4, 5, 6];
    const expected = [0, 1].flatMap((i) => x.map((v) => d(v, i)));
    assertClose(await numbers(many), expected, 1e-15, "jacobian");
  });
});

// A rule that is not the derivative, so that it shows which one was taken: x^3 with slope x^2.
const cube = customGradient(
  (x: Tensor) => x.pow(3),
  (g, [x]) => [mul(g, mul(x, x))],
);
// x y with slopes 2 y and 3 x.
const product = customGradient(
  (x: Tensor, y: Tensor) => mul(x, y),
  (g, [x, y]) => [mul(mul(g, y), 2), mul(mul(g, x), 3)],
);

onEachBackend("customGradient", () => {
  const x = f64([2, 3]);
  const v = f64([10, 100]);

  it("composes with jvp, linearize and vjp", async () => {
    const [y, t] = jvp(cube, [x], [v]);
    const [, push] = linearize(cube, x);
    const [, pull] = vjp(cube, x);
    expect(await values([y, t, push(v), pull(v)[0]])).toEqual([
      [8, 27],
      [40, 900],
      [40, 900],
      [40, 900],
    ]);
    expect(await numbers(jvp((a: Tensor, b: Tensor) => product(a, b), [x, v], [v, x])[1])).toEqual([
      2 * 10 * 10 + 3 * 2 * 2,
      2 * 100 * 100 + 3 * 3 * 3,
    ]);
  });

  it("composes with jacobian and hessian, in both modes", async () => {
    for (const mode of ["reverse", "forward"] as const) {
      expect(await numbers(jacobian(cube, { mode })(x))).toEqual([4, 0, 0, 9]);
      const [jx, jy] = jacobian(product, { mode, argnums: [0, 1] })(x, v) as Tensor[];
      expect(await values([jx, jy])).toEqual([
        [20, 0, 0, 200],
        [6, 0, 0, 9],
      ]);
    }
    expect(await numbers(hessian((t: Tensor) => sum(cube(t)))(x))).toEqual([4, 0, 0, 6]);
  });

  it("composes with hvp and gradients of any order: the rule is differentiated as it is written", async () => {
    const f = (t: Tensor) => sum(mul(cube(t), 1));
    expect(await numbers(hvp(f, x, v))).toEqual([40, 600]);
    const second = (t: Tensor) => sum(grad(f)(t));
    const third = (t: Tensor) => sum(grad(second)(t));
    expect(await values([grad(second)(x), grad(third)(x)])).toEqual([
      [4, 6],
      [2, 2],
    ]);
    expect(await numbers(jvp((t: Tensor) => grad(f)(t), [x], [v])[1])).toEqual([40, 600]);
  });

  it("composes with vmap: mapped, shared and nested, before and after other transforms", async () => {
    const xs = f64([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const y = f64([7, 8]);
    const loss = (a: Tensor, b: Tensor) => sum(product(a, b));
    const [each, shared, tangent, rows, hess, nested] = await values([
      vmap(grad(loss), { inAxes: [0, null] })(xs, y),
      grad((b: Tensor) => sum(vmap(loss, { inAxes: [0, null] })(xs, b)))(y),
      vmap((a: Tensor) => jvp((t: Tensor) => product(t, y), [a], [y])[1])(xs),
      vmap(jacobian(cube, { mode: "forward" }))(xs),
      vmap((a: Tensor) => hvp((t: Tensor) => sum(cube(t)), a, y))(xs),
      vmap(vmap(grad((t: Tensor) => cube(t))))(xs),
    ]);
    expect(each).toEqual([14, 16, 14, 16, 14, 16]);
    expect(shared).toEqual([3 * (1 + 3 + 5), 3 * (2 + 4 + 6)]);
    expect(tangent).toEqual([98, 128, 98, 128, 98, 128]);
    expect(rows).toEqual([1, 0, 0, 4, 9, 0, 0, 16, 25, 0, 0, 36]);
    expect(hess).toEqual([14, 32, 42, 64, 70, 96]);
    expect(nested).toEqual([1, 4, 9, 16, 25, 36]);
  });

  it("carries a straight-through estimator and a gradient reversal through a model", async () => {
    const straight = customGradient(
      (t: Tensor) => round(t),
      (g) => [g],
    );
    const reverse = customGradient(
      (t: Tensor) => mul(t, 1),
      (g) => [mul(g, -0.5)],
    );
    const f = (w: Tensor) => sum(exp(reverse(straight(w))));
    const w = f64([0.2, 1.4]);
    const compiled = jit((t: Tensor) => [
      grad(f)(t),
      jacobian(straight)(t),
      vmap(grad((s: Tensor) => exp(straight(s))))(t),
    ]);
    const [g, J, each] = await values(await compiled(w));
    assertClose(g, [-0.5, -0.5 * Math.E], 1e-15, "reversal");
    expect(J).toEqual([1, 0, 0, 1]);
    assertClose(each, [1, Math.E], 1e-15, "mapped");
  });

  it("with a share left out gives zero everywhere", async () => {
    const half = customGradient(
      (a: Tensor, b: Tensor) => concat([a, b]),
      (g, [a]) => [slice(g, [0], [a.size]), undefined],
    );
    const y = f64([1]);
    expect(await numbers(jvp(half, [x, y], [v, y])[1])).toEqual([10, 100, 0]);
    const [ja, jb] = jacobian(half, { argnums: [0, 1], mode: "forward" })(x, y) as Tensor[];
    expect(await values([ja, jb])).toEqual([
      [1, 0, 0, 1, 0, 0],
      [0, 0, 0],
    ]);
    const mapped = vmap(
      (a: Tensor, b: Tensor) => grad((s: Tensor, t: Tensor) => sum(half(s, t)), { argnums: [0, 1] })(a, b),
      {
        inAxes: [null, 0],
      },
    )(x, f64([[1], [2]])) as Tensor[];
    expect(await values(mapped)).toEqual([
      [1, 1, 1, 1],
      [0, 0],
    ]);
  });
});
