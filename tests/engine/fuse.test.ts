import { describe, expect, it } from "vitest";
import { normalise } from "../../src/engine/compile.js";
import { placeholder } from "../../src/engine/core.js";
import { add, jit, matmul, mul, sub, type Tensor } from "../../src/engine/index.js";
import { fuseGemm } from "../../src/engine/onnx/fuse.js";
import { assertClose, fill, numbers, onEachBackend } from "./helpers.js";

type Three = (a: Tensor, b: Tensor, c: Tensor) => Tensor;
const fusable: Record<string, Three> = {
  "a step of gradient descent": (a, b, c) => sub(c, mul(matmul(a, b, { transposeA: true }), 0.25)),
  "a running average": (a, b, c) => add(mul(c, 0.5), mul(matmul(a, b, { transposeA: true }), 0.5)),
  "a product less a matrix": (a, b, c) => sub(matmul(a, b, { transposeA: true }), mul(c, 2)),
  "a matrix plus a product": (a, b, c) => add(c, matmul(a, b, { transposeA: true })),
  "two products": (a, b, c) => add(matmul(a, b, { transposeA: true }), mul(matmul(c, c, { transposeB: true }), 2)),
};
const others: Record<string, Three> = {
  "a product used twice": (a, b, c) => {
    const p = matmul(a, b, { transposeA: true });
    return mul(add(c, p), p);
  },
  "a factor that float32 does not hold, in float64": (a, b, c) => sub(c, mul(matmul(a, b, { transposeA: true }), 0.1)),
};
const shapes = [
  [5, 3],
  [5, 3],
  [3, 3],
];

const count = (f: Three): number => {
  const args = shapes.map((shape) => placeholder({ shape, dtype: "float64" }));
  const { order, outputs } = normalise([f(args[0], args[1], args[2])], args);
  return fuseGemm(order, outputs, new Map()).fused.size;
};

describe("sums with products", () => {
  for (const [name, f] of Object.entries(fusable)) it(`${name} is one node`, () => expect(count(f)).toBe(1));
  for (const [name, f] of Object.entries(others)) it(`${name} is left alone`, () => expect(count(f)).toBe(0));
});

onEachBackend("sums with products", () => {
  for (const [name, f] of Object.entries({ ...fusable, ...others })) {
    it(`${name} has the value of its parts`, async () => {
      const [a, b, c] = shapes.map((shape, i) => fill({ shape }, i));
      const whole = await jit((x: Tensor, y: Tensor, z: Tensor) => f(x, y, z))(a, b, c);
      // Computed one by one: every tensor but the last is a result, so nothing is fused.
      const parts = await jit((x: Tensor, y: Tensor, z: Tensor) => {
        const out = f(x, y, z);
        const list: Tensor[] = [out];
        for (let i = 0; i < list.length; i++) list.push(...list[i].node.inputs.filter((t) => t.node.inputs.length > 0));
        return list;
      })(a, b, c);
      assertClose(await numbers(whole), await numbers(parts[0]), 1e-14, name);
    });
  }
});

onEachBackend("large products of a transposed matrix", () => {
  // Those with a transposed copy, and those without.
  for (const [k, m, n] of [
    [150, 170, 200],
    [600, 90, 90],
    [256, 256, 70],
  ]) {
    it(`[${k}, ${m}]' [${k}, ${n}]`, async () => {
      const [a, b] = [fill({ shape: [k, m], dtype: "float32" }, 1), fill({ shape: [k, n], dtype: "float32" }, 2)];
      const found = await jit((x: Tensor, y: Tensor) => matmul(x, y, { transposeA: true }))(a, b);
      const exact = matmul(a.cast("float64"), b.cast("float64"), { transposeA: true });
      expect(found.shape).toEqual([m, n]);
      assertClose(await numbers(found), await numbers(exact), 1e-4, "product");
    });
  }
});
