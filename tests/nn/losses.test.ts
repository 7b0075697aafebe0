import { describe, expect, test } from "vitest";
import { crossEntropy, grad, mean, type Tensor, tensor } from "../../src/engine/index.js";
import {
  classScores,
  confusionMatrix,
  cosineEmbedding,
  cosineSimilarity,
  expectedCalibrationError,
  hinge,
  huber,
  klDivergence,
  meanAbsoluteError,
  multiClassHinge,
  negativeLogLikelihood,
  perplexity,
  softmaxCrossEntropy,
  topKAccuracy,
  tripletLoss,
} from "../../src/nn/index.js";
import { allClose, golden, ints } from "./golden.js";

const given = golden("nn-layers").losses;
const labels = ints(given.labels);
const both = (f: (x: Tensor) => Tensor, x: Tensor) => ({ y: f(x), dx: grad(f)(x) });
const int = (...values: number[]) => tensor(values, { dtype: "int32" });

describe("PyTorch's values and gradients", () => {
  test("of softmaxCrossEntropy with every option", async () => {
    const { logits, weights: classWeights, cross } = given;
    const options = {
      plain: {},
      smooth: { labelSmoothing: 0.1 },
      weighted: { classWeights },
      ignored: { ignore: 3 },
      all: { labelSmoothing: 0.2, classWeights, ignore: 2 },
    };
    const found = Object.fromEntries(
      Object.entries(options).map(([name, o]) => [name, both((z) => softmaxCrossEntropy(z, labels, o), logits)]),
    );
    await allClose(found, cross);
  });
  test("of the others", async () => {
    const { a, b, c, t, wide, short, targets, logits, weights: classWeights } = given;
    const { l1, nll, kl, multiHinge, cosine, triplet } = given;
    const logProbabilities = (z: Tensor) => z.sub(z.exp().sum(-1, { keepDims: true }).log());
    await allClose(
      {
        l1: both((x) => meanAbsoluteError(x, b), a),
        huber: both((x) => huber(x, b, { delta: 0.7 }), wide),
        nll: both((z) => negativeLogLikelihood(logProbabilities(z), labels, { classWeights }), logits),
        kl: both((z) => klDivergence(z, targets), short),
        multiHinge: both((z) => multiClassHinge(z, labels), logits),
        cosine: both((x) => cosineSimilarity(x, b).sum(), a),
        cosineEmbedding: both((x) => cosineEmbedding(x, b, t, { margin: 0.1 }), a),
        triplet: both((x) => tripletLoss(x, b, c), a),
      },
      { l1, huber: given.huber, nll, kl, multiHinge, cosine, cosineEmbedding: given.cosineEmbedding, triplet },
    );
  });
});

test("plain softmaxCrossEntropy is the mean of the engine's crossEntropy", async () => {
  await allClose(softmaxCrossEntropy(given.logits, labels), mean(crossEntropy(given.logits, labels)));
});

test("where every label is ignored the loss is 0", async () => {
  expect(await softmaxCrossEntropy(tensor([[1, 2]]), int(-1)).item()).toBe(0);
  expect(await softmaxCrossEntropy(tensor([[1, 2]]), int(0), { ignore: 0, labelSmoothing: 0.1 }).item()).toBe(0);
});

test("hinge counts what is within the margin", async () => {
  expect(await hinge(tensor([2, 0.5, -1, 0.25]), tensor([1, 1, 1, -1])).item()).toBe((0 + 0.5 + 2 + 1.25) / 4);
});

test("losses refuse shapes that do not fit", () => {
  const [two, three] = [tensor([1, 2]), tensor([1, 2, 3])];
  for (const [name, f] of Object.entries({ meanAbsoluteError, huber, klDivergence, hinge })) {
    expect(() => f(two, three)).toThrow(`${name}: predictions [2] and targets [3] differ in shape`);
  }
  expect(() => softmaxCrossEntropy(given.logits, int(1, 2))).toThrow("scores [6, 4] need labels [6], got [2]");
  expect(() => tripletLoss(given.a, given.b, two)).toThrow("tripletLoss: predictions [3, 5] and targets [2]");
});

describe("measures", () => {
  const logits = tensor([
    [3, 2, 1],
    [3, 2, 1],
    [3, 2, 1],
    [3, 3, 1],
  ]);
  test("topKAccuracy", async () => {
    const wanted = int(0, 1, 2, 1);
    expect(await topKAccuracy(logits, wanted, 1).item()).toBe(0.5);
    expect(await topKAccuracy(logits, wanted, 2).item()).toBe(0.75);
    expect(await topKAccuracy(logits, wanted, 3).item()).toBe(1);
    expect(() => topKAccuracy(logits, int(1), 1)).toThrow("topKAccuracy: logits [4, 3] need labels [4], got [1]");
  });
  test("the perplexity of the uniform distribution is the number of classes", async () => {
    expect(await perplexity(tensor([[0, 0, 0, 0]]), int(2)).item()).toBeCloseTo(4, 5);
  });
  test("confusionMatrix and the scores of each class", async () => {
    const confusion = confusionMatrix(int(0, 1, 1, 2, 1), int(0, 1, 0, 1, 1), 4);
    expect(await confusion.tolist()).toEqual([
      [1, 1, 0, 0],
      [0, 2, 1, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
    const { precision, recall, f1 } = classScores(confusion);
    const near = (...values: number[]) => values.map((v) => expect.closeTo(v, 5));
    expect(await precision.tolist()).toEqual(near(1, 2 / 3, 0, 0));
    expect(await recall.tolist()).toEqual(near(1 / 2, 2 / 3, 0, 0));
    expect(await f1.tolist()).toEqual(near(2 / 3, 2 / 3, 0, 0));
    expect(() => confusionMatrix(int(1), int(1, 2), 3)).toThrow("predictions [1] and labels [2] differ");
  });
  test("expectedCalibrationError by hand", async () => {
    // Confidences 0.9, 0.9, 0.6 and 0.55; two bins of [0, 0.5] and (0.5, 1], then ten.
    const rows = [0.9, 0.9, 0.6, 0.55].map((p) => [Math.log(p), Math.log(1 - p)]);
    const p = tensor(rows, { dtype: "float64" });
    const right = int(0, 1, 0, 0);
    expect(await expectedCalibrationError(p, right, { bins: 2 }).item()).toBeCloseTo(0.75 - 0.7375, 6);
    const byBin = (2 * Math.abs(0.5 - 0.9) + 2 * Math.abs(1 - 0.575)) / 4;
    expect(await expectedCalibrationError(p, right, { bins: 10 }).item()).toBeCloseTo(byBin, 6);
    // A confidence of 0.4 and one of 0.6 do not make up for each other.
    const apart = [0.4, 0.6].map((c) => [Math.log(c), Math.log((1 - c) / 2), Math.log((1 - c) / 2)]);
    expect(await expectedCalibrationError(tensor(apart), int(0, 1), { bins: 2 }).item()).toBeCloseTo(0.6, 5);
    expect(await expectedCalibrationError(tensor([[0, 0]]), int(0), { bins: 1 }).item()).toBeCloseTo(0.5, 6);
  });
});
