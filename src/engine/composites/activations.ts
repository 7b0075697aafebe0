import {
  abs,
  add,
  div,
  erf,
  exp,
  greater,
  log,
  maximum,
  mul,
  neg,
  sigmoid,
  sub,
  tanh,
  where,
} from "../primitives/elementwise.js";
import type { Tensor } from "../tensor.js";
import { composite } from "./composite.js";

const outer = Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

const geluComposite = composite<{ approximate: boolean }>({
  name: "gelu",
  define: ([x], { approximate }) =>
    approximate
      ? mul(mul(x, 0.5), add(tanh(mul(add(x, mul(mul(mul(x, x), x), cubic)), outer)), 1))
      : mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1)),
  serves: ([x]) => x.dtype === "float32",
  emit: (e, [x], { attrs: { approximate } }) => e.node("Gelu", [x], { approximate: approximate ? "tanh" : "none" }),
  // The tanh form is x s(v) with s the sigmoid and v = 2 outer (x + cubic x^3); its derivative is s (1 + x v' (1 - s)).
  // This has half the passes over memory of the definition's own gradient.
  grad(g, { inputs: [x], attrs: { approximate } }) {
    if (!approximate) return [mul(g, geluSlope.apply([x], {}))];
    const squared = mul(x, x);
    const s = sigmoid(mul(x, add(mul(squared, 2 * outer * cubic), 2 * outer)));
    const slope = mul(x, add(mul(squared, 6 * outer * cubic), 2 * outer));
    return [mul(g, mul(s, add(mul(slope, sub(1, s)), 1)))];
  },
  batch: ([x], _batched, attrs) => gelu(x, attrs),
});

const geluSlope = composite<Record<string, never>>({
  name: "geluSlope",
  define([x]) {
    const density = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return add(add(mul(erf(mul(x, Math.SQRT1_2)), 0.5), 0.5), mul(x, density));
  },
  serves: ([x]) => x.dtype === "float32",
  // Eight passes: HardSigmoid maps [-1, 1] to [0, 1] in one, and a quotient by exp(u^2) needs no sign.
  emit(e, [x]) {
    const u = e.node("Mul", [x, e.scalarFloat(Math.SQRT1_2)]);
    const below = e.node("HardSigmoid", [e.node("Erf", [u])], { alpha: 0.5, beta: 0.5 });
    const bell = e.node("Div", [u, e.node("Exp", [e.node("Mul", [u, u])])]);
    return e.node("Add", [below, e.node("Mul", [bell, e.scalarFloat(1 / Math.sqrt(Math.PI))])]);
  },
});

/** x Phi(x), with Phi the normal distribution function; `approximate` uses the usual tanh form. */
export const gelu = (x: Tensor, { approximate = false }: { approximate?: boolean } = {}): Tensor =>
  geluComposite.apply([x], { approximate });
/** x sigmoid(x). */
export const silu = (x: Tensor): Tensor => mul(x, sigmoid(x));

const softplusComposite = composite<Record<string, never>>({
  name: "softplus",
  define: ([x]) => add(maximum(x, 0), log(add(exp(neg(abs(x))), 1))),
  // The definition's own second derivative is wrong at exactly 0, where |x| has a kink.
  grad: (g, { inputs: [x] }) => [mul(g, sigmoid(x))],
  batch: ([x]) => softplus(x),
});

/** log(1 + exp(x)), without overflow. */
export const softplus = (x: Tensor): Tensor => softplusComposite.apply([x], {});
/** x where positive, else `slope` times x. */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => where(greater(x, 0), x, mul(x, slope));
/** x where positive, else alpha (exp(x) - 1). */
export const elu = (x: Tensor, alpha = 1): Tensor =>
  where(greater(x, 0), x, mul(add(exp(where(greater(x, 0), 0, x)), -1), alpha));
/** log(sigmoid(x)), without overflow. */
export const logSigmoid = (x: Tensor): Tensor => neg(softplus(neg(x)));
/** 1 / x. */
export const reciprocal = (x: Tensor): Tensor => div(1, x);
