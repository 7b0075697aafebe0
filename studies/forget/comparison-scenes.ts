import { HebbError } from "../../src/engine/index.js";
import {
  DivergedError,
  type NpoOptions,
  npoUnlearn,
  type Relearned,
  relearnSteps,
  type ScrubOptions,
  scrub,
  unlearn,
} from "../../src/forget/index.js";
import {
  type CompareMethodsOptions,
  dotInterval,
  type Figure,
  type MethodComparison,
  mean,
  type Row,
} from "../../src/lab/index.js";
import { admission, admissionOf, baselines, relearnMeasures } from "./bench.js";
import { withTable } from "./comparison.js";
import { labelAgnosticArm } from "./label-agnostic-arms.js";
import { once } from "./once.js";
import { tunedArms } from "./regression-arms.js";
import { denseArms, sparseArms } from "./sparsity-arms.js";
import { commonColumns } from "./table.js";
import { openScene, type Scene, sceneKey, type Track } from "./track.js";
import { scenariosC, trackC } from "./track-c.js";
import { scenariosR, trackR } from "./track-r.js";
import { type Arm, type Drawn, refuseTuningSeed, tuneArm, tuningSeed, UntunableError } from "./tuning.js";

/** How many gold models each seed has. */
const golds = 3;

/** The methods that work on classifiers, in a scenario. */
const classifierArms = (scenario: string): Readonly<Record<string, Arm>> => ({
  ...baselines,
  IU: sparseArms.IU,
  "l1-sparse": denseArms["l1-sparse"],
  SCRUB: {
    name: "SCRUB",
    method: scrub,
    space: {
      learningRate: { log: [1e-3, 0.1] },
      epochs: { integer: [2, 9] },
      forgetWeight: { log: [0.01, 3] },
      pushShare: { choice: [0.25, 0.5, 0.75] },
    },
  } as Arm<ScrubOptions>,
  NPO: {
    name: "NPO",
    method: npoUnlearn,
    fixed: { retain: "rt" },
    space: { learningRate: { log: [1e-5, 3e-3] }, epochs: { integer: [1, 9] }, beta: { choice: [0.05, 0.1, 0.5] } },
  } as Arm<NpoOptions>,
  LAF: labelAgnosticArm(scenario),
});

export const classification: MethodComparison = comparisonOf({
  about: "classification: Fashion-MNIST (6,000 rows) by a perceptron, or 8x8 digits to try it out",
  data: ["fashion6k", "digits"],
  asked: "fashion6k",
  scenarios: scenariosC,
  methods: Object.keys(classifierArms("class")),
  arms: classifierArms,
  open: (data, options) => trackC(data as Parameters<typeof trackC>[0], options),
});

export const regression: MethodComparison = comparisonOf({
  about: "regression: the angle of rotated pictures, or of rotated 8x8 digits to try it out",
  data: ["rotAngle", "rotDigits"],
  scenarios: scenariosR,
  methods: Object.keys(tunedArms),
  arms: () => tunedArms,
  open: (data, options) => trackR(data as Parameters<typeof trackR>[0], options),
});

interface Kind extends Pick<MethodComparison, "about" | "data" | "scenarios" | "methods"> {
  /** The data on which an original must have learned by heart. */
  readonly asked?: string;
  arms(scenario: string): Readonly<Record<string, Arm>>;
  open(data: string, options: Pick<CompareMethodsOptions, "signal" | "progress">): Promise<Track>;
}

function comparisonOf({ asked, arms, open, ...kind }: Kind): MethodComparison {
  const comparison: Omit<MethodComparison, "table"> = {
    ...kind,
    async run(options) {
      const { data, scenario, methods, seeds, cache, signal, trials } = options;
      refuseTuningSeed(seeds);
      const track = await open(data, options);
      const total = methods.length + seeds.length * (1 + methods.length);
      let done = 0;
      const tick = (label: string) => options.progress(done++, total, label);
      const common = { cache, signal, golds };

      const settled = new Map<Arm, Drawn>();
      const tuning = once(() => openScene(track, scenario, tuningSeed, common));
      for (const name of methods) {
        tick(`tuning ${name}`);
        const arm = arms(scenario)[name];
        try {
          const { options: best } = await tuneArm(arm, await tuning(), { cache, trials, signal });
          options.log(`${name}: ${JSON.stringify(best)}`);
          settled.set(arm, best);
        } catch (error) {
          // One method that cannot be tuned says nothing about the others.
          if (!(error instanceof UntunableError)) throw error;
          options.log(`${error.message} It is left out.`);
        }
      }

      const rows: Row[] = [];
      for (const seed of seeds) {
        tick(`seed ${seed}: original and gold models`);
        const scene = await openScene(track, scenario, seed, common);
        if (data === asked) await checkAdmission(scene);
        const never = once(() => relearnSteps(scene.problem, scene.golds[0], { signal }));
        rows.push(...(await referenceRows(scene, never, options)));
        for (const [arm, drawn] of settled) {
          tick(`seed ${seed}: ${arm.name}`);
          const measures = await measure(scene, arm, { ...arm.fixed, ...drawn }, never, options);
          if (measures) rows.push({ arm: arm.name, seed, measures });
          else options.log(`${arm.name} diverged on seed ${seed}.`);
        }
      }
      options.progress(total, total, "");
      return rows;
    },
    figure: gapFigure,
  };
  return withTable(comparison, commonColumns);
}

/** Throws when the original knows its training set no better than other rows. */
async function checkAdmission(scene: Scene): Promise<void> {
  const { trainAccuracy, gap } = await admissionOf(scene);
  if (trainAccuracy >= admission.trainAccuracy && gap >= admission.gap) return;
  throw new HebbError(
    `The original of seed ${scene.seed} fits ${trainAccuracy.toFixed(1)} % of its training set, ${gap.toFixed(1)} points more ` +
      "than of other rows: nothing memorised, nothing to forget.",
  );
}

type Measures = Readonly<Record<string, number>>;

/** How long the first gold model takes to learn the forget set: asked for only where it is not known. */
type Yardstick = () => Promise<Relearned>;

async function referenceRows(scene: Scene, never: Yardstick, { cache, signal }: CompareMethodsOptions): Promise<Row[]> {
  const { seed, card, problem } = scene;
  const measured = await cache.get({ compared: "references", scene: await sceneKey(scene) }, async () => {
    const floor = await card.floor();
    const names = Object.keys(floor[0]) as (keyof (typeof floor)[0])[];
    const original = await card.score(problem.params);
    return {
      original: { ...original, ...(await relearning(scene, problem.params, never, signal)), cost: 0 },
      gold: { ...card.gold, ...relearnMeasures(await never(), await never()), cost: 100 },
      floor: Object.fromEntries(names.map((name) => [name, mean(floor.map((scores) => scores[name] as number))])),
    };
  });
  return Object.entries(measured).map(([arm, measures]) => ({ arm, seed, measures: measures as Measures }));
}

/** The measures of an arm in a scene; nothing where it diverged. */
const measure = async (
  scene: Scene,
  arm: Arm,
  options: object,
  never: Yardstick,
  { cache, signal }: CompareMethodsOptions,
): Promise<Measures | null> =>
  cache.get(
    { compared: arm.method.name, options: { ...arm.method.defaults, ...options }, scene: await sceneKey(scene) },
    async () => {
      try {
        const { params, cost } = await unlearn(arm.method, scene.problem, { ...options, signal }).run();
        return {
          ...(await scene.card.score(params)),
          ...(await relearning(scene, params, never, signal)),
          cost: (100 * cost.passes) / scene.retraining,
          seconds: cost.seconds,
        };
      } catch (error) {
        if (error instanceof DivergedError) return null;
        throw error;
      }
    },
  );

/** How long a model takes to relearn, beside the yardstick. */
const relearning = async ({ problem }: Scene, params: unknown, never: Yardstick, signal: AbortSignal) =>
  relearnMeasures(await relearnSteps(problem, params, { signal }), await never());

function gapFigure(rows: readonly Row[]): Figure {
  const values = rows
    .filter(({ arm }) => arm !== "gold" && arm !== "floor")
    .map(({ arm, measures }) => ({ arm, value: measures.AvgGap }));
  const floor = mean(rows.filter(({ arm }) => arm === "floor").map(({ measures }) => measures.AvgGap));
  return {
    name: "gap",
    title: "How far each method ends from retraining",
    caption: "Mean distance of UA, RA, TA and MIA from gold models: seeds, and the mean with its 95 % interval.",
    plot: (Plot) =>
      dotInterval(Plot, values, {
        value: { label: "AvgGap (points)" },
        references: [{ at: floor, label: "noise floor" }],
      }),
  };
}
