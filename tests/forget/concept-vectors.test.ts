import { describe, expect, it } from "vitest";
import { random, type Tensor, tensor } from "../../src/engine/index.js";
import {
  findConceptVectors,
  gradientAscent,
  intrinsicScore,
  logitLensTopK,
  logProbability,
  mlpValueVectors,
  needleAblate,
  needleUnlearn,
  npoUnlearn,
  tofu,
  tokenRows,
  unlearn,
  validateConceptVector,
} from "../../src/forget/index.js";
import { type GptParams, gpt } from "../../src/nn/index.js";
import { onEachBackend } from "../engine/helpers.js";
import { values } from "./bigram.js";

const matrix = (...rows: number[][]) => tensor(rows);

/** Four tokens over a residual stream of two; three hidden units. */
const unembedding = matrix([1, 0], [0, 1], [-1, 0], [0, -1]);
const params = { mlp: { w: matrix([2, 0.1], [0, -3], [0.01, 0.02]) }, other: matrix([1, 2]) };
const layer = { path: "mlp.w" };

onEachBackend("value vectors", () => {
  it("are rows of [in, out] weights, and columns of [out, in] ones", async () => {
    expect(await values(mlpValueVectors(params, layer))).toEqual(await values(params.mlp.w));
    const turned = mlpValueVectors(params, { ...layer, axis: 1 });
    expect(turned.shape).toEqual([2, 3]);
    expect((await values(turned)).slice(0, 3)).toEqual((await values(params.mlp.w)).filter((_, i) => i % 2 === 0));
  });

  it("are read off by the unembedding, best token first", async () => {
    const { tokens } = logitLensTopK(params.mlp.w, unembedding, 2);
    // [2, 0.1] says 0 then 1; [0, -3] says 3, then nothing; [0.01, 0.02] says 1 then 0.
    const said = await values(tokens);
    expect(said.slice(0, 2)).toEqual([0, 1]);
    expect(said[2]).toBe(3);
    expect(said.slice(4)).toEqual([1, 0]);
  });

  it("are found by the share of their top tokens that is the concept's, weak ones left out", async () => {
    const options = { layers: [layer], unembedding, k: 2 };
    const found = await findConceptVectors(params, [0, 1], { ...options, minShare: 1, discard: 0 });
    // Of two with the same share, the one that says it louder comes first.
    expect(found).toEqual([
      { path: "mlp.w", index: 0, share: 1 },
      { path: "mlp.w", index: 2, share: 1 },
    ]);
    const strong = await findConceptVectors(params, [0, 1], { ...options, minShare: 1, discard: 0.34 });
    expect(strong).toEqual([{ path: "mlp.w", index: 0, share: 1 }]);
    expect(await findConceptVectors(params, [2], { ...options, minShare: 1, discard: 0 })).toEqual([]);
  });

  it("are compared one by one", async () => {
    const after = { ...params, mlp: { w: matrix([2, 0.1], [3, 0], [0.01, 0.02]) } };
    const at = (index: number) =>
      intrinsicScore(params, after, { ...layer, index }, unembedding, { k: 1, concept: [0] });
    const same = await at(0);
    expect(same.cosine).toBeCloseTo(1, 6);
    expect(same).toMatchObject({ l2: 0, jaccard: 1, conceptShare: 1 });
    const turned = await at(1);
    expect(turned.cosine).toBeCloseTo(0, 6);
    expect(turned.l2).toBeCloseTo(Math.sqrt(18), 5);
    expect(turned.jaccard).toBe(0);
    expect(turned.conceptShare).toBe(1);
  });
});

describe("value vectors that are not there", () => {
  it("are named", async () => {
    expect(() => mlpValueVectors(params, { path: "mlp.v" })).toThrow(
      'There is no matrix at "mlp.v" among the parameters.',
    );
    expect(() => logitLensTopK(params.mlp.w, matrix([1, 0, 0], [0, 1, 0]), 1)).toThrow(
      "vectors of 2 need an unembedding [vocabulary, 2], got [2,3]",
    );
    expect(() => needleAblate(params, { ...layer, index: 3 })).toThrow('"mlp.w" has value vectors 0 to 2, not 3.');
    await expect(intrinsicScore(params, params, { ...layer, index: 7 }, unembedding)).rejects.toThrow(
      'intrinsicScore: "mlp.w" has value vectors 0 to 2, not 7.',
    );
  });
});

onEachBackend("needleAblate", () => {
  it("moves one vector by noise of the size asked for, and nothing else", async () => {
    const wide = { w: tensor(new Float32Array(4 * 2000).fill(1), { shape: [4, 2000] }), rest: matrix([1, 2]) };
    const change = async (options: object, axis: 0 | 1 = 0) => {
      const all = await values(needleAblate(wide, { path: "w", index: 2, axis }, options).w);
      return all.map((v) => v - 1);
    };
    const moved = await change({ sigma: 0.3, seed: 1 });
    const size = (list: number[]) => Math.sqrt(list.reduce((sum, v) => sum + v * v, 0) / list.length);
    expect(size(moved.slice(4000, 6000))).toBeCloseTo(0.3, 1);
    expect(moved.filter((_, i) => i < 4000 || i >= 6000).every((v) => v === 0)).toBe(true);
    // In lengths of the vector, here sqrt(2000).
    expect(size((await change({ sigma: 0.01, relative: true })).slice(4000, 6000)) / Math.sqrt(2000)).toBeCloseTo(
      0.01,
      3,
    );
    expect(await change({ seed: 1 })).toEqual(await change({ seed: 1 }));
    expect(await change({ seed: 1 })).not.toEqual(await change({ seed: 2 }));
  });

  it("moves several at once, in either orientation", async () => {
    const square = { w: matrix([1, 1], [1, 1], [1, 1]) };
    const at = (index: number, axis: 0 | 1) => ({ path: "w", index, axis });
    const rows = await values(needleAblate(square, [at(0, 0), at(2, 0)]).w);
    expect(rows.map((v) => v !== 1)).toEqual([true, true, false, false, true, true]);
    const columns = await values(needleAblate(square, at(1, 1)).w);
    expect(columns.map((v) => v !== 1)).toEqual([false, true, false, true, false, true]);
  });
});

onEachBackend("needleUnlearn", () => {
  const model = gpt({ vocabulary: 8, context: 5, layers: 2, width: 8, heads: 2, hidden: 6 });
  const rows = (pairs: [number, number][], name: string) =>
    tokenRows(
      pairs.map(([question, answer]) => ({ question: [1, question], answer: [answer, 7] })),
      { name },
    );
  const problem = () => ({
    params: model.init(random.key(3)),
    apply: (p: GptParams, x: Tensor) => model.apply(p, x),
    perExampleLoss: (p: GptParams, { x, y }: { x: Tensor; y: Tensor }) => logProbability(model.apply(p, x), y).neg(),
    forget: rows(
      [
        [2, 3],
        [4, 5],
      ],
      "forget",
    ),
    retain: rows(
      [
        [3, 6],
        [5, 6],
      ],
      "retain",
    ),
    seed: 0,
  });
  const settings = { optimizer: "adam", learningRate: 0.05, batchSize: 2, epochs: 5 } as const;

  it.each([
    ["NPO", npoUnlearn, { retain: "rt" }],
    ["GA", gradientAscent, {}],
  ] as const)("lets %s train one vector, and leaves all else as it is to the bit", async (_name, method, more) => {
    const given = problem();
    const needle = needleUnlearn<any>(method, [{ path: "blocks[1].down.w", index: 4 }]);
    const after = (await unlearn(needle, given, { ...settings, ...more }).run()).params as GptParams;
    const [before, now] = [await values(given.params.blocks[1].down.w), await values(after.blocks[1].down.w)];
    const changed = now.flatMap((v, i) => (v === before[i] ? [] : [Math.floor(i / 8)]));
    expect(new Set(changed)).toEqual(new Set([4]));
    for (const of of [(p: GptParams) => p.tokens.w, (p: GptParams) => p.head!.w, (p: GptParams) => p.blocks[1].up.w])
      expect(await values(of(after))).toEqual(await values(of(given.params)));
  });

  it("takes no weight decay, which would move what is frozen", async () => {
    const needle = needleUnlearn<any>(gradientAscent, [{ path: "blocks[1].down.w", index: 4 }]);
    await expect(unlearn(needle, problem(), { ...settings, weightDecay: 0.1 }).run()).rejects.toThrow(
      "GA on value vectors: leave weightDecay out, it would move all other parameters.",
    );
  });

  it("trains whole matrices where there is no index", async () => {
    const given = problem();
    const both = needleUnlearn(npoUnlearn, [{ path: "blocks[0].down.w" }, { path: "blocks[1].down.w" }]);
    const after = (await unlearn(both, given, settings).run()).params as GptParams;
    for (const block of [0, 1])
      expect(await values(after.blocks[block].down.w)).not.toEqual(await values(given.params.blocks[block].down.w));
    expect(await values(after.blocks[0].attention.out.w)).toEqual(await values(given.params.blocks[0].attention.out.w));
    expect(both.name).toBe("NPO on value vectors");
  });
});

describe("validateConceptVector", () => {
  it("gives the drop of each question's score under noise on the vector alone", async () => {
    const rows = (index: number) =>
      ({ name: "r", x: { data: Int32Array.of(index), shape: [1, 1], dtype: "int32" } }) as any;
    /** Scores a row by the first number of the vector that it names. */
    const score = async (p: typeof params, { x }: any) => [(await values(p.mlp.w))[2 * x.data[0]]];
    const probes = { concept: rows(1), unrelated: rows(0) };
    const effect = await validateConceptVector(score, params, { ...layer, index: 1 }, probes, { sigma: 1 });
    const noisy = await values(needleAblate(params, { ...layer, index: 1 }, { sigma: 1 }).mlp.w);
    expect(effect.concept[0]).toBeCloseTo(0 - noisy[2], 6);
    expect(effect.concept[0]).not.toBe(0);
    expect([...effect.unrelated]).toEqual([0]);
  });
});

describe("themes of tofu", () => {
  const language = tofu(1, { authors: 6, world: 2, throwAway: 2, themes: 3 });

  it("are told in words that no other author is told in, and that pretraining has", () => {
    const seen = new Set(language.pretraining.flatMap(({ answer }) => answer));
    expect(language.themes).toHaveLength(3);
    for (const { authors, words } of language.themes) {
      const own = Object.values(words).flat();
      expect(own).toHaveLength(4);
      expect(authors).toHaveLength(2);
      language.authors.forEach((facts, author) => {
        for (const { relation, value } of facts)
          if (relation in words) expect(words[relation]!.includes(value)).toBe(authors.includes(author));
      });
      for (const word of own.slice(0, 1)) expect(language.vocabulary.words).toContain(word);
    }
    expect(
      language.pretraining.some(({ answer }) => answer.some((t) => language.vocabulary.words[t].includes("-tales"))),
    ).toBe(true);
    expect(seen.size).toBeGreaterThan(0);
  });

  it("leave the language without themes as it was, and share out the authors equally", () => {
    const plain = tofu(1, { authors: 6, world: 2, throwAway: 2 });
    expect(plain.themes).toEqual([]);
    expect(tofu(1, { authors: 6, world: 2, throwAway: 2, themes: 0 }).authors).toEqual(plain.authors);
    expect(() => tofu(0, { authors: 5, themes: 2 })).toThrow("tofu: 2 themes do not share out 5 authors.");
  });
});
