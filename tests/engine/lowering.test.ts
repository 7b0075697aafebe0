import { describe, expect, it } from "vitest";
import { normalise } from "../../src/engine/compile.js";
import type { ScanAttrs } from "../../src/engine/control/scan.js";
import { placeholder } from "../../src/engine/core.js";
import {
  add,
  concat,
  grad,
  heaviside,
  jit,
  matmul,
  mul,
  relu,
  reshape,
  scan,
  sliceAxis,
  sum,
  type Tensor,
  tanh,
  tensor,
  transpose,
  treeLeaves,
} from "../../src/engine/index.js";
import { assertClose, fill, numbers, onEachBackend } from "./helpers.js";

/** How often each operation occurs in the normal form of a function of tensors of these shapes. */
function operations(f: (...args: Tensor[]) => Tensor | readonly Tensor[], shapes: readonly number[][]) {
  const args = shapes.map((shape) => placeholder({ shape, dtype: "float32" }));
  const out = f(...args);
  const { order } = normalise(Array.isArray(out) ? out : [out as Tensor], args);
  const found: Record<string, number> = {};
  for (const { node } of order) found[node.primitive.name] = (found[node.primitive.name] ?? 0) + 1;
  return found;
}

describe("normal form", () => {
  it("joins the gradients of a tensor's parts instead of padding and adding them", () => {
    const f = (x: Tensor) => {
      const parts = [0, 1, 2].map((i) => sliceAxis(x, 1, 3 * i, 3 * i + 3));
      return sum(mul(mul(tanh(parts[0]), parts[1]), mul(parts[2], parts[2])));
    };
    const found = operations((x) => grad(f)(x), [[4, 9]]);
    expect(found.concat).toBe(1);
    expect(found.pad).toBeUndefined();
    // A gap is padded, once.
    const gap = operations(
      (x) => grad((t: Tensor) => sum(mul(sliceAxis(t, 1, 1, 4), sliceAxis(t, 1, 4, 7))))(x),
      [[4, 9]],
    );
    expect(gap).toMatchObject({ concat: 1, pad: 1 });
  });

  it("leaves padded tensors that overlap, or lie apart, as they are", () => {
    const overlap = (x: Tensor) => sum(mul(sliceAxis(x, 0, 0, 3), sliceAxis(x, 0, 2, 5)));
    expect(operations((x) => grad(overlap)(x), [[6]]).concat).toBeUndefined();
    const apart = (x: Tensor) => sum(mul(sliceAxis(x, 0, 0, 2), sliceAxis(x, 0, 4, 6)));
    expect(operations((x) => grad(apart)(x), [[6]]).concat).toBeUndefined();
  });

  it("merges constant factors, unless their product leaves the range of float32", () => {
    expect(operations((x) => mul(mul(x, 3), 0.5), [[4]]).mul).toBe(1);
    expect(operations((x) => mul(mul(x, 1e-20), 1e-20), [[4]]).mul).toBe(2);
    expect(operations((x) => add(x, x), [[4]])).toMatchObject({ mul: 1 });
  });

  it("holds nothing that no result needs", () => {
    const found = operations(
      (x) => grad((t: Tensor) => sum(mul(sliceAxis(t, 0, 0, 2), sliceAxis(t, 0, 2, 4))))(x),
      [[4]],
    );
    expect(found.add).toBeUndefined();
  });

  it("sums first axes as a product with ones", () => {
    expect(operations((x) => sum(x, 0), [[64, 5]])).toMatchObject({ matmul: 1 });
    expect(operations((x) => sum(x, [0, 2]), [[64, 5, 7]])).toMatchObject({ sum: 1, matmul: 1 });
    expect(operations((x) => sum(x, 1), [[64, 5]])).toMatchObject({ sum: 1 });
    expect(operations((x) => sum(x), [[64, 5]])).toMatchObject({ sum: 1 });
  });
});

onEachBackend("what is lowered", () => {
  it("keeps its values", async () => {
    const x = fill({ shape: [9, 4, 6] }, 1);
    const f = (t: Tensor) => {
      const [a, b, c] = [0, 2, 4].map((i) => sliceAxis(t, 2, i, i + 2));
      return sum(mul(tanh(a), mul(b, add(c, c))));
    };
    const [first, second] = await Promise.all([
      jit(grad(f))(x),
      jit(grad((t: Tensor) => mul(f(concat([t, t], 0)), 0.5)))(x),
    ]);
    assertClose(await numbers(first), await numbers(second), 1e-12, "gradients of parts");
    for (const axes of [[0], [0, 1], [0, 2], [1, 2], [2]]) {
      const direct = await numbers(await jit((t: Tensor) => sum(t, axes))(x));
      // The same sum over the last axes of a transposed copy.
      const rest = [0, 1, 2].filter((a) => !axes.includes(a));
      const last = await jit((t: Tensor) =>
        sum(
          transpose(t, [...rest, ...axes]),
          axes.map((_, i) => rest.length + i),
        ),
      )(x);
      assertClose(direct, await numbers(last), 1e-12, `sum over ${axes}`);
    }
  });

  it("heaviside is 0 at 0 and below, and relu's gradient with it", async () => {
    const x = tensor([-1e30, -2, -0, 0, 1e-30, 3, 1e30]);
    expect(await (await jit(heaviside)(x)).tolist()).toEqual([0, 0, 0, 0, 1, 1, 1]);
    expect(await (await jit(grad((t: Tensor) => sum(relu(t))))(x)).tolist()).toEqual([0, 0, 0, 0, 1, 1, 1]);
  });
});

describe("the gradient of a scan", () => {
  const step =
    (w: Tensor, b: Tensor) =>
    (h: Tensor, x: Tensor): [Tensor, Tensor] => {
      const next = tanh(add(add(x, matmul(h, w)), b));
      return [next, next];
    };
  const loss = (w: Tensor, b: Tensor, h: Tensor, xs: Tensor, checkpoint = false) =>
    sum(scan(step(w, b), h, xs, { checkpoint })[1]);
  const shapes = [[8, 8], [8], [4, 8], [6, 4, 8]];
  const carriesBack = (checkpoint: boolean) => {
    const args = shapes.map((shape) => placeholder({ shape, dtype: "float32" }));
    const f = (w: Tensor, b: Tensor) => loss(w, b, args[2], args[3], checkpoint);
    const gs = treeLeaves(grad(f, { argnums: [0, 1] })(args[0], args[1]));
    const { order } = normalise(gs, args);
    return order.flatMap(({ node }) => (node.primitive.name === "scan" ? [(node.attrs as ScanAttrs).carries] : []));
  };
  it("keeps no running sum of products and of rows", () => {
    expect(Math.max(...carriesBack(false))).toBe(1);
    expect(Math.max(...carriesBack(true))).toBe(3);
  });
});

onEachBackend("the gradient of a scan", () => {
  it("is that of the unrolled loop, however the constants' shares are summed", async () => {
    const [w, b, h, xs] = [[8, 8], [8], [2, 4, 8], [5, 2, 4, 8]].map((shape, i) => fill({ shape }, i));
    const cell = (w: Tensor, b: Tensor, h: Tensor, x: Tensor) => tanh(add(add(x, matmul(h, w)), b));
    const looped = (checkpoint: boolean) => (w: Tensor, b: Tensor) =>
      sum(scan((c: Tensor, x: Tensor): [Tensor, Tensor] => [cell(w, b, c, x), mul(c, c)], h, xs, { checkpoint })[1]);
    const unrolled = (w: Tensor, b: Tensor) => {
      let c = h;
      let total = sum(mul(c, c));
      for (let t = 0; t < 4; t++) {
        c = cell(w, b, c, reshape(sliceAxis(xs, 0, t, t + 1), [2, 4, 8]));
        total = add(total, sum(mul(c, c)));
      }
      return total;
    };
    const both = (f: (w: Tensor, b: Tensor) => Tensor) =>
      jit((w: Tensor, b: Tensor) => grad((p: { w: Tensor; b: Tensor }) => f(p.w, p.b))({ w, b }));
    const expected = await both(unrolled)(w, b);
    for (const checkpoint of [false, true]) {
      const got = await both(looped(checkpoint))(w, b);
      assertClose(await numbers(got.w), await numbers(expected.w), 1e-11, "weights");
      assertClose(await numbers(got.b), await numbers(expected.b), 1e-11, "biases");
    }
  });
});
