import type { Paper } from "./paper.js";

/** Family `local`: learning without end-to-end backpropagation. */
export const local: readonly Paper[] = [
  {
    slug: "forward-gnn",
    family: "local",
    kinds: ["method"],
    title: "Forward Learning of Graph Neural Networks",
    year: 2024,
    claim:
      "Graph neural networks trained layer by layer with forward passes only, using virtual class nodes, reach about the accuracy of backpropagation with less memory.",
  },
  {
    slug: "snnk",
    family: "local",
    kinds: ["method", "theory"],
    title: "Scalable Neural Network Kernels",
    year: 2024,
    claim:
      "Dense layers can be replaced by dot products of separately transformed inputs and weights, unbiased and cheaper, giving adapters with up to five times fewer parameters.",
  },
  {
    slug: "physical-local-learning",
    family: "local",
    kinds: ["method"],
    title: "Backpropagation-free Training of Deep Physical Neural Networks",
    year: 2023,
    claim:
      "Physical networks can be trained by contrasting two forward passes per layer, without a model of the hardware, and then match or beat methods that rely on an imperfect model.",
  },
  {
    slug: "tpsgd",
    family: "local",
    kinds: ["method"],
    title: "Learning with Local Gradients at the Edge",
    year: 2023,
    claim:
      "Giving every layer a fixed random projection of the label as its own target trains shallow networks within a few percent of backpropagation using less memory.",
  },
  {
    slug: "guidance",
    family: "local",
    kinds: ["method", "phenomenon"],
    title: "Training the Untrainable: Introducing Inductive Bias via Representational Alignment",
    year: 2025,
    claim:
      "Matching layer representations to those of a guide network, even an untrained one, makes architectures thought unsuitable for a task train well and stop overfitting.",
  },
  {
    slug: "momentum-auxiliary-network",
    family: "local",
    kinds: ["method"],
    title: "Momentum Auxiliary Network for Supervised Local Learning",
    year: 2024,
    claim:
      "Passing a moving average of the next block's weights into each block's auxiliary network lets gradient-isolated training exceed earlier local methods at much lower memory.",
  },
  {
    slug: "pv-rnn",
    family: "local",
    kinds: ["architecture", "method", "phenomenon"],
    title: "A Novel Predictive-Coding-Inspired Variational RNN Model for Online Prediction and Recognition",
    year: 2019,
    claim:
      "One weight on the latent divergence decides whether a variational recurrent network treats noise as chaos or as randomness, and an intermediate value generalises best.",
  },
  {
    slug: "random-teachers",
    family: "local",
    kinds: ["phenomenon", "measure"],
    title: "Random Teachers are Good Teachers",
    year: 2023,
    claim:
      "A student distilled from a randomly initialised teacher learns better features than the teacher has, without labels, and soon lands near a linearly connected, sparsifiable region.",
  },
  {
    slug: "counter-current-learning",
    family: "local",
    kinds: ["method", "architecture"],
    title: "Counter-Current Learning: A Biologically Plausible Dual Network Approach for Deep Learning",
    year: 2024,
    claim:
      "A forward network from inputs and a feedback network from targets that align layer by layer learn nearly as well as backpropagation without weight transport or backward locking.",
  },
  {
    slug: "gb-nn",
    family: "local",
    kinds: ["method"],
    title: "Sequential Training of Neural Networks with Gradient Boosting",
    year: 2019,
    claim:
      "Growing a one-hidden-layer network by gradient boosting small units rivals usual training on tabular data, and the last units can be switched off later with little loss.",
  },
];
