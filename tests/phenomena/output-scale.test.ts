import { describe, expect, it } from "vitest";
import {
  add,
  grad,
  jvp,
  matmul,
  mean,
  mul,
  random,
  square,
  sub,
  type Tensor,
  tanh,
  tensor,
  treeMap,
} from "../../src/engine/index.js";
import { linearise, outputScaled, scaledLr } from "../../src/phenomena/index.js";

const f64 = { dtype: "float64" } as const;

/** A small network with two parameters, a curved function of both. */
const net = {
  init(key: random.Key) {
    const [k1, k2] = random.splitList(key, 2);
    return { w1: random.normal(k1, [3, 5], f64), w2: random.normal(k2, [5, 2], f64) };
  },
  apply: (p: { w1: Tensor; w2: Tensor }, x: Tensor) => matmul(tanh(matmul(x, p.w1)), p.w2),
};
const x = random.normal(random.key(1), [4, 3], f64);
const y = random.normal(random.key(2), [4, 2], f64);
const shifted = (p: { w1: Tensor; w2: Tensor }, by: number) =>
  treeMap((w: Tensor) => add(w, mul(random.normal(random.key(w.size), w.shape, f64), by)), p);
const numbers = async (t: Tensor) => Array.from(await t.data(), Number);
const largest = async (t: Tensor) => Math.max(...(await numbers(t)).map(Math.abs));

describe("outputScaled", () => {
  it("is exactly zero at initialisation, however it is centred", async () => {
    const params = net.init(random.key(0));
    const kept = outputScaled(net, 100);
    expect(await largest(kept.apply(kept.init(random.key(0)), x))).toBe(0);
    const given = outputScaled(net, 100, { centre: params });
    expect(await largest(given.apply(params, x))).toBe(0);
  });

  it("is alpha (f(w) - f(w0)), and alpha f(w) without centring", async () => {
    const initial = net.init(random.key(0));
    const current = shifted(initial, 0.3);
    const expected = mul(sub(net.apply(current, x), net.apply(initial, x)), 8);
    const model = outputScaled(net, 8);
    expect(await largest(sub(model.apply({ current, initial }, x), expected))).toBeLessThan(1e-13);
    expect(await largest(sub(outputScaled(net, 8, { centre: initial }).apply(current, x), expected))).toBeLessThan(
      1e-13,
    );
    const plain = outputScaled(net, 8, { centre: false });
    expect(await largest(sub(plain.apply(current, x), mul(net.apply(current, x), 8)))).toBeLessThan(1e-13);
  });

  it("gives the initial parameters no gradient", async () => {
    const model = outputScaled(net, 3);
    const params = model.init(random.key(0));
    const moved = { current: shifted(params.current, 0.1), initial: params.initial };
    const g = grad((p: typeof params) => mean(square(sub(model.apply(p, x), y))))(moved);
    expect(await largest(g.initial.w1)).toBe(0);
    expect(await largest(g.initial.w2)).toBe(0);
    expect(await largest(g.current.w1)).toBeGreaterThan(0.01);
  });

  it("keeps current and initial parameters in tensors of their own, so that one may be donated", () => {
    const params = outputScaled(net, 3).init(random.key(0));
    expect(params.current.w1).not.toBe(params.initial.w1);
  });
});

describe("scaledLr", () => {
  it("divides by alpha squared, for numbers and for tensors", async () => {
    expect(scaledLr(0.5, 10)).toBe(0.005);
    const rates = scaledLr(tensor([1, 8], f64), tensor([1, 2], f64));
    expect(await numbers(rates)).toEqual([1, 2]);
  });

  it("makes the function move at one speed for every alpha at the start", async () => {
    const params = net.init(random.key(0));
    // The derivative of the outputs along one gradient step of rate scaledLr.
    const speed = async (alpha: number) => {
      const model = outputScaled(net, alpha, { centre: params });
      const g = grad((p: typeof params) => mean(square(sub(model.apply(p, x), y))))(params);
      const step = treeMap((t: Tensor) => mul(t, -scaledLr(0.125, alpha)), g);
      return numbers(jvp((p: typeof params) => model.apply(p, x), [params], [step])[1]);
    };
    const [slow, fast] = [await speed(0.125), await speed(64)];
    slow.forEach((v, i) => {
      expect(v).toBeCloseTo(fast[i], 10);
    });
    expect(Math.max(...slow.map(Math.abs))).toBeGreaterThan(1e-3);
  });
});

describe("linearise", () => {
  it("agrees with the model at the origin, and its error is of second order in the move", async () => {
    const origin = net.init(random.key(0));
    const first = linearise(net, origin);
    expect(await largest(sub(first.apply(origin, x), net.apply(origin, x)))).toBe(0);
    const error = (by: number) => {
      const params = shifted(origin, by);
      return largest(sub(first.apply(params, x), net.apply(params, x)));
    };
    const [coarse, fine] = [await error(1e-2), await error(1e-3)];
    expect(coarse).toBeGreaterThan(1e-6);
    expect(coarse / fine).toBeGreaterThan(80);
    expect(coarse / fine).toBeLessThan(125);
  });

  it("is the model itself when that is linear in its parameters", async () => {
    const linear = {
      init: (key: random.Key) => ({ w: random.normal(key, [3, 2], f64) }),
      apply: (p: { w: Tensor }, inputs: Tensor) => matmul(tanh(inputs), p.w),
    };
    const origin = linear.init(random.key(3));
    const far = { w: random.normal(random.key(4), [3, 2], { ...f64, sd: 10 }) };
    const error = sub(linearise(linear, origin).apply(far, x), linear.apply(far, x));
    expect(await largest(error)).toBeLessThan(1e-13);
  });

  it("is linear in the move away from its origin", async () => {
    const origin = net.init(random.key(0));
    const model = outputScaled(linearise(net, origin), 1, { centre: origin });
    const error = sub(mul(model.apply(shifted(origin, 0.5), x), 4), model.apply(shifted(origin, 2), x));
    expect(await largest(error)).toBeLessThan(1e-12);
  });

  it("says so when the trees differ", () => {
    const origin = net.init(random.key(0));
    const wrong = { w1: origin.w1 } as unknown as typeof origin;
    expect(() => linearise(net, origin).apply(wrong, x)).toThrow(/differ in structure/);
  });
});
