import { flattenTree, HebbError, hostRandom, type NDArray, Tensor } from "../engine/index.js";
import { checkLabels, firstRows } from "./check.js";
import { fitMembershipAttack, membershipAuc, miaEfficacy } from "./membership.js";
import { sharedRows } from "./overlap.js";
import {
  absoluteErrors,
  accuracyOf,
  labelLosses,
  meanDistance,
  meanDivergence,
  type Predictions,
  predictor,
} from "./predictions.js";
import { type Labelled, outputsOf, rowCount, type UnlearnProblem } from "./problem.js";
import { DivergedError } from "./session.js";
import { wasserstein1 } from "./wasserstein.js";

/**
 * How a model compares with models that never saw the forget set. The ideal of every number is its value for those
 * models, never 0 or 100.
 */
export interface Scores {
  /** 100 minus the accuracy on the forget set, in percent; for regression, 100 times the mean absolute error. */
  readonly UA: number;
  /** Accuracy on the retain set, in percent; for regression, 100 times the mean absolute error. */
  readonly RA: number;
  /** The same on the test set. */
  readonly TA: number;
  /** The share of forget rows, in percent, that a one-feature attack fitted on retain and test rows calls non-members. */
  readonly MIA: number;
  /** How well the loss tells forget rows from test rows: area under the ROC curve. */
  readonly "MIA-AUC": number;
  /** The mean distance of UA, RA, TA and MIA from the gold models' means, in points. */
  readonly AvgGap: number;
  /** Mean KL(gold || model) on forget and test rows, in nats, and distance between probabilities on forget rows: classifiers. */
  readonly KLf?: number;
  readonly KLt?: number;
  readonly Act?: number;
  /** The 1-Wasserstein distance between predictions on the forget set and the golds': regression. */
  readonly W1?: number;
  /** The distance of the parameters from those of the first gold model, relative to their length. */
  readonly Par: number;
}

/** The common scorecard of a problem: gold models and data are looked at once, then any number of models is scored. */
export interface Scorecard<P> {
  /** The scores of a model. */
  score(params: P): Promise<Scores>;
  /** Each gold model scored against the others: how far apart retrained models are. Needs two at least. */
  floor(): Promise<Scores[]>;
  /** The mean of the gold models' own UA, RA, TA, MIA and MIA-AUC. */
  readonly gold: Pick<Scores, Basic>;
}

type Basic = "UA" | "RA" | "TA" | "MIA" | "MIA-AUC";

interface Looked {
  readonly basic: Pick<Scores, Basic>;
  readonly forget: Predictions;
  readonly test: Predictions;
}

/**
 * The scorecard of a problem, given gold models (`goldModels`) and rows that neither they nor the original were trained
 * on. For forgetting a whole class, `test` are the rows of the other classes. Labels of kind int32 `[n]` make it one of
 * classifiers, float32 targets one of regression.
 *
 * Throws `HebbError` when there is no gold model, the retain set or labels are missing, the test set holds rows of the
 * forget set, or the labels do not fit the model.
 */
export async function scorecard<P>(
  problem: UnlearnProblem<P>,
  { golds, test }: { readonly golds: readonly P[]; readonly test: Labelled },
): Promise<Scorecard<P>> {
  const { forget, retain } = labelledSets(problem);
  if (golds.length === 0) fail("there is no gold model to compare with (see goldModels).");
  const shared = sharedRows(forget, test).length;
  if (shared > 0) fail(`${shared} of ${rowCount(forget)} forget rows are in the test set as well.`);
  checkLabels(fail, outputsOf(problem.apply(problem.params, firstRows(forget.x, 2))).out, { forget, retain, test });
  const classifier = forget.y.dtype === "int32";
  const predict = predictor(problem);

  // Equally many members and non-members, the members drawn once for all models.
  const count = Math.min(rowCount(retain), rowCount(test));
  const random = hostRandom(problem.seed).fork("membership attack");
  const members = random.permutation(rowCount(retain)).subarray(0, count);
  const others = random.permutation(rowCount(test)).subarray(0, count);

  const look = async (params: P): Promise<Looked> => {
    const [onForget, onRetain, onTest] = [
      await predict(params, forget),
      await predict(params, retain),
      await predict(params, test),
    ];
    if (![onForget, onRetain, onTest].every(({ values }) => values.every(Number.isFinite)))
      throw new DivergedError("scorecard: the model gives outputs that are not finite.");
    const error = classifier
      ? (at: Predictions, rows: Labelled) => 100 - accuracyOf(at, rows)
      : (at: Predictions, rows: Labelled) => 100 * average(absoluteErrors(at, rows));
    const kept = classifier ? accuracyOf : error;
    const losses = classifier ? labelLosses : absoluteErrors;
    const [f, r, t] = [losses(onForget, forget), losses(onRetain, retain), losses(onTest, test)].map(negated);
    const attack = fitMembershipAttack(pick(r, members), pick(t, others));
    const basic = {
      UA: error(onForget, forget),
      RA: kept(onRetain, retain),
      TA: kept(onTest, test),
      MIA: miaEfficacy(attack, f),
      "MIA-AUC": membershipAuc(f, t),
    };
    return { basic, forget: onForget, test: onTest };
  };

  const compare = async (params: P, own: Looked, against: readonly number[]): Promise<Scores> => {
    const others = against.map((k) => looked[k]);
    const basic = meanBasic(others);
    const gaps = (["UA", "RA", "TA", "MIA"] as const).map((name) => Math.abs(own.basic[name] - basic[name]));
    const over = (distance: (gold: Looked) => number) => average(others.map(distance));
    const distances = classifier
      ? {
          KLf: over((gold) => meanDivergence(gold.forget, own.forget)),
          KLt: over((gold) => meanDivergence(gold.test, own.test)),
          Act: over((gold) => meanDistance(gold.forget, own.forget)),
        }
      : { W1: over((gold) => wasserstein1(own.forget.values, gold.forget.values)) };
    return {
      ...own.basic,
      AvgGap: average(gaps),
      ...distances,
      Par: await parameterDistance(params, golds[against[0]]),
    };
  };

  const looked: Looked[] = [];
  for (const gold of golds) looked.push(await look(gold));
  const all = golds.map((_, k) => k);
  return {
    gold: meanBasic(looked),
    score: async (params) => compare(params, await look(params), all),
    async floor() {
      if (golds.length < 2) fail("a noise floor needs two gold models at least.");
      return Promise.all(
        all.map((k) =>
          compare(
            golds[k],
            looked[k],
            all.filter((other) => other !== k),
          ),
        ),
      );
    },
  };
}

/** The scores of one model: `scorecard` and `score` in one. Errors as there. */
export const evaluateUnlearning = async <P>(
  problem: UnlearnProblem<P>,
  params: P,
  golds: readonly P[],
  test: Labelled,
): Promise<Scores> => (await scorecard(problem, { golds, test })).score(params);

/** ||theta - gold|| / ||gold|| over all parameters. */
export async function parameterDistance(params: unknown, gold: unknown): Promise<number> {
  const [own, other] = [await leavesOf(params), await leavesOf(gold)];
  let [apart, length] = [0, 0];
  other.forEach((leaf, i) => {
    leaf.forEach((value, k) => {
      apart += (own[i][k] - value) ** 2;
      length += value ** 2;
    });
  });
  return Math.sqrt(apart / length);
}

const leavesOf = (tree: unknown): Promise<Float64Array[]> =>
  Promise.all(
    flattenTree(tree).leaves.map(async (leaf) =>
      Float64Array.from((leaf instanceof Tensor ? await leaf.data() : (leaf as NDArray).data) as Float32Array),
    ),
  );

function labelledSets({ forget, retain }: UnlearnProblem): { forget: Labelled; retain: Labelled } {
  if (forget.y === undefined) return fail("the forget set has no labels (y).");
  if (retain?.y === undefined) return fail("the problem needs the rows to keep (retain), with labels.");
  if (forget.y.shape.length !== 1)
    fail(`labels must be one for each row, [n]; those of the forget set are [${forget.y.shape}].`);
  return { forget: forget as Labelled, retain: retain as Labelled };
}

const fail = (what: string): never => {
  throw new HebbError(`scorecard: ${what}`);
};

const negated = (values: Float64Array): Float64Array => values.map((value) => -value);
const pick = (values: Float64Array, rows: Int32Array): Float64Array => Float64Array.from(rows, (row) => values[row]);
const average = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

const meanBasic = (models: readonly Looked[]): Pick<Scores, Basic> => {
  const of = (name: Basic) => average(models.map(({ basic }) => basic[name]));
  return { UA: of("UA"), RA: of("RA"), TA: of("TA"), MIA: of("MIA"), "MIA-AUC": of("MIA-AUC") };
};
