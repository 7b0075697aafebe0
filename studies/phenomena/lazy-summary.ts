import { grokLag } from "../../src/phenomena/index.js";

/** "Fit": the first measured step at which the train loss is below this share of its initial value. */
export const fitFraction = 0.02;

/** The measured points of one network, the first at step 0. */
export interface MeasuredCurve {
  readonly steps: readonly number[];
  readonly values: readonly Readonly<Record<string, number>>[];
}

/** The results of one run, from its curve: losses in % of their initial values. What did not happen is left out. */
export function summariseRun({ steps, values }: MeasuredCurve, lagFraction = 0.1): Record<string, number> {
  const first = values[0];
  const last = values[values.length - 1];
  const percent = (point: Readonly<Record<string, number>>, loss: "train" | "test") =>
    (100 * point[loss]) / first[loss];
  const column = (name: string) => values.map((point) => point[name]);
  const { lag, censored } = grokLag(
    { steps, train: column("train"), test: column("test") },
    { trainFrac: lagFraction, testFrac: lagFraction },
  );
  const measures: Record<string, number> = { testEnd: percent(last, "test"), trainEnd: percent(last, "train") };
  if (lag !== undefined) Object.assign(measures, { lag, lagIsBound: censored ? 1 : 0 });
  const at = values.findIndex((point) => point.train < fitFraction * first.train);
  const fit = values[at];
  if (fit) Object.assign(measures, { fitStep: steps[at], testAtFit: percent(fit, "test") });
  for (const [name, [atFit, atEnd]] of Object.entries(renamed)) {
    if (!(name in last)) continue;
    measures[atEnd] = last[name];
    if (fit) measures[atFit] = fit[name];
  }
  for (const name of ["relMove", "kernelMove"]) if (name in last) measures[name] = last[name];
  return measures;
}

const renamed = {
  featureAlignment: ["alignmentAtFit", "alignmentEnd"],
  ntkAlignment: ["ntkAlignmentAtFit", "ntkAlignmentEnd"],
  ntkAlignmentCentred: ["ntkCentredAtFit", "ntkCentredEnd"],
} as const;
