import { count, duration } from "../../../src/lab/numbers.js";
import type { Cost, Environment } from "../../../src/lab/record.js";

/** What a run took, and on what. */
export interface CostSource {
  readonly label: string;
  readonly cost: Cost;
  readonly seconds: number;
  readonly device: string;
  readonly environment: Environment;
}

export interface CostLine {
  readonly label: string;
  /** Time, examples forward, examples backward, multiply–accumulates; each with how much of the baseline's it is. */
  readonly entries: readonly { readonly text: string; readonly ratio?: string }[];
  readonly where: string;
}

export const costColumns = ["time", "examples forward", "examples backward", "multiply–accumulates"] as const;

/** What each run cost, beside what the baseline did; without a baseline, as it is. */
export function costLines(sources: readonly CostSource[], base?: number): CostLine[] {
  const all = sources.map(amounts);
  return sources.map(({ label, device, environment }, i) => ({
    label,
    entries: all[i].map((amount, column) => ({
      text: column === 0 ? duration(amount) : amount > 0 ? count(amount) : "not counted",
      ...(base !== undefined && base !== i ? ratio(amount, all[base][column]) : {}),
    })),
    where: `${device}, ${environment.processor}`,
  }));
}

const amounts = ({ seconds, cost }: CostSource): number[] => [
  seconds,
  cost.forwardExamples,
  cost.backwardExamples,
  cost.macs,
];

/** To two digits: times on a busy machine support no more. */
function ratio(amount: number, base: number): { ratio?: string } {
  if (!(amount > 0 && base > 0)) return {};
  const value = amount / base;
  if (value < 0.01) return { ratio: "× < 0.01" };
  return { ratio: `× ${value >= 100 ? Math.round(value).toLocaleString("en") : Number(value.toPrecision(2))}` };
}
