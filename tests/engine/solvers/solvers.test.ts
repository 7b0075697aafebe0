import { describe, expect, it } from "vitest";
import {
  add,
  cos,
  exp,
  fixedPoint,
  grad,
  jit,
  matmul,
  mul,
  neg,
  odeSolve,
  ravel,
  stack,
  sum,
  type Tensor,
  tanh,
  tensor,
  vmap,
} from "../../../src/engine/index.js";
import { assertClose, checkGradients, fill, numbers, onEachBackend } from "../helpers.js";

const scalar = (value: number, dtype: "float64" | "float32" = "float64") =>
  tensor({ data: dtype === "float64" ? Float64Array.of(value) : Float32Array.of(value), shape: [], dtype });
const vector = (values: readonly number[]) =>
  tensor({ data: Float64Array.from(values), shape: [values.length], dtype: "float64" });

onEachBackend("fixedPoint", () => {
  it("finds the Dottie number, and its derivative with respect to a factor", async () => {
    // x = cos(a x): dx/da = -x sin(a x) / (1 + a sin(a x)).
    const solve = (a: Tensor) => fixedPoint((x: Tensor) => cos(mul(a, x)), scalar(0.5));
    const [x, slope] = await jit((a: Tensor) => [solve(a), grad(solve)(a)])(scalar(1));
    assertClose(await numbers(x), [0.7390851332151607], 1e-11, "value");
    const s = Math.sin(0.7390851332151607);
    assertClose(await numbers(slope), [(-0.7390851332151607 * s) / (1 + s)], 1e-10, "slope");
  });
  it("has gradients of first and second order with respect to all that it closes over, and none to the start", async () => {
    const w = fill({ shape: [3, 3], range: [-0.25, 0.25] }, 1);
    const b = fill({ shape: [3] }, 2);
    const start = fill({ shape: [3] }, 3);
    await checkGradients((m, c) => fixedPoint((x: Tensor) => tanh(add(matmul(m, x), c)), start), [w, b], {
      tolerance: 1e-6,
    });
    const toStart = grad((s: Tensor) => sum(fixedPoint((x: Tensor) => tanh(add(matmul(w, x), b)), s)))(start);
    expect(await numbers(toStart)).toEqual([0, 0, 0]);
  });
  it("maps, and takes trees", async () => {
    const f = (a: Tensor) =>
      fixedPoint(({ x, y }: { x: Tensor; y: Tensor }) => ({ x: mul(cos(mul(a, y)), 0.5), y: mul(x, 0.5) }), {
        x: scalar(0.1),
        y: scalar(0.1),
      });
    const total = (a: Tensor) => add(f(a).x, f(a).y);
    const points = vector([0.3, 0.9]);
    const mapped = await numbers(vmap(grad(total))(points));
    const single = [await numbers(grad(total)(scalar(0.3))), await numbers(grad(total)(scalar(0.9)))].flat();
    assertClose(mapped, single, 1e-10, "mapped gradient");
  });
});

describe("fixedPoint", () => {
  it("says what is wrong with the function or the options", () => {
    expect(() => fixedPoint((x: Tensor) => stack([x, x]), scalar(0))).toThrow(
      /fixedPoint: the function turns float64\[1\]/,
    );
    expect(() => fixedPoint((x: Tensor) => x, scalar(0), { maxSteps: 0 })).toThrow(/maxSteps >= 1, got .* and 0/);
  });
});

onEachBackend("odeSolve", () => {
  const times = vector([0, 0.5, 1.25, 2]);
  const decay = (rate: Tensor) => (_t: Tensor, y: Tensor) => neg(mul(y, rate));

  it("follows exponential decay, fixed and adaptive", async () => {
    const exact = [0, 0.5, 1.25, 2].map((t) => 3 * Math.exp(-0.7 * t));
    const rk4 = odeSolve(decay(scalar(0.7)), scalar(3), times, { method: "rk4", steps: 20 });
    assertClose(await numbers(rk4), exact, 1e-7, "rk4");
    const dopri = odeSolve(decay(scalar(0.7)), scalar(3), times, { relativeTolerance: 1e-9, absoluteTolerance: 1e-11 });
    assertClose(await numbers(dopri), exact, 1e-8, "dopri5");
  });
  it("converges with the order of the method", async () => {
    const error = async (steps: number) => {
      const y = odeSolve((t, y: Tensor) => mul(y, cos(t)), scalar(1), vector([0, 2]), { method: "rk4", steps });
      return Math.abs((await numbers(y))[1] - Math.exp(Math.sin(2)));
    };
    const ratio = (await error(8)) / (await error(16));
    expect(ratio).toBeGreaterThan(12);
    expect(ratio).toBeLessThan(20);
  });
  it("keeps the energy of an oscillator, as a tree, forwards and back", async () => {
    const f = (_t: Tensor, { q, p }: { q: Tensor; p: Tensor }) => ({ q: p, p: neg(q) });
    const out = odeSolve(f, { q: scalar(1), p: scalar(0) }, vector([0, 1, 0]), {
      relativeTolerance: 1e-10,
      absoluteTolerance: 1e-12,
    });
    assertClose(await numbers(out.q), [1, Math.cos(1), 1], 1e-8, "position");
    assertClose(await numbers(out.p), [0, -Math.sin(1), 0], 1e-8, "momentum");
  });
  it("has the exact solution's gradients with respect to start, rate and end time", async () => {
    for (const options of [
      { method: "rk4" as const, steps: 30 },
      { relativeTolerance: 1e-10, absoluteTolerance: 1e-12 },
    ]) {
      const end = (y0: Tensor, rate: Tensor, ts: Tensor) => sum(odeSolve(decay(rate), y0, ts, options));
      const gradient = jit(grad(end, { argnums: [0, 1, 2] }) as (...t: Tensor[]) => Tensor[]);
      const [dy, dr, dt] = await gradient(scalar(3), scalar(0.7), vector([0, 2]));
      const e = Math.exp(-1.4);
      assertClose(await numbers(dy), [1 + e], 1e-7, "start");
      assertClose(await numbers(dr), [-6 * e], 1e-6, "rate");
      assertClose((await numbers(dt)).slice(1), [-2.1 * e], 1e-6, "end time");
    }
  });
  it("maps over starts and rates", async () => {
    const rates = vector([0.2, 1.5]);
    const out = vmap((r: Tensor) => odeSolve(decay(r), scalar(1), vector([0, 1])))(rates);
    assertClose(await numbers(out), [1, Math.exp(-0.2), 1, Math.exp(-1.5)], 1e-5, "mapped");
  });
  it("gives NaN, not a wrong number, when the steps do not suffice", async () => {
    const out = await numbers(odeSolve((t, _y: Tensor) => exp(mul(t, 1)), scalar(0), vector([0, 30]), { maxSteps: 3 }));
    expect(out[0]).toBe(0);
    expect(out[1]).toBeNaN();
  });
});

describe("odeSolve", () => {
  it("says what is wrong with its arguments", () => {
    const f = (_t: Tensor, y: Tensor) => y;
    expect(() => odeSolve(f, scalar(1), scalar(1))).toThrow(/times must be a vector of at least two, got \[\]/);
    expect(() => odeSolve(f, scalar(1), vector([0, 1]), { method: "rk4", steps: 0 })).toThrow(
      /steps must be at least 1, got 0/,
    );
    expect(() => odeSolve(f, scalar(1), vector([0, 1]), { method: "euler" as "rk4" })).toThrow(/no method "euler"/);
  });
});

describe("ravel", () => {
  it("goes there and back, and refuses mixed dtypes", async () => {
    const tree = { a: fill({ shape: [2, 2] }, 1), b: [fill({ shape: [] }, 2)] };
    const { vector: flat, unravel } = ravel(tree);
    expect(flat.shape).toEqual([5]);
    const back = unravel(flat);
    expect(await numbers(back.a)).toEqual(await numbers(tree.a));
    expect(await numbers(back.b[0])).toEqual(await numbers(tree.b[0]));
    expect(() => ravel({ a: scalar(1), b: scalar(1, "float32") })).toThrow(
      /"b" has dtype float32, others have float64/,
    );
    expect(() => ravel([])).toThrow(/holds no tensor/);
  });
});
