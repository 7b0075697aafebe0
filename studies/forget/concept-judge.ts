import {
  above,
  allOf,
  atLeast,
  type Condition,
  type Judgement,
  mean,
  type Row,
  type Scale,
} from "../../src/lab/index.js";
import { clearlyAbove, pairedInterval } from "./conventions.js";

/** The criterion's numbers. */
const [themesNeeded, seedsNeeded, stays, moves] = [3, 2, 0.95, 0.8];
const lossBased = ["GA", "NPO+RT", "FLAT-TV"] as const;
/** All that the needle is compared with. */
const trained = [...lossBased, "GradDiff", "values"] as const;

/** The verdict of concept-vectors, from its rows alone. See the study's `criterion`. */
export function judgeConcepts(rows: readonly Row[], scale: Scale): Judgement {
  if (scale === "smoke") return judgeSmoke(rows);
  const traces = rows.filter(({ arm }) => arm === "original");
  const admission = admitted(traces);
  const side = [spread(traces), strength(traces)];
  if (!admission.holds)
    return {
      verdict: "not at this scale",
      reason: `${admission.name}: ${admission.detail} ${side[0].detail}`,
      conditions: [admission],
      side,
    };
  const validated = traces.filter(({ measures }) => measures.validated === 1);
  const cells = validated.map(cellOf);
  const of = (arm: string, measure: string) =>
    cells.map((cell) => rows.find((row) => row.arm === arm && cellOf(row) === cell)!.measures[measure]);
  const unmoved = allOf(
    "behaviour changes and the vectors stay",
    lossBased.map((arm) => stayed(arm, of(arm, "cosine"), mean(of(arm, "ROUGE")) / mean(of("original", "ROUGE")))),
  );
  const [best] = [...trained].sort((a, b) => mean(of(a, "relearn20")) - mean(of(b, "relearn20")));
  const needle = of("needle", "relearn20");
  const apart = of(best, "relearn20").map((value, i) => value - needle[i]);
  // Themes of a seed share a model: one number for each seed.
  const seeds = [...new Set(validated.map(({ seed }) => seed))];
  const differences = seeds.map((seed) => mean(apart.filter((_, i) => validated[i].seed === seed)));
  const harder: Condition = {
    ...above(`ROUGE after relearning: ${best} minus needle`, pairedInterval(differences), { limit: 0 }),
    holds: clearlyAbove(differences),
  };
  const cosine = mean(lossBased.flatMap((arm) => of(arm, "cosine")));
  const conditions = [admission, unmoved, harder];
  const say = (verdict: Judgement["verdict"], ...reasons: Condition[]): Judgement => ({
    verdict,
    reason: reasons.map(({ name, detail }) => `${name}: ${detail}`).join(" "),
    conditions,
    side,
  });
  if (unmoved.holds) return say(harder.holds ? "replicated" : "partly", unmoved, harder, strength(traces));
  if (cosine < moves) return say("contradicted", unmoved);
  return say("not at this scale", unmoved);
}

const cellOf = ({ seed, setting }: Row): string => `${seed} ${setting?.theme}`;

/** Validated vectors on enough themes of enough seeds. */
function admitted(traces: readonly Row[]): Condition {
  const seeds = [...new Set(traces.map(({ seed }) => seed))];
  const count = (seed: number) => traces.filter((row) => row.seed === seed && row.measures.validated === 1).length;
  const enough = seeds.filter((seed) => count(seed) >= themesNeeded).length;
  return {
    name: "concepts have vectors of their own",
    holds: enough >= seedsNeeded,
    detail: `validated vectors on ${seeds.map((seed) => `${count(seed)} themes of seed ${seed}`).join(", ")} (asked: ${themesNeeded} on ${seedsNeeded} seeds).`,
  };
}

/** An arm that makes the theme's answers go and leaves the vectors where they were; `left` is the share of ROUGE left. */
function stayed(arm: string, cosines: readonly number[], left: number): Condition {
  const cosine = atLeast(`mean cosine after ${arm}`, mean(cosines), stays);
  return {
    ...cosine,
    holds: cosine.holds && left <= 0.5,
    detail: `${cosine.detail} ROUGE is ${left.toFixed(2)} of what it was (asked: at most half).`,
  };
}

/** How many units carry a theme: reported. */
function spread(traces: readonly Row[]): Condition {
  const halved = traces.flatMap(({ measures }) => measures.halved ?? []).sort((a, b) => a - b);
  const name = "units that halve a theme's probability together";
  if (halved.length === 0) return { name, holds: false, detail: "None of the sets that were tried do." };
  return {
    name,
    holds: true,
    detail: `Median ${halved[Math.floor(halved.length / 2)]} over the ${halved.length} of ${traces.length} cells where a set that was tried does.`,
  };
}

/** How much validated vectors hold, beside vectors of like use: reported, since three times very little is little. */
function strength(traces: readonly Row[]): Condition {
  const own = traces.filter(({ measures }) => measures.validated === 1);
  const name = "what validated vectors hold";
  if (own.length === 0) return { name, holds: false, detail: "There are none." };
  const share = (drop: string) => mean(own.map(({ measures }) => measures[drop] / measures.Prob));
  const [theirs, controls] = [share("conceptDrop"), share("controlDrop")];
  return {
    name,
    holds: theirs > controls,
    detail: `Noise on them takes ${(100 * theirs).toFixed(1)} % of the theme's probability, on a vector of like use ${(100 * controls).toFixed(1)} %.`,
    estimate: theirs,
  };
}

/** A smoke run gives no verdict; it shows that noise moves the vector it should, and no other. */
function judgeSmoke(rows: readonly Row[]): Judgement {
  const cosines = (arm: string) => rows.filter((row) => row.arm === arm).map(({ measures }) => measures.cosine);
  const conditions: Condition[] = [
    {
      name: "the needle moves its vector",
      holds: cosines("needle").every((c) => c < 0.99),
      detail: `cosine ${cosines("needle")}`,
    },
    {
      name: "noise elsewhere does not",
      holds: cosines("random").every((c) => c > 0.9999),
      detail: `cosine ${cosines("random")}`,
    },
  ];
  return conditions.every(({ holds }) => holds)
    ? { verdict: "not at this scale", reason: "A smoke run gives no verdict; noise went where it should.", conditions }
    : { verdict: "invalid", reason: "Noise went elsewhere.", conditions };
}
