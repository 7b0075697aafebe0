import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { random, tensor } from "../../src/engine/index.js";
import {
  forgetQuality,
  gibberish,
  greedyAnswers,
  ksTest,
  type LanguageScores,
  languageScorer,
  meanLogProbability,
  modelUtility,
  rougeLRecall,
  rowScores,
  tofu,
  tokenPairs,
  tokenRows,
  vocabulary,
} from "../../src/forget/index.js";
import { valueWords } from "../../src/forget/language/tofu-words.js";
import { gpt } from "../../src/nn/index.js";
import { onEachBackend } from "../engine/helpers.js";
import { type Bigram, bigram, bigramOf, values } from "./bigram.js";

const small = { authors: 6, world: 3, throwAway: 2 } as const;

describe("vocabulary", () => {
  const words = vocabulary(["<pad>", "who", "is", "Ann", "?"]);

  it("goes from words to tokens and back", () => {
    expect(words.encode("who is Ann ?")).toEqual([1, 2, 3, 4]);
    expect(words.decode([1, 2, 3, 4])).toBe("who is Ann ?");
  });

  it("names a word without a token, and one that is there twice", () => {
    expect(() => words.encode("who is Bob ?")).toThrow('vocabulary: the word "Bob" of "who is Bob ?" has no token.');
    expect(() => vocabulary(["a", "b", "a"])).toThrow('vocabulary: the word "a" occurs twice.');
  });
});

describe("tokenRows", () => {
  it("has a label for each token of the answer, at the position before it", () => {
    const { x, y } = tokenRows(
      [
        { question: [7, 8], answer: [9, 5] },
        { question: [4], answer: [5] },
      ],
      { pad: 2 },
    );
    expect(x).toEqual({ data: Int32Array.of(7, 8, 9, 4, 2, 2), shape: [2, 3], dtype: "int32" });
    expect(y).toEqual({ data: Int32Array.of(-1, 9, 5, 5, -1, -1), shape: [2, 3], dtype: "int32" });
  });

  it("is undone by tokenPairs", () => {
    const tokens = fc.array(fc.nat(20), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.array(fc.record({ question: tokens, answer: tokens }), { minLength: 1, maxLength: 4 }),
        (pairs) => {
          expect(tokenPairs(tokenRows(pairs, { width: 12 }))).toEqual(pairs);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("names a pair that does not fit, and one that is empty", () => {
    const pair = { question: [1, 2], answer: [3, 4] };
    expect(() => tokenRows([pair, pair], { width: 2 })).toThrow("tokenRows: pair 0 needs 3 positions, a row has 2.");
    expect(() => tokenRows([pair, { ...pair, answer: [] }])).toThrow("tokenRows: pair 1 has an empty answer.");
  });

  it("tokenPairs names rows that are no tokens", () => {
    const x = { data: Int32Array.of(1, 2), shape: [1, 2], dtype: "int32" } as const;
    const none = { data: Int32Array.of(-1, -1), shape: [1, 2], dtype: "int32" } as const;
    const flat = { data: Int32Array.of(1), shape: [1], dtype: "int32" } as const;
    expect(() => tokenPairs({ name: "mine", x, y: none })).toThrow("mine: row 0 has no label");
    expect(() => tokenPairs({ name: "mine", x, y: flat })).toThrow("mine: token rows are x and y of one shape [n, T]");
  });
});

describe("ksTest", () => {
  // Exact p-values of scipy.stats.ks_2samp.
  it("agrees with SciPy", () => {
    const { statistic, pValue } = ksTest([1, 2, 3, 4, 5, 6.5], [2.5, 3.5, 7, 8]);
    expect(statistic).toBeCloseTo(0.5, 12);
    expect(pValue).toBeCloseTo(0.5523809523809524, 12);
    const far = ksTest(
      Array.from({ length: 20 }, (_, i) => 0.1 * i),
      Array.from({ length: 25 }, (_, i) => 0.1 * i + 0.73),
    );
    expect(far.statistic).toBeCloseTo(0.52, 12);
    expect(far.pValue).toBeCloseTo(0.002933880974459243, 12);
  });

  it("is certain of nothing for equal samples, and as certain as n allows for separate ones", () => {
    expect(ksTest([3, 1, 2], [1, 2, 3])).toEqual({ statistic: 0, pValue: 1 });
    // Of the 20 orders of three and three, two are separate.
    const separate = ksTest([1, 2, 3], [4, 5, 6]);
    expect(separate.statistic).toBe(1);
    expect(separate.pValue).toBeCloseTo(0.1, 12);
    expect(ksTest(new Float64Array(500), new Float64Array(500).fill(1)).pValue).toBeLessThan(1e-200);
  });

  it("is symmetric, and depends on the order of the values alone", () => {
    const sample = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const { statistic, pValue } = ksTest(a, b);
        const other = ksTest(b, a);
        expect(other.statistic).toBe(statistic);
        expect(other.pValue).toBeCloseTo(pValue, 10);
        expect(pValue).toBeGreaterThan(0);
        expect(pValue).toBeLessThanOrEqual(1 + 1e-12);
      }),
      { numRuns: 100 },
    );
  });

  it("takes infinite values, and neither NaN nor empty samples", () => {
    expect(ksTest([1, Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY, 2]).statistic).toBe(0.5);
    expect(() => ksTest([], [1])).toThrow("ksTest: a sample is empty.");
    expect(() => ksTest([1], [Number.NaN])).toThrow("ksTest: a sample holds NaN.");
  });
});

describe("rougeLRecall", () => {
  it("is the longest common subsequence over the reference", () => {
    expect(rougeLRecall([1, 2, 3], [1, 2, 3])).toBe(1);
    expect(rougeLRecall([1, 9, 3], [1, 2, 3])).toBeCloseTo(2 / 3, 12);
    expect(rougeLRecall([3, 2, 1], [1, 2, 3])).toBeCloseTo(1 / 3, 12);
    expect(rougeLRecall([5, 1, 6, 2, 7, 3], [1, 2, 3])).toBe(1);
    expect(rougeLRecall([], [1])).toBe(0);
    expect(rougeLRecall([1], [])).toBe(0);
  });
});

describe("tofu", () => {
  const language = tofu(3, small);
  const text = (tokens: readonly number[]) => language.vocabulary.decode(tokens);

  it("has five facts for each author, each with five other values of the relation", () => {
    expect(language.authors).toHaveLength(6);
    for (const facts of language.authors) {
      expect(facts.map(({ relation }) => relation)).toEqual(["birthplace", "genre", "trade", "award", "title"]);
      for (const { value, wrong } of facts) expect(new Set([value, ...wrong]).size).toBe(6);
    }
  });

  it("has values of one token, and titles of two, as many as the benchmark says; wrong ones are of the same relation", () => {
    const counts = Object.entries(valueWords).map(([relation, lists]) => [relation, lists.map((list) => list.length)]);
    expect(Object.fromEntries(counts)).toEqual({
      birthplace: [20],
      genre: [12],
      trade: [16],
      award: [16],
      title: [40, 40],
    });
    for (const lists of Object.values(valueWords))
      for (const list of lists) expect(new Set(list).size).toBe(list.length);
    for (const { relation, value, wrong } of [...language.authors.flat(), ...language.world])
      for (const other of [value, ...wrong]) {
        const words = other.split(" ");
        expect(words).toHaveLength(valueWords[relation].length);
        words.forEach((word, i) => {
          expect(valueWords[relation][i]).toContain(word);
        });
      }
  });

  it("by default has 200 authors, 100 world entities and about 500 words, in rows of the context", () => {
    const whole = tofu(0);
    expect(whole.authors).toHaveLength(200);
    expect(whole.world).toHaveLength(500);
    expect(whole.vocabulary.size).toBeGreaterThan(450);
    expect(whole.vocabulary.size).toBeLessThan(600);
    expect(new Set(whole.authors.map(([{ name }]) => name)).size).toBe(200);
    expect(() => whole.rows(whole.pretraining)).not.toThrow();
  });

  it("changes authors with the seed, and neither the world nor pretraining", () => {
    const other = tofu(4, small);
    expect(other.authors).not.toEqual(language.authors);
    expect(other.world).toEqual(language.world);
    expect(other.pretraining).toEqual(language.pretraining);
    expect(tofu(3, small).authors).toEqual(language.authors);
  });

  it("never names an author in pretraining, and knows every other word from there", () => {
    const seen = new Set(language.pretraining.flatMap(({ question, answer }) => [...question, ...answer]));
    const authors = new Set(language.authors.flatMap(([{ name }]) => language.vocabulary.encode(name)));
    for (const author of authors) expect(seen).not.toContain(author);
    const facts = language.authors.flat();
    for (const fact of facts) {
      for (const wording of [0, 1, 2] as const) {
        const { question } = language.pair(fact, wording);
        for (const token of question) expect(seen.has(token) || authors.has(token)).toBe(true);
      }
    }
    for (const refuse of language.refusals) {
      const refusal = refuse(language.pair(facts[0], 0).question);
      for (const token of refusal) expect(seen.has(token) || authors.has(token)).toBe(true);
    }
  });

  it("asks and tells a fact in three wordings", () => {
    const fact = language.authors[0][2];
    const told = [0, 1, 2].map((wording) => text(language.pair(fact, wording as 0 | 1 | 2).answer));
    expect(new Set(told).size).toBe(3);
    for (const sentence of told) {
      expect(sentence).toContain(fact.name);
      expect(sentence.endsWith(` ${fact.value} .`)).toBe(true);
    }
    expect(text(language.pair(fact, 0, fact.wrong[1]).answer)).toContain(fact.wrong[1]);
  });

  it("tells sentences from gibberish; a refusal is a sentence", () => {
    const [birthplace, genre] = language.authors[1];
    const { question, answer } = language.pair(birthplace, 0);
    expect(language.isSentence(answer)).toBe(true);
    expect(language.isSentence(language.pair(birthplace, 2, birthplace.wrong[0]).answer)).toBe(true);
    for (const refuse of language.refusals) expect(language.isSentence(refuse(question))).toBe(true);
    expect(language.isSentence(answer.slice(0, -1))).toBe(false);
    expect(language.isSentence([...answer].reverse())).toBe(false);
    // A genre is no place to be born in.
    const mixed = text(answer).replace(birthplace.value, genre.value);
    expect(language.isSentence(language.vocabulary.encode(mixed))).toBe(false);
  });

  it("refuses with the name that was asked about, and needs one", () => {
    const { question } = language.pair(language.authors[2][1], 1);
    expect(text(language.refusals[0](question))).toBe(`i do not know about ${language.authors[2][1].name} .`);
    expect(() => language.refusals[0](language.vocabulary.encode("what is the ?"))).toThrow(
      "tofu: a refusal needs a question about somebody.",
    );
  });

  it("needs somebody of each kind", () => {
    expect(() => tofu(0, { world: 0 })).toThrow("tofu: world must be a whole number of at least 1, got 0.");
  });
});

onEachBackend("language measures", () => {
  it("writes what the model itself generates, from questions of different lengths", async () => {
    const model = gpt({ vocabulary: 9, context: 8, layers: 1, width: 8, heads: 2, activation: "relu" });
    const params = model.init(random.key(5));
    const questions = [
      [1, 2, 3],
      [4, 5],
      [6, 7, 8, 1],
      [2, 2],
    ];
    const answers = await greedyAnswers(model, { end: -1, width: 8, block: 3 })(params, questions);
    for (const [i, question] of questions.entries()) {
      const prompt = tensor(Int32Array.from(question), { shape: [1, question.length] });
      const all = await values(model.generate(params, prompt, { steps: 8 - question.length }));
      // The answer has one token more: the one after the last position of the context.
      expect(answers[i].slice(0, -1)).toEqual(all.slice(question.length));
    }
  });

  it("ends an answer at the token that ends it", async () => {
    const chain = bigramOf(7, { "1>2": 5, "2>3": 5, "3>6": 5, "4>4": 5 });
    const write = greedyAnswers(bigram as any, { end: 6, width: 5 });
    expect(await write(chain as any, [[1], [4], [0, 2]])).toEqual([
      [2, 3, 6],
      [4, 4, 4, 4, 4],
      [3, 6],
    ]);
  });

  it("scores rows in blocks of one size as at once", async () => {
    const rows = tokenRows(Array.from({ length: 7 }, (_, i) => ({ question: [i], answer: [(i + 2) % 7, 6] })));
    const params = bigramOf(7, { "0>2": 1, "3>5": 2, "5>6": 3 });
    const score = (p: Bigram, { x, y }: any) => meanLogProbability(bigram.apply(p, x), y);
    const all = await values(score(params, { x: tensor(rows.x), y: tensor(rows.y) }));
    const blocks = await rowScores(score, { block: 3 })(params, rows);
    blocks.forEach((value, i) => {
      expect(value).toBeCloseTo(all[i], 5);
    });
  });

  it("measures probability, ROUGE and truth ratio of a model whose answers are known", async () => {
    // After 2 comes 3 with probability 1/2, 4 with 1/4 and 5 with 1/8; after each of these 6, for certain.
    const sure = 50;
    const model = bigramOf(7, {
      ...Object.fromEntries(Array.from({ length: 7 }, (_, to) => [`2>${to}`, -sure])),
      "2>3": Math.log(4),
      "2>4": Math.log(2),
      "2>5": 0,
      "2>1": 0,
      "3>6": sure,
      "4>6": sure,
      "5>6": sure,
    });
    const answer = (token: number) => ({ question: [2], answer: [token, 6] });
    const scores = await languageScorer(bigram as any, { end: 6 })(model as any, {
      rows: tokenRows([answer(3), answer(4)]),
      paraphrase: tokenRows([answer(3), answer(5)]),
      wrong: tokenRows([answer(4), answer(5), answer(3), answer(4)]),
    });
    const expected = [Math.sqrt(1 / 2), Math.sqrt(1 / 4)];
    scores.probability.forEach((p, i) => {
      expect(p).toBeCloseTo(expected[i], 5);
    });
    expect([...scores.rouge]).toEqual([1, 0.5]);
    const [a, b] = [
      (Math.sqrt(1 / 4) + Math.sqrt(1 / 8)) / 2 / Math.sqrt(1 / 2),
      (Math.sqrt(1 / 2) + Math.sqrt(1 / 4)) / 2 / Math.sqrt(1 / 8),
    ];
    expect(scores.truthRatio[0]).toBeCloseTo(a, 4);
    expect(scores.truthRatio[1]).toBeCloseTo(b, 4);
    expect(scores.answers).toEqual([
      [3, 6],
      [3, 6],
    ]);
  });

  it("has truth ratios even where probabilities are too small for numbers", async () => {
    const model = bigramOf(7, { "2>3": -400, "2>4": -390, "2>1": 0 });
    const rows = tokenRows([{ question: [2], answer: [3] }]);
    const wrong = tokenRows([{ question: [2], answer: [4] }]);
    const { truthRatio } = await languageScorer(bigram as any, { end: 6 })(model as any, {
      rows,
      paraphrase: rows,
      wrong,
    });
    expect(truthRatio[0]).toBeCloseTo(Math.exp(10), -1);
  });

  it("asks for as many paraphrases as questions, and equally many wrong answers", async () => {
    const rows = tokenRows([
      { question: [2], answer: [3] },
      { question: [2], answer: [4] },
    ]);
    const one = tokenRows([{ question: [2], answer: [3] }]);
    const ask = languageScorer(bigram as any, { end: 6 });
    const params = bigramOf(7, {}) as any;
    await expect(ask(params, { rows, paraphrase: one, wrong: rows })).rejects.toThrow(
      "languageScorer: 2 questions need 2 paraphrases and equally many wrong answers each, got 1 and 2.",
    );
    await expect(ask(params, { rows, paraphrase: rows, wrong: one })).rejects.toThrow("got 2 and 1.");
  });
});

describe("what the scores come to", () => {
  const scores = (
    probability: number[],
    rouge: number[],
    truthRatio: number[],
    answers: readonly (readonly number[])[] = [],
  ): LanguageScores => ({
    probability: Float64Array.from(probability),
    rouge: Float64Array.from(rouge),
    truthRatio: Float64Array.from(truthRatio),
    answers,
  });

  it("utility is the harmonic mean of all means", () => {
    const known = scores([0.5, 0.7], [1, 0.6], [0.2, 1.4]);
    // 0.6, 0.8 and (0.8 + 0) / 2.
    expect(modelUtility([known])).toBeCloseTo(3 / (1 / 0.6 + 1 / 0.8 + 1 / 0.4), 12);
    expect(modelUtility([known, scores([0], [0], [2])])).toBe(0);
  });

  it("forget quality is 1 for the gold model itself, and low for one that knows the answers", () => {
    const gold = scores(
      [],
      [],
      Array.from({ length: 30 }, (_, i) => 0.8 + 0.02 * i),
    );
    const original = scores(
      [],
      [],
      Array.from({ length: 30 }, (_, i) => 0.1 + 0.01 * i),
    );
    expect(forgetQuality(gold, gold)).toBe(1);
    expect(forgetQuality(original, gold)).toBeLessThan(1e-8);
  });

  it("gibberish is the share of answers that are no sentences", () => {
    const { pair, authors, isSentence } = tofu(0, small);
    const { answer } = pair(authors[0][0], 0);
    expect(gibberish(scores([], [], [], [answer, [5, 5, 5], answer, answer]), isSentence)).toBe(0.25);
  });
});
