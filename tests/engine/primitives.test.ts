import { describe, expect, it } from "vitest";
import type { Composite } from "../../src/engine/composites/composite.js";
import { bodiesOf } from "../../src/engine/control/body.js";
import { placeholder, topological } from "../../src/engine/core.js";
import { grad, jit, mul, type NDArray, sum, type Tensor } from "../../src/engine/index.js";
import { primitives } from "../../src/engine/primitives/index.js";
import { assertClose, checkGradients, fill, numbers, onEachBackend } from "./helpers.js";
import { primitiveCases } from "./primitive-cases.js";

/** What a graph is made of, with composites taken apart and the bodies of loops looked into. */
function* primitivesOf(outputs: readonly Tensor[]): Generator<string> {
  for (const { node } of topological(outputs)) {
    for (const body of bodiesOf(node.attrs)) yield* primitivesOf(body.outputs);
    const { define } = node.primitive as Composite;
    if (define) yield* primitivesOf([define(node.inputs.map(placeholder), node.attrs)]);
    else yield node.primitive.name;
  }
}

describe("the table of primitives", () => {
  const names = primitives.map((p) => p.name);
  it("names each primitive once", () => {
    expect(new Set(names).size).toBe(names.length);
  });
  it("has a test case for each, and no case for what is not there", () => {
    const tested = new Set(primitiveCases.map((c) => c.primitive));
    expect(names.filter((n) => !tested.has(n))).toEqual([]);
    expect([...tested].filter((n) => !names.includes(n))).toEqual([]);
  });
  it("is closed: cases and their gradients are made of nothing else", () => {
    const known = new Set<unknown>([...names, "value", "input"]);
    for (const { f, inputs, order = 2 } of primitiveCases) {
      const x = inputs.map((i) => fill(i, 1));
      const out = f(...x);
      const floats = x.flatMap((t, i) => (t.dtype === "float64" ? [i] : []));
      const gradients =
        order > 0 ? (grad((...y: Tensor[]) => sum(mul(f(...y), 2)), { argnums: floats })(...x) as Tensor[]) : [];
      for (const name of primitivesOf([out, ...gradients])) expect(known).toContain(name);
    }
  });
});

onEachBackend("primitives", () => {
  for (const [i, { primitive, label, inputs, f, expected, order = 2, gradientTolerance }] of primitiveCases.entries()) {
    it(`${primitive}: ${label}`, async () => {
      const x = inputs.map((input, k) => fill(input, 100 * i + k));
      const y = f(...x);
      expect([...primitivesOf([y])]).toContain(primitive);
      const arrays = await Promise.all(x.map((t) => t.array()));
      const compiled = jit((...t: Tensor[]) => f(...t)) as unknown as (...a: NDArray[]) => Promise<Tensor>;
      const value = await compiled(...arrays);
      expect([value.shape, value.dtype]).toEqual([y.shape, y.dtype]);
      const actual = await numbers(value);
      expect(actual).toHaveLength(y.size);
      if (expected)
        assertClose(actual, expected(...arrays.map((a) => Array.from(a.data as Float64Array, Number))), 1e-13, "value");
      if (order > 0) await checkGradients(f, x, { order: order as 1 | 2, tolerance: gradientTolerance });
    });
  }
});
