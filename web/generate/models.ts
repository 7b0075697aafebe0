import { random, type Tensor, zeros } from "../../src/engine/index.js";
import { cnn, gpt, mlp } from "../../src/nn/index.js";
import { digitDenoiser } from "../../studies/forget/digit-denoiser.js";

/** A model as it is drawn: what it is called, a function of its parameters and inputs, and examples of these. */
export interface DrawnModel {
  readonly title: string;
  readonly apply: (params: any, ...inputs: Tensor[]) => Tensor;
  readonly params: unknown;
  readonly inputs: readonly Tensor[];
}

/** So large is no other axis, so that it can be told where rows of a batch lie. */
export const batchSize = 7919;

const perceptron = (sizes: readonly number[], what: string): DrawnModel => {
  const model = mlp({ sizes });
  return {
    title: `Multi-layer perceptron ${sizes.join("-")}: ${what}`,
    apply: model.apply,
    params: model.init(random.key(0)),
    inputs: [zeros([batchSize, sizes[0]])],
  };
};

const languageModel = (): DrawnModel => {
  const model = gpt({ layers: 1, width: 64, heads: 4, vocabulary: 256, context: 32, activation: "relu" });
  return {
    title:
      "One block of the small causal language model: token and position embeddings, attention, feed-forward layers",
    apply: model.apply as DrawnModel["apply"],
    params: model.init(random.key(0)),
    inputs: [zeros([batchSize, 32], "int32")],
  };
};

const classifier = () => perceptron([784, 256, 128, 10], "pixels to classes");

/** The main model of each study, at the size of its `standard` scale where that can be read as a picture. */
export const models: Readonly<Record<string, () => DrawnModel>> = {
  "lottery-ticket": () => perceptron([784, 300, 100, 10], "the network that is pruned"),
  "data-diet": () => {
    const model = cnn({ inputShape: [1, 28, 28], classes: 10, channels: [16, 32] });
    return {
      title: "The convolutional network of the transfer block",
      apply: model.apply as DrawnModel["apply"],
      params: model.init(random.key(0)),
      inputs: [zeros([batchSize, 1, 28, 28])],
    };
  },
  "lazy-to-rich": () => perceptron([64, 256, 10], "a student of one hidden layer"),
  "label-agnostic-forgetting": classifier,
  "worst-case-forget-sets": classifier,
  "sparsity-simplifies-unlearning": classifier,
  "deep-regression-unlearning": () => perceptron([64, 64, 64, 1], "features to a number"),
  "datamodel-matching": () => perceptron([64, 32, 10], "one of thousands"),
  "negative-preference-optimization": languageModel,
  "forget-only-loss-adjustment": languageModel,
  "concept-vectors": languageModel,
  "surgical-concept-erasing": () => {
    const model = digitDenoiser({ hidden: 512 });
    return {
      title: "The denoiser: pixels, time and class through three layers",
      apply: (params, z, t, c) => model.apply(params, z, t, c),
      params: model.init(random.key(0)),
      inputs: [zeros([batchSize, 64]), zeros([batchSize]), zeros([batchSize], "int32")],
    };
  },
};
