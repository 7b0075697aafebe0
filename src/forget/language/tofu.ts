import { HebbError, type HostRandom, hostRandom } from "../../engine/index.js";
import type { Labelled } from "../problem.js";
import { inventNames, type Relation, refusals, relations, valueWords, wordings } from "./tofu-words.js";
import { type TokenPair, tokenRows } from "./token-rows.js";
import { type Vocabulary, vocabulary } from "./vocabulary.js";

/** Something known of somebody. */
export interface Fact {
  readonly name: string;
  readonly relation: Relation;
  /** Its words, separated by blanks. */
  readonly value: string;
  /** Five other values of the relation. */
  readonly wrong: readonly string[];
}

/** Which wording a fact is asked for and told in: 0 and 1 are trained on, 2 is the held-out paraphrase. */
export type WordingNumber = 0 | 1 | 2;

export interface TofuOptions {
  /** Fictitious authors, each with five facts. Default 200. */
  readonly authors?: number;
  /** Names that are known from pretraining alone. Default 100. */
  readonly world?: number;
  /** Names that pretraining uses to show wordings, with values that mean nothing. Default 40. */
  readonly throwAway?: number;
  /**
   * Puts the authors into so many groups of equal size, each with a genre, an award and two birthplaces that no other
   * group has. Default 0: all draw from the same values.
   */
  readonly themes?: number;
}

/** Authors with something in common. */
export interface Theme {
  /** Their positions in `authors`. */
  readonly authors: readonly number[];
  /** The words that only they are told with. */
  readonly words: Readonly<Partial<Record<Relation, readonly string[]>>>;
}

/** Invented authors, what is known of them, and how it is asked and told. */
export interface Tofu {
  readonly vocabulary: Vocabulary;
  /** The facts of each author, `authors[a][r]`; the seed decides them. */
  readonly authors: readonly (readonly Fact[])[];
  readonly themes: readonly Theme[];
  /** Facts that appear in pretraining only; the same for every seed. */
  readonly world: readonly Fact[];
  /** Facts of the throw-away names that no training set holds: to compare with what was trained on. */
  readonly unseen: readonly Fact[];
  /** What a model reads before it meets the authors; the same for every seed. */
  readonly pretraining: readonly TokenPair[];
  /** A fact as question and answer, with its own or another value. */
  pair(fact: Fact, wording: WordingNumber, value?: string): TokenPair;
  /** The refusals that fit a question, as answers about the name in it. */
  readonly refusals: readonly ((question: readonly number[]) => readonly number[])[];
  /** Whether an answer is one of the sentences that this language has: a fact in any wording, or a refusal. */
  isSentence(answer: ArrayLike<number>): boolean;
  /** Pairs as rows `[n, 20]`. */
  rows(pairs: readonly TokenPair[], name?: string): Labelled;
}

/** Positions of a model of `tofu`, and in its rows: the longest pair leaves room for a few words before it. */
export const tofuContext = 24;
export const tofuWidth = 20;

/**
 * Fictitious authors for a small language model to learn and to forget, after TOFU (Maini et al., 2024): a word-level
 * language with one token for each name and five facts for each author (birthplace, genre, father's trade, award, and a
 * title of two tokens), each in two wordings to train on and one that is held out, with five wrong answers.
 *
 * Pretraining holds facts about the world in all three wordings, the same wordings about throw-away names with values
 * drawn anew each time, and refusals (a tenth of these), so that no word and no wording is new afterwards but the authors'
 * names. Throws `HebbError` when there is not one name of each kind, or the themes do not share the authors out equally.
 */
export function tofu(seed: number, options: TofuOptions = {}): Tofu {
  const { authors: authorCount = 200, world: worldCount = 100, throwAway = 40, themes: themeCount = 0 } = options;
  for (const [what, count] of Object.entries({ authors: authorCount, world: worldCount, throwAway })) {
    if (!Number.isInteger(count) || count < 1)
      throw new HebbError(`tofu: ${what} must be a whole number of at least 1, got ${count}.`);
  }
  if (themeCount > 0 && authorCount % themeCount !== 0)
    throw new HebbError(`tofu: ${themeCount} themes do not share out ${authorCount} authors.`);
  const names = inventNames(worldCount + throwAway + authorCount);
  const [worldNames, shown, authorNames] = [
    names.slice(0, worldCount),
    names.slice(worldCount, worldCount + throwAway),
    names.slice(worldCount + throwAway),
  ];
  const themes = themesOf(themeCount, authorCount);
  const values = valuesWith(themes);
  const words = vocabulary([...languageWords(values), ...names]);
  const known = new Set(words.encode(names.join(" ")));

  const encode = (template: string, name: string, value?: string) => words.encode(filled(template, name, value));
  const pair = ({ name, relation, value }: Fact, wording: WordingNumber, other = value): TokenPair => {
    const { question, answer } = wordings[relation][wording];
    return { question: encode(question, name), answer: encode(answer, name, other) };
  };
  const refuse = (template: string) => (question: readonly number[]) => {
    const name = question.find((token) => known.has(token));
    if (name === undefined) throw new HebbError("tofu: a refusal needs a question about somebody.");
    return encode(template, words.words[name]);
  };
  const sentences = sentencePatterns(names, values);

  const fixed = hostRandom(20_240).fork("world");
  const world = worldNames.flatMap((name) => factsOf(name, valueWords, fixed));
  const themeOf = (author: number) => themes.find(({ authors }) => authors.includes(author));
  return {
    vocabulary: words,
    authors: authorNames.map((name, author) => factsOf(name, values, hostRandom(seed).fork(name), themeOf(author))),
    themes,
    world,
    unseen: shown.flatMap((name) => factsOf(name, valueWords, hostRandom(seed).fork(name))),
    pretraining: [
      ...world.flatMap((fact) => allWordings.map((wording) => pair(fact, wording))),
      ...pretend(shown, values, 2 * worldCount, fixed).map(({ fact, wording, refusal }) => {
        const told = pair(fact, wording);
        return refusal === undefined ? told : { ...told, answer: refuse(refusals[refusal])(told.question) };
      }),
    ],
    pair,
    refusals: refusals.map(refuse),
    isSentence: (answer) => {
      const text = words.decode(answer);
      return sentences.some((sentence) => sentence.test(text));
    },
    rows: (pairs, name = "tofu") => tokenRows(pairs, { width: tofuWidth, name }),
  };
}

const allWordings = [0, 1, 2] as const;

/** The values of each relation: a list of words for each token. */
type Values = Readonly<Record<Relation, readonly (readonly string[])[]>>;

/** Words of their own for groups of authors. */
function themesOf(count: number, authors: number): Theme[] {
  const size = authors / count;
  return inventNames(count).map((name, theme) => ({
    authors: Array.from({ length: size }, (_, i) => theme * size + i),
    words: { birthplace: [`${name}-Hill`, `${name}-Bay`], genre: [`${name}-tales`], award: [`${name}-Crown`] },
  }));
}

/** All values, with those of themes. */
const valuesWith = (themes: readonly Theme[]): Values => {
  const more = (relation: Relation) => themes.flatMap(({ words }) => words[relation] ?? []);
  const all = relations.map((relation) => [
    relation,
    valueWords[relation].map((words) => [...words, ...more(relation)]),
  ]);
  return Object.fromEntries(all);
};

/** All words but the names, the padding first. */
function languageWords(values: Values): string[] {
  const templates = [...relations.flatMap((relation) => wordings[relation]).flatMap(Object.values), ...refusals];
  const common = templates.flatMap((template) => template.split(" ")).filter((word) => word !== "N" && word !== "V");
  return ["<pad>", ...new Set([...common, ...relations.flatMap((relation) => values[relation]).flat()])];
}

const draw = (words: readonly string[], random: HostRandom): string => words[random.integer(words.length)];

const drawValue = (words: readonly (readonly string[])[], random: HostRandom): string =>
  words.map((list) => draw(list, random)).join(" ");

/** A fact of each relation, with a value of the theme where that has one. */
function factsOf(name: string, values: Values, random: HostRandom, theme?: Theme): Fact[] {
  return relations.map((relation) => {
    const own = theme?.words[relation];
    const value = own ? draw(own, random) : drawValue(values[relation], random);
    const wrong = new Set<string>();
    while (wrong.size < 5) {
      const other = drawValue(values[relation], random);
      if (other !== value) wrong.add(other);
    }
    return { name, relation, value, wrong: [...wrong] };
  });
}

/** `rounds` times every relation in every wording about some throw-away name, a tenth of them to be refused. */
function pretend(names: readonly string[], values: Values, rounds: number, random: HostRandom) {
  return Array.from({ length: rounds }, () =>
    relations.flatMap((relation) =>
      allWordings.map((wording) => {
        const name = draw(names, random);
        const fact: Fact = { name, relation, value: drawValue(values[relation], random), wrong: [] };
        const refusal = random.uniform() < 0.1 ? random.integer(refusals.length) : undefined;
        return { fact, wording, refusal };
      }),
    ),
  ).flat();
}

/** A template with its name and its value. */
const filled = (template: string, name: string, value = "") => template.replace(/\bN\b/, name).replace(/\bV\b/, value);

/** A pattern for each answer: any name where a name stands, any value of the relation where a value stands. */
function sentencePatterns(names: readonly string[], values: Values): RegExp[] {
  const anyOf = (words: readonly string[]) => `(${words.join("|")})`;
  const pattern = (template: string, value?: string) =>
    new RegExp(`^${filled(template.replace(".", "\\."), anyOf(names), value)}$`);
  return [
    ...relations.flatMap((relation) => {
      const value = values[relation].map(anyOf).join(" ");
      return wordings[relation].map(({ answer }) => pattern(answer, value));
    }),
    ...refusals.map((template) => pattern(template)),
  ];
}
