import {
  above,
  atLeast,
  bySeed,
  type Condition,
  type Judgement,
  mean,
  type Row,
  type Scale,
} from "../../src/lab/index.js";
import { clearlyAbove, clearlyBelow, pairedInterval } from "./conventions.js";
import { admissionL, firstStop, smokeL, utilityAt } from "./track-l-judge.js";

const scenario = "forget10";
/** The criterion's numbers. */
const [slack, utilityShare, tie] = [0.05, 0.95, 0.01];
const others = ["GA", "IDK", "P-only"];

/** The verdict of forget-only-loss-adjustment, from its rows alone. See the study's `criterion`. */
export function judgeForgetOnly(rows: readonly Row[], scale: Scale): Judgement {
  if (scale === "smoke") return smokeL(rows);
  const admission = admissionL(rows);
  const flat = String(rows.find(({ arm }) => arm === "chosen")?.setting?.divergence);
  const utilitiesBy = (of: typeof matched) =>
    Object.fromEntries([flat, "FLAT-TV", ...others, "NPO"].map((arm) => [arm, of(rows, arm)]));
  const utilities = utilitiesBy(matched);
  const { condition: core, opposite } = better(flat, utilities);
  const kept = utility(rows, flat, utilities[flat]);
  const same = refusalsMatch(flat, utilities);
  const conditions = [admission, core, kept, same];
  const say = (verdict: Judgement["verdict"], ...reasons: Condition[]): Judgement => ({
    verdict,
    reason: reasons.map(({ name, detail }) => `${name}: ${detail}`).join(" "),
    conditions,
    side: [...gap(flat, utilities), ...otherReadings(flat, utilities, utilitiesBy(interpolated))],
  });
  if (!admission.holds) return say("not at this scale", admission);
  if (same.holds) return say("contradicted", same);
  if (opposite) return say("contradicted", core);
  if (core.holds) return kept.holds ? say("replicated", core, kept) : say("partly", core, kept);
  return say("not at this scale", core);
}

/** The utility of an arm on each seed where its forget ROUGE is first near gold's; nothing if it never is on some seed. */
function matched(rows: readonly Row[], arm: string): readonly number[] | undefined {
  const gold = bySeed(rows, { arm: "gold", setting: { scenario } }, "ROUGE");
  const found = [...gold].map(([seed, most]) =>
    firstStop(rows, arm, scenario, seed, ({ ROUGE }) => ROUGE <= most + slack),
  );
  return found.every((row) => row !== undefined) ? found.map(({ measures }) => measures.MU) : undefined;
}

/** The utility where forget ROUGE would be at the limit, between the scored steps. */
function interpolated(rows: readonly Row[], arm: string): readonly number[] | undefined {
  const gold = bySeed(rows, { arm: "gold", setting: { scenario } }, "ROUGE");
  const found = [...gold].map(([seed, most]) =>
    utilityAt(rows, arm, scenario, seed, { measure: "ROUGE", limit: most + slack }),
  );
  return found.every((value) => value !== undefined) ? found : undefined;
}

type Utilities = Readonly<Record<string, readonly number[] | undefined>>;

const minus = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value - b[i]);

/** The core: FLAT against the best of those that see no more than it does. */
function better(flat: string, utilities: Utilities): { readonly condition: Condition; readonly opposite: boolean } {
  const own = utilities[flat];
  const rivals = others.filter((arm) => utilities[arm]).sort((a, b) => mean(utilities[b]!) - mean(utilities[a]!));
  const nothing = (detail: string) => ({
    condition: { name: "utility of FLAT minus the best other", holds: false, detail },
    opposite: false,
  });
  if (!own) return nothing(`${flat} does not get to gold's forget ROUGE on every seed.`);
  if (rivals.length === 0) return nothing("no other forget-only arm gets to gold's forget ROUGE on every seed.");
  const differences = minus(own, utilities[rivals[0]]!);
  const condition = above(`utility of ${flat} minus that of ${rivals[0]}`, pairedInterval(differences), { limit: 0 });
  return { condition: { ...condition, holds: clearlyAbove(differences) }, opposite: clearlyBelow(differences) };
}

function utility(rows: readonly Row[], flat: string, own: readonly number[] | undefined): Condition {
  const original = bySeed(rows, { arm: "original", setting: { scenario } }, "MU");
  const seeds = [...bySeed(rows, { arm: "gold", setting: { scenario } }, "MU").keys()];
  const share = own ? mean(own.map((value, i) => value / original.get(seeds[i])!)) : 0;
  return atLeast(`utility of ${flat} there, relative to the original's`, share, utilityShare);
}

/** Whether refusal tuning gets as far: then the divergence adds nothing. */
function refusalsMatch(flat: string, utilities: Utilities): Condition {
  const name = "refusal tuning alone matches FLAT";
  const [own, refusals] = [utilities[flat], utilities.IDK];
  if (!refusals) return { name, holds: false, detail: "it does not get to gold's forget ROUGE on every seed." };
  if (!own) return { name, holds: false, detail: `${flat} does not get to gold's forget ROUGE on every seed.` };
  const lead = mean(minus(own, refusals));
  const detail = `${flat}'s utility is ${lead.toFixed(3)} above its (asked: at most ${tie}).`;
  return { name, holds: lead <= tie, detail, estimate: lead };
}

/** What a reference model buys: reported only. */
function gap(flat: string, utilities: Utilities): Condition[] {
  const [own, npo] = [utilities[flat], utilities.NPO];
  if (!own || !npo) return [];
  return [above(`utility of ${flat} minus that of NPO`, pairedInterval(minus(own, npo)), { limit: 0 })];
}

/** The core with the paper's own divergence, which had no more trials than the others; and without overshooting. */
function otherReadings(flat: string, utilities: Utilities, between: Utilities): Condition[] {
  const tv = better("FLAT-TV", utilities).condition;
  const exact = better(flat, between).condition;
  return [
    ...(flat === "FLAT-TV" ? [] : [{ ...tv, name: `the core with FLAT-TV: ${tv.name}` }]),
    { ...exact, name: `the core, interpolated between scored steps: ${exact.name}` },
  ];
}
