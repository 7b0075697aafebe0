import { describe, expect, it } from "vitest";
import {
  crossEntropy,
  gather,
  grad,
  jit,
  mean,
  mul,
  stopGradient,
  sum,
  type Tensor,
  tensor,
} from "../../src/engine/index.js";
import {
  dpoLoss,
  dpoUnlearn,
  gaLoss,
  gradientAscent,
  logProbability,
  npoAdaptiveWeight,
  npoDivergenceToy,
  npoLoss,
  npoUnlearn,
  referenceKl,
  rowBatches,
  tokenRows,
  type UnlearnState,
  unlearn,
} from "../../src/forget/index.js";
import { softmaxCrossEntropy } from "../../src/nn/index.js";
import { adam, applyUpdates } from "../../src/optim/index.js";
import { onEachBackend } from "../engine/helpers.js";
import { type Bigram, bigram, bigramProblem, pairs, values } from "./bigram.js";
import { toyProblem } from "./toy.js";

const float64 = (...list: number[]) => tensor(Float64Array.from(list));
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const logps = [-1.5, -4, -20];
const refs = [-2, -4, -3];

onEachBackend("npoLoss", () => {
  it("is the mean of -(2 / beta) log sigmoid(-beta r)", async () => {
    const beta = 0.7;
    const expected = logps.map((l, i) => (-2 / beta) * Math.log(sigmoid(-beta * (l - refs[i]))));
    const loss = await npoLoss(float64(...logps), float64(...refs), beta).item();
    expect(loss).toBeCloseTo(expected.reduce((a, b) => a + b) / 3, 10);
  });

  it("neither overflows nor vanishes for log-probabilities far from the reference's", async () => {
    expect(await npoLoss(float64(0), float64(-2000), 1).item()).toBeCloseTo(4000, 8);
    expect(await npoLoss(float64(-2000), float64(0), 1).item()).toBe(0);
  });

  it("goes to the mean of r, up to (2 / beta) log 2, as beta goes to 0", async () => {
    const beta = 1e-5;
    const loss = await npoLoss(float64(...logps), float64(...refs), beta).item();
    const r = logps.map((l, i) => l - refs[i]);
    expect(loss - (2 / beta) * Math.LN2).toBeCloseTo(r.reduce((a, b) => a + b) / 3, 2);
  });

  it("has the gradient of weighted ascent, and that of ascent itself at the reference", async () => {
    const [at, ref] = [float64(...logps), float64(...refs)];
    const weighted = (l: Tensor) => mean(mul(stopGradient(npoAdaptiveWeight(l, ref, 0.5)), l));
    const own = await values(grad((l: Tensor) => npoLoss(l, ref, 0.5))(at));
    const other = await values(grad(weighted)(at));
    own.forEach((g, i) => {
      expect(g).toBeCloseTo(other[i], 10);
    });
    const start = await values(grad((l: Tensor) => npoLoss(l, ref, 0.5))(ref));
    const ascent = await values(grad(gaLoss)(ref));
    start.forEach((g, i) => {
      expect(g).toBeCloseTo(ascent[i], 10);
    });
  });

  it("lets no gradient reach the reference", async () => {
    const both = grad((l: Tensor) => npoLoss(l, mul(l, 1), 0.5));
    const expected = grad((l: Tensor) => npoLoss(l, stopGradient(l), 0.5));
    expect(await values(both(float64(...logps)))).toEqual(await values(expected(float64(...logps))));
  });

  it("pushes an answer the less, the less likely it is", async () => {
    const weights = await values(npoAdaptiveWeight(float64(0, -2, -10, -100), float64(0, 0, 0, 0), 1));
    expect(weights[0]).toBeCloseTo(1, 10);
    expect(weights[1]).toBeCloseTo(2 * sigmoid(-2), 10);
    expect(weights[3]).toBeLessThan(1e-40);
    for (let i = 1; i < weights.length; i++) expect(weights[i]).toBeLessThan(weights[i - 1]);
  });
});

describe("dpoLoss", () => {
  it("is npoLoss where the preferred answers stay as they were", async () => {
    const rejected = { logp: float64(...logps), logpRef: float64(...refs) };
    const same = { logp: float64(-1, -2, -3), logpRef: float64(-1, -2, -3) };
    const npo = await npoLoss(rejected.logp, rejected.logpRef, 0.3).item();
    expect(await dpoLoss(same, rejected, 0.3).item()).toBeCloseTo(npo, 10);
  });

  it("falls as the preferred answer becomes likely", async () => {
    const rejected = { logp: float64(-1), logpRef: float64(-1) };
    const better = { logp: float64(-1), logpRef: float64(-5) };
    expect(await dpoLoss(better, rejected, 1).item()).toBeCloseTo(2 * Math.log(1 + Math.exp(-4)), 10);
  });
});

describe("logProbability and referenceKl", () => {
  const logits = tensor(
    Float64Array.from({ length: 2 * 3 * 4 }, (_, i) => Math.sin(i)),
    { shape: [2, 3, 4] },
  );
  const labels = tensor(Int32Array.of(-1, 2, 0, -1, -1, 3), { shape: [2, 3] });

  it("sums over the tokens of the answer alone: padding counts for nothing", async () => {
    const each = await values(crossEntropy(logits, labels));
    const found = await values(logProbability(logits, labels));
    expect(found[0]).toBeCloseTo(-each[1] - each[2], 10);
    expect(found[1]).toBeCloseTo(-each[5], 10);
  });

  it("is the log-probability of the label for a classifier", async () => {
    const rows = logits.reshape(6, 4);
    const own = tensor(Int32Array.of(0, 1, 2, 3, 0, 1));
    const each = await values(crossEntropy(rows, own));
    expect(await values(logProbability(rows, own))).toEqual(each.map((loss) => -loss));
  });

  it("is KL(reference || model) over the answer tokens, 0 for the reference itself", async () => {
    expect(await referenceKl(logits, logits, labels).item()).toBeCloseTo(0, 12);
    const other = mul(logits, 2);
    const softmax = (list: number[]) => {
      const e = list.map(Math.exp);
      const total = e.reduce((a, b) => a + b);
      return e.map((v) => v / total);
    };
    const [p, q] = [await values(other), await values(logits)];
    const kl = [1, 2, 5].map((at) => {
      const [a, b] = [softmax(p.slice(4 * at, 4 * at + 4)), softmax(q.slice(4 * at, 4 * at + 4))];
      return a.reduce((total, v, c) => total + v * Math.log(v / b[c]), 0);
    });
    expect(await referenceKl(logits, other, labels).item()).toBeCloseTo((kl[0] + kl[1] + kl[2]) / 3, 10);
  });
});

onEachBackend("npoUnlearn", () => {
  const settings = { optimizer: "adam", learningRate: 0.05, batchSize: 2, epochs: 2 } as const;
  /** The common problem, with the loss that makes core's gradient ascent one over whole answers. */
  const problem = () => bigramProblem({ perExampleLoss: (p, { x, y }) => logProbability(bigram.apply(p, x), y).neg() });
  const wOf = (params: unknown) => values((params as Bigram).w);

  it("with every weight 1 is gradient ascent, step for step", async () => {
    const ascent: number[][] = [];
    await unlearn(gradientAscent, problem(), settings).run(async ({ params }) => void ascent.push(await wOf(params)));
    const own: number[][] = [];
    await unlearn(npoUnlearn, problem(), { ...settings, adaptive: false }).run(
      async ({ params }) => void own.push(await wOf(params)),
    );
    expect(own).toEqual(ascent);
    expect(own).toHaveLength(4);
  });

  it("keeps the reference where it was: after a step the weights are no longer 1", async () => {
    // Plain steps on the loss, with log-probabilities of the original.
    const { params, forget } = problem();
    const optimizer = adam({ learningRate: settings.learningRate });
    const before = await logProbability(bigram.apply(params, tensor(forget.x)), tensor(forget.y!)).array();
    const step = jit((p: Bigram, s: any, x: Tensor, y: Tensor, indices: Tensor) => {
      const loss = (q: Bigram) => npoLoss(logProbability(bigram.apply(q, x), y), gather(tensor(before), indices), 0.5);
      const [updates, state] = optimizer.update(grad(loss)(p), s, p);
      return { p: applyUpdates(p, updates), s: state };
    });
    let [p, s]: [any, any] = [params, optimizer.init(params)];
    for (const { x, y, indices } of rowBatches(forget, { ...settings, seed: 0 }))
      ({ p, s } = await step(p, s, x, y, indices));
    const { params: found } = await unlearn(npoUnlearn, problem(), { ...settings, beta: 0.5 }).run();
    const [own, expected] = [await wOf(found), await wOf(p)];
    own.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i], 5);
    });
    const ascent = await unlearn(gradientAscent, problem(), settings).run();
    expect(await wOf(ascent.params)).not.toEqual(own);
  });

  it("makes answers unlikely, and keeps the rest where it is asked to", async () => {
    const long = { ...settings, epochs: 40 };
    const loss = async (params: unknown, set: "forget" | "retain") => {
      const { x, y } = problem()[set]!;
      return softmaxCrossEntropy(bigram.apply(params as Bigram, tensor(x)), tensor(y!)).item();
    };
    const start = problem().params;
    const free = (await unlearn(npoUnlearn, problem(), long).run()).params;
    const held = (await unlearn(npoUnlearn, problem(), { ...long, retain: "rt" }).run()).params;
    expect(await loss(free, "forget")).toBeGreaterThan((await loss(start, "forget")) + 2);
    expect(await loss(held, "forget")).toBeGreaterThan((await loss(start, "forget")) + 0.5);
    expect(await loss(held, "retain")).toBeLessThan(await loss(free, "retain"));
  });

  it("with the divergence stays closer to the original on retain rows", async () => {
    const { params: start, retain } = problem();
    const kl = async (params: unknown) => {
      const logits = (p: Bigram) => bigram.apply(p, tensor(retain!.x));
      return referenceKl(logits(params as Bigram), logits(start), tensor(retain!.y!)).item();
    };
    const long = { ...settings, epochs: 20 };
    const free = (await unlearn(npoUnlearn, problem(), long).run()).params;
    const held = (await unlearn(npoUnlearn, problem(), { ...long, retain: "kl", retainWeight: 5 }).run()).params;
    expect(await kl(held)).toBeLessThan((await kl(free)) / 2);
  });

  it("counts passes: a third for each row of the reference, and for each retain row under the divergence", async () => {
    const cost = async (retain: "none" | "rt" | "kl") =>
      (await unlearn(npoUnlearn, problem(), { ...settings, retain }).run()).cost.passes;
    // Two epochs of 3 forget rows, in batches of 2 and 1; 4 batches of 2 retain rows.
    expect(await cost("none")).toBeCloseTo(1 + 6, 10);
    expect(await cost("rt")).toBeCloseTo(1 + 6 + 8, 10);
    expect(await cost("kl")).toBeCloseTo(1 + 6 + 8 + 8 / 3, 10);
  });

  it("goes on from a step bit for bit, without computing the reference again", async () => {
    const options = { ...settings, retain: "rt" } as const;
    const whole = await unlearn(npoUnlearn, problem(), options).run();
    let kept: UnlearnState | undefined;
    for await (const { step, state } of unlearn(npoUnlearn, problem(), options)) {
      kept = state;
      if (step === 2) break;
    }
    const rest = await unlearn(npoUnlearn, problem(), { ...options, from: kept }).run();
    expect(await wOf(rest.params)).toEqual(await wOf(whole.params));
    expect(rest.cost.passes).toBeCloseTo(whole.cost.passes, 10);
  });

  it("unlearns labels of a classifier", async () => {
    const classifier = toyProblem();
    const logp = async (params: unknown) => {
      const { x, y } = classifier.forget;
      const all = logProbability(classifier.apply(params as any, tensor(x)) as Tensor, tensor(y!));
      return sum(all).item();
    };
    const { params } = await unlearn(npoUnlearn, classifier, { ...settings, batchSize: 5, retain: "rt" }).run();
    expect(await logp(params)).toBeLessThan(await logp(classifier.params));
  });

  it("is not for regression", async () => {
    const targets = { data: Float32Array.from({ length: 10 }, (_, i) => i), shape: [10], dtype: "float32" } as const;
    const { forget, apply } = toyProblem();
    const regression = toyProblem({
      forget: { ...forget, y: targets },
      retain: undefined,
      apply: (p, x) => (apply(p, x) as Tensor).slice([0, 0], [x.shape[0], 1]),
    });
    await expect(unlearn(npoUnlearn, regression, settings).run()).rejects.toThrow(
      "labels are integers, such as classes or tokens, not float32",
    );
  });

  it("needs the retain set only where it reads it", () => {
    const alone = bigramProblem({ retain: undefined });
    expect(() => unlearn(npoUnlearn, alone, settings)).not.toThrow();
    expect(() => unlearn(npoUnlearn, alone, { ...settings, retain: "kl" })).toThrow(/rows to keep \(retain\)/);
  });
});

describe("dpoUnlearn", () => {
  const settings = { optimizer: "adam", learningRate: 0.1, batchSize: 3, epochs: 30, templates: [[0, 6]] } as const;

  it("makes the refusal likelier and the answer less likely", async () => {
    const problem = bigramProblem();
    const refused = tokenRows(pairs.map(({ question }) => ({ question, answer: [0, 6] })));
    const total = async (params: unknown, { x, y }: typeof refused) =>
      sum(logProbability(bigram.apply(params as Bigram, tensor(x)), tensor(y))).item();
    const { params, cost } = await unlearn(dpoUnlearn, problem, settings).run();
    expect(await total(params, refused)).toBeGreaterThan(await total(problem.params, refused));
    const forget = problem.forget as typeof refused;
    expect(await total(params, forget)).toBeLessThan(await total(problem.params, forget));
    // Both answers of three rows at the reference, and both in each of 30 steps.
    expect(cost.passes).toBeCloseTo(2 + 180, 10);
  });

  it("asks for refusals", async () => {
    await expect(unlearn(dpoUnlearn, bigramProblem(), { ...settings, templates: [] }).run()).rejects.toThrow(
      "DPO: give templates, the refusals that the model should answer with, in tokens.",
    );
  });
});

onEachBackend("npoDivergenceToy", () => {
  it("moves as far in the first step by either loss", async () => {
    const { ga, npo } = await npoDivergenceToy({ d: 30, nForget: 4, steps: 3 });
    expect(npo[0]).toBeCloseTo(ga[0], 12);
    expect(ga).toHaveLength(3);
  });

  it("grows linearly by ascent, at most by lr ||x|| a step, and more slowly by NPO", async () => {
    const { ga, npo } = await npoDivergenceToy({ d: 60, nForget: 5, steps: 400, lr: 2, beta: 1 });
    const late = ga[399] - ga[299];
    expect(late / (ga[299] - ga[199])).toBeCloseTo(1, 2);
    expect((npo[399] - npo[199]) / (npo[199] - npo[99])).toBeLessThan(1.2);
    expect(npo[399]).toBeLessThan(0.2 * ga[399]);
  });

  it("is a function of the seed", async () => {
    const draw = async (seed: number) => (await npoDivergenceToy({ d: 20, nForget: 3, steps: 2, seed })).ga[1];
    expect(await draw(1)).toBe(await draw(1));
    expect(await draw(1)).not.toBe(await draw(2));
  });
});
