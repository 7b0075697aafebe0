import { afterAll, describe, expect, it } from "vitest";
import {
  grad,
  jit,
  maxPool,
  mul,
  ones,
  realise,
  setBackend,
  sum,
  type Tensor,
  tensor,
  treeMap,
  zeros,
} from "../../src/engine/index.js";

describe.each(["node", "wasm"] as const)("results on %s", (backend) => {
  afterAll(() => setBackend("node"));

  it("outputs that are one tensor all get its values", async () => {
    setBackend(backend);
    const same = [0, 0, 0, 0, 0].map(() => ones([12]));
    for (const { data } of await realise(same)) expect([...(data as Float32Array)]).toEqual(new Array(12).fill(1));
    const twins = jit((x: Tensor) => [mul(x, 2), mul(x, 2), mul(x, 2), x, x]);
    const lists = await Promise.all((await twins(tensor([2, 3]))).map((t) => t.tolist()));
    expect(lists).toEqual([
      [4, 6],
      [4, 6],
      [4, 6],
      [2, 3],
      [2, 3],
    ]);
  });

  it("outputs that are one tensor can be donated one by one", async () => {
    setBackend(backend);
    const start = jit((x: Tensor) => ({ a: mul(x, 2), b: mul(x, 2) }));
    const double = jit((x: Tensor) => mul(x, 2), { donate: [0] });
    const { a, b } = await start(tensor([1, 2]));
    let moved = a;
    for (let i = 0; i < 3; i++) moved = await double(moved);
    expect(await moved.tolist()).toEqual([16, 32]);
    expect(await b.tolist()).toEqual([2, 4]);
  });

  it("values that were read stay as they were when their tensor is donated", async () => {
    setBackend(backend);
    const double = jit((x: Tensor) => mul(x, 2), { donate: [0] });
    let x = await double(tensor([1, 2]));
    const kept = await x.data();
    for (let i = 0; i < 4; i++) x = await double(x);
    expect([...(kept as Float32Array)]).toEqual([2, 4]);
  });

  it("equal maxima of a pooling window share its gradient", async () => {
    setBackend(backend);
    const x = tensor([3, 1, 3, 3, 2, 2, 0, 1], { shape: [1, 1, 2, 4] });
    const gradient = jit((t: Tensor) => grad((z: Tensor) => sum(maxPool(z, 2)))(t));
    // Windows hold 3, 1, 2, 2 and 3, 3, 0, 1.
    expect(await (await gradient(x)).tolist()).toEqual([
      [
        [
          [1, 0, 0.5, 0.5],
          [0, 0, 0, 0],
        ],
      ],
    ]);
  });

  it("small values that enter and leave together keep their values, shapes and owners", async () => {
    setBackend(backend);
    const make = () => ({
      a: tensor([1, 2, 3]),
      b: tensor(5),
      c: tensor([[1], [2]]),
      i: tensor(Int32Array.of(7, 8)),
      j: tensor(Int32Array.of(9)),
      big: ones([5000]),
      none: zeros([0, 3]),
    });
    const step = jit((p: ReturnType<typeof make>) => treeMap((t: Tensor) => mul(t, 2), p), { donate: [0] });
    let p = make();
    const first = await step(p);
    const kept = first.a;
    const copy = await kept.tolist();
    p = await step({ ...first, a: tensor([10, 20, 30]) });
    for (let k = 0; k < 3; k++) p = await step(p);
    expect(await kept.tolist()).toEqual(copy);
    expect(await p.a.tolist()).toEqual([160, 320, 480]);
    expect(await p.b.item()).toBe(160);
    expect(p.c.shape).toEqual([2, 1]);
    expect(await p.c.tolist()).toEqual([[32], [64]]);
    expect(await p.i.tolist()).toEqual([224, 256]);
    expect(await p.j.tolist()).toEqual([288]);
    expect((await p.big.data())[4999]).toBe(32);
    expect(p.none.shape).toEqual([0, 3]);
  });
});
