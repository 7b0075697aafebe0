import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add,
  arange,
  argmax,
  cos,
  costOf,
  exp,
  flatten,
  grad,
  hessian,
  hvp,
  jacobian,
  jit,
  jvp,
  linearize,
  linearTranspose,
  matmul,
  mul,
  relu,
  reshape,
  sin,
  slice,
  softmax,
  softplus,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  treeLeaves,
  vjp,
  vmap,
  zeros,
} from "../../src/engine/index.js";
import { assertClose, fill, numbers, onEachBackend, values } from "./helpers.js";

const f64 = (list: number[] | number[][]) => tensor(list, { dtype: "float64" });
const modes = ["reverse", "forward"] as const;

onEachBackend("jacobian", () => {
  it("is the matrix of a linear map, in both modes", async () => {
    const a = f64([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    for (const mode of modes) {
      const J = jacobian((x: Tensor) => matmul(a, x), { mode })(f64([7, 8, 9]));
      expect([J.shape, await numbers(J)]).toEqual([
        [2, 3],
        [1, 2, 3, 4, 5, 6],
      ]);
    }
  });

  it("of a scalar function is its gradient, and of an element-wise function diagonal", async () => {
    const x = f64([0.3, -1, 2]);
    for (const mode of modes) {
      const f = (t: Tensor) => sum(mul(sin(t), t));
      assertClose(await numbers(jacobian(f, { mode })(x)), await numbers(grad(f)(x)), 1e-14, mode);
      const J = await numbers(jacobian((t: Tensor) => sin(t), { mode })(x));
      assertClose(J, [Math.cos(0.3), 0, 0, 0, Math.cos(-1), 0, 0, 0, Math.cos(2)], 1e-15, mode);
    }
  });

  it("maps trees to trees of blocks [...y.shape, ...x.shape]", async () => {
    const f = (p: { w: Tensor; b: Tensor }) => ({ h: tanh(add(matmul(p.w, p.b), 1)), list: [sum(p.b), mul(p.b, 2)] });
    const p = { w: fill({ shape: [2, 3] }, 1), b: fill({ shape: [3] }, 2) };
    const [reverse, forward] = modes.map((mode) => jacobian(f, { mode })(p));
    expect(treeLeaves(reverse).map((t) => t.shape)).toEqual([[2, 3], [2, 2, 3], [3], [2, 3], [3, 3], [3, 2, 3]]);
    expect(reverse.h.w.shape).toEqual([2, 2, 3]);
    expect(reverse.list[1].b.shape).toEqual([3, 3]);
    const [a, b] = [await values(reverse), await values(forward)];
    a.forEach((list, i) => {
      assertClose(list, b[i], 1e-14, `block ${i}`);
    });
    expect(await numbers(reverse.list[1].b)).toEqual([2, 0, 0, 0, 2, 0, 0, 0, 2]);
    expect(await numbers(reverse.list[0].w)).toEqual(new Array(6).fill(0));
    // d tanh(w b + 1) / d b = (1 - h^2) w.
    const [h, w] = await values([f(p).h, p.w]);
    assertClose(
      await numbers(reverse.h.b),
      w.map((v, i) => v * (1 - h[Math.floor(i / 3)] ** 2)),
      1e-14,
      "dh/db",
    );
  });

  it("differentiates with respect to chosen arguments", async () => {
    const f = (x: Tensor, n: string, y: Tensor) => (n === "product" ? mul(x, y) : x);
    const [x, y] = [f64([1, 2]), f64([3, 4])];
    for (const mode of modes) {
      expect(await numbers(jacobian(f, { mode, argnums: 2 })(x, "product", y))).toEqual([1, 0, 0, 2]);
      const [jy, jx] = jacobian(f, { mode, argnums: [2, 0] })(x, "product", y) as Tensor[];
      expect(await values([jy, jx])).toEqual([
        [1, 0, 0, 2],
        [3, 0, 0, 4],
      ]);
    }
  });

  it("handles scalars, empty tensors and what nothing connects", async () => {
    for (const mode of modes) {
      expect(await numbers(jacobian((x: Tensor) => mul(x, x), { mode })(f64([3]).reshape([])))).toEqual([6]);
      const none = jacobian((x: Tensor) => sin(x), { mode })(zeros([0], "float64"));
      expect([none.shape, await numbers(none)]).toEqual([[0, 0], []]);
      expect(await numbers(jacobian((x: Tensor) => stopGradient(x), { mode })(f64([3, 4])))).toEqual([0, 0, 0, 0]);
    }
  });

  it("composes: with jit, with vmap, with itself", async () => {
    const f = (x: Tensor) => softmax(mul(x, 2));
    const xs = f64([
      [0.1, 0.2, -0.4],
      [1, -1, 0],
    ]);
    const row = (i: number) => reshape(slice(xs, [i], [i + 1]), [3]);
    for (const mode of modes) {
      const J = jacobian(f, { mode });
      const [a, b, compiled, many] = await values([J(row(0)), J(row(1)), await jit(J)(row(0)), vmap(J)(xs)]);
      assertClose(compiled, a, 1e-14, "jit");
      assertClose(many, [...a, ...b], 1e-14, "vmap");
      const second = jacobian(J, { mode })(row(0));
      expect(second.shape).toEqual([3, 3, 3]);
      // d2 y_i / d x_j d x_k is symmetric in j and k.
      const s = await numbers(second);
      for (let i = 0; i < 3; i++)
        for (let j = 0; j < 3; j++)
          for (let k = 0; k < 3; k++) expect(s[9 * i + 3 * j + k]).toBeCloseTo(s[9 * i + 3 * k + j], 13);
    }
  });

  it("both modes agree with the pull-back on random functions", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat(999),
        async (n, m, seed) => {
          const w = fill({ shape: [n, m] }, seed);
          const x = fill({ shape: [n] }, seed + 1);
          const u = fill({ shape: [m] }, seed + 2);
          const f = (t: Tensor) => mul(tanh(matmul(t, w)), exp(sum(cos(t))));
          const [pulled] = vjp(f, x)[1](u);
          for (const mode of modes) {
            const through = matmul(u, jacobian(f, { mode })(x));
            assertClose(await numbers(through), await numbers(pulled), 1e-12, mode);
          }
        },
      ),
      { numRuns: 10, seed: 3 },
    );
  });
});

describe("the cost of jacobian", () => {
  const w = { tall: fill({ shape: [40, 5] }, 1), wide: fill({ shape: [5, 40] }, 1) };
  const macs = (f: (x: Tensor) => Tensor, x: Tensor, mode?: "reverse" | "forward") =>
    costOf(jacobian(f, { mode }), x).macs;
  const deep = (m: Tensor) => (x: Tensor) => {
    const square = fill({ shape: [m.shape[0], m.shape[0]] }, 4);
    let h = x;
    for (let i = 0; i < 3; i++) h = tanh(matmul(h, square));
    return matmul(h, m);
  };

  it("by default goes the way of the smaller side", () => {
    const [few, many] = [fill({ shape: [5] }, 2), fill({ shape: [40] }, 3)];
    expect(macs(deep(w.tall), many)).toBe(macs(deep(w.tall), many, "reverse"));
    expect(macs(deep(w.wide), few)).toBe(macs(deep(w.wide), few, "forward"));
    expect(macs(deep(w.tall), many, "reverse")).toBeLessThan(macs(deep(w.tall), many, "forward") / 4);
    expect(macs(deep(w.wide), few, "forward")).toBeLessThan(macs(deep(w.wide), few, "reverse") / 4);
  });

  it("is one forward pass and one pull-back, or push-forward, for each number of that side", () => {
    const forwardPass = 3 * 40 * 40;
    expect(macs(deep(w.tall), fill({ shape: [40] }, 3), "reverse")).toBe(forwardPass + 5 * (forwardPass + 40 * 5));
  });
});

describe("the cost of hessian", () => {
  it("is at most that of a Hessian-vector product for each number", () => {
    const w = fill({ shape: [6, 30] }, 1);
    const f = (x: Tensor) => sum(softplus(matmul(x, w)));
    const x = fill({ shape: [6] }, 2);
    const product = costOf((t: Tensor, v: Tensor) => hvp(f, t, v), x, x).macs;
    expect(costOf(hessian(f), x).macs).toBeLessThanOrEqual(6 * product);
    expect(product).toBeLessThanOrEqual(2 * costOf(grad(f), x).macs);
  });
});

onEachBackend("hessian", () => {
  it("of a quadratic form is its matrix", async () => {
    const a = f64([
      [2, 1],
      [1, 5],
    ]);
    const H = hessian((x: Tensor) => mul(sum(mul(x, matmul(a, x))), 0.5))(f64([3, 4]));
    expect([H.shape, await numbers(H)]).toEqual([
      [2, 2],
      [2, 1, 1, 5],
    ]);
  });

  it("of a tree is the tree of its blocks, and agrees with hvp", async () => {
    const f = (p: { a: Tensor; b: Tensor }) => sum(softplus(add(matmul(p.a, p.b), sum(mul(p.a, p.a)))));
    const p = { a: fill({ shape: [2, 3] }, 1), b: fill({ shape: [3] }, 2) };
    const H = hessian(f)(p);
    expect([H.a.a, H.a.b, H.b.a, H.b.b].map((t) => t.shape)).toEqual([
      [2, 3, 2, 3],
      [2, 3, 3],
      [3, 2, 3],
      [3, 3],
    ]);
    const v = { a: fill({ shape: [2, 3] }, 3), b: fill({ shape: [3] }, 4) };
    const times = (m: Tensor, x: Tensor, n: number) => matmul(reshape(m, [n, x.size]), flatten(x));
    const through = [add(times(H.a.a, v.a, 6), times(H.a.b, v.b, 6)), add(times(H.b.a, v.a, 3), times(H.b.b, v.b, 3))];
    const product = hvp(f, p, v);
    const [a, b, ha, hb] = await values([...through, product.a, product.b]);
    assertClose(a, ha, 1e-12, "a");
    assertClose(b, hb, 1e-12, "b");
  });

  it("takes argnums", async () => {
    const f = (x: Tensor, y: Tensor) => sum(mul(mul(x, x), y));
    const [x, y] = [f64([1, 2]), f64([3, 4])];
    expect(await numbers(hessian(f, { argnums: 1 })(x, y))).toEqual([0, 0, 0, 0]);
    const [[xx, xy], [yx, yy]] = hessian(f, { argnums: [0, 1] })(x, y) as Tensor[][];
    expect(await values([xx, xy, yx, yy])).toEqual([
      [6, 0, 0, 8],
      [2, 0, 0, 4],
      [2, 0, 0, 4],
      [0, 0, 0, 0],
    ]);
  });
});

onEachBackend("second derivatives of random functions", () => {
  const steps: readonly ((x: Tensor, y: Tensor) => Tensor)[] = [
    (x) => sin(x),
    (x) => tanh(x),
    (x) => softmax(x),
    (x) => softplus(x),
    (x, y) => mul(x, y),
    (x, y) => add(x, exp(mul(y, 0.3))),
    (x, y) => mul(x, sum(mul(x, y))),
    (x) => vmap((t: Tensor) => mul(t, cos(t)))(x),
    (x, y) => jvp((t: Tensor) => mul(sin(t), t), [x], [y])[1],
  ];
  it("are symmetric, the same both ways, and those of hvp", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(steps.length - 1), { minLength: 1, maxLength: 4 }),
        fc.nat(999),
        async (list, seed) => {
          const f = (x: Tensor) =>
            sum(
              mul(
                list.reduce((y, k) => steps[k](y, x), x),
                x,
              ),
            );
          const x = fill({ shape: [3], range: [-1, 1] }, seed);
          const unit = f64([
            [1, 0, 0],
            [0, 1, 0],
            [0, 0, 1],
          ]);
          const [forward, reverse, twice, products] = await values([
            hessian(f)(x),
            jacobian(grad(f), { mode: "reverse" })(x),
            jacobian(jacobian(f, { mode: "forward" }), { mode: "forward" })(x),
            vmap((v: Tensor) => hvp(f, x, v))(unit),
          ]);
          assertClose(reverse, forward, 1e-11, "reverse over reverse");
          assertClose(twice, forward, 1e-11, "forward over forward");
          assertClose(products, forward, 1e-11, "hvp");
          assertClose(
            [0, 3, 6, 1, 4, 7, 2, 5, 8].map((i) => forward[i]),
            forward,
            1e-11,
            "transpose",
          );
        },
      ),
      { numRuns: 12, seed: 5 },
    );
  });
});

onEachBackend("linearize and linearTranspose", () => {
  const f = (p: { w: Tensor; x: Tensor }, y: Tensor) => ({
    h: tanh(matmul(p.x, p.w)),
    best: argmax(matmul(p.x, p.w)),
    total: sum(mul(y, y)),
    label: "not data",
  });
  const p = { w: fill({ shape: [3, 2] }, 1), x: fill({ shape: [3] }, 2) };
  const y = fill({ shape: [4] }, 3);
  const direction = (seed: number) =>
    [{ w: fill({ shape: [3, 2] }, seed), x: fill({ shape: [3] }, seed + 1) }, fill({ shape: [4] }, seed + 2)] as [
      typeof p,
      Tensor,
    ];

  it("pushes many directions forward, as jvp does", async () => {
    const [output, push] = linearize(f, p, y);
    expect(await values(output)).toEqual(await values(f(p, y)));
    for (const seed of [5, 9]) {
      const v = direction(seed);
      const [a, b] = [await values(push(...v)), await values(jvp(f, [p, y], v)[1])];
      a.forEach((list, i) => {
        assertClose(list, b[i], 1e-14, `output ${i}`);
      });
    }
    expect((push(...direction(5)) as any).label).toBe("not data");
  });

  it("the push-forward is linear, compiles, maps and transposes", async () => {
    const g = (x: Tensor) => mul(sin(x), exp(sum(x)));
    const at = f64([0.1, 0.2]);
    const [, push] = linearize(g, at);
    const [u, v] = [f64([1, 2]), f64([-3, 0.5])];
    const [combined, apart, compiled, many] = await values([
      push(add(mul(u, 2), v)),
      add(mul(push(u), 2), push(v)),
      await jit((t: Tensor) => push(t))(v),
      vmap((t: Tensor) => push(t))(
        f64([
          [1, 2],
          [-3, 0.5],
        ]),
      ),
    ]);
    assertClose(combined, apart, 1e-14, "linear");
    assertClose(compiled, await numbers(push(v)), 1e-14, "jit");
    assertClose(many, [...(await numbers(push(u))), ...(await numbers(push(v)))], 1e-14, "vmap");
    const [back] = linearTranspose((t: Tensor) => push(t), at)(u);
    assertClose(await numbers(back), await numbers(vjp(g, at)[1](u)[0]), 1e-14, "transpose");
  });

  it("linearTranspose transposes a linear function, whatever the values", async () => {
    const a = f64([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const transposed = linearTranspose((q: { x: Tensor }) => [matmul(a, q.x), sum(q.x)], { x: zeros([3], "float64") });
    const [{ x }] = transposed([f64([1, 10]), f64([100]).reshape([])]);
    expect(await numbers(x)).toEqual([141, 152, 163]);
  });
});

describe("errors of derivatives", () => {
  const x = f64([1, 2]);
  it("say what is wrong with the function", () => {
    expect(() => jacobian((t: Tensor) => ({ a: [argmax(t)] }))(x)).toThrow(
      'jacobian: the function must return float tensors, but at "a[0]" is a tensor of dtype int32.',
    );
    expect(() => jacobian((t: Tensor) => [t, 3])(x)).toThrow('but at "[1]" is a number');
    expect(() => jacobian(() => null)()).toThrow("jacobian: argument 0 was asked for, but the function got 0.");
    expect(() => jacobian((_: Tensor) => null)(x)).toThrow(
      "jacobian: the function must return float tensors, but it is null.",
    );
    expect(() => jacobian((t: Tensor) => t)(arange(3))).toThrow("only floats have gradients");
    expect(() => hessian((t: Tensor) => t)(x)).toThrow("the loss must be a float of shape []");
    expect(() => linearTranspose((t: Tensor) => mul(t, t), x)(x)).toThrow(
      "linearTranspose: the function is not linear: its derivative depends on its arguments.",
    );
  });

  it("say what is wrong with the tangents", () => {
    const [, push] = linearize((t: { a: Tensor }) => relu(t.a), { a: x });
    expect(() => push({ b: x } as any)).toThrow("linearize: the tangents' structure differs from the primals'.");
    expect(() => push({ a: f64([1]) })).toThrow('linearize: tangent float64[1] for an argument float64[2] at "[0].a"');
    expect(() => push({ a: tensor([1, 2]) })).toThrow("tangent float32[2] for an argument float64[2]");
  });

  it("linearTranspose takes what is linear, and its parts that are not used", () => {
    expect(() => linearTranspose((t: Tensor) => sub(mul(t, 3), sum(t)), x)(x)).not.toThrow();
  });
});
