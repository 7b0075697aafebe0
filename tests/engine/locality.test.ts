import { describe, expect, it } from "vitest";
import {
  add,
  argmax,
  assertLocal,
  assertNoGradient,
  cast,
  customGradient,
  gather,
  grad,
  gradientPaths,
  greater,
  layerNorm,
  less,
  matmul,
  mean,
  mul,
  opaque,
  relu,
  round,
  scan,
  softmax,
  stopGradient,
  sum,
  type Tensor,
  tanh,
  tensor,
  where,
  whileLoop,
} from "../../src/engine/index.js";
import { fill, values } from "./helpers.js";

type Layer = { w: Tensor; b: Tensor };
const layers: Layer[] = [0, 1, 2].map((i) => ({
  w: fill({ shape: [4, 4] }, i),
  b: fill({ shape: [4] }, i + 10),
}));
const x = fill({ shape: [5, 4] }, 20);

/** One loss for each layer; with `leak`, layer 2 sees the activations of layer 1 with their history. */
const losses =
  (leak = false) =>
  (params: readonly Layer[], input: Tensor): Tensor[] => {
    let h = input;
    return params.map(({ w, b }, i) => {
      h = relu(add(matmul(leak && i === 2 ? h : stopGradient(h), w), b));
      return mean(mul(h, h));
    });
  };

const linked = (f: (...args: any[]) => unknown, ...args: [unknown, ...unknown[]]) =>
  gradientPaths(f, ...args).flatMap((p) => (p.through ? [`${p.of}<-${p.to}`] : []));

describe("gradientPaths", () => {
  it("lists every pair, with the operations that connect it", () => {
    const paths = gradientPaths(losses(), layers, x);
    expect(paths).toHaveLength(3 * 6);
    const own = paths.find((p) => p.of === "[1]" && p.to === "[1].w")!;
    expect(own.through!.map((s) => [s.operation, s.shape])).toEqual([
      ["mul", []],
      ["sum", []],
      ["mul", [5, 4]],
      ["relu", [5, 4]],
      ["add", [5, 4]],
      ["matmul", [5, 4]],
    ]);
    expect(own.through!.at(-1)!.site).toMatch(/locality\.test\.ts:\d+:\d+$/);
    expect(paths.filter((p) => p.through).map((p) => p.of === p.to.slice(0, 3))).toEqual(new Array(6).fill(true));
  });

  it("agrees with the gradient itself: no path means exactly zero", async () => {
    for (const leak of [false, true]) {
      const f = losses(leak);
      for (const { of, to, through } of gradientPaths(f, layers, x)) {
        const g = grad((p: Layer[]) => f(p, x)[Number(of[1])])(layers);
        const [list] = await values(g[Number(to[1])][to.slice(4) as "w" | "b"]);
        if (!through) expect(list.every((v) => Object.is(v, 0))).toBe(true);
        else expect(list.some((v) => v !== 0)).toBe(true);
      }
    }
  });

  it("knows what passes nothing on", () => {
    const p = { a: fill({ shape: [3] }, 1), b: fill({ shape: [3] }, 2) };
    const through = (f: (q: typeof p) => Tensor) => linked(f, p);
    expect(through((q) => where(greater(q.a, 0), q.b, 1))).toEqual(["<-b"]);
    expect(through((q) => mul(round(q.a), cast(cast(q.b, "int32"), "float64")))).toEqual([]);
    expect(through((q) => gather(q.b, argmax(q.a)))).toEqual(["<-b"]);
    expect(through((q) => layerNorm(q.a, stopGradient(q.b), softmax(q.b)))).toEqual(["<-a", "<-b"]);
    expect(through((q) => q.a)).toEqual(["<-a"]);
    expect(through(() => fill({ shape: [] }, 4))).toEqual([]);
  });

  it("follows the rules of customGradient", () => {
    const first = customGradient(
      (a: Tensor, b: Tensor) => mul(a, b),
      (g, [, b]) => [mul(g, b), undefined],
    );
    expect(linked((q: Tensor[]) => first(q[0], q[1]), [x, x])).toEqual(["<-[0]"]);
  });

  it("looks at the first argument alone, and takes labels and integers beside it", () => {
    const f = (p: { w: Tensor; steps: Tensor }, mode: string, y: Tensor) => ({
      loss: sum(mul(matmul(y, p.w), mode === "double" ? 2 : 1)),
      steps: p.steps,
    });
    const p = { w: fill({ shape: [4, 2] }, 1), steps: tensor([1], { dtype: "int32" }) };
    expect(gradientPaths(f, p, "double", x).map((q) => [q.of, q.to, q.through !== undefined])).toEqual([
      ["loss", "w", true],
      ["steps", "w", false],
    ]);
  });

  it("goes through loops, and stops where the gradient would have an error", () => {
    const loop = (p: { w: Tensor; c: Tensor }) =>
      scan((h: Tensor) => [mul(h, p.w), null], tensor(1), null, { length: 3 })[0];
    const p = { w: tensor(2), c: tensor(3) };
    expect(linked(loop, p)).toEqual(["<-w"]);
    expect(gradientPaths(loop, p)[1].through!.map((s) => [s.operation, s.shape])).toEqual([["scan", []]]);
    const endless = (t: Tensor) =>
      whileLoop(
        (c) => less(c, 9),
        (c) => mul(c, 2),
        t,
      );
    expect(() => gradientPaths(endless, tensor(1))).toThrow("grad met a whileLoop");
    expect(linked((t: Tensor) => endless(stopGradient(t)), tensor(1))).toEqual([]);
    const measure = opaque((y) => y, { output: (y) => y, name: "measure" });
    expect(() => gradientPaths((t: Tensor) => measure(t), x)).toThrow("grad met the opaque function measure");
  });

  it("takes the shortest chain", () => {
    const [path] = gradientPaths((t: Tensor) => add(tanh(tanh(tanh(t))), mul(t, 2)), x);
    expect(path.through!.map((s) => s.operation)).toEqual(["add", "mul"]);
  });
});

describe("assertLocal", () => {
  it("accepts layers that learn alone, also under names", () => {
    assertLocal(losses(), layers, x);
    const named = (p: { low: Layer; high: Layer }) => {
      const [low, high] = losses()([p.low, p.high], x);
      return { low, high };
    };
    assertLocal(named, { low: layers[0], high: layers[1] });
  });

  it("names the operations through which a loss reaches another layer", () => {
    expect(() => assertLocal(losses(true), layers, x)).toThrow(
      /^assertLocal: the gradient of the output "\[2\]" reaches the parameter "\[1\]\.b" through mul \[\] \(.*locality\.test\.ts:\d+:\d+\), then sum .*, then matmul \[5, 4\] .*, then relu .*, then add \[5, 4\] .*; put stopGradient where it must end\.$/,
    );
  });

  it("wants a part for each loss", () => {
    expect(() => assertLocal((p: { a: Tensor }) => ({ a: sum(p.a), b: sum(p.a) }), { a: x })).toThrow(
      'assertLocal: the loss at "b" belongs to no part of the parameters; there are a.',
    );
  });
});

describe("assertNoGradient", () => {
  it("proves it for chosen outputs and parameters", () => {
    assertNoGradient(losses(), { of: "[1]", to: "[0]" }, layers, x);
    assertNoGradient(losses(true), { of: "[0]", to: "[2].w" }, layers, x);
    expect(() => assertNoGradient(losses(), { of: "", to: "[0].w" }, layers, x)).toThrow(
      'the gradient of the output "[0]" reaches the parameter "[0].w" through',
    );
    expect(() => assertNoGradient((t: Tensor) => t, { of: "", to: "" }, x)).toThrow(
      "assertNoGradient: the gradient of the output reaches the parameter through nothing: it is returned as it is; put stopGradient",
    );
  });

  it("does not take [1] for the beginning of [10]", () => {
    const many = Array.from({ length: 11 }, () => x);
    const f = (p: Tensor[]) => sum(p[10]);
    assertNoGradient(f, { of: "", to: "[1]" }, many);
    expect(() => assertNoGradient(f, { of: "", to: "[10]" }, many)).toThrow("reaches");
  });

  it("refuses paths that name nothing", () => {
    expect(() => assertNoGradient(losses(), { of: "[7]", to: "[0]" }, layers, x)).toThrow(
      'assertNoGradient: no output is at "[7]" or no parameter at "[0]"; the outputs are [0], [1], [2], the parameters [0].b, [0].w, ',
    );
  });
});
