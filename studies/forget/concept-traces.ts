import {
  abs,
  add,
  type Feed,
  gather,
  hostRandom,
  jit,
  matmul,
  relu,
  sliceAxis,
  type Tensor,
  tensor,
  transpose,
} from "../../src/engine/index.js";
import {
  type ConceptEffect,
  type Fact,
  findConceptVectors,
  type Labelled,
  type LabelledBatch,
  meanLogProbability,
  mlpValueVectors,
  needleAblate,
  rowScores,
  type Theme,
  type ValueLocation,
  validateConceptVector,
} from "../../src/forget/index.js";
import { mean, pairedBootstrap } from "../../src/lab/index.js";
import { attention, type GptParams, layerNorm } from "../../src/nn/index.js";
import { type KindL, type LanguageL, trainingRows } from "./track-l.js";

/** How vectors are looked for and tested. */
export interface TraceOptions {
  /** Top tokens that are looked at. */
  readonly k: number;
  /** The least share of them that must be the theme's. */
  readonly minShare: number;
  /** Candidates that are tried on the selection questions. */
  readonly candidates: number;
  /** Noise, in lengths of the vector. */
  readonly sigma: number;
  /** Draws of noise that effects are averaged over. */
  readonly draws: number;
  /** Questions about other themes. */
  readonly unrelated: number;
  /** How many of the units that the theme uses most are ablated together, in turn. */
  readonly together: readonly number[];
}

/** The facts of a theme, and what tells it from others. */
export interface Concept {
  readonly theme: number;
  /** All facts of its authors: what is to be forgotten. */
  readonly facts: readonly Fact[];
  readonly others: readonly Fact[];
  /** Its own words, in tokens. */
  readonly tokens: readonly number[];
}

/** What was found of a concept in a model: plain numbers. */
export interface Trace {
  /** The candidate with the largest effect on the selection questions. */
  readonly location: ValueLocation;
  /** A unit of about the same activation norm on the theme's questions. */
  readonly control: ValueLocation;
  readonly candidates: number;
  readonly share: number;
  /** Mean drops of the answers' probability on questions that took no part in the selection, and of the control. */
  readonly drop: { readonly concept: number; readonly unrelated: number };
  readonly controlDrop: { readonly concept: number; readonly unrelated: number };
  /** See `isValidated`; on questions that took no part in the selection. */
  readonly validated: boolean;
  /** Probability of the theme's answers with so many of its units ablated. */
  readonly together: readonly { readonly units: number; readonly probability: number }[];
  readonly probability: number;
}

export const conceptOf = ({ tofu }: LanguageL, theme: number): Concept => {
  const { authors, words } = tofu.themes[theme];
  const inside = new Set(authors);
  return {
    theme,
    facts: tofu.authors.filter((_, author) => inside.has(author)).flat(),
    others: tofu.authors.filter((_, author) => !inside.has(author)).flat(),
    tokens: tofu.vocabulary.encode(Object.values(words).flat().join(" ")),
  };
};

/** The facts that are told in a theme's own words. */
export const ownFacts = (facts: readonly Fact[], { words }: Theme): Fact[] =>
  facts.filter(({ relation }) => relation in words);

/** The output matrices of the MLPs. */
export const valueMatrices = ({ model }: KindL): { readonly path: string }[] =>
  Array.from({ length: model.layers }, (_, layer) => ({ path: `blocks[${layer}].down.w` }));

/** E, [vocabulary, width]: the layer's own weight is [width, vocabulary]. */
export const unembeddingOf = ({ head }: GptParams): Tensor => transpose(head!.w);

/** Looks for the value vector that holds a theme, and tests it on questions of its own. */
export async function traceConcept(
  kind: KindL,
  language: LanguageL,
  concept: Concept,
  options: TraceOptions,
): Promise<Trace> {
  const { tofu, original } = language;
  const { params } = original;
  const random = hostRandom(concept.theme).fork("trace");
  const own = ownFacts(concept.facts, tofu.themes[concept.theme]);
  const half = Math.ceil(own.length / 2);
  // Of the same relations, or what holds a relation would pass for what holds a theme.
  const comparable = ownFacts(concept.others, tofu.themes[concept.theme]);
  const unrelated = Array.from(random.permutation(comparable.length).subarray(0, options.unrelated));
  const rows = (facts: readonly Fact[]) => trainingRows(tofu, facts, "probes");
  const others = rows(unrelated.map((i) => comparable[i]));
  const [selection, validation] = [rows(own.slice(0, half)), rows(own.slice(half))];
  const score = answerScores(language);

  const noise = { sigma: options.sigma, relative: true };
  const effect = async (location: ValueLocation, probes: Labelled) => {
    const runs: ConceptEffect[] = [];
    for (let seed = 0; seed < options.draws; seed++)
      runs.push(
        await validateConceptVector(
          score,
          params,
          location,
          { concept: probes, unrelated: others },
          { ...noise, seed },
        ),
      );
    const over = (of: "concept" | "unrelated") =>
      Array.from(runs[0][of], (_, i) => mean(runs.map((run) => run[of][i])));
    return { concept: over("concept"), unrelated: over("unrelated") };
  };

  const used = await unitsByUse(kind, params, rows(own));
  const found = await findConceptVectors(params, concept.tokens, {
    layers: valueMatrices(kind),
    unembedding: unembeddingOf(params),
    k: options.k,
    minShare: options.minShare,
  });
  // Where no vector says enough of the theme, the unit that its questions use most stands in, so that there is a number.
  const candidates = found.length > 0 ? found.slice(0, options.candidates) : [{ ...used[0], share: 0 }];
  let best = candidates[0];
  let most = Number.NEGATIVE_INFINITY;
  for (const candidate of candidates) {
    const drop = mean((await effect(candidate, selection)).concept);
    if (drop > most) [best, most] = [candidate, drop];
  }
  const location = { path: best.path, index: best.index };
  const control = nearestInUse(used, location, random.integer(10));
  const [tested, compared] = [await effect(location, validation), await effect(control, validation)];
  const probability = mean(Array.from(await score(params, rows(own))));
  const together = [];
  for (const units of options.together) {
    const ablated = needleAblate(params, used.slice(0, units), noise);
    together.push({ units, probability: mean(Array.from(await score(ablated, rows(own)))) });
  }
  const means = (drops: typeof tested) => ({ concept: mean(drops.concept), unrelated: mean(drops.unrelated) });
  return {
    location,
    control,
    candidates: found.length,
    share: best.share,
    drop: means(tested),
    controlDrop: means(compared),
    validated: found.length > 0 && isValidated(tested),
    together,
    probability,
  };
}

/**
 * Whether noise lowers a concept's scores, and at least three times as much as others', each with its interval. A question
 * of the concept is held against its share of the others, so that the interval knows of the spread of both.
 */
export function isValidated({ concept, unrelated }: Record<keyof ConceptEffect, readonly number[]>): boolean {
  const share = (i: number) =>
    mean(unrelated.filter((_, k) => k % concept.length === i % Math.min(concept.length, unrelated.length)));
  const excess = concept.map((drop, i) => drop - 3 * share(i));
  return pairedBootstrap(concept).low > 0 && pairedBootstrap(excess).low > 0;
}

/** P(answer | question)^(1 / |answer|) of each row. */
export function answerScores({ model }: LanguageL) {
  const log = rowScores((params: GptParams, { x, y }: LabelledBatch) => meanLogProbability(model.apply(params, x), y));
  return async (params: GptParams, rows: Labelled) => (await log(params, rows)).map(Math.exp);
}

interface Used extends ValueLocation {
  /** Mean |activation| at the answers' positions times the length of the value vector. */
  readonly use: number;
}

/** All units, those first that write most where these rows are answered. */
async function unitsByUse(kind: KindL, params: GptParams, { x, y }: Labelled): Promise<Used[]> {
  const units = hiddenUnits(kind);
  const answering = tensor({
    data: Float32Array.from(y.data as Int32Array, (label) => (label >= 0 ? 1 : 0)),
    shape: [...y.shape, 1],
    dtype: "float32",
  });
  const measure = jit((p: GptParams, tokens: Tensor, at: Tensor) =>
    units(p, tokens).map((act) => abs(act).mul(at).sum([0, 1]).div(at.sum())),
  );
  const activity = await measure(params as Feed<GptParams>, x as Feed<Tensor>, answering as Feed<Tensor>);
  const all: Used[] = [];
  for (const [layer, { path }] of valueMatrices(kind).entries()) {
    const vectors = mlpValueVectors(params, { path });
    const lengths = await vectors.mul(vectors).sum(1).sqrt().data();
    (await activity[layer].data()).forEach((value: number | bigint, index: number) => {
      all.push({ path, index, use: Number(value) * Number(lengths[index]) });
    });
  }
  return all.sort((a, b) => b.use - a.use);
}

/** One of the ten units nearest in use to a given one. */
function nearestInUse(used: readonly Used[], { path, index }: ValueLocation, which: number): ValueLocation {
  const own = used.find((unit) => unit.path === path && unit.index === index)!;
  const near = used
    .filter((unit) => unit !== own)
    .sort((a, b) => Math.abs(a.use - own.use) - Math.abs(b.use - own.use));
  const { path: chosen, index: at } = near[Math.min(which, near.length - 1)];
  return { path: chosen, index: at };
}

/** The hidden units of each MLP, [B, T, hidden]: the model's own forward pass, with its middle in view. */
export function hiddenUnits({ model: { width, heads } }: KindL) {
  const norm = layerNorm(width);
  const attend = attention(width, { heads });
  return (params: GptParams, tokens: Tensor): Tensor[] => {
    let h = add(gather(params.tokens.w, tokens), sliceAxis(params.positions.w, 0, 0, tokens.shape[1]));
    return params.blocks.map((block) => {
      h = add(h, attend.apply(block.attention, norm.apply(block.norm1, h)));
      const units = relu(add(matmul(norm.apply(block.norm2, h), block.up.w), block.up.b!));
      h = add(h, add(matmul(units, block.down.w), block.down.b!));
      return units;
    });
  };
}
