import type { Paper } from "../src/lab/catalogue/paper.js";
import { bandLine, dotInterval } from "../src/lab/figures/marks.js";
import type { MethodComparison } from "../src/lab/method-comparison.js";
import { interval, pairBySeed } from "../src/lab/stats.js";
import { defineStudy, type Row } from "../src/lab/study.js";
import { above, decide } from "../src/lab/verdict.js";

interface Options {
  readonly rounds: number;
  /** Milliseconds of pretended work in each unit. */
  readonly pause: number;
}

/** A study that computes its numbers instead of training: for tests of what stands around a study. */
export const tinyStudy = defineStudy<Options>({
  slug: "tiny-claim",
  claim: "The <new> arm is better than the old one & stays so.",
  criterion: "New minus old, paired by seed, has a mean of at least 1 point with its interval above 0.",
  arms: { new: "the method", old: "the baseline" },
  measures: {
    accuracy: { label: "accuracy", unit: "%", better: "higher" },
    steps: { label: "steps to 90 %", better: "lower" },
  },
  scales: {
    smoke: { seeds: [1, 2], options: { rounds: 2, pause: 0 }, about: "two rounds, no training, 0 s" },
    standard: { seeds: [1, 2, 3, 4, 5], options: { rounds: 4, pause: 0 }, about: "four rounds, no training, 0 s" },
  },
  offers: ["tiny (hebb/tiny)"],
  notes: ["Nothing is trained."],
  async run({ options, seeds, signal, unit, record, metric, log, progress }) {
    let done = 0;
    for (const seed of seeds) {
      for (const arm of ["new", "old"]) {
        await unit(`${arm}-${seed}`, async () => {
          await new Promise((resolve) => setTimeout(resolve, options.pause));
          signal.throwIfAborted();
          for (let round = 0; round < options.rounds; round++) {
            const accuracy = 90 + round + (arm === "new" ? 2 : 0) + 0.1 * seed * (arm === "new" ? 1 : 1.5);
            metric({ arm, seed, step: round, values: { accuracy } });
            record({ arm, seed, setting: { round }, measures: { accuracy, steps: 100 - 10 * round } });
          }
        });
        progress(++done, seeds.length * 2, `${arm}, seed ${seed}`);
      }
      log(`seed ${seed} is done`);
    }
  },
  judge(rows) {
    const last = Math.max(...rows.map((row) => Number(row.setting?.round)));
    const setting = { round: last };
    const pairs = pairBySeed(rows, { a: { arm: "new", setting }, b: { arm: "old", setting }, measure: "accuracy" });
    const primary = above("new beats old", interval(pairs.differences), { mean: 1, limit: 0, unit: "points" });
    return decide({ primary });
  },
  figures: (rows) => [
    {
      name: "accuracy",
      title: "Accuracy <by> round",
      caption: "Mean over seeds & 95 % band.",
      plot: (Plot) =>
        bandLine(
          Plot,
          rows.map((row) => ({ arm: row.arm, x: Number(row.setting?.round), y: row.measures.accuracy })),
          { x: { label: "round" }, y: { label: "accuracy (%)" }, arms: { new: "new", old: "old" } },
        ),
    },
  ],
});

export const tinyPapers: readonly Paper[] = [
  {
    slug: "tiny-claim",
    family: "compress",
    kinds: ["method"],
    title: "A Tiny Claim",
    year: 2020,
    claim: "New beats old.",
  },
  {
    slug: "far-claim",
    family: "forget",
    kinds: ["theory"],
    title: "A Claim Not Yet Studied",
    year: 2021,
    claim: "Far beats near.",
  },
];

/** A comparison that computes its numbers instead of training. */
export const tinyComparison: MethodComparison = {
  about: "A tiny track",
  data: ["small", "large"],
  scenarios: ["some", "all"],
  methods: ["new", "old"],
  async run({ data, methods, seeds, trials, signal, progress, log }) {
    const rows: Row[] = [];
    for (const seed of seeds) {
      for (const arm of methods) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        signal.throwIfAborted();
        rows.push({ arm, seed, measures: { gap: data.length + seed + (arm === "new" ? 0 : trials) } });
        progress(rows.length, seeds.length * methods.length, arm);
      }
      log(`seed ${seed} is done`);
    }
    return rows;
  },
  table: (rows) => rows.map(({ arm, seed, measures }) => `${arm} ${seed} ${measures.gap}`).join("\n"),
  figure: (rows) => ({
    name: "gap",
    title: "Gap",
    caption: "Of each seed.",
    plot: (Plot) =>
      dotInterval(
        Plot,
        rows.map(({ arm, measures }) => ({ arm, value: measures.gap })),
        { value: { label: "gap" } },
      ),
  }),
};
