import { HebbError } from "../engine/index.js";

/**
 * The nearest point to `v` whose coordinates lie in [0, upper] and sum to `total`: clip(v - mu, 0, upper), with mu found by
 * bisection until the sum is right to 1e-9 of its size.
 *
 * Throws `HebbError` when no such point exists, or a coordinate is not finite.
 */
export function projectCappedSimplex(v: ArrayLike<number>, total: number, upper = 1): Float64Array {
  const point = Float64Array.from(v);
  if (!(total >= 0 && total <= upper * point.length))
    throw new HebbError(
      `projectCappedSimplex: ${point.length} coordinates of at most ${upper} cannot sum to ${total}; it must be from 0 to ${upper * point.length}.`,
    );
  const bad = point.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) throw new HebbError(`projectCappedSimplex: coordinate ${bad} is ${point[bad]}.`);
  const clipped = (mu: number) => point.map((x) => Math.min(Math.max(x - mu, 0), upper));
  const sum = (x: Float64Array) => x.reduce((a, b) => a + b, 0);
  // With mu at the least coordinate minus upper all are at their bound, at the greatest all are 0.
  let low = point.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY) - upper;
  let high = point.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const tolerance = 1e-9 * Math.max(1, total);
  for (;;) {
    const mu = (low + high) / 2;
    const projected = clipped(mu);
    const excess = sum(projected) - total;
    // Rounding may leave no number between the bounds.
    if (Math.abs(excess) <= tolerance || mu === low || mu === high) return projected;
    if (excess > 0) low = mu;
    else high = mu;
  }
}
