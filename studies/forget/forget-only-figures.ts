import { bandLine, type Figure, type Row } from "../../src/lab/index.js";
import { trajectoryFigure } from "./track-l-figures.js";

const flat = { "FLAT-TV": "FLAT-TV", "FLAT-KL": "FLAT-KL", "FLAT-JS": "FLAT-JS", "FLAT-Pearson": "FLAT-Pearson" };
const arms = {
  ...flat,
  IDK: "refusal tuning",
  "P-only": "P only",
  GA: "GA",
  NPO: "NPO",
  GradDiff: "GradDiff",
  "NPO+RT": "NPO+RT",
};

export function forgetOnlyFigures(rows: readonly Row[]): readonly Figure[] {
  const panels = { Pe: "refusal", Pf: "unwanted answer" };
  const points = rows
    .filter(({ arm, measures }) => arm in flat && "Pe" in measures)
    .flatMap(({ arm, setting, measures }) =>
      (["Pe", "Pf"] as const).map((of) => ({ arm, x: Number(setting?.step), y: measures[of], panel: panels[of] })),
    );
  return [
    trajectoryFigure(rows, arms, { measure: "ROUGE", label: "ROUGE-L recall on the forget set" }),
    {
      name: "probabilities",
      title: "What each divergence does to refusals and to unwanted answers",
      caption: "Mean token probability by step: mean over seeds in a band of its 95 % interval.",
      plot: (Plot) =>
        bandLine(Plot, points, {
          x: { label: "step" },
          y: { label: "mean token probability", domain: [0, 1] },
          arms: flat,
        }),
    },
  ];
}
