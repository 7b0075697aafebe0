import { describe, expect, it } from "vitest";
import { grad, log, mean, type Tensor, tensor, valueAndGrad } from "../../src/engine/index.js";
import {
  averageTokenProbability,
  type Divergence,
  fDivergenceVariational,
  flatLoss,
  flatUnlearn,
  refusalRows,
  refusalUnlearn,
  type Template,
  tokenPairs,
  unlearn,
} from "../../src/forget/index.js";
import { onEachBackend } from "../engine/helpers.js";
import { type Bigram, bigram, bigramOf, bigramProblem, pairs, values } from "./bigram.js";

const float64 = (...list: number[]) => tensor(Float64Array.from(list));

/** The generators f, of which f* is the conjugate. */
const generators: Readonly<Record<Divergence, (u: number) => number>> = {
  kl: (u) => u * Math.log(u),
  "reverse-kl": (u) => -Math.log(u),
  tv: (u) => Math.abs(u - 1) / 2,
  js: (u) => u * Math.log(u) - (u + 1) * Math.log((1 + u) / 2),
  pearson: (u) => (u - 1) ** 2,
  hellinger: (u) => (Math.sqrt(u) - 1) ** 2,
};
const divergences = Object.keys(generators) as Divergence[];

onEachBackend("fDivergenceVariational", () => {
  const at = [0.05, 0.3, 0.6, 0.95];

  it.each(divergences)("%s: f*(g(v)) is the largest of u g(v) - f(u)", async (name) => {
    const { g, fStarOfG } = fDivergenceVariational(name);
    const [own, conjugates] = [await values(g(float64(...at))), await values(fStarOfG(float64(...at)))];
    own.forEach((slope, i) => {
      // The grid is fine enough that the largest value is right to five digits.
      let best = Number.NEGATIVE_INFINITY;
      for (let u = 1e-4; u < 20; u += 1e-4) best = Math.max(best, u * slope - generators[name](u));
      expect(conjugates[i]).toBeCloseTo(best, 4);
    });
  });

  it.each(divergences)("%s: g rises, so that a likelier refusal counts for more", async (name) => {
    const slopes = await values(grad((v: Tensor) => mean(fDivergenceVariational(name).g(v)))(float64(...at)));
    for (const slope of slopes) expect(slope).toBeGreaterThan(0);
  });

  it("knows no other name", () => {
    expect(() => fDivergenceVariational("l2" as Divergence)).toThrow(
      'fDivergenceVariational: there is no divergence "l2"; choose one of kl, reverse-kl, tv, js, pearson, hellinger.',
    );
  });
});

describe("flatLoss", () => {
  const [e, p] = [0.3, 0.8];
  const expected: Readonly<Partial<Record<Divergence, number>>> = {
    kl: -e + Math.exp(p - 1),
    pearson: -e + p + p ** 2 / 4,
    tv: -Math.tanh(e) / 2 + Math.tanh(p) / 2,
    js: -(Math.log(2) - Math.log(1 + Math.exp(-e))) + p + Math.log(1 + Math.exp(-p)) - Math.log(2),
  };

  it.each(Object.keys(expected) as Divergence[])("%s is as the paper has it", async (name) => {
    expect(await flatLoss(float64(e), float64(p), name).item()).toBeCloseTo(expected[name]!, 12);
  });

  it.each(divergences)("%s: descending makes the refusal likelier and the answer less likely", async (name) => {
    const both = (x: { e: Tensor; p: Tensor }) => flatLoss(x.e, x.p, name);
    const slopes = grad(both)({ e: float64(e), p: float64(p) });
    expect((await values(slopes.e))[0]).toBeLessThan(0);
    expect((await values(slopes.p))[0]).toBeGreaterThan(0);
  });

  it("is a mean over examples, or the loss of the means with batchMean", async () => {
    const [es, ps] = [float64(0.1, 0.7), float64(0.9, 0.2)];
    const each = [
      await flatLoss(float64(0.1), float64(0.9), "kl").item(),
      await flatLoss(float64(0.7), float64(0.2), "kl").item(),
    ];
    expect(await flatLoss(es, ps, "kl").item()).toBeCloseTo((each[0] + each[1]) / 2, 12);
    const ofMeans = await flatLoss(float64(0.4), float64(0.55), "kl").item();
    expect(await flatLoss(es, ps, "kl", { batchMean: true }).item()).toBeCloseTo(ofMeans, 12);
    expect(ofMeans).not.toBeCloseTo((each[0] + each[1]) / 2, 3);
  });
});

onEachBackend("averageTokenProbability", () => {
  // Softmax [1/4, 3/4] and [1/2, 1/2].
  const logits = tensor(Float64Array.of(0, Math.log(3), 0, 0, 0, Math.log(3)), { shape: [1, 3, 2] });

  it("is the mean of probabilities, not of their logarithms, over the answer alone", async () => {
    const found = async (...labels: number[]) =>
      (await values(averageTokenProbability(logits, tensor(Int32Array.from(labels), { shape: [1, 3] }))))[0];
    expect(await found(1, 0, -1)).toBeCloseTo((0.75 + 0.5) / 2, 12);
    expect(await found(-1, -1, 0)).toBeCloseTo(0.25, 12);
    expect(await found(-1, -1, -1)).toBe(0);
  });

  it("takes a mask in place of labels that are none", async () => {
    const labels = tensor(Int32Array.of(1, 0, 1), { shape: [1, 3] });
    const mask = tensor(Uint8Array.of(0, 1, 1), { shape: [1, 3] });
    expect((await values(averageTokenProbability(logits, labels, mask)))[0]).toBeCloseTo((0.5 + 0.75) / 2, 12);
  });

  it("pushes an unlikely answer less: dP = P dlog P", async () => {
    const row = (logit: number) => tensor(Float64Array.of(logit, 0), { shape: [1, 2] });
    const label = tensor(Int32Array.of(0));
    const slope = async (f: (p: Tensor) => Tensor, logit: number) =>
      (await values(grad((x: Tensor) => mean(f(averageTokenProbability(x, label))))(row(logit))))[0];
    for (const logit of [-6, 0, 2]) {
      const p = 1 / (1 + Math.exp(-logit));
      expect(await slope((v) => v, logit)).toBeCloseTo(p * (await slope(log, logit)), 10);
    }
  });

  it("is the probability of the label for a classifier", async () => {
    const [p] = await values(averageTokenProbability(logits.reshape(3, 2), tensor(Int32Array.of(1, 1, 0))));
    expect(p).toBeCloseTo(0.75, 12);
  });
});

describe("refusalRows", () => {
  const { forget } = bigramProblem() as any;

  it("gives every question every template, with what the question says of it", () => {
    const named: Template = (question) => [question[1], 6];
    const rows = refusalRows("X", forget, { templates: [[0, 6], named], pad: 0 });
    expect(tokenPairs(rows)).toEqual(
      pairs.flatMap(({ question }) => [
        { question, answer: [0, 6] },
        { question, answer: [question[1], 6] },
      ]),
    );
  });

  it("names what does not fit", () => {
    expect(() => refusalRows("X", forget, { templates: [], pad: 0 })).toThrow("X: give templates");
    expect(() => refusalRows("X", forget, { templates: [[0, 0, 6]], pad: 0 })).toThrow(
      "tokenRows: pair 0 needs 4 positions, a row has 3.",
    );
  });
});

onEachBackend("flatUnlearn", () => {
  const templates = [[0, 6]];
  const settings = { optimizer: "adam", learningRate: 0.1, batchSize: 2, epochs: 20, templates } as const;
  const alone = () => bigramProblem({ retain: undefined });
  const meanOf = async (params: unknown, { x, y }: any) =>
    mean(averageTokenProbability(bigram.apply(params as Bigram, tensor(x)), tensor(y))).item();

  it.each(divergences)("%s: works with forget data alone, towards the refusal", async (divergence) => {
    const problem = alone();
    const refused = refusalRows("X", problem.forget as any, { templates, pad: 0 });
    const { params, cost } = await unlearn(flatUnlearn, problem, { ...settings, divergence }).run();
    expect(await meanOf(params, refused)).toBeGreaterThan((await meanOf(problem.params, refused)) + 0.2);
    expect(await meanOf(params, problem.forget)).toBeLessThan((await meanOf(problem.params, problem.forget)) - 0.2);
    // Answers and refusals of three rows, 20 times.
    expect(cost.passes).toBe(120);
  });

  it("reads neither retain rows nor the original: both are withheld", async () => {
    // Rows to keep that no model could take.
    const broken = { name: "retain", x: { data: Int32Array.of(99), shape: [1, 1], dtype: "int32" } } as const;
    const problem = bigramProblem({ retain: broken });
    await expect(unlearn(flatUnlearn, problem, { ...settings, epochs: 1 }).run()).resolves.toBeDefined();
    expect(flatUnlearn.needs(flatUnlearn.defaults)).toEqual(["labels"]);
    expect(refusalUnlearn.needs(refusalUnlearn.defaults)).toEqual(["labels"]);
  });

  it("takes one step down its own loss", async () => {
    const problem = alone();
    const one = { ...settings, batchSize: 3, epochs: 1, optimizer: "sgd" } as const;
    const { params, log: steps } = await unlearn(flatUnlearn, problem, one).run();
    const rows = refusalRows("X", problem.forget as any, { templates, pad: 0 });
    const loss = (p: Bigram) => {
      const P = ({ x, y }: any) => averageTokenProbability(bigram.apply(p, tensor(x)), tensor(y));
      return flatLoss(P(rows), P(problem.forget), "tv");
    };
    const [value, slopes] = valueAndGrad(loss)(problem.params);
    expect(steps[0].loss).toBeCloseTo(await value.item(), 6);
    const [before, after, slope] = [
      await values(problem.params.w),
      await values((params as Bigram).w),
      await values(slopes.w),
    ];
    after.forEach((w, i) => {
      expect(w).toBeCloseTo(before[i] - 0.1 * slope[i], 5);
    });
  });

  it("without refusals only pushes answers down, at half the cost", async () => {
    const problem = alone();
    const { params, cost } = await unlearn(flatUnlearn, problem, { ...settings, terms: "forget" }).run();
    expect(cost.passes).toBe(60);
    expect(await meanOf(params, problem.forget)).toBeLessThan(await meanOf(problem.params, problem.forget));
  });

  it("draws a refusal for each row, the same one throughout an epoch, and by the seed", async () => {
    const drawn = async (seed: number) => {
      const problem = bigramProblem({ retain: undefined, seed, params: bigramOf(7, {}) });
      const { log: steps } = await unlearn(flatUnlearn, problem, {
        ...settings,
        templates: [
          [0, 6],
          [5, 6],
          [4, 6],
        ],
      }).run();
      return steps.map(({ loss }) => loss);
    };
    expect(await drawn(3)).toEqual(await drawn(3));
    expect(await drawn(3)).not.toEqual(await drawn(4));
  });
});

describe("refusalUnlearn", () => {
  it("leaves the answers alone: only refusals are trained on", async () => {
    const problem = bigramProblem({ retain: undefined });
    const settings = { optimizer: "adam", learningRate: 0.1, batchSize: 3, epochs: 30, templates: [[0, 6]] } as const;
    const { params, cost } = await unlearn(refusalUnlearn, problem, settings).run();
    const refused = refusalRows("X", problem.forget as any, { templates: settings.templates, pad: 0 });
    const P = async (p: unknown) =>
      mean(averageTokenProbability(bigram.apply(p as Bigram, tensor(refused.x)), tensor(refused.y))).item();
    expect(await P(params)).toBeGreaterThan(await P(problem.params));
    expect(cost.passes).toBe(90);
  });
});
