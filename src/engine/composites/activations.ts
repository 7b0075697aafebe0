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
  tanh,
  where,
} from "../primitives/elementwise.js";
import type { Tensor } from "../tensor.js";
import { composite } from "./composite.js";

const geluComposite = composite<{ approximate: boolean }>({
  name: "gelu",
  define: ([x], { approximate }) =>
    approximate
      ? mul(mul(x, 0.5), add(tanh(mul(add(x, mul(mul(mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI))), 1))
      : mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1)),
  serves: ([x]) => x.dtype === "float32",
  emit: (e, [x], { attrs: { approximate } }) => e.node("Gelu", [x], { approximate: approximate ? "tanh" : "none" }),
  batch: ([x], _batched, attrs) => gelu(x, attrs),
});

/** x Phi(x), with Phi the normal distribution function; `approximate` uses the usual tanh form. */
export const gelu = (x: Tensor, { approximate = false }: { approximate?: boolean } = {}): Tensor =>
  geluComposite.apply([x], { approximate });
/** x sigmoid(x). */
export const silu = (x: Tensor): Tensor => mul(x, sigmoid(x));
/** log(1 + exp(x)), without overflow. */
export const softplus = (x: Tensor): Tensor => add(maximum(x, 0), log(add(exp(neg(abs(x))), 1)));
/** x where positive, else `slope` times x. */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => where(greater(x, 0), x, mul(x, slope));
/** x where positive, else alpha (exp(x) - 1). */
export const elu = (x: Tensor, alpha = 1): Tensor =>
  where(greater(x, 0), x, mul(add(exp(where(greater(x, 0), 0, x)), -1), alpha));
/** log(sigmoid(x)), without overflow. */
export const logSigmoid = (x: Tensor): Tensor => neg(softplus(neg(x)));
/** 1 / x. */
export const reciprocal = (x: Tensor): Tensor => div(1, x);
