import { expect, it } from "vitest";
import {
  add,
  argmin,
  checkpoint,
  cond,
  crossEntropy,
  div,
  fixedPoint,
  grad,
  greater,
  hvp,
  jit,
  less,
  matmul,
  min,
  mul,
  type NDArray,
  norm,
  odeSolve,
  opaque,
  pad,
  scan,
  segmentMin,
  square,
  stopGradient,
  sum,
  type Tensor,
  tensor,
  vmap,
  whileLoop,
  zeros,
} from "../../src/engine/index.js";
import { assertClose, fill, numbers, onEachBackend, values } from "./helpers.js";

// What once went wrong, each in the smallest form that showed it.

const double = (list: number[]): Tensor => tensor(Float64Array.from(list), { shape: [list.length] });
const single = (x: number): Tensor => tensor(x, { dtype: "float64" });
const int = (list: number[]): Tensor => tensor(list, { dtype: "int32" });
const pass = (x: NDArray): NDArray => x;

onEachBackend("bodies of control flow", () => {
  const x = double([1, -1]);
  const scale = (y: Tensor): Tensor => mul(y, double([2, 3]));

  it("use values that are made within them", async () => {
    const branch = (y: Tensor) => cond(greater(sum(y), -1), scale, (z: Tensor) => z, y);
    const got = await jit((y: Tensor) => ({
      checkpoint: checkpoint(scale)(y),
      cond: branch(y),
      gradient: grad((z: Tensor) => sum(branch(z)))(y),
    }))(x);
    expect(await values(got)).toEqual([
      [2, -3],
      [2, -3],
      [2, 3],
    ]);
  });

  it("of scans are not taken for one another when they differ only in a first carry that results read", async () => {
    const shifted = (init: Tensor, xs: Tensor) => scan((c: Tensor, y: Tensor) => [y, c] as const, init, xs)[1];
    const reset = (init: Tensor, xs: Tensor) =>
      scan((c: Tensor, y: Tensor) => [zeros([], "float64"), add(c, y)] as const, init, xs)[1];
    const both = jit((a: Tensor, b: Tensor, xs: Tensor) => [shifted, reset].flatMap((f) => [f(a, xs), f(b, xs)]));
    expect(await values(await both(single(10), single(20), double([1, 2])))).toEqual([
      [10, 1],
      [20, 1],
      [11, 2],
      [21, 2],
    ]);
  });

  it("send no zeros back to where there is no gradient", async () => {
    const climb = (x: Tensor) =>
      whileLoop(
        (c: Tensor) => less(c, 5),
        (c: Tensor) => add(c, 1),
        x,
      );
    const unused = (x: Tensor) =>
      scan(
        ([a, b]: Tensor[], y: Tensor) => [[add(mul(a, y), x), add(b, y)], b] as [Tensor[], Tensor],
        [x, climb(x)],
        double([1, 2]),
      );
    const chosen = (x: Tensor) =>
      cond(
        greater(x, 0),
        (y: Tensor, k: Tensor) => mul(y, stopGradient(k)),
        (y: Tensor) => y,
        x,
        climb(x),
      );
    const got = jit((x: Tensor) => [grad((y: Tensor) => unused(y)[0][0]), grad(chosen)].map((g) => g(x)));
    expect(await values(await got(single(1)))).toEqual([[5], [5]]);
    const curved = (x: Tensor) => {
      const k = climb(x);
      const step = (a: Tensor) => [add(mul(mul(a, a), x), stopGradient(k)), null] as const;
      return scan(step, x, null, { length: 1 })[0];
    };
    expect(await numbers(hvp(curved, single(2), single(1)))).toEqual([12]);
  });

  it("may be mapped over no examples", async () => {
    const count = (limit: Tensor) =>
      whileLoop(
        (c: Tensor) => less(c, limit),
        (c: Tensor) => add(c, 1),
        single(0),
      );
    expect(await numbers(vmap(count)(double([])))).toEqual([]);
  });
});

onEachBackend("host functions", () => {
  it("meet a product that is also used after them", async () => {
    const f = opaque(pass, { output: (a) => a });
    const a = fill({ shape: [2, 2], values: [1, 2, 3, 4] }, 0);
    const got = jit((m: Tensor) => {
      const p = matmul(m, m);
      return add(p, f(p));
    });
    expect(await numbers(await got(a))).toEqual([14, 20, 30, 44]);
  });

  it("may keep and change their arrays", async () => {
    const kept = new Float64Array(1);
    const f = opaque(
      (x) => {
        kept[0] += 1;
        x.data[0] = Number.NaN;
        return [
          { data: kept, shape: [], dtype: "float64" },
          { data: kept, shape: [], dtype: "float64" },
        ];
      },
      { output: [0, 0].map(() => ({ shape: [], dtype: "float64" as const })) },
    );
    const counted = jit((x: Tensor) => [...f(zeros([], "float64")), ...f(x), x]);
    const [first, second] = [await counted(single(7)), await counted(single(8))];
    expect((await values(first)).flat()).toEqual([1, 1, 2, 2, 7]);
    expect((await values(second)).flat()).toEqual([3, 3, 4, 4, 8]);
  });
});

onEachBackend("numbers", () => {
  it("0 and -0 are different constants", async () => {
    const x = double([1]);
    expect(await values([div(x, 0), div(x, -0)])).toEqual([[Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY]]);
    expect(await numbers(await jit((y: Tensor) => div(y, 0))(x))).toEqual([Number.POSITIVE_INFINITY]);
    expect(await numbers(await jit((y: Tensor) => div(y, -0))(x))).toEqual([Number.NEGATIVE_INFINITY]);
  });

  it("the least integer is the smallest", async () => {
    const least = -(2 ** 31);
    const list = int([0, least, 5]);
    expect(await values([min(list), argmin(list), segmentMin(list, int([0, 0, 2]), 3)])).toEqual([
      [least],
      [1],
      [least, 2 ** 31 - 1, 5],
    ]);
    expect(await numbers(min(tensor([3, 0], { dtype: "uint8" })))).toEqual([0]);
  });

  it("0 times NaN is NaN also in a sum with a product", async () => {
    const a = fill({ shape: [2, 2], values: [1, 0, 0, 1] }, 0);
    const c = fill({ shape: [2, 2], values: [Number.NaN, 1, 1, 1] }, 0);
    const got = jit((m: Tensor, n: Tensor) => [add(mul(n, 0), matmul(m, m)), add(m, mul(matmul(n, m), 0))]);
    expect(await values(await got(a, c))).toEqual([
      [Number.NaN, 0, 0, 1],
      [Number.NaN, Number.NaN, 0, 1],
    ]);
  });

  it("the norm of a product that nearly vanishes is no NaN", async () => {
    // The rows of a span what the columns of b do not.
    const [u, v, x, y] = [1, 2, 3, 4].map((seed) => fill({ shape: [40], dtype: "float32" }, seed));
    const [p, q, r, s] = await values([u, v, x, y]);
    const a = tensor(p.map((_, i) => [p[i], q[i], p[i] + q[i], p[i] - q[i]]));
    const b = tensor([r.map((_, j) => -r[j] - s[j]), r.map((_, j) => s[j] - r[j]), r, s]);
    for (let k = 0; k < 4; k++) {
      const got = await jit((m: Tensor, n: Tensor) => norm(matmul(m, n)))(mul(a, k + 0.7), b);
      expect(await got.item()).toBeLessThan(1);
    }
  });

  it("squares in float16 are not taken of the factors of a product", async () => {
    const [a, b] = [300, 0.001].map((x) => tensor(new Array(8).fill(x), { dtype: "float16" }));
    const got = await jit((m: Tensor, n: Tensor) => sum(square(matmul(m.reshape(8, 1), n.reshape(1, 8)))))(a, b);
    expect(await got.cast("float32").item()).toBeCloseTo(5.76, 1);
  });

  it("cross-entropy leaves out classes with a logit of -infinity", async () => {
    const logits = fill({ shape: [1, 3], values: [Number.NEGATIVE_INFINITY, 0, 0] }, 0);
    const loss = (z: Tensor) => sum(crossEntropy(z, int([1])));
    expect(await numbers(loss(logits))).toEqual([Math.log(2)]);
    expect(await numbers(grad(loss)(logits))).toEqual([0, -0.5, 0.5]);
  });
});

onEachBackend("differential equations", () => {
  it("may ask for one time twice", async () => {
    const speed = (_t: Tensor, y: Tensor) => add(mul(y, 0), 2);
    const times = [
      [0, 0, 1],
      [1, 0, 0, -1],
    ];
    const got = jit((...t: Tensor[]) => t.map((at) => odeSolve(speed, single(1), at)));
    const [rising, falling] = await values(await got(...(times.map(double) as [])));
    assertClose(rising, [1, 1, 3], 1e-12, "rising");
    assertClose(falling, [1, -1, -1, -3], 1e-12, "falling");
  });
});

it("a fixed point is of floats", () => {
  expect(() => fixedPoint((x: Tensor) => x, int([1]))).toThrow("fixedPoint: x must hold floats, got int32");
});

it("a scan's length is a whole number", () => {
  const steps = (length: number) => scan((c: Tensor) => [c, null] as const, single(0), null, { length });
  expect(() => steps(-1)).toThrow("scan: the length must be a whole number, at least 0, got -1.");
  expect(() => steps(2.5)).toThrow("got 2.5.");
});

onEachBackend("padding of many short rows", () => {
  const rows = 2048;
  const x = Int32Array.from({ length: rows * 9 }, (_, i) => i);
  for (const [low, high] of [
    [1, -1],
    [-2, 2],
    [2, 0],
    [0, -3],
    [-4, -4],
    [1, 1],
  ]) {
    it(`by ${low} and ${high}`, async () => {
      const found = await jit((t: Tensor) => pad(t, [0, low], [0, high]))(tensor(x, { shape: [rows, 9] }));
      const wanted = Array.from({ length: rows }, (_, r) =>
        Array.from({ length: 9 + low + high }, (_, i) => (i < low || i >= 9 + low ? 0 : r * 9 + i - low)),
      );
      expect(await numbers(found)).toEqual(wanted.flat());
    });
  }
});
