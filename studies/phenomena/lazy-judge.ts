import { bySeed, mean, pairedBootstrap, spearman } from "../../src/lab/stats.js";
import type { Condition, Judgement, Row } from "../../src/lab/study.js";
import { above, allOf, atLeast, atMost } from "../../src/lab/verdict.js";

/** The criterion's numbers, fixed before anything ran. */
const leastCorrelation = 0.9;
const lateAlphas = [3, 10];
const leastFall = 50;
const mostLinearisedFall = 25;
const leastRatio = 2;
const leastRise = 0.05;
/** With enough data, and with too little. */
const mostLag = 1.5;
const leastEnd = 50;
const sizesAlpha = 10;
/** Above this the largest alpha counts as not trained long enough. */
const longEnough = 50;

const short = (value: number): string => String(Number(value.toPrecision(3))).replace("-", "−");

interface Cell {
  readonly eps: number;
  readonly alpha: number;
  readonly P: number;
}

/** The verdict on rows of the study: a pure function. The criterion is the same at every scale. */
export function judgeLazy(rows: readonly Row[]): Judgement {
  // The sweep is what was linearised; the sizes beside it are too little and enough.
  const [sweepP] = settings(rows, "linearised", "P");
  const epsilons = settings(rows, "network", "eps");
  const alphas = settings(rows, "network", "alpha");
  const late = epsilons.flatMap((eps) => lateAlphas.map((alpha) => ({ eps, alpha, P: sweepP })));
  const side = transfer(rows);
  const gate = fits(rows, epsilons, alphas, sweepP);
  if (!gate.holds) {
    const reason = `What the criterion is about did not occur. ${gate.name}: ${gate.detail}`;
    return { verdict: "not at this scale", reason, conditions: [gate], side };
  }

  const correlations = epsilons.map((eps) => correlation(rows, eps, alphas, sweepP));
  const ratios = late.map((cell) => logRatios(rows, cell));
  const conditions = [
    allOf(
      "(1) the lag grows with alpha",
      // The weaker first: its estimate stands for both.
      correlations.map((c) => c.condition).toSorted((a, b) => a.estimate! - b.estimate!),
    ),
    allOf(
      "(2) the test loss falls late, not so that of the linearised network",
      late.flatMap((c) => lateFall(rows, c)),
    ),
    allOf(
      "(3) features align with the task after the fit",
      late.map((cell) => rise(rows, cell)),
    ),
    allOf(
      "(4) an intermediate amount of data",
      epsilons.flatMap((eps) => sizes(rows, eps)),
    ),
  ];
  const say = (verdict: Judgement["verdict"], reason: string): Judgement => {
    return { verdict, reason, conditions: [gate, ...conditions], side };
  };

  const reversed =
    ratios.every((values) => pairedBootstrap(values).high < 0) ||
    correlations.every(({ perSeed }) => pairedBootstrap(perSeed).high < 0);
  if (reversed)
    return say("contradicted", "The networks fit, but the effect has the opposite sign, its interval off 0.");
  const failed = conditions.filter(({ holds }) => !holds);
  if (failed.length === 0) return say("replicated", "All four conditions hold.");
  const list = failed.map(({ name }) => name).join("; ");
  if (failed.length === 1) return say("partly", `Three of four conditions hold. Not so: ${list}.`);
  return say("not at this scale", `The networks fit, but ${failed.length} of four conditions fail: ${list}.`);
}

/** The distinct values of a setting of an arm, ascending. */
const settings = (rows: readonly Row[], arm: string, name: string): number[] =>
  [...new Set(rows.filter((row) => row.arm === arm).map((row) => Number(row.setting?.[name])))].sort((a, b) => a - b);

const seedsOf = (rows: readonly Row[]): number[] =>
  [...new Set(rows.filter((row) => row.arm === "network").map((row) => row.seed))].sort((a, b) => a - b);

/** A measure of every seed, or undefined where a seed lacks it. */
function values(rows: readonly Row[], arm: string, { eps, alpha, P }: Cell, measure: string): number[] | undefined {
  const setting = { eps, alpha, P };
  const own = rows.filter((row) => row.arm === arm && measure in row.measures);
  if (!own.some((row) => Object.entries(setting).every(([name, value]) => row.setting?.[name] === value)))
    return undefined;
  const found = bySeed(rows, { arm, setting }, measure);
  const all = seedsOf(rows);
  return all.every((seed) => found.has(seed)) ? all.map((seed) => found.get(seed)!) : undefined;
}

/** Like `values`, for what the gate has made sure of. */
const known = (rows: readonly Row[], arm: string, cell: Cell, measure: string): number[] =>
  values(rows, arm, cell, measure)!;

const where = ({ eps, alpha }: Cell) => `eps ${eps}, alpha ${alpha}`;

/** The precondition: whatever the conditions ask about has happened in every seed. */
function fits(rows: readonly Row[], epsilons: readonly number[], alphas: readonly number[], sweepP: number): Condition {
  const { few, many } = extremes(rows);
  const missing: string[] = [];
  const need = (arm: string, cell: Cell, measure: string, what: string) => {
    if (!values(rows, arm, cell, measure)) missing.push(`${arm} at ${where(cell)}, P ${cell.P} ${what}`);
  };
  for (const eps of epsilons) {
    for (const alpha of alphas)
      need("network", { eps, alpha, P: sweepP }, "lag", "never got to 10 % of its train loss");
    for (const alpha of lateAlphas) {
      for (const arm of ["network", "linearised"]) need(arm, { eps, alpha, P: sweepP }, "testAtFit", "never fitted");
    }
    need("network", { eps, alpha: sizesAlpha, P: many }, "lag", "never got to 10 % of its train loss");
    need("network", { eps, alpha: sizesAlpha, P: few }, "testEnd", "was not run");
  }
  if (epsilons.length === 0) missing.push("no student network was run");
  const detail =
    missing.length === 0
      ? "in every seed, network and linearised network got below 2 % of their initial train loss."
      : `in some seed, ${missing.join("; ")}.`;
  return { name: "networks fit", holds: missing.length === 0, detail };
}

/** (1) Spearman's correlation of alpha and lag, per seed. */
function correlation(rows: readonly Row[], eps: number, alphas: readonly number[], P: number) {
  const cells = alphas.map((alpha) => ({ eps, alpha, P }));
  const lags = cells.map((cell) => known(rows, "network", cell, "lag"));
  const bounds = cells.map((cell) => known(rows, "network", cell, "lagIsBound").filter((v) => v === 1).length);
  const perSeed = seedsOf(rows).map((_, i) =>
    spearman(
      alphas,
      lags.map((perAlpha) => perAlpha[i]),
    ),
  );
  const base = above(`eps ${eps}, Spearman`, pairedBootstrap(perSeed), { mean: leastCorrelation });
  const table = alphas.map((alpha, i) => {
    const bound = bounds[i] > 0 ? ` (a lower bound in ${bounds[i]})` : "";
    return `${alpha}: ${short(geometricMean(lags[i]))}${bound}`;
  });
  const largest = cells[cells.length - 1];
  const end = mean(known(rows, "network", largest, "testEnd"));
  const judged =
    end > longEnough
      ? `has not trained long enough (test loss still at ${short(end)} %): its lag shows no grokking`
      : `ends at a test loss of ${short(end)} %`;
  const detail = `${base.detail} Lag by alpha: ${table.join(", ")}. Alpha ${largest.alpha} ${judged}.`;
  return { condition: { ...base, detail }, perSeed };
}

const geometricMean = (list: readonly number[]): number => Math.exp(mean(list.map(Math.log)));

const falls = (rows: readonly Row[], arm: string, cell: Cell): number[] => {
  const end = known(rows, arm, cell, "testEnd");
  return known(rows, arm, cell, "testAtFit").map((atFit, i) => 100 * (1 - end[i] / atFit));
};

const logRatios = (rows: readonly Row[], cell: Cell): number[] => {
  const network = known(rows, "network", cell, "testEnd");
  return known(rows, "linearised", cell, "testEnd").map((end, i) => Math.log(end / network[i]));
};

/** (2) at one eps and alpha. */
function lateFall(rows: readonly Row[], cell: Cell): Condition[] {
  const ratio = pairedBootstrap(logRatios(rows, cell));
  const [low, high] = [Math.exp(ratio.low), Math.exp(ratio.high)];
  const interval = Number.isFinite(ratio.low) ? ` [${short(low)}, ${short(high)}]` : "";
  const at = where(cell);
  return [
    atLeast(`${at}, network's fall after its fit`, mean(falls(rows, "network", cell)), leastFall, "%"),
    atMost(`${at}, linearised network's fall`, mean(falls(rows, "linearised", cell)), mostLinearisedFall, "%"),
    {
      name: `${at}, linearised over network at the end`,
      holds: ratio.mean >= Math.log(leastRatio) && ratio.low > 0,
      detail: `${short(Math.exp(ratio.mean))}${interval} (asked: at least ${leastRatio}, interval above 1).`,
      estimate: Math.exp(ratio.mean),
      ...(interval ? { interval: [low, high] as const } : {}),
    },
  ];
}

/** (3) at one eps and alpha. */
function rise(rows: readonly Row[], cell: Cell): Condition {
  const average = (measure: string) => mean(known(rows, "network", cell, measure));
  const start = known(rows, "network", cell, "alignmentAtFit");
  const rises = known(rows, "network", cell, "alignmentEnd").map((end, i) => end - start[i]);
  const base = above(where(cell), pairedBootstrap(rises), { mean: leastRise });
  const from = `Alignment ${short(average("alignmentAtFit"))} to ${short(average("alignmentEnd"))}`;
  const ntk =
    `that of the kernel with y ${short(average("ntkAlignmentAtFit"))} to ${short(average("ntkAlignmentEnd"))}, ` +
    `centred ${short(average("ntkCentredAtFit"))} to ${short(average("ntkCentredEnd"))}`;
  return { ...base, detail: `${base.detail} ${from}, ${ntk}.` };
}

/** (4) at one eps. */
function sizes(rows: readonly Row[], eps: number): Condition[] {
  const { few, many } = extremes(rows);
  const at = (P: number) => ({ eps, alpha: sizesAlpha, P });
  const lag = mean(known(rows, "network", at(many), "lag"));
  const end = mean(known(rows, "network", at(few), "testEnd"));
  return [
    {
      name: `eps ${eps}, lag at P ${many}`,
      holds: lag < mostLag,
      detail: `${short(lag)} (asked: below ${mostLag}).`,
      estimate: lag,
    },
    {
      name: `eps ${eps}, test loss at the end at P ${few}`,
      holds: end > leastEnd,
      detail: `${short(end)} % (asked: above ${leastEnd} %).`,
      estimate: end,
    },
  ];
}

/** The smallest and the largest training set. */
function extremes(rows: readonly Row[]) {
  const all = settings(rows, "network", "P");
  return { few: all[0], many: all[all.length - 1] };
}

/** Part B, reported beside the verdict: whether alpha switches a late fall of the test loss on images too. */
function transfer(rows: readonly Row[]): Condition[] {
  const own = rows.filter(({ arm }) => arm === "mlp");
  const alphas = settings(rows, "mlp", "alpha");
  if (alphas.length === 0) return [];
  const perAlpha = (measure: string) =>
    alphas.map((alpha) => own.filter((row) => row.setting?.alpha === alpha && measure in row.measures));
  const average = (list: readonly Row[], of: (row: Row) => number) =>
    list.length > 0 ? mean(list.map(of)) : undefined;
  const lags = perAlpha("lag").map((list) => average(list, ({ measures }) => Math.log(measures.lag)));
  const falls = perAlpha("testAtFit").map((list) =>
    average(list, ({ measures }) => 100 * (1 - measures.testEnd / measures.testAtFit)),
  );
  const ends = perAlpha("testEnd").map((list) => average(list, ({ measures }) => measures.testEnd));
  const moves = perAlpha("kernelMove").map((list) => average(list, ({ measures }) => measures.kernelMove));
  const table = (list: readonly (number | undefined)[], unit = "") =>
    alphas.map((alpha, i) => `${alpha}: ${list[i] === undefined ? "no fit" : short(list[i]) + unit}`).join(", ");
  const rising = lags.every((lag, i) => lag !== undefined && (i === 0 || lag > lags[i - 1]!));
  const largest = falls[falls.length - 1];
  return [
    {
      name: "part B: the lag grows with alpha",
      holds: rising,
      detail: `lag by alpha ${table(lags.map((lag) => (lag === undefined ? lag : Math.exp(lag))))}; change of the kernel ${table(moves)}.`,
    },
    {
      name: "part B: the test loss falls late at the largest alpha",
      holds: largest !== undefined && largest >= leastFall,
      detail: `fall after the fit by alpha ${table(falls, " %")} (asked: at least ${leastFall} % at the largest); test loss at the end ${table(ends, " %")}.`,
    },
  ];
}
