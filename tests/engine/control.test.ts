import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalise } from "../../src/engine/compile.js";
import type { ScanAttrs } from "../../src/engine/control/scan.js";
import { placeholder } from "../../src/engine/core.js";
import {
  add,
  arange,
  cast,
  checkpoint,
  cond,
  fori,
  full,
  grad,
  greater,
  hvp,
  jit,
  jvp,
  less,
  log,
  matmul,
  mul,
  opaque,
  random,
  reshape,
  scan,
  sin,
  slice,
  sqrt,
  stack,
  stopGradient,
  sum,
  type Tensor,
  tanh,
  tensor,
  treeLeaves,
  valueAndGrad,
  vmap,
  whileLoop,
  zeros,
} from "../../src/engine/index.js";
import { assertClose, fill, numbers, onEachBackend, values } from "./helpers.js";

const row = (xs: Tensor, t: number): Tensor => reshape(slice(xs, [t], [t + 1]), xs.shape.slice(1));

/** The scans of a compiled graph, with how many results each has. */
function scansOf(outputs: readonly Tensor[], args: readonly Tensor[]): { results: number; carries: number }[] {
  return normalise(outputs, args).order.flatMap(({ node }) => {
    if (node.primitive.name !== "scan") return [];
    const { body, carries } = node.attrs as ScanAttrs;
    return [{ results: body.outputs.length, carries }];
  });
}

onEachBackend("scan", () => {
  it("is the unrolled loop: value, gradient, Hessian-vector and Jacobian-vector products", async () => {
    const steps = [
      (c: Tensor, x: Tensor, w: Tensor) => tanh(add(mul(c, w), x)),
      (c: Tensor, x: Tensor, w: Tensor) => sin(add(mul(c, x), w)),
      (c: Tensor, x: Tensor, w: Tensor) => add(mul(sin(c), 0.5), mul(x, mul(w, x))),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(...steps),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 0, max: 1000 }),
        async (length, step, reverse, again, seed) => {
          const [w, start, xs, v] = [[2], [2], [length, 2], [2]].map((shape, i) => fill({ shape }, seed + i));
          const looped = (p: Tensor, s: Tensor, x: Tensor) => {
            const [c, ys] = scan((h: Tensor, e: Tensor) => [step(h, e, p), mul(h, p)] as const, s, x, {
              reverse,
              checkpoint: again,
            });
            return add(sum(mul(c, c)), sum(sin(ys)));
          };
          const unrolled = (p: Tensor, s: Tensor, x: Tensor) => {
            let c = s;
            let total: Tensor | undefined;
            for (let k = 0; k < length; k++) {
              const y = sum(sin(mul(c, p)));
              total = total ? add(total, y) : y;
              c = step(c, row(x, reverse ? length - 1 - k : k), p);
            }
            return add(sum(mul(c, c)), total!);
          };
          const all = (f: typeof looped) =>
            jit((p: Tensor, s: Tensor, x: Tensor, d: Tensor) => [
              f(p, s, x),
              ...(grad(f, { argnums: [0, 1, 2] })(p, s, x) as Tensor[]),
              hvp((q: Tensor) => f(q, s, x), p, d),
              jvp((q: Tensor) => f(p, q, x), [s], [d])[1],
            ])(w, start, xs, v);
          const [a, b] = [await values(await all(looped)), await values(await all(unrolled))];
          b.forEach((expected, i) => {
            assertClose(a[i], expected, 1e-11, `result ${i}`);
          });
        },
      ),
      { numRuns: 6, seed: 5 },
    );
  });

  it("trains: many steps in one call give what single steps give", async () => {
    const x = fill({ shape: [20, 4, 3], dtype: "float32" }, 1);
    const y = fill({ shape: [20, 4, 1], dtype: "float32" }, 2);
    const loss = (w: Tensor, a: Tensor, b: Tensor) => {
      const error = add(matmul(a, w), mul(b, -1));
      return sum(mul(error, error));
    };
    const step = (w: Tensor, a: Tensor, b: Tensor): [Tensor, Tensor] => {
      const [l, g] = valueAndGrad(loss)(w, a, b);
      return [add(w, mul(g, -0.01)), l];
    };
    const start = zeros([3, 1]);
    const [end, losses] = await jit((w: Tensor, xs: Tensor, ys: Tensor) =>
      scan((p: Tensor, b: { x: Tensor; y: Tensor }) => step(p, b.x, b.y), w, { x: xs, y: ys }),
    )(start, x, y);
    const one = jit(step);
    let w: Tensor = start;
    const single: number[] = [];
    for (let t = 0; t < 20; t++) {
      const [next, l] = await one(w, row(x, t), row(y, t));
      w = next;
      single.push(await l.item());
    }
    assertClose(await numbers(losses), single, 1e-5, "losses");
    assertClose(await numbers(end), await numbers(w), 1e-5, "weights");
  });

  it("draws a step's random numbers from a key in the carry", async () => {
    const key = random.key(3);
    const [, drawn] = scan(
      (i: Tensor, _x: Tensor) => [add(i, 1), random.normal(random.foldIn(key, i), [2])] as const,
      zeros([], "int32"),
      arange(3),
    );
    const expected = stack([0, 1, 2].map((i) => random.normal(random.foldIn(key, i), [2])));
    expect(await numbers(drawn)).toEqual(await numbers(expected));
  });

  it("does nothing in no steps", async () => {
    const start = fill({ shape: [2] }, 1);
    const [c, ys] = scan((h: Tensor, x: Tensor) => [mul(h, x), h] as const, start, zeros([0, 2], "float64"));
    expect(ys.shape).toEqual([0, 2]);
    expect(await numbers(c)).toEqual(await numbers(start));
  });
});

describe("scan, compiled", () => {
  const w = placeholder({ shape: [], dtype: "float64" });
  const xs = placeholder({ shape: [4], dtype: "float64" });
  const f =
    (again: boolean) =>
    (p: Tensor, x: Tensor): Tensor =>
      sum(
        scan((c: Tensor, e: Tensor) => [sin(mul(tanh(add(mul(c, p), e)), e)), c] as const, p, x, {
          checkpoint: again,
        })[1],
      );

  it("runs forward once for a value and its gradient", () => {
    const scans = scansOf(treeLeaves(valueAndGrad(f(false))(w, xs)), [w, xs]);
    expect(scans).toHaveLength(2);
  });
  it("stores what the gradient needs, or with checkpoint only the carries", () => {
    const [stored] = scansOf(treeLeaves(valueAndGrad(f(false))(w, xs)), [w, xs]);
    const [again] = scansOf(treeLeaves(valueAndGrad(f(true))(w, xs)), [w, xs]);
    // A carry, then sequences: the results are the carries, which are all that the gradient's own body needs.
    expect(again.results - again.carries).toBe(1);
    expect(stored.results - stored.carries).toBeGreaterThan(1);
  });
  it("drops carries and results that nobody uses", () => {
    const [a] = scan(
      (c: { a: Tensor; b: Tensor }, x: Tensor) => [{ a: mul(c.a, x), b: add(c.b, c.a) }, sin(c.b)] as const,
      { a: w, b: w },
      xs,
    );
    expect(scansOf([a.a], [w, xs])).toEqual([{ results: 1, carries: 1 }]);
    expect(scansOf([a.b], [w, xs])).toEqual([{ results: 2, carries: 2 }]);
  });
});

onEachBackend("whileLoop and fori", () => {
  it("iterates Newton's method to the square root", async () => {
    const root = (a: Tensor) =>
      whileLoop(
        ({ x }) => greater(mul(add(mul(x, x), mul(a, -1)), 1), 1e-12),
        ({ x, n }) => ({ x: mul(add(x, mul(a, x.pow(-1))), 0.5), n: add(n, 1) }),
        { x: a, n: zeros([], "int32") },
      );
    const { x, n } = root(full([], 9, "float64"));
    expect(await x.item()).toBeCloseTo(3, 10);
    expect(await n.item()).toBeLessThan(10);
    const many = vmap((a: Tensor) => root(a).x)(
      tensor({ data: Float64Array.of(2, 9, 100), shape: [3], dtype: "float64" }),
    );
    assertClose(await numbers(many), [Math.sqrt(2), 3, 10], 1e-7, "mapped");
  });
  it("does not begin where the condition fails at once", async () => {
    const out = whileLoop(
      (x: Tensor) => less(x, 0),
      (x: Tensor) => mul(x, 2),
      full([], 5, "float64"),
    );
    expect(await out.item()).toBe(5);
  });
  it("counts with fixed bounds, which has a gradient, and with a bound that is a tensor", async () => {
    const power = (x: Tensor) => fori(0, 4, (_i, c: Tensor) => mul(c, x), x);
    const x = full([], 1.5, "float64");
    assertClose(await numbers(grad(power)(x)), [5 * 1.5 ** 4], 1e-12, "gradient");
    const triangular = jit((n: Tensor) => fori(1, n, (i, c: Tensor) => add(c, i), zeros([], "int32")));
    expect(await (await triangular(tensor(Int32Array.of(6), { shape: [] }))).item()).toBe(15);
    expect(await (await triangular(tensor(Int32Array.of(0), { shape: [] }))).item()).toBe(0);
  });
});

onEachBackend("cond", () => {
  it("computes only the branch that is taken", async () => {
    let calls = 0;
    const count = opaque(
      (x) => {
        calls++;
        return x;
      },
      { output: (x) => x },
    );
    const f = jit((p: Tensor, x: Tensor) =>
      cond(
        p,
        () => count(sin(x)),
        () => x,
      ),
    );
    const x = fill({ shape: [2] }, 1);
    await f(cast(full([], 0, "int32"), "bool"), x);
    expect(calls).toBe(0);
    await f(cast(full([], 1, "int32"), "bool"), x);
    expect(calls).toBe(1);
  });
  it("keeps a gradient finite that the other branch would spoil", async () => {
    const f = (x: Tensor) => cond(greater(x, 0), sqrt, (t: Tensor) => mul(t, 0), x);
    expect(await numbers(grad(f)(full([], 0, "float64")))).toEqual([0]);
    expect(await numbers(grad(f)(full([], 4, "float64")))).toEqual([0.25]);
  });
});

onEachBackend("opaque", () => {
  it("runs in the middle of a compiled function, with several results, asynchronously", async () => {
    const split = opaque(
      async (x, y) => [
        { ...x, data: (x.data as Float64Array).map((v, i) => v + Number(y.data[i])) },
        { data: Int32Array.of(x.data.length), shape: [], dtype: "int32" },
      ],
      { output: (x) => [x, { shape: [], dtype: "int32" }], name: "split" },
    );
    const f = jit((x: Tensor, y: Tensor) => {
      const [total, n] = split(mul(x, 2), y);
      return { out: mul(total, total), n: add(n, 1), x };
    });
    const [x, y] = [fill({ shape: [3], values: [1, 2, 3] }, 0), fill({ shape: [3], values: [10, 20, 30] }, 0)];
    for (let i = 0; i < 2; i++) {
      const { out, n, x: same } = await f(x, y);
      expect(await numbers(out)).toEqual([144, 576, 1296]);
      expect(await n.item()).toBe(4);
      expect(await numbers(same)).toEqual([1, 2, 3]);
    }
  });
});

describe("errors of control flow", () => {
  const x = fill({ shape: [3] }, 1);
  const f = (c: Tensor, e: Tensor) => [add(c, e), c] as const;
  const scalar = full([], 1, "float64");

  it("name what is wrong with a scan", () => {
    expect(() => scan(f, scalar, scalar)).toThrow(/scan: xs is a scalar/);
    expect(() => scan(f, scalar, null as any)).toThrow(/number of steps is unknown; give \{ length \}/);
    expect(() =>
      scan((c: Tensor, e: { a: Tensor; b: Tensor }) => [c, e.a] as const, scalar, { a: x, b: fill({ shape: [4] }, 1) }),
    ).toThrow(/xs at "b" of shape \[4\] has 4 steps, not 3/);
    expect(() => scan((c: Tensor, e: Tensor) => [stack([c, e]), null] as const, scalar, x)).toThrow(
      /scan: the carry was float64\[\] and became float64\[2\].*control\.test/,
    );
    expect(() => scan((c: any, _e: Tensor) => [{ b: c.a }, null] as const, { a: scalar }, x)).toThrow(/"a" is missing/);
    expect(() => scan((c: any, _e: Tensor) => [c, null] as const, { a: 3 } as any, x)).toThrow(
      /the carry must hold tensors, but at "a" is number/,
    );
    expect(() => scan(f, scalar, x, { mask: x })).toThrow(/the mask must be bool/);
  });
  it("name what is wrong with a whileLoop, and say what has a gradient instead", () => {
    expect(() =>
      whileLoop(
        (c: Tensor) => c,
        (c: Tensor) => c,
        scalar,
      ),
    ).toThrow(/the condition must be a bool of shape \[\], but it is float64\[\]/);
    const loop = (a: Tensor) =>
      whileLoop(
        (c: Tensor) => less(c, 9),
        (c: Tensor) => mul(c, 2),
        a,
      );
    expect(() => grad(loop)(scalar)).toThrow(/grad met a whileLoop.*use scan.*fori.*fixedPoint/);
    expect(() => fori(0.5, 2, (_i, c: Tensor) => c, scalar)).toThrow(/bounds must be whole numbers, got 0.5 and 2/);
  });
  it("name what is wrong with a cond", () => {
    const yes = cast(full([], 1, "int32"), "bool");
    expect(() =>
      cond(
        scalar,
        () => scalar,
        () => scalar,
      ),
    ).toThrow(/predicate must be a bool of shape \[\]/);
    expect(() =>
      cond(
        yes,
        () => scalar,
        () => x,
      ),
    ).toThrow(/return float64\[\] and float64\[3\]/);
    expect(() =>
      cond(
        yes,
        () => ({ a: scalar }) as any,
        () => scalar,
      ),
    ).toThrow(/return different structures/);
  });
  it("ask no rule behind a stopGradient", async () => {
    const measure = opaque((a) => a, { output: (a) => a });
    const f = (a: Tensor) => sum(mul(measure(stopGradient(a)), a));
    expect(await numbers(grad(f)(x))).toEqual(await numbers(x));
  });
  it("name the opaque function that has no gradient or returns something else", async () => {
    const sensor = opaque((a) => a, { output: { shape: [2], dtype: "float64" }, name: "sensor" });
    expect(() => grad((a: Tensor) => sum(sensor(a)))(x)).toThrow(/opaque function sensor, which has no gradient/);
    await expect(sensor(x).data()).rejects.toThrow(
      /sensor returned float64\[3\] with 3 numbers where float64\[2\] was declared/,
    );
    const two = opaque((a) => [a, a], { output: (a) => [a], name: "two" });
    await expect(two(x)[0].data()).rejects.toThrow(/two returned 2 results where 1 were declared/);
  });
  it("tell a checkpoint's function from one without tensors", async () => {
    const [a, b] = checkpoint((t: Tensor) => [log(t), "label"] as const)(scalar);
    expect(await (a as Tensor).item()).toBe(0);
    expect(b).toBe("label");
  });
});
