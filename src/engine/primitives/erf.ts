import type { Tensor } from "../tensor.js";
import { abs, add, div, exp, less, mul, neg, sign, sub, where } from "./elementwise.js";

// Rational Chebyshev approximations of W. J. Cody, "Rational Chebyshev approximations for the error function",
// Mathematics of Computation 23 (1969): relative error below 1e-15 on each of three ranges.
const small = {
  p: [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694],
  q: [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171],
};
const middle = {
  p: [
    2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001,
    881.952221241769, 1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
  ],
  q: [
    1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
    4362.619090143247, 3439.3676741437216, 1230.3393548037495,
  ],
};
const large = {
  p: [
    0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
    0.0006587491615298378,
  ],
  q: [1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918],
};

/** A polynomial in x by Horner's rule; the first coefficient is that of the highest power. */
export const horner = (coefficients: readonly number[], x: Tensor): Tensor =>
  coefficients.slice(1).reduce<Tensor>((sum, c) => add(mul(sum, x), c), add(mul(x, 0), coefficients[0]));

/** The quotient of two polynomials in x. */
export const ratio = ({ p, q }: { p: readonly number[]; q: readonly number[] }, x: Tensor): Tensor =>
  div(horner(p, x), horner(q, x));

/** Where `erfNearZero` serves; elsewhere `scaledTail` does. */
export const isNearZero = (x: Tensor): Tensor => less(abs(x), 0.5);

/** erf(x) for |x| < 1/2. */
export const erfNearZero = (x: Tensor): Tensor => mul(x, ratio(small, mul(x, x)));

/** exp(x^2) erfc(x) for x >= 1/2. */
export function scaledTail(x: Tensor): Tensor {
  const isMiddle = less(x, 4);
  // Each range gets arguments that keep it finite; the others' values are discarded by `where`.
  return where(isMiddle, ratio(middle, where(isMiddle, x, 1)), asymptotic(x));
}

/** exp(x^2) erfc(x) for x >= 4: (1/sqrt(pi) - z P(z)/Q(z)) / x with z = 1/x^2. */
function asymptotic(x: Tensor): Tensor {
  const z = div(1, mul(x, x));
  return div(sub(1 / Math.sqrt(Math.PI), mul(z, ratio(large, z))), x);
}

/** erf from elementary operations, to float64 accuracy. */
export function erfLowered(x: Tensor): Tensor {
  const near = isNearZero(x);
  const far = where(near, 1, abs(x));
  const tail = mul(exp(neg(mul(far, far))), scaledTail(far));
  return where(near, erfNearZero(where(near, x, 0)), mul(sign(x), sub(1, tail)));
}
