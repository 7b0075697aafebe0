import { afterAll, beforeAll, describe } from "vitest";
import {
  type DType,
  flattenTree,
  grad,
  hostRandom,
  jit,
  mul,
  type NDArray,
  realise,
  setBackend,
  sum,
  Tensor,
  tensor,
  vmap,
} from "../../src/engine/index.js";

export const backends = ["node", "wasm"] as const;
export type BackendName = (typeof backends)[number];

/** Runs a group of tests once on each backend. */
export function onEachBackend(title: string, body: (backend: BackendName) => void): void {
  for (const backend of backends) {
    describe(`${title} (${backend})`, () => {
      beforeAll(() => setBackend(backend, { threads: 1 }));
      afterAll(() => setBackend("node", { threads: 1 }));
      body(backend);
    });
  }
}

/** How to fill an input. */
export interface Fill {
  readonly shape: readonly number[];
  readonly dtype?: DType;
  /** Given values, in row-major order. */
  readonly values?: readonly number[];
  /** Uniform between these; default -2 to 2. */
  readonly range?: readonly [number, number];
  /** Values at least 0.05 apart and away from integers and from zero, for functions with kinks or jumps. */
  readonly distinct?: boolean;
  /** Shifts a grid of distinct values so that two inputs share none. */
  readonly offset?: number;
}

export function fill(
  { shape, dtype = "float64", values, range = [-2, 2], distinct, offset = 0 }: Fill,
  seed: number,
): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  const random = hostRandom(seed);
  let list: number[];
  if (values) list = [...values];
  else if (distinct) {
    // An odd multiple of 0.053 is never within 0.005 of an integer for the sizes that tests use.
    const order = random.permutation(n);
    list = Array.from(order, (k) => (k - Math.floor(n / 2)) * 0.106 + 0.053 + offset);
  } else list = Array.from({ length: n }, () => range[0] + (range[1] - range[0]) * random.uniform());
  const data = tensorData(list, dtype);
  return tensor({ data, shape: [...shape], dtype });
}

export function tensorData(values: readonly number[], dtype: DType): NDArray["data"] {
  switch (dtype) {
    case "float64":
      return Float64Array.from(values);
    case "float32":
      return Float32Array.from(values);
    case "int32":
      return Int32Array.from(values);
    case "int64":
      return BigInt64Array.from(values, BigInt);
    case "uint32":
      return Uint32Array.from(values);
    case "uint64":
      return BigUint64Array.from(values, BigInt);
    case "uint8":
    case "bool":
      return Uint8Array.from(values);
    default:
      throw new Error(`tests make no ${dtype} arrays from numbers`);
  }
}

/** The values of a tree of tensors, computed together. */
export async function values(tree: unknown): Promise<number[][]> {
  const leaves = flattenTree(tree).leaves.filter((l): l is Tensor => l instanceof Tensor);
  return (await realise(leaves)).map((a) => Array.from(a.data as Float64Array, Number));
}

export async function numbers(t: Tensor): Promise<number[]> {
  return (await values(t))[0];
}

/** The largest difference, relative to the size of the expected values where that is above one. */
export function distance(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let scale = 1;
  for (const x of expected) if (Number.isFinite(x)) scale = Math.max(scale, Math.abs(x));
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i], expected[i]) || actual[i] === expected[i]) continue;
    const d = Math.abs(actual[i] - expected[i]) / scale;
    worst = Math.max(worst, Number.isNaN(d) ? Number.POSITIVE_INFINITY : d);
  }
  return worst;
}

export function assertClose(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: number,
  what: string,
): void {
  const d = distance(actual, expected);
  if (!(d <= tolerance)) {
    const show = (list: readonly number[]) => `[${list.slice(0, 12).join(", ")}${list.length > 12 ? ", …" : ""}]`;
    throw new Error(
      `${what}: off by ${d} (tolerance ${tolerance})\n  got      ${show(actual)}\n  expected ${show(expected)}`,
    );
  }
}

const isDifferentiable = (t: Tensor): boolean => t.dtype.startsWith("float");

export interface GradientCheck {
  /** 2 also checks the gradient of the gradient. Default 2. */
  readonly order?: 1 | 2;
  readonly tolerance?: number;
}

/**
 * Compares gradients in float64 with fourth-order central differences. With a random weighting u of the output, the
 * first order is that of L(x) = <u, f(x)>; the second is that of G(x, u) = <v, dL/dx>, with respect to x and u.
 */
export async function checkGradients(
  f: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  { order = 2, tolerance = 1e-7 }: GradientCheck = {},
): Promise<void> {
  const which = inputs.flatMap((t, i) => (isDifferentiable(t) ? [i] : []));
  const u = fill({ shape: f(...inputs).shape, range: [0.5, 1.5] }, 901);
  const v = which.map((i, k) => fill({ shape: inputs[i].shape, range: [0.5, 1.5] }, 902 + k));
  const split = (all: Tensor[]) => [all.slice(0, -1), all[all.length - 1]] as const;
  const first = (...all: Tensor[]) => {
    const [x, weights] = split(all);
    return sum(mul(f(...x), weights));
  };
  const second = (...all: Tensor[]) =>
    (grad(first, { argnums: which })(...all) as Tensor[]).map((g, k) => sum(mul(g, v[k]))).reduce((a, b) => a.add(b));
  const point = [...inputs, u];
  const both = [...which, inputs.length];
  const measured = jit((...all: Tensor[]) =>
    order === 2
      ? {
          L: first(...all),
          G: second(...all),
          dL: grad(first, { argnums: which })(...all) as Tensor[],
          dG: grad(second, { argnums: both })(...all) as Tensor[],
        }
      : { L: first(...all), dL: grad(first, { argnums: which })(...all) as Tensor[] },
  ) as unknown as (...all: (Tensor | NDArray)[]) => Promise<{ L: Tensor; G?: Tensor; dL: Tensor[]; dG?: Tensor[] }>;

  const at = await measured(...point);
  const shapes = which.map((i) => inputs[i].shape.join());
  at.dL.forEach((g, k) => {
    if (g.shape.join() !== shapes[k])
      throw new Error(`gradient of input ${which[k]} has shape [${g.shape}], not [${shapes[k]}]`);
  });
  const host = await Promise.all(point.map((t) => t.array()));
  const scalars = jit((...all: Tensor[]) => (order === 2 ? [first(...all), second(...all)] : [first(...all)]));
  /** L and G with input i moved by `delta` along a direction. */
  const evaluate = async (i: number, direction: readonly number[], delta: number): Promise<number[]> => {
    const data = Float64Array.from(host[i].data as Float64Array, (v, e) => v + delta * direction[e]);
    const moved: (Tensor | NDArray)[] = [...point];
    moved[i] = { ...host[i], data };
    return (await values(await scalars(...(moved as Tensor[])))).flat();
  };
  const h = 2e-3;
  const difference = async (i: number, direction: readonly number[]): Promise<number[]> => {
    const [a, b, c, d] = [
      await evaluate(i, direction, h),
      await evaluate(i, direction, -h),
      await evaluate(i, direction, 2 * h),
      await evaluate(i, direction, -2 * h),
    ];
    return a.map((_, k) => (8 * (a[k] - b[k]) - (c[k] - d[k])) / (12 * h));
  };
  for (const i of both) {
    const k = which.indexOf(i);
    const gradients = [k >= 0 ? await numbers(at.dL[k]) : undefined, at.dG && (await numbers(at.dG[both.indexOf(i)]))];
    for (const direction of directions(host[i].data.length, i)) {
      const expected = await difference(i, direction);
      const along = (g: readonly number[]) => g.reduce((s, v, e) => s + v * direction[e], 0);
      const what = `of input ${k >= 0 ? i : "cotangent"} along [${direction.map((v) => v.toFixed(1))}]`;
      if (gradients[0]) assertClose([along(gradients[0])], [expected[0]], tolerance, `gradient ${what}`);
      if (gradients[1]) assertClose([along(gradients[1])], [expected[1]], tolerance, `second-order gradient ${what}`);
    }
  }
}

/** Every axis of a small space; of a larger one, some of them and a direction that moves all. */
function directions(n: number, seed: number): number[][] {
  const axis = (at: number) => Array.from({ length: n }, (_, e) => Number(e === at));
  if (n <= 8) return Array.from({ length: n }, (_, at) => axis(at));
  const random = hostRandom(seed);
  const some = Array.from(random.permutation(n).subarray(0, 5), axis);
  return [
    ...some,
    ...[0, 1].map(() => Array.from({ length: n }, () => (random.integer(2) + 0.5) * (random.integer(2) - 0.5))),
  ];
}

const stackExamples = (examples: readonly NDArray[]): NDArray => {
  const [first] = examples;
  const Data = first.data.constructor as { new (n: number): any };
  const data = new Data(first.data.length * examples.length);
  examples.forEach((x, i) => {
    data.set(x.data, i * first.data.length);
  });
  return { data, shape: [examples.length, ...first.shape], dtype: first.dtype };
};

export interface BatchCheck {
  readonly size?: number;
  readonly tolerance?: number;
  /** Also maps the gradient. Default: when some input is a float and the output is one. */
  readonly gradients?: boolean;
}

/** Compares `vmap` with a loop, for every choice of batched and shared inputs; `examples[i][e]` is input i of example e. */
export async function checkBatching(
  f: (...inputs: Tensor[]) => Tensor,
  examples: readonly (readonly Tensor[])[],
  { size = examples[0]?.length ?? 0, tolerance = 1e-12, gradients }: BatchCheck = {},
): Promise<void> {
  const one = examples.map((e) => e[0]);
  const which = one.flatMap((t, i) => (isDifferentiable(t) ? [i] : []));
  const differentiable = gradients ?? (which.length > 0 && f(...one).dtype.startsWith("float"));
  const u = fill({ shape: f(...one).shape, dtype: f(...one).dtype, range: [0.5, 1.5] }, 77);
  const whole = (...x: Tensor[]): Tensor[] =>
    differentiable
      ? [f(...x), ...(grad((...y: Tensor[]) => sum(mul(f(...y), u)), { argnums: which })(...x) as Tensor[])]
      : [f(...x)];
  const single = jit((...x: Tensor[]) => whole(...x)) as unknown as (...x: Tensor[]) => Promise<Tensor[]>;
  const hosts = await Promise.all(examples.map((list) => Promise.all(list.map((t) => t.array()))));
  for (let mask = 1; mask < 2 ** examples.length; mask++) {
    const batched = examples.map((_, i) => ((mask >> i) & 1) === 1);
    const args = examples.map((_, i) => (batched[i] ? tensor(stackExamples(hosts[i].slice(0, size))) : one[i]));
    const many = vmap(whole, { inAxes: batched.map((b) => (b ? 0 : null)) })(...args);
    const actual = await values(many);
    const loop: number[][][] = [];
    for (let e = 0; e < size; e++)
      loop.push(await values(await single(...examples.map((list, i) => (batched[i] ? list[e] : one[i])))));
    actual.forEach((list, r) => {
      assertClose(
        list,
        loop.flatMap((x) => x[r]),
        tolerance,
        `vmap over inputs [${batched.flatMap((b, i) => (b ? [i] : []))}], ${r === 0 ? "value" : `gradient of input ${which[r - 1]}`}`,
      );
    });
    if (size === 0) throw new Error("a batch needs examples");
  }
}

/** vmap of vmap: every pair of axes over the first input, and an outer product when there are two inputs. */
export async function checkNestedBatching(
  f: (...inputs: Tensor[]) => Tensor,
  examples: readonly (readonly Tensor[])[],
): Promise<void> {
  const hosts = await Promise.all(examples.map((list) => Promise.all(list.map((t) => t.array()))));
  const [n, m] = [2, 3];
  const grid = examples.map((_, i) =>
    Array.from({ length: n }, (_, a) => Array.from({ length: m }, (_, b) => hosts[i][(a * m + b) % hosts[i].length])),
  );
  // Input 0 has both axes; input 1 only the outer, input 2 only the inner.
  const axes = examples.map((_, i) => [i !== 2, i !== 1]);
  const args = examples.map((_, i) => {
    const rows = grid[i].map((row) => (axes[i][1] ? stackExamples(row) : row[0]));
    return tensor(axes[i][0] ? stackExamples(rows) : rows[0]);
  });
  const inner = vmap(f, { inAxes: axes.map((a) => (a[1] ? 0 : null)) });
  const many = await numbers(vmap(inner, { inAxes: axes.map((a) => (a[0] ? 0 : null)) })(...args));
  const single = jit((...x: Tensor[]) => f(...x)) as unknown as (...x: NDArray[]) => Promise<Tensor>;
  const expected: number[] = [];
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < m; b++) {
      const x = examples.map((_, i) => grid[i][axes[i][0] ? a : 0][axes[i][1] ? b : 0]);
      expected.push(...(await numbers(await single(...x))));
    }
  }
  assertClose(many, expected, 1e-12, "vmap of vmap");
}
