import { withInterval } from "./numbers.js";
import { equivalence, type Interval } from "./stats.js";
import type { Condition, Judgement, Verdict } from "./study.js";

const short = (value: number): string => withInterval(value).mean;

const sentence = ({ mean, low, high, n }: Interval, unit: string): string => {
  const text = Number.isFinite(low) && Number.isFinite(high) ? withInterval(mean, low, high) : withInterval(mean);
  return `${text.mean}${text.interval ? ` ${text.interval}` : ""}${unit} over ${n} ${n === 1 ? "seed" : "seeds"}`;
};

const withUnit = (unit?: string) => (unit ? ` ${unit}` : "");

/** What is asked of an interval: a bound on its mean, on its near limit, or on both. */
export interface Bounds {
  /** `above`: mean >= this; `below`: mean <= this. */
  readonly mean?: number;
  /** `above`: lower limit > this; `below`: upper limit < this. */
  readonly limit?: number;
  readonly unit?: string;
}

/** Holds when the mean reaches `mean` and the interval's lower limit lies above `limit` (each where it is given). */
export function above(name: string, estimate: Interval, bounds: Bounds): Condition {
  const holds =
    estimate.mean >= (bounds.mean ?? -Infinity) && (bounds.limit === undefined || estimate.low > bounds.limit);
  return bounded(name, estimate, bounds, holds, ["at least", "above"]);
}

/** Holds when the mean is at most `mean` and the interval's upper limit lies below `limit` (each where it is given). */
export function below(name: string, estimate: Interval, bounds: Bounds): Condition {
  const holds =
    estimate.mean <= (bounds.mean ?? Infinity) && (bounds.limit === undefined || estimate.high < bounds.limit);
  return bounded(name, estimate, bounds, holds, ["at most", "below"]);
}

function bounded(
  name: string,
  estimate: Interval,
  { mean, limit, unit }: Bounds,
  holds: boolean,
  [reach, clear]: [string, string],
): Condition {
  const asked = [
    ...(mean === undefined ? [] : [`mean ${reach} ${short(mean)}`]),
    ...(limit === undefined ? [] : [`interval ${clear} ${short(limit)}`]),
  ];
  const detail = `${sentence(estimate, withUnit(unit))} (asked: ${asked.join(", ")}).`;
  return { name, holds, detail, estimate: estimate.mean, ...limits(estimate) };
}

/** Holds when the interval lies wholly inside the margin: a claim of equality. */
export function within(
  name: string,
  estimate: Interval,
  margin: number | readonly [number, number],
  unit?: string,
): Condition {
  const [low, high] = typeof margin === "number" ? [-margin, margin] : margin;
  const detail = `${sentence(estimate, withUnit(unit))} (asked: interval inside ${short(low)} to ${short(high)}).`;
  return { name, holds: equivalence(estimate, margin), detail, estimate: estimate.mean, ...limits(estimate) };
}

/** Holds when a single number reaches a threshold. */
export const atLeast = (name: string, value: number, threshold: number, unit?: string): Condition => ({
  name,
  holds: value >= threshold,
  detail: `${short(value)}${withUnit(unit)} (asked: at least ${short(threshold)}).`,
  estimate: value,
});

/** Holds when a single number stays at or under a threshold. */
export const atMost = (name: string, value: number, threshold: number, unit?: string): Condition => ({
  name,
  holds: value <= threshold,
  detail: `${short(value)}${withUnit(unit)} (asked: at most ${short(threshold)}).`,
  estimate: value,
});

/** One condition out of several that must all hold; its estimate is that of the first, which its name should fit. */
export const allOf = (name: string, parts: readonly Condition[]): Condition => ({
  name,
  holds: parts.every((part) => part.holds),
  detail: parts.map((part) => `${part.name}: ${part.detail}`).join(" "),
  ...(parts[0]?.interval ? { estimate: parts[0].estimate, interval: parts[0].interval } : {}),
});

// An interval over a single seed has no limits, and JSON has no infinity.
const limits = ({ low, high }: Interval): Pick<Condition, "interval"> =>
  Number.isFinite(low) && Number.isFinite(high) ? { interval: [low, high] } : {};

/** The parts of the usual criterion; a study with another logic writes its own `Judgement`. */
export interface Criterion {
  /** Controls or preconditions, evaluated first. */
  readonly gate?: Condition;
  /** The word for a failed gate: `not at this scale` for a missing precondition, `invalid` for a broken control. */
  readonly gateVerdict?: Extract<Verdict, "not at this scale" | "invalid">;
  readonly primary: Condition;
  readonly rest?: readonly Condition[];
  /** The effect is there with the opposite sign, its interval clear of zero. */
  readonly contradicted?: Condition;
  readonly side?: readonly Condition[];
}

/**
 * The usual order: a failed gate decides alone; then `contradicted`; all conditions give `replicated`, the primary alone
 * `partly`, and anything else is `not at this scale`.
 */
export function decide({
  gate,
  gateVerdict = "not at this scale",
  primary,
  rest = [],
  ...other
}: Criterion): Judgement {
  const conditions = [...(gate ? [gate] : []), primary, ...rest];
  const side = other.side ? { side: other.side } : {};
  const say = (verdict: Verdict, reason: string): Judgement => ({ verdict, reason, conditions, ...side });
  if (gate && !gate.holds) return say(gateVerdict, `The gate failed. ${gate.name}: ${gate.detail}`);
  if (other.contradicted?.holds) {
    return {
      ...say("contradicted", `${other.contradicted.name}: ${other.contradicted.detail}`),
      conditions: [...conditions, other.contradicted],
    };
  }
  if (!primary.holds)
    return say("not at this scale", `The primary condition does not hold. ${primary.name}: ${primary.detail}`);
  const failed = rest.filter((condition) => !condition.holds);
  if (failed.length === 0) return say("replicated", `All conditions hold. ${primary.name}: ${primary.detail}`);
  const list = failed.map((condition) => `${condition.name}: ${condition.detail}`).join(" ");
  return say("partly", `The primary condition holds; not so ${list}`);
}
