import {
  argmax,
  cast,
  equal,
  HebbError,
  hostRandom,
  type NDArray,
  random,
  type Tensor,
  tensor,
  treeMap,
} from "../../src/engine/index.js";
import {
  type Fact,
  goldSeed,
  type Labelled,
  logProbability,
  type Questions,
  rowScores,
  type Tofu,
  type TofuOptions,
  tofu,
  tofuContext,
  type UnlearnProblem,
} from "../../src/forget/index.js";
import type { Json, ModelCache } from "../../src/lab/index.js";
import { fit as fitting, type Gpt, type GptParams, gpt, softmaxCrossEntropy } from "../../src/nn/index.js";
import { adamW } from "../../src/optim/index.js";
import { rowsHash, toHost } from "./recipe.js";
import { languageJudge, type RowL } from "./track-l-measures.js";

/** Data, model and recipe of track L. */
export interface KindL {
  readonly data: TofuOptions;
  readonly model: { readonly layers: number; readonly width: number; readonly heads: number; readonly hidden: number };
  readonly learningRate: number;
  readonly pretraining: { readonly epochs: number; readonly batchSize: number };
  /** Fine-tuning ends after the first epoch in which so many answer tokens of its own rows are right, or at the last. */
  readonly finetuning: { readonly batchSize: number; readonly epochs: number; readonly accuracy: number };
  /** Facts to keep and world facts that are asked in every evaluation. */
  readonly asked: { readonly retain: number; readonly world: number };
}

export const tinyTofu: KindL = {
  data: { authors: 200, world: 100, throwAway: 40 },
  model: { layers: 3, width: 128, heads: 4, hidden: 512 },
  learningRate: 1e-3,
  pretraining: { epochs: 12, batchSize: 64 },
  finetuning: { batchSize: 32, epochs: 30, accuracy: 0.99 },
  asked: { retain: 60, world: 40 },
};

/** For smoke runs: a few authors and a model that learns a little of them. */
export const smallTofu: KindL = {
  data: { authors: 10, world: 4, throwAway: 3 },
  model: { layers: 1, width: 32, heads: 2, hidden: 64 },
  learningRate: 1e-2,
  pretraining: { epochs: 2, batchSize: 60 },
  finetuning: { batchSize: 10, epochs: 3, accuracy: 0.99 },
  // As many as there are facts to forget: then everything is compiled for one shape.
  asked: { retain: 5, world: 5 },
};

export const scenariosL = ["forget10", "forget50"] as const;
export type ScenarioL = (typeof scenariosL)[number];

/** A model fine-tuned on authors, and how that went. */
export interface Finetuned {
  readonly params: GptParams;
  /** The share of its own answer tokens that it gets right. */
  readonly accuracy: number;
  /** Examples pushed through the model. */
  readonly passes: number;
}

/** An original with the authors it is to forget, and what unlearned models are compared with. */
export interface SceneL {
  /** What decides how its models were trained, besides rows and seed. */
  readonly recipe: Json;
  /** How many facts to keep and world facts every evaluation asks. */
  readonly asked: KindL["asked"];
  readonly scenario: ScenarioL;
  readonly seed: number;
  readonly tofu: Tofu;
  readonly model: Gpt;
  readonly problem: UnlearnProblem<GptParams> & { readonly forget: Labelled; readonly retain: Labelled };
  readonly original: Finetuned;
  readonly golds: readonly Finetuned[];
  /** Scores a model; the forget quality is against the first gold model. */
  score(params: GptParams): Promise<RowL>;
}

export interface SceneLOptions {
  readonly cache: ModelCache;
  /** Default 1. */
  readonly golds?: number;
  readonly signal?: AbortSignal;
}

/** The model of track L: a small GPT with learned positions and an unembedding of its own. */
export const gptL = ({ model, data }: KindL): Gpt =>
  gpt({ ...model, vocabulary: tofu(0, data).vocabulary.size, context: tofuContext, activation: "relu" });

/** The authors of a seed and a model that knows them; models that know fewer are trained likewise. */
export interface LanguageL {
  readonly tofu: Tofu;
  readonly model: Gpt;
  readonly original: Finetuned;
  train(rows: Labelled, seed: number): Promise<Finetuned>;
}

/** Pretrains a model, which all seeds share, and fine-tunes it on all authors of a seed, unless the cache has them. */
export async function openLanguageL(
  kind: KindL,
  seed: number,
  { cache, signal }: Pick<SceneLOptions, "cache" | "signal">,
): Promise<LanguageL> {
  const model = gptL(kind);
  const language = tofu(seed, kind.data);
  const pretrained = await pretrain(kind, model, language, cache, signal);
  const train = (rows: Labelled, own: number) => finetune(kind, model, pretrained, rows, own, cache, signal);
  const original = await train(trainingRows(language, language.authors.flat(), "authors"), seed);
  return { tofu: language, model, original, train };
}

/** Facts in the two wordings that are trained on. */
export const trainingRows = ({ pair, rows }: Tofu, facts: readonly Fact[], name: string): Labelled =>
  rows(
    facts.flatMap((fact) => [pair(fact, 0), pair(fact, 1)]),
    name,
  );

/** The problem of forgetting some facts and keeping others. */
export const problemL = (
  { tofu, model, original, train }: LanguageL,
  { forget, retain }: Readonly<Record<"forget" | "retain", readonly Fact[]>>,
  seed: number,
): SceneL["problem"] => ({
  params: original.params,
  apply: (params, x) => model.apply(params, x),
  // The sum over the answer's tokens, so that ascent on it is ascent on whole answers.
  perExampleLoss: (params, { x, y }) => logProbability(model.apply(params, x), y).neg(),
  forget: trainingRows(tofu, forget, "forget"),
  retain: trainingRows(tofu, retain, "retain"),
  trainFromScratch: async (rows, own) => (await train(rows, own)).params,
  seed,
});

/** The scene of a scenario: pretraining, the original and the gold models are trained, or come from the cache. */
export async function openSceneL(
  kind: KindL,
  scenario: ScenarioL,
  seed: number,
  options: SceneLOptions,
): Promise<SceneL> {
  const opened = await openLanguageL(kind, seed, options);
  const { tofu: language, model, original, train } = opened;
  const { authors, world, unseen } = language;
  const share = scenario === "forget10" ? 0.1 : 0.5;
  const order = hostRandom(seed).fork(`forget ${scenario}`).permutation(authors.length);
  const gone = new Set(order.subarray(0, Math.round(share * authors.length)));
  const forgotten = authors.filter((_, author) => gone.has(author)).flat();
  const kept = authors.filter((_, author) => !gone.has(author)).flat();
  const problem = problemL(opened, { forget: forgotten, retain: kept }, seed);

  const golds: Finetuned[] = [];
  for (let k = 0; k < (options.golds ?? 1); k++) golds.push(await train(problem.retain, goldSeed(seed, k)));
  const draw = hostRandom(seed).fork(`questions ${scenario}`);
  const some = (facts: readonly Fact[], most: number) =>
    Array.from(draw.permutation(facts.length).subarray(0, most), (i) => facts[i]);
  const { asked } = kind;
  const judge = languageJudge(
    model,
    language,
    {
      forget: questions(language, forgotten),
      retain: questions(language, some(kept, asked.retain)),
      world: questions(language, some(world, asked.world)),
      unseen: questions(language, some(unseen, asked.retain)).rows,
    },
    options.signal,
  );
  const score = await judge(golds[0].params);
  return { recipe: recipeKey(kind), asked, scenario, seed, tofu: language, model, problem, original, golds, score };
}

/** Facts as questions: in the first wording, and held out with wrong answers. */
export function questions({ pair, rows }: Tofu, facts: readonly Fact[]): Questions {
  return {
    rows: rows(facts.map((fact) => pair(fact, 0))),
    paraphrase: rows(facts.map((fact) => pair(fact, 2))),
    wrong: rows(facts.flatMap((fact) => fact.wrong.map((value) => pair(fact, 2, value)))),
  };
}

/** The mean cross-entropy of a batch's answer tokens. */
const lossOf = (model: Gpt) => (params: GptParams, x: Tensor, y: Tensor) =>
  softmaxCrossEntropy(model.apply(params, x), y);

/** All that decides how a model is pretrained, besides the rows. */
const pretrainingKey = ({ data, model, learningRate, pretraining }: KindL) => ({
  track: "L",
  data: { ...data },
  model,
  optimizer: "adamW",
  learningRate,
  pretraining,
});

const recipeKey = (kind: KindL): Json => ({ ...pretrainingKey(kind), finetuning: kind.finetuning });

/** The model before it meets any author: the same for all seeds. */
async function pretrain(
  kind: KindL,
  model: Gpt,
  language: Tofu,
  cache: ModelCache,
  signal?: AbortSignal,
): Promise<GptParams> {
  const rows = language.rows(language.pretraining, "pretraining");
  const { pretraining, learningRate } = kind;
  const kept = await cache.get({ recipe: pretrainingKey(kind), rows: await rowsHash(rows) }, async () => {
    const training = fitting({
      loss: lossOf(model),
      params: model.init(random.key(0)),
      optimizer: adamW({ learningRate }),
      data: rows,
      ...pretraining,
      signal,
    });
    return toHost((await training.run()).params);
  });
  return treeMap((leaf: NDArray) => tensor(leaf), kept) as GptParams;
}

/** The pretrained model, trained on authors until it knows them. */
async function finetune(
  kind: KindL,
  model: Gpt,
  pretrained: GptParams,
  rows: Labelled,
  seed: number,
  cache: ModelCache,
  signal?: AbortSignal,
): Promise<Finetuned> {
  const { learningRate, finetuning } = kind;
  const { batchSize, epochs } = finetuning;
  const config = { recipe: recipeKey(kind), rows: await rowsHash(rows), seed };
  const right = rowScores(
    (params: GptParams, { x, y }) => cast(equal(argmax(model.apply(params, x)), y), "float32").sum(1),
    { signal },
  );
  const tokens = (rows.y.data as Int32Array).filter((label) => label >= 0).length;
  const kept = await cache.get(config, async () => {
    const perEpoch = Math.ceil(rows.x.shape[0] / batchSize);
    const training = fitting({
      loss: lossOf(model),
      params: pretrained,
      optimizer: adamW({ learningRate }),
      data: rows,
      batchSize,
      epochs,
      seed,
      signal,
    });
    for await (const { step, params } of training) {
      if (step % perEpoch !== 0) continue;
      const accuracy = (await right(params, rows)).reduce((sum, count) => sum + count, 0) / tokens;
      const epoch = step / perEpoch;
      if (accuracy < finetuning.accuracy && epoch < epochs) continue;
      return { params: await toHost(params), accuracy, passes: epoch * rows.x.shape[0] };
    }
    throw new HebbError("track L: fine-tuning needs an epoch at least.");
  });
  return { ...kept, params: treeMap((leaf: NDArray) => tensor(leaf), kept.params) as GptParams };
}
