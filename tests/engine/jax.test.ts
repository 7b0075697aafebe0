import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import {
  add,
  cond,
  customGradient,
  exp,
  fori,
  grad,
  greater,
  hessian,
  hvp,
  jacobian,
  jvp,
  linearize,
  logSoftmax,
  logSumExp,
  matmul,
  mean,
  mul,
  neg,
  ones,
  pow,
  scan,
  sin,
  slice,
  softmax,
  sqrt,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  treeLeaves,
  valueAndGrad,
  vjp,
  vmap,
  whileLoop,
  zeros,
} from "../../src/engine/index.js";
import { assertClose, onEachBackend, values } from "./helpers.js";

interface Values {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
type Function = (...args: any[]) => any;
interface Case {
  readonly name: string;
  readonly f: string;
  readonly transforms: readonly (readonly [name: string, options: Record<string, any>])[];
  readonly args: readonly unknown[];
  readonly outputs: readonly Values[];
}

const cases: Case[] = JSON.parse(await readFile(new URL("../fixtures/transforms.json", import.meta.url), "utf8"));

const square = (x: Tensor) => mul(x, x);
/** x^3, whose gradient is taken to be x^2. */
const cube = customGradient(
  (x: Tensor) => pow(x, 3),
  (g, [x]) => [mul(g, square(x))],
);

const functions: Record<string, Function> = {
  rosenbrock(x: Tensor) {
    const [head, tail] = [slice(x, [0], [x.size - 1]), slice(x, [1], [x.size])];
    return sum(add(mul(square(sub(tail, square(head))), 100), square(sub(1, head))));
  },
  classify: (x, w) => softmax(matmul(x, w)),
  attention: (q, k, v) => matmul(softmax(matmul(q, k, { transposeB: true }).div(2)), v),
  normalise(x: Tensor, scale, shift) {
    const centred = sub(x, mean(x, -1, { keepDims: true }));
    const sd = sqrt(add(mean(square(centred), -1, { keepDims: true }), 1e-5));
    return add(mul(centred.div(sd), scale), shift);
  },
  gram: (a: Tensor) => logSumExp(matmul(a, a, { transposeB: true }).reshape(-1)),
  loss(p, x, y) {
    const h = tanh(add(matmul(x, p.w1), p.b1));
    return neg(sum(mul(y, logSoftmax(add(matmul(h, p.w2), p.b2)))));
  },
  branches: (p) => ({ h: matmul(sin(p.a), p.b), list: [sum(pow(p.b, 3)), mul(p.a, p.c)] }),
  bilinear: (x, y) => mul(sum(mul(sin(x), exp(y))), sum(y)),
  wave: (x) => mul(sin(x), square(x)),
  cube,
  custom: (x, y) => sum(mul(cube(x), y)),
  recurrent(p, xs) {
    const step = (h: Tensor, x: Tensor) => {
      const next = tanh(add(matmul(p.w, h), mul(x, p.u)));
      return [next, sum(next)] as const;
    };
    const [h, ys] = scan<Tensor, Tensor, Tensor>(step, zeros(p.u.shape, "float64"), xs);
    return add(sum(square(h)), sum(ys));
  },
  cumulative: (c, xs) =>
    scan(
      (carry: Tensor, x: Tensor) => {
        const next = mul(sin(carry), x);
        return [next, add(next, x)] as const;
      },
      c,
      xs,
      { reverse: true },
    ),
  newton: (a: Tensor) => fori(0, 5, (_, x: Tensor) => mul(add(x, a.div(x)), 0.5), ones(a.shape, "float64")),
  halving: (x: Tensor) =>
    whileLoop(
      (c) => greater(sum(square(c)), 1),
      (c) => add(mul(c, 0.5), mul(sin(c), 0.01)),
      x,
    ),
  choose: (flag: Tensor, x: Tensor) =>
    cond(
      greater(flag, 0),
      (t: Tensor) => mul(sin(t), t),
      (t: Tensor) => pow(t, 3),
      x,
    ),
};

const total = (list: readonly Tensor[]): Tensor => list.map((t) => sum(t)).reduce((a, b) => add(a, b));

const transforms: Record<string, (f: Function, options: any) => Function> = {
  grad: (f, options) => grad(f, options),
  valueAndGrad: (f, options) => valueAndGrad(f, options),
  vmap: (f, options) => vmap(f, options),
  jvp:
    (f, { n = 1 }) =>
    (...args) =>
      jvp(f, args.slice(0, n), args.slice(n)),
  vjp:
    (f) =>
    (...args) =>
      vjp(f, ...args.slice(0, -1))[1](args.at(-1)),
  hvp:
    (f) =>
    (x, v, ...rest) =>
      hvp((t) => f(t, ...rest), x, v),
  jacrev: (f, options) => jacobian(f, { ...options, mode: "reverse" }),
  jacfwd: (f, options) => jacobian(f, { ...options, mode: "forward" }),
  hessian: (f, options) => hessian(f, options),
  linearize:
    (f, { n = 1 }) =>
    (...args) => {
      const [, push] = linearize(f, ...args.slice(0, n));
      return [push(...args.slice(n, 2 * n)), push(...args.slice(2 * n))];
    },
  squares:
    (f) =>
    (...args) =>
      total(treeLeaves(f(...args)).map(square)),
  norm:
    (f) =>
    (...args) =>
      sqrt(total(treeLeaves(f(...args)).map(square))),
  sum:
    (f) =>
    (...args) =>
      total(treeLeaves(f(...args))),
};

/** A tree of {shape, data} as a tree of tensors. */
function unpack(tree: any): any {
  if (Array.isArray(tree)) return tree.map(unpack);
  if (tree.data) return tensor({ data: Float64Array.from(tree.data), shape: tree.shape, dtype: "float64" });
  return Object.fromEntries(Object.entries(tree).map(([k, v]) => [k, unpack(v)]));
}

describe("fixtures from JAX", () => {
  it("cover the transforms and the functions", () => {
    expect(cases.length).toBeGreaterThanOrEqual(90);
    const used = new Set(cases.flatMap((c) => c.transforms.map(([name]) => name)));
    expect([...used].sort()).toEqual(Object.keys(transforms).sort());
    expect([...new Set(cases.map((c) => c.f))].sort()).toEqual(Object.keys(functions).sort());
    expect(cases.filter((c) => c.transforms.length >= 2).length).toBeGreaterThanOrEqual(25);
  });
});

onEachBackend("JAX", () => {
  for (const f of Object.keys(functions)) {
    describe(f, () => {
      for (const { name, transforms: steps, args, outputs } of cases.filter((c) => c.f === f)) {
        it(name, async () => {
          const transformed = steps.reduce((g, [step, options]) => transforms[step](g, options), functions[f]);
          const result = transformed(...args.map(unpack));
          const tensors = treeLeaves(result);
          expect(tensors.map((t) => t.shape)).toEqual(outputs.map((o) => o.shape));
          (await values(result)).forEach((list, i) => {
            assertClose(list, outputs[i].data, 1e-10, `output ${i}`);
          });
        });
      }
    });
  }
});
