import { armColours, bandLine, type Figure, type Row } from "../../src/lab/index.js";

const arms = {
  GA: "GA",
  GradDiff: "GradDiff",
  "NPO+RT": "NPO+RT",
  "FLAT-TV": "FLAT-TV",
  values: "value vectors alone",
  needle: "needle",
  needle01: "needle, sigma 0.1",
  random: "other vector",
};

export function conceptFigures(rows: readonly Row[]): readonly Figure[] {
  const shown = rows.filter(({ arm }) => arm in arms);
  return [
    {
      name: "moved",
      title: "What a model says, and where it is written",
      caption: "One dot for each arm, theme and seed: how far ROUGE fell, and how far the theme's value vector turned.",
      plot: (Plot) => ({
        width: 680,
        height: 420,
        x: { label: "1 - ROUGE of the theme's answers", grid: true },
        y: { label: "1 - cosine of the value vector", grid: true },
        color: { ...armColours(Object.values(arms)), legend: true },
        marks: [
          Plot.dot(
            shown.map(({ arm, measures }) => ({
              arm: arms[arm as keyof typeof arms],
              x: 1 - measures.ROUGE,
              y: 1 - measures.cosine,
            })),
            { x: "x", y: "y", fill: "arm", r: 4, fillOpacity: 0.8 },
          ),
        ],
      }),
    },
    {
      name: "recovery",
      title: "What comes back when a tenth is taught again",
      caption:
        "ROUGE on the other facts of the theme by steps of relearning: mean over cells in a band of its 95 % interval.",
      plot: (Plot) =>
        bandLine(
          Plot,
          shown.flatMap(({ arm, measures: { ROUGE, relearn5, relearn10, relearn20 } }) =>
            [ROUGE, relearn5, relearn10, relearn20].map((y, i) => ({ arm, x: [0, 5, 10, 20][i], y })),
          ),
          { x: { label: "steps of relearning" }, y: { label: "ROUGE-L recall", domain: [0, 1] }, arms },
        ),
    },
  ];
}
