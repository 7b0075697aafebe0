import { describe, expect, it } from "vitest";
import {
  add,
  arange,
  grad,
  hostRandom,
  matmul,
  mul,
  ShapeError,
  sum,
  type Tensor,
  tensor,
  transpose,
  vmap,
} from "../../src/engine/index.js";
import { primitives } from "../../src/engine/primitives/index.js";
import { assertClose, checkBatching, checkNestedBatching, type Fill, fill, numbers, onEachBackend } from "./helpers.js";
import { primitiveCases } from "./primitive-cases.js";

/** Examples of one input: for given values, the same values in another order, so that indices stay in range. */
function examples(input: Fill, count: number, seed: number): Tensor[] {
  return Array.from({ length: count }, (_, e) => {
    if (!input.values || e === 0) return fill(input, seed + 17 * e);
    const order = hostRandom(seed + e).permutation(input.values.length);
    return fill({ ...input, values: Array.from(order, (k) => input.values![k]) }, 0);
  });
}

const mapped = primitiveCases.filter((c) => !c.skipBatching);

describe("batching rules", () => {
  it("are there for every primitive that has inputs, each with a test", () => {
    const tested = new Set(mapped.map((c) => c.primitive));
    const leaves = ["literal", "iota"];
    for (const p of primitives) {
      if (leaves.includes(p.name)) continue;
      // The results of a bundle are mapped with it.
      if (p.name !== "part") expect(p.many ? p.many.batch : p.batch, p.name).toBeDefined();
      expect([...tested], p.name).toContain(p.name);
    }
  });
});

onEachBackend("vmap against a loop", () => {
  for (const [i, { primitive, label, inputs, f, order = 2 }] of mapped.entries()) {
    it(`${primitive}: ${label}`, async () => {
      const list = inputs.map((input, k) => examples(input, 3, 1000 + 50 * i + k));
      await checkBatching(f, list, { gradients: order > 0 });
    });
  }
});

onEachBackend("vmap of vmap against a loop", () => {
  const once = new Map<string, number>();
  for (const [i, { primitive, label, inputs, f }] of mapped.entries()) {
    const seen = once.get(primitive) ?? 0;
    once.set(primitive, seen + 1);
    if (seen >= (["matmul", "conv", "gather", "scatterAdd"].includes(primitive) ? 6 : 2)) continue;
    it(`${primitive}: ${label}`, async () => {
      await checkNestedBatching(
        f,
        inputs.map((input, k) => examples(input, 6, 3000 + 50 * i + k)),
      );
    });
  }
});

onEachBackend("vmap", () => {
  const x = fill({ shape: [3, 4, 2] }, 1);

  it("maps any axis and puts the result on any axis", async () => {
    for (const inAxes of [0, 1, 2, -1]) {
      for (const outAxes of [0, 1, -1]) {
        const at = inAxes < 0 ? inAxes + 3 : inAxes;
        const rest = [0, 1, 2].filter((a) => a !== at);
        const out = vmap((t: Tensor) => transpose(t), { inAxes, outAxes })(x);
        // The result without vmap: the two other axes exchanged, the mapped axis at its place.
        const order = [rest[1], rest[0]];
        order.splice(outAxes < 0 ? outAxes + 3 : outAxes, 0, at);
        const expected = transpose(x, order);
        expect(out.shape).toEqual(expected.shape);
        assertClose(await numbers(out), await numbers(expected), 0, `in ${inAxes}, out ${outAxes}`);
      }
    }
  });

  it("maps over one example and over none", async () => {
    const one = vmap((t: Tensor) => sum(mul(t, t)))(fill({ shape: [1, 3] }, 5));
    expect(one.shape).toEqual([1]);
    const [a, b, c] = await numbers(fill({ shape: [1, 3] }, 5));
    assertClose(await numbers(one), [a * a + b * b + c * c], 1e-14, "one example");
    const none = vmap((t: Tensor) => sum(mul(t, t)))(fill({ shape: [0, 3] }, 5));
    expect(none.shape).toEqual([0]);
    expect(await numbers(none)).toEqual([]);
  });

  it("takes axes part by part", async () => {
    const [u, v] = [fill({ shape: [2, 3] }, 1), fill({ shape: [3] }, 2)];
    const f = (a: { u: Tensor; v: Tensor }, [b]: [Tensor]) => ({
      all: mul(a.u, b),
      own: [sum(a.v), mul(sum(a.u), a.v)],
    });
    const out = vmap(f, { inAxes: [{ u: 1, v: null }, [0]], outAxes: { all: 1, own: [null, 0] } })({ u, v: u }, [v]);
    expect([out.all.shape, out.own[0].shape, out.own[1].shape]).toEqual([[2, 3], [], [3, 2, 3]]);
    assertClose(await numbers(out.all), await numbers(mul(u, v)), 1e-15, "product");
  });

  it("repeats what does not depend on the mapped argument", async () => {
    const y = fill({ shape: [2] }, 3);
    const [constant, shared, own] = vmap((t: Tensor) => [arange(2, "float64"), y, t.sum()] as const)(
      x,
    ) as readonly Tensor[];
    expect([constant.shape, shared.shape, own.shape]).toEqual([[3, 2], [3, 2], [3]]);
    const [p, q] = await numbers(y);
    expect(await numbers(shared)).toEqual([p, q, p, q, p, q]);
  });

  it("maps trees, and gives per-example gradients", async () => {
    const params = { w: fill({ shape: [2, 3] }, 7), b: fill({ shape: [3] }, 8) };
    const batch = { x: fill({ shape: [5, 2] }, 9), y: fill({ shape: [5, 3] }, 10) };
    const loss = (p: typeof params, { x, y }: typeof batch) => {
      const error = add(matmul(x, p.w), p.b).sub(y);
      return sum(mul(error, error));
    };
    const per = vmap(grad(loss), { inAxes: [null, 0] })(params, batch) as typeof params;
    expect([per.w.shape, per.b.shape]).toEqual([
      [5, 2, 3],
      [5, 3],
    ]);
    const whole = grad(loss)(params, batch);
    assertClose(await numbers(per.w.sum(0)), await numbers(whole.w), 1e-12, "w: the sum over examples");
    assertClose(await numbers(per.b.sum(0)), await numbers(whole.b), 1e-12, "b: the sum over examples");
    const third = grad(loss)(params, { x: batch.x.slice([2], [3]), y: batch.y.slice([2], [3]) });
    assertClose(await numbers(per.w.slice([2], [3])), await numbers(third.w), 1e-12, "w: one example");
  });

  it("gives the same gradient whether it stands inside or outside of grad", async () => {
    const w = fill({ shape: [2, 2] }, 11);
    const xs = fill({ shape: [4, 2] }, 12);
    const f = (m: Tensor, v: Tensor) => sum(matmul(v, m).exp());
    const outside = grad((m: Tensor) => sum(vmap(f, { inAxes: [null, 0] })(m, xs) as Tensor))(w);
    const inside = (vmap(grad(f), { inAxes: [null, 0] })(w, xs) as Tensor).sum(0);
    assertClose(await numbers(outside), await numbers(inside), 1e-12, "gradient");
  });
});

describe("vmap's errors", () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  it("names the argument whose mapped axis has another size", () => {
    const map = () => vmap((a: { u: Tensor }, b: Tensor) => add(a.u, b))({ u: x }, tensor([1, 2, 3]));
    expect(map).toThrow(ShapeError);
    expect(map).toThrow("vmap: argument 1 of shape [3] has 3 examples on axis 0, others have 2");
  });
  it("refuses axes that are not there", () => {
    expect(() => vmap((a: Tensor) => a, { inAxes: 2 })(x)).toThrow(
      "vmap (argument 0): axis 2 is out of range for shape [2, 2]",
    );
    expect(() => vmap((a: Tensor) => a, { inAxes: [0, 0] })(x)).toThrow("vmap: inAxes has 2 entries for 1 arguments.");
    expect(() => vmap((a: Tensor) => a, { outAxes: 5 })(x)).toThrow(
      "vmap (outAxes): axis 5 is out of range for shape [2, 2]",
    );
  });
  it("names the part of a tree that has no axis, or that differs where it should not", () => {
    const f = ({ u, v }: { u: Tensor; v: Tensor }) => add(u, v);
    expect(() => vmap(f, { inAxes: [{ u: 0 }] })({ u: x, v: x })).toThrow(
      'vmap: inAxes of argument 0 gives no axis for "v"; null means shared.',
    );
    expect(() => vmap((a: Tensor) => a, { inAxes: [{ u: 0 }] })(x)).toThrow(
      "vmap: inAxes of argument 0 has parts where there is only one tensor.",
    );
    expect(() => vmap((a: Tensor) => a, { outAxes: null })(x)).toThrow(
      "vmap: an output with outAxes null differs between examples.",
    );
  });
  it("needs to know the number of examples", () => {
    expect(() => vmap((a: Tensor) => a, { inAxes: [null] })(x)).toThrow("no argument is mapped");
    expect((vmap((a: Tensor) => a, { inAxes: [null], size: 3 })(x) as Tensor).shape).toEqual([3, 2, 2]);
  });
});
