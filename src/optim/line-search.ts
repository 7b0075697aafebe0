/** A point on a line: how far along it, the function there and its slope along the line. */
export interface LinePoint {
  readonly rate: number;
  readonly value: number;
  readonly slope: number;
}

export interface LineSearchOptions {
  /** Sufficient decrease: f(a) <= f(0) + decrease a f'(0). Default 1e-4. */
  readonly decrease?: number;
  /** Evaluations before giving up. Default 30. */
  readonly evaluations?: number;
  /** Differences of values below this are rounding. Default 0. */
  readonly noise?: number;
}

export interface WolfeOptions extends LineSearchOptions {
  /** Flatness: |f'(a)| <= curvature |f'(0)|. Default 0.9. */
  readonly curvature?: number;
}

type Line<T extends LinePoint> = (rate: number) => Promise<T>;

/**
 * A point along a line that descends at `start` (rate 0), at which the strong Wolfe conditions hold (Nocedal and Wright,
 * 2006, section 3.5): the bracket [low, high] first grows from `first`, then shrinks by cubic interpolation. Where
 * values differ by no more than `noise`, slopes decide alone, by the approximate Wolfe conditions of Hager and Zhang
 * (2005). A value that is not finite counts as too high.
 *
 * Returns the best point with sufficient decrease when evaluations run out, and `undefined` when there is none.
 */
export async function wolfe<T extends LinePoint>(
  line: Line<T>,
  start: T,
  first: number,
  { decrease = 1e-4, curvature = 0.9, evaluations = 30, noise = 0 }: WolfeOptions = {},
): Promise<T | undefined> {
  let low = start;
  let high: LinePoint | undefined;
  let rate = first;
  for (let i = 0; i < evaluations; i++) {
    const at = await line(rate);
    const flat = Math.abs(at.slope) <= -curvature * start.slope;
    const lower = at.value <= start.value + decrease * rate * start.slope;
    if (flat && lower) return at;
    const level = Math.abs(at.value - start.value) <= noise;
    if (flat && level && at.slope <= (2 * decrease - 1) * start.slope) return at;
    if (!(lower || (level && at.slope < 0)) || (low !== start && at.value > low.value + noise)) {
      high = at;
    } else {
      if (at.slope * ((high?.rate ?? Number.POSITIVE_INFINITY) - low.rate) >= 0) high = low;
      low = at;
    }
    rate = high ? between(low, high) : rate * 4;
  }
  return low === start || low.value > start.value ? undefined : low;
}

/**
 * A point along a line that descends at `start`, with sufficient decrease (Armijo, 1966): rates shrink from `first` by
 * quadratic interpolation. Returns `undefined` when evaluations run out.
 */
export async function armijo<T extends LinePoint>(
  line: Line<T>,
  start: T,
  first: number,
  { decrease = 1e-4, evaluations = 30 }: LineSearchOptions = {},
): Promise<T | undefined> {
  let rate = first;
  for (let i = 0; i < evaluations; i++) {
    const at = await line(rate);
    if (at.value <= start.value + decrease * rate * start.slope) return at;
    const lowest = (-start.slope * rate * rate) / (2 * (at.value - start.value - start.slope * rate));
    rate = Number.isFinite(lowest) ? Math.min(Math.max(lowest, 0.1 * rate), 0.5 * rate) : 0.5 * rate;
  }
  return undefined;
}

/** Where the cubic through both points with their slopes is lowest, kept away from the ends. */
function between(low: LinePoint, high: LinePoint): number {
  const width = high.rate - low.rate;
  const d1 = low.slope + high.slope + (3 * (low.value - high.value)) / width;
  const d2 = Math.sign(width) * Math.sqrt(d1 * d1 - low.slope * high.slope);
  const cubic = high.rate - (width * (high.slope + d2 - d1)) / (high.slope - low.slope + 2 * d2);
  const share = (cubic - low.rate) / width;
  return low.rate + width * (Number.isFinite(share) ? Math.min(Math.max(share, 0.1), 0.9) : 0.5);
}
