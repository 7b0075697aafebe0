import { beforeEach, describe, expect, it } from "vitest";
import { normalise } from "../../../src/engine/compile.js";
import { placeholder } from "../../../src/engine/core.js";
import {
  add,
  div,
  jit,
  matmul,
  mul,
  setBackend,
  sqrt,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../../../src/engine/index.js";
import type { DeviceValue } from "../../../src/engine/runtime/backend.js";
import { splitTail } from "../../../src/engine/tail/find.js";
import { bytesFor, Room } from "../../../src/engine/tail/room.js";
import { fill, onEachBackend } from "../helpers.js";

const random = (shape: number[], seed: number): Tensor => fill({ shape, dtype: "float32", range: [-0.5, 0.5] }, seed);
const spec = (shape: number[]) => placeholder({ shape, dtype: "float32" });

/** Adam's update, with sizes that fill no block evenly. */
function update(p: Tensor, m: Tensor, v: Tensor, g: Tensor, rate: Tensor) {
  const first = add(mul(m, 0.9), g);
  const second = add(mul(v, 0.999), mul(g, g));
  return { p: sub(p, mul(div(first, add(sqrt(second), 1e-8)), rate)), m: first, v: second };
}
const step = (p: Tensor, m: Tensor, v: Tensor, x: Tensor, rate: Tensor) => {
  const g = matmul(x, x, { transposeA: true });
  return { ...update(p, m, v, g, mul(rate, 2)), loss: sum(g) };
};
const shape = [101, 101];
const inputs = (): [Tensor, Tensor, Tensor, Tensor, Tensor] => [
  random(shape, 1),
  random(shape, 2),
  mul(random(shape, 3), random(shape, 3)),
  random([7, 101], 4),
  tensor(0.1),
];

const read = async (out: Record<string, Tensor>) =>
  Object.fromEntries(await Promise.all(Object.entries(out).map(async ([k, t]) => [k, [...(await t.data())]])));

onEachBackend("the tail of a graph", () => {
  it("gives what the runtime's own operations give", async () => {
    const found = await read(await jit(step)(...inputs()));
    // Not compiled: operation by operation.
    const wanted = await read(step(...inputs()));
    for (const name of ["p", "m", "v"]) expect(found[name]).toEqual(wanted[name]);
  });

  it("writes over what is given away, step after step", async () => {
    const donating = jit(step, { donate: [0, 1, 2] });
    const keeping = jit(step);
    let [p, m, v, x, rate] = inputs();
    let [q, n, w] = inputs();
    for (let i = 0; i < 4; i++) {
      ({ p, m, v } = await donating(p, m, v, x, rate));
      ({ p: q, m: n, v: w } = await keeping(q, n, w, x, rate));
    }
    expect(await read({ p, m, v })).toEqual(await read({ p: q, m: n, v: w }));
    const before = p.value;
    const after = await donating(p, m, v, x, rate);
    expect([after.p.value, after.m.value, after.v.value]).toContain(before);
  });

  describe("in a room of its own", () => {
    // Enough to move there, which happens after a few steps.
    const wide = [163, 163];
    const start = (): [Tensor, Tensor, Tensor] => [
      random(wide, 1),
      random(wide, 2),
      mul(random(wide, 3), random(wide, 3)),
    ];
    const batch = (rows: number) => random([rows, 163], 4);
    const room = (t: Tensor) => Room.around((t.value as DeviceValue).array!.data as Float32Array);

    it("keeps a loop's arrays, with the same numbers", async () => {
      const donating = jit(step, { donate: [0, 1, 2] });
      const keeping = jit(step);
      let [p, m, v] = start();
      let [q, n, w] = start();
      for (let i = 0; i < 18; i++) {
        // Batches of two sizes, so two programs, and in the end an optimiser that begins anew.
        const x = batch(i % 3 === 2 ? 5 : 7);
        if (i === 10) [m, v, n, w] = [...start().slice(1), ...start().slice(1)];
        ({ p, m, v } = await donating(p, m, v, x, tensor(0.1)));
        ({ p: q, m: n, v: w } = await keeping(q, n, w, x, tensor(0.1)));
        expect(await read({ p, m, v })).toEqual(await read({ p: q, m: n, v: w }));
      }
      expect(room(p)).toBeDefined();
      expect(room(m)).toBe(room(p));
      expect(room(q)).toBeUndefined();
    });

    it("does not follow arrays that always come from elsewhere", async () => {
      const donating = jit(step, { donate: [0, 1, 2] });
      let found = 0;
      for (let i = 0; i < 12; i++) {
        const [p, m, v] = await jit((...all: Tensor[]) => all.map((t) => mul(t, 1)))(...start());
        const out = await donating(p, m, v, batch(7), tensor(0.1));
        if (room(out.p)) found++;
      }
      expect(found).toBe(1);
    });

    it("leaves alone what is not given away", async () => {
      const partly = jit(step, { donate: [1, 2] });
      let [p, m, v] = start();
      for (let i = 0; i < 6; i++) {
        const out = await partly(p, m, v, batch(7), tensor(0.1));
        const kept = [...(await out.p.data())];
        const next = await partly(out.p, out.m, out.v, batch(7), tensor(0.1));
        expect([...(await out.p.data())]).toEqual(kept);
        ({ p, m, v } = next);
      }
    });

    it("belongs to one loop", async () => {
      const donating = jit(step, { donate: [0, 1, 2] });
      const train = async () => {
        let [p, m, v] = start();
        for (let i = 0; i < 6; i++) ({ p, m, v } = await donating(p, m, v, batch(7), tensor(0.1)));
        return { p, m, v };
      };
      const [first, second] = [await train(), await train()];
      const wanted = await read(first);
      expect(await read(second)).toEqual(wanted);
      await donating(second.p, second.m, second.v, batch(7), tensor(0.1));
      expect(await read(first)).toEqual(wanted);
    });
  });

  it("leaves alone what is not given away", async () => {
    const partly = jit(step, { donate: [1] });
    const [p, m, v, x, rate] = inputs();
    const first = await partly(p, m, v, x, rate);
    const kept = [...(await first.p.data())];
    await partly(first.p, first.m, first.v, x, rate);
    expect([...(await first.p.data())]).toEqual(kept);
  });

  it("leaves alone a tensor that is given away and passed again", async () => {
    const both = jit(
      (p: Tensor, m: Tensor, again: Tensor) => [add(mul(p, 2), mul(m, 3)), sub(mul(again, 4), mul(m, 5))],
      {
        donate: [0],
      },
    );
    const same = await jit((p: Tensor) => mul(p, 1.5))(random(shape, 1));
    const m = random(shape, 2);
    const start = [...(await same.data())].map(Number);
    const other = [...(await m.data())].map(Number);
    const [, second] = await both(same, m, same);
    const { fround } = Math;
    expect([...(await second.data())]).toEqual(start.map((x, i) => fround(fround(x * 4) - fround(other[i] * 5))));
  });

  it("waits for nobody, but writes over nothing that another call is reading", async () => {
    const donating = jit(step, { donate: [0, 1, 2] });
    const evaluate = jit((p: Tensor) => matmul(p, p));
    const [p0, m0, v0, x, rate] = inputs();
    const { p, m, v } = await donating(p0, m0, v0, x, rate);
    const wanted = [...(await (await evaluate(p)).data())];
    const stepping = donating(p, m, v, x, rate);
    // Whichever of the two reaches the runtime first.
    const reading: Promise<Tensor>[] = [];
    for (let i = 0; i < 12; i++) {
      reading.push(evaluate(p));
      await Promise.resolve();
    }
    for (const result of await Promise.all(reading)) expect([...(await result.data())]).toEqual(wanted);
    await stepping;
  });

  it("returns a result that two outputs share as two values", async () => {
    const twice = jit(
      (p: Tensor, m: Tensor) => {
        const out = add(mul(p, 0.5), mul(m, 0.25));
        return [out, out, sub(out, m)];
      },
      { donate: [0, 1] },
    );
    const [a, b] = await twice(await jit((t: Tensor) => t.mul(2))(random(shape, 1)), random(shape, 2));
    expect(a.value).not.toBe(b.value);
    expect([...(await a.data())]).toEqual([...(await b.data())]);
  });

  it("tells constants apart that are no numbers in JSON", async () => {
    const by = (c: number) => (x: Tensor) => [mul(x, c).add(1).mul(2).sub(x)];
    const x = random([9000], 1);
    for (const c of [Number.POSITIVE_INFINITY, Number.NaN, Number.NEGATIVE_INFINITY]) {
      const [found] = await jit(by(c))(x);
      expect([...(await found.data())]).toEqual([...(await by(c)(x)[0].data())]);
    }
  });

  it("keeps NaN, infinities, zeros with signs and denormal numbers", async () => {
    const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1e-40, -1e-45, 3e38];
    const data = Float32Array.from({ length: 9000 }, (_, i) => special[i % 8]);
    const other = Float32Array.from({ length: 9000 }, (_, i) => special[Math.floor(i / 8) % 8]);
    const f = (a: Tensor, b: Tensor) => [add(mul(a, 0.5), b), sub(div(a, b), mul(b, 2))];
    const outs = await jit(f)(tensor(data), tensor(other));
    const wanted = f(tensor(data), tensor(other));
    for (const [i, out] of outs.entries()) expect([...(await out.data())]).toEqual([...(await wanted[i].data())]);
  });
});

describe("a room", () => {
  it("gives out as much as it was made for, and again what came back", () => {
    const room = Room.of(2 * bytesFor([5, 3]))!;
    const [a, b] = [room.take([5, 3])!, room.take([5, 3])!];
    expect(a.data).toHaveLength(15);
    expect(b.data.byteOffset - a.data.byteOffset).toBe(64);
    expect(Room.around(a.data as Float32Array)).toBe(room);
    // A room takes whole pages, so the rest of the last one is there too.
    let more = 0;
    while (room.take([1000])) more++;
    expect(more).toBeLessThan(17);
    expect(room.take([5000])).toBeUndefined();
    room.give(b);
    expect(room.again([3, 5])).toBeUndefined();
    expect(room.again([5, 3])).toBe(b);
    expect(room.again([5, 3])).toBeUndefined();
  });
  it("is not there for more than WebAssembly can address", () => {
    expect(Room.of(2 ** 33)).toBeUndefined();
  });
});

describe("what is split off", () => {
  beforeEach(() => setBackend("node", { threads: 1 }));
  const graphOf = (f: (...args: Tensor[]) => Tensor[], ...shapes: number[][]) => {
    const args = shapes.map(spec);
    return normalise(f(...args), args);
  };
  const adam = (size: number[]) =>
    graphOf((p, m, v, x) => Object.values(update(p, m, v, mul(x, x).add(x.exp()), sum(x))), size, size, size, size);

  it("the update of parameters, with what it needs left to the runtime", () => {
    const split = splitTail(adam([100, 100]))!;
    expect(split.kernels).toHaveLength(1);
    expect(split.kernels[0].results).toHaveLength(3);
    expect(split.kernels[0].scalars).toHaveLength(1);
    expect(split.head.outputs.length).toBeGreaterThan(0);
  });
  it("nothing in graphs of small arrays", () => {
    expect(splitTail(adam([10, 10]))).toBeUndefined();
  });
  it("nothing where more arrays would leave the runtime than before", () => {
    const f = (x: Tensor) => [add(mul(x.exp(), 2), mul(x.log(), 3)).add(sqrt(x)).mul(0.5)];
    expect(splitTail(graphOf(f, [100, 100]))).toBeUndefined();
  });
  it("nothing of other dtypes, or of shapes that differ", () => {
    const f = (x: Tensor, row: Tensor) => [add(mul(x, row), mul(row, 2)).mul(row).sub(row).div(row)];
    expect(splitTail(graphOf(f, [100, 100], [100]))).toBeUndefined();
    const double = ["x"].map(() => placeholder({ shape: [100, 100], dtype: "float64" }));
    const [x] = double;
    expect(splitTail(normalise([mul(x, 2).add(x).sub(3).div(x)], double))).toBeUndefined();
  });
  it("a function that is element-wise as a whole", () => {
    const split = splitTail(graphOf((x) => [sqrt(mul(x, x).add(1)).mul(0.5)], [100, 100]))!;
    expect(split.head.outputs).toEqual([]);
  });
});
