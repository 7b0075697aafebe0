import {
  add,
  cast,
  checkpoint,
  cond,
  greater,
  less,
  mul,
  neg,
  opaque,
  scan,
  sin,
  sum,
  type Tensor,
  tanh,
  tensor,
  whileLoop,
} from "../../src/engine/index.js";
import type { PrimitiveCase } from "./primitive-cases.js";

/** A recurrence that uses its sequence, its carry and a tensor from outside. */
const recurrence =
  (options: { reverse?: boolean; checkpoint?: boolean }) =>
  (w: Tensor, start: Tensor, xs: Tensor): Tensor => {
    const [last, ys] = scan(
      (h: Tensor, x: Tensor) => {
        const next = tanh(add(mul(h, w), x));
        return [next, mul(next, w)] as const;
      },
      start,
      xs,
      options,
    );
    return add(sum(ys), sum(last));
  };
const inputs = [{ shape: [2] }, { shape: [2] }, { shape: [3, 2] }];

/** The same in plain JavaScript. */
const unrolled =
  (reverse: boolean) =>
  (w: number[], start: number[], xs: number[]): number[] => {
    let total = 0;
    let h = start;
    for (const t of reverse ? [2, 1, 0] : [0, 1, 2]) {
      h = h.map((v, i) => Math.tanh(v * w[i] + xs[2 * t + i]));
      total += h.reduce((s, v, i) => s + v * w[i], 0);
    }
    return [total + h.reduce((s, v) => s + v, 0)];
  };

const half = opaque((x) => ({ ...x, data: (x.data as Float64Array).map((v) => v / 2) }), {
  output: (x) => ({ shape: x.shape, dtype: x.dtype }),
  name: "half",
});

export const controlCases: readonly PrimitiveCase[] = [
  { primitive: "scan", label: "recurrence", inputs, f: recurrence({}), expected: unrolled(false) },
  { primitive: "scan", label: "backwards", inputs, f: recurrence({ reverse: true }), expected: unrolled(true) },
  {
    primitive: "scan",
    label: "computed again",
    inputs,
    f: recurrence({ checkpoint: true }),
    expected: unrolled(false),
  },
  {
    primitive: "scan",
    label: "counted, without sequences",
    inputs: [{ shape: [2] }],
    f: (x) => scan((c: Tensor) => [mul(c, x), null] as const, x, null, { length: 3 })[0],
    expected: (x) => x.map((v) => v ** 4),
  },
  {
    primitive: "scan",
    label: "without a carry",
    inputs: [{ shape: [3, 2] }, { shape: [2] }],
    f: (xs, w) => scan((_: null, x: Tensor) => [null, sin(mul(x, w))] as const, null, xs)[1],
    expected: (xs, w) => xs.map((v, i) => Math.sin(v * w[i % 2])),
  },
  {
    primitive: "scan",
    label: "with a mask and a counter that has no gradient",
    inputs: [{ shape: [4] }],
    f(xs) {
      const mask = cast(tensor([1, 0, 1, 1]), "bool");
      const start = { sum: sum(mul(xs, 0)), count: cast(sum(mul(xs, 0)), "int32") };
      const [last] = scan(
        (c: typeof start, x: Tensor) => [{ sum: add(mul(c.sum, x), x), count: add(c.count, 1) }, null] as const,
        start,
        xs,
        { mask },
      );
      return add(last.sum, cast(last.count, xs.dtype));
    },
    expected: ([a, , c, d]) => [(a * c + c) * d + d + 3],
  },
  {
    primitive: "scan",
    label: "inside a scan",
    inputs: [
      { shape: [2, 3], range: [-1, 1] },
      { shape: [], range: [-1, 1] },
    ],
    f: (xs, w) =>
      scan(
        (c: Tensor, row: Tensor) => {
          const [inner] = scan((d: Tensor, x: Tensor) => [add(mul(d, w), x), null] as const, c, row);
          return [tanh(inner), null] as const;
        },
        w,
        xs,
      )[0],
    expected(xs, [w]) {
      let c = w;
      for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 3; j++) c = c * w + xs[3 * i + j];
        c = Math.tanh(c);
      }
      return [c];
    },
  },
  {
    primitive: "part",
    label: "of a scan with two results",
    inputs: [{ shape: [3] }],
    f(xs) {
      const [a, b] = scan((c: Tensor, x: Tensor) => [mul(c, x), add(c, x)] as const, sum(xs), xs);
      return add(mul(b, b), a);
    },
  },
  {
    primitive: "scan",
    label: "of one step, as checkpoint makes it",
    inputs: [{ shape: [2] }, { shape: [2] }],
    f: (x, y) => checkpoint((a: Tensor) => sin(mul(tanh(mul(a, y)), a)))(x),
    expected: (x, y) => x.map((v, i) => Math.sin(Math.tanh(v * y[i]) * v)),
  },
  {
    primitive: "whileLoop",
    label: "doubles until it passes a bound of the example's own",
    inputs: [
      { shape: [], range: [0.5, 1.5] },
      { shape: [], range: [3, 40] },
    ],
    order: 0,
    f: (x, bound) =>
      whileLoop(
        (c) => less(c, bound),
        (c) => add(c, c),
        x,
      ),
    expected([x], [bound]) {
      let c = x;
      while (c < bound) c += c;
      return [c];
    },
  },
  {
    primitive: "cond",
    label: "a branch for each sign",
    inputs: [{ shape: [], range: [-2, 2] }, { shape: [2] }],
    f: (x, y) =>
      cond(
        greater(x, 0),
        (a: Tensor, b: Tensor) => mul(mul(a, a), sin(b)),
        (a: Tensor, b: Tensor) => mul(neg(a), mul(b, y)),
        x,
        y,
      ),
    expected: ([x], y) => y.map((v) => (x > 0 ? x * x * Math.sin(v) : -x * v * v)),
  },
  {
    primitive: "opaque",
    label: "between operations",
    inputs: [{ shape: [2, 2] }],
    order: 0,
    f: (x) => add(half(mul(x, x)), half(half(x))),
    expected: (x) => x.map((v) => (v * v) / 2 + v / 4),
  },
  {
    primitive: "opaque",
    label: "inside a loop",
    inputs: [{ shape: [3] }],
    order: 0,
    f: (xs) => scan((c: Tensor, x: Tensor) => [add(half(c), x), c] as const, sum(xs), xs)[1],
    expected(xs) {
      let c = xs.reduce((a, b) => a + b, 0);
      return xs.map((x) => {
        const before = c;
        c = c / 2 + x;
        return before;
      });
    },
  },
];
