import type { Tensor } from "../tensor.js";
import { abs, add, div, exp, less, mul, neg, sign, sub, where } from "./elementwise.js";

// Rational Chebyshev approximations of W. J. Cody, "Rational Chebyshev approximations for the error function",
// Mathematics of Computation 23 (1969): relative error below 1e-15 on each of three ranges.
const small = {
  p: [1.85777706184603153e-1, 3.1611237438705656, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3],
  q: [1, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3],
};
const middle = {
  p: [
    2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
    8.8195222124176909e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
  ],
  q: [
    1, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
    3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
  ],
};
const large = {
  p: [
    1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
    1.60837851487422766e-2, 6.58749161529837803e-4,
  ],
  q: [
    1, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3,
  ],
};

const horner = (coefficients: readonly number[], x: Tensor): Tensor =>
  coefficients.slice(1).reduce<Tensor>((sum, c) => add(mul(sum, x), c), add(mul(x, 0), coefficients[0]));

const ratio = ({ p, q }: { p: readonly number[]; q: readonly number[] }, x: Tensor): Tensor =>
  div(horner(p, x), horner(q, x));

/** erf from elementary operations, to float64 accuracy. */
export function erfLowered(x: Tensor): Tensor {
  const magnitude = abs(x);
  // Each range gets arguments that keep it finite; the others' values are discarded by `where`.
  const isSmall = less(magnitude, 0.5);
  const isMiddle = less(magnitude, 4);
  const near = where(isSmall, x, 0);
  const far = where(isSmall, 1, magnitude);
  const inverse = div(1, mul(far, far));
  const tail = mul(
    exp(neg(mul(far, far))),
    where(isMiddle, ratio(middle, where(isMiddle, far, 1)), asymptotic(far, inverse)),
  );
  return where(isSmall, mul(near, ratio(small, mul(near, near))), mul(sign(x), sub(1, tail)));
}

/** exp(x^2) erfc(x) for x >= 4: (1/sqrt(pi) - z P(z)/Q(z)) / x with z = 1/x^2. */
const asymptotic = (x: Tensor, z: Tensor): Tensor => div(sub(1 / Math.sqrt(Math.PI), mul(z, ratio(large, z))), x);
