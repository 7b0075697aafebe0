import { sameDType } from "../core.js";
import { isFloat } from "../dtype.js";
import { HebbError, ShapeError } from "../errors.js";
import { alignForBatch } from "../primitives/batching.js";
import { add, div, exp, log, mul, sqrt, sub } from "../primitives/elementwise.js";
import { horner } from "../primitives/erf.js";
import { sumTo } from "../primitives/reduce.js";
import { broadcastShapes } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { type Composite, composite } from "./composite.js";
import { log1p } from "./elementary.js";

// The modified Bessel function enters through F_v(w) = w^(-v/2) I_v(2 sqrt w), which is smooth at w = 0 and has
// F_v' = F_(v+1). Its quotients R_v = F_(v+1) / F_v obey R_(v-1) = 1 / (v + w R_v), all positive, so that small orders
// follow from large ones, for which Debye's expansion is exact to float64 at every w (NIST DLMF 10.29, 10.41).

/** From this order on, nine terms of Debye's expansion suffice. */
const large = 22;
const terms = 9;

type Order = { order: number };
type Applied<A extends Record<string, any>> = Composite<A> & { apply(inputs: readonly Tensor[], attrs: A): Tensor };

/** Debye's polynomials U_0 ... U_terms, by powers of p: U' = p^2 (1 - p^2) U'(p) / 2 + (integral of (1 - 5 t^2) U(t)) / 8. */
const debye: readonly (readonly number[])[] = (() => {
  const all: number[][] = [[1]];
  for (let k = 0; k < terms; k++) {
    const next = new Array(3 * (k + 1) + 1).fill(0);
    all[k].forEach((c, n) => {
      next[n + 1] += (n * c) / 2 + c / (8 * (n + 1));
      next[n + 3] -= (n * c) / 2 + (5 * c) / (8 * (n + 3));
    });
    all.push(next);
  }
  return all;
})();

/** The sum of U_k(p) / v^k. */
function debyeSeries(order: number, p: Tensor): Tensor {
  const sum = new Array(3 * terms + 1).fill(0);
  debye.forEach((u, k) => {
    u.forEach((c, n) => {
      sum[n] += c / order ** k;
    });
  });
  return horner(sum.reverse(), p);
}

/** What Debye's expansion of order v is made of: s = sqrt(v^2 + 4 w) and the sum of U_k(v / s) / v^k. */
function expansion(order: number, w: Tensor): { s: Tensor; series: Tensor } {
  const s = sqrt(add(mul(w, 4), order * order));
  return { s, series: debyeSeries(order, div(order, s)) };
}

const startOf = (order: number): number => order + Math.max(0, Math.ceil(large - order));

/** The quotients R at orders start, start - 1, ..., order. */
function quotients(order: number, w: Tensor): Tensor[] {
  const top = startOf(order);
  const [low, high] = [expansion(top, w), expansion(top + 1, w)];
  const rise = div(2 * top + 1, add(low.s, high.s));
  const exponent = sub(
    sub(rise, mul(log1p(div(add(rise, 1), add(low.s, top))), top)),
    mul(log1p(div(rise, low.s)), 0.5),
  );
  const first = mul(div(2, add(high.s, top + 1)), mul(exp(exponent), div(high.series, low.series)));
  const all = [first];
  for (let v = top; v > order; v--) all.push(div(1, add(mul(w, all[all.length - 1]), v)));
  return all;
}

/** R_v(w) = F_(v+1)(w) / F_v(w); its derivative is R_v (R_(v+1) - R_v). */
const quotientComposite: Applied<Order> = composite<Order>({
  name: "besselQuotient",
  infer: ([w]) => w,
  define([w], { order }) {
    const all = quotients(order, w);
    return all[all.length - 1];
  },
  grad: (g, { inputs: [w], output: r, attrs: { order } }) => [mul(g, mul(r, sub(quotient(order + 1, w), r)))],
  batch: ([w], _batched, { order }) => quotient(order, w),
});
const quotient = (order: number, w: Tensor): Tensor => quotientComposite.apply([w], { order });

/** log F_v(w) - 2 sqrt(w). */
function logScaled(order: number, w: Tensor): Tensor {
  const top = startOf(order);
  const { s, series } = expansion(top, w);
  const beyond = div(top * top, add(s, mul(sqrt(w), 2)));
  const angle = mul(sub(log(add(s, top)), Math.LN2), top);
  let out = sub(add(sub(beyond, angle), log(series)), mul(log(mul(s, 2 * Math.PI)), 0.5));
  // F_(v-1) = F_v / R_(v-1).
  for (const r of quotients(order, w).slice(1)) out = sub(out, log(r));
  return out;
}

const densityComposite: Applied<Order> = composite<Order>({
  name: "logNoncentralChiSquare",
  infer(inputs) {
    const dtype = sameDType("logNoncentralChiSquare", inputs);
    if (!isFloat(dtype) || dtype === "float16") {
      throw new ShapeError("logNoncentralChiSquare", `not defined for dtype ${dtype}; convert with cast()`);
    }
    return { shape: broadcastShapes("logNoncentralChiSquare", ...inputs.map((i) => i.shape)), dtype };
  },
  define([x, nc], { order }) {
    const gap = sub(sqrt(x), sqrt(nc));
    const power = order === 0 ? 0 : mul(log(mul(x, 0.5)), order);
    const bell = add(mul(mul(gap, gap), -0.5), -Math.LN2);
    return add(add(bell, power), logScaled(order, mul(mul(x, nc), 0.25)));
  },
  // Without the square roots, which have no derivative at 0: d/dw log F_v = R_v.
  grad(g, { inputs: [x, nc], attrs: { order }, needs }) {
    const r = mul(quotient(order, mul(mul(x, nc), 0.25)), 0.25);
    return [
      needs[0] ? sumTo(mul(g, add(add(mul(nc, r), -0.5), div(order, x))), x.shape) : undefined,
      needs[1] ? sumTo(mul(g, add(mul(x, r), -0.5)), nc.shape) : undefined,
    ];
  },
  batch: (inputs, batched, attrs) => densityComposite.apply(alignForBatch(inputs, batched), attrs),
});

/**
 * The logarithm of the density at x > 0 of the noncentral chi-square distribution with `df` > 0 degrees of freedom and
 * noncentrality `nc` >= 0 (0: the chi-square distribution), the sum of df squared normal numbers of variance 1 whose
 * means have nc as their sum of squares:
 *
 *     -log 2 - (x + nc) / 2 + (df/4 - 1/2) log(x / nc) + log I_(df/2 - 1)(sqrt(x nc)).
 *
 * Stable for large x and nc, and differentiable in both. Throws `HebbError` unless df is a positive number.
 */
export function logNoncentralChiSquare(x: Tensor, df: number, nc: Tensor): Tensor {
  if (!(df > 0 && Number.isFinite(df))) {
    throw new HebbError(`logNoncentralChiSquare: the degrees of freedom must be a positive number, got ${df}.`);
  }
  return densityComposite.apply([x, nc], { order: df / 2 - 1 });
}
