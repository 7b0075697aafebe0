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
