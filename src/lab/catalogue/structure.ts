import type { Paper } from "./paper.js";

/** Family `structure`: sequences, sets and probabilistic structure. */
export const structure: readonly Paper[] = [
  {
    slug: "monotone-dbm",
    family: "structure",
    kinds: ["architecture", "method", "theory"],
    title: "Monotone deep Boltzmann machines",
    year: 2023,
    claim:
      "Restricting the couplings of a deep Boltzmann machine guarantees one unique mean-field solution that is fast to compute, even with connections inside a layer.",
  },
  {
    slug: "order-matters",
    family: "structure",
    kinds: ["architecture", "method", "phenomenon"],
    title: "Order Matters: Sequence to sequence for sets",
    year: 2016,
    claim:
      "The order in which inputs and outputs of a set are presented changes what sequence models learn; order-invariant reading and a search over output orders both help.",
  },
  {
    slug: "rnn-review",
    family: "structure",
    kinds: ["survey"],
    title: "A Critical Review of Recurrent Neural Networks for Sequence Learning",
    year: 2015,
    claim:
      "Plain recurrent networks struggle with long dependencies because gradients vanish or explode, whereas gated memory cells, bidirectional context and gradient clipping make sequence learning practical.",
  },
  {
    slug: "recoding",
    family: "structure",
    kinds: ["method"],
    title: "Recoding latent sentence representations -- Dynamic gradient-based activation modification in RNNs",
    year: 2019,
    claim:
      "Correcting a language model's hidden state at each step by the gradient of its surprise or uncertainty is appealing in theory but brings only minor gains over an LSTM.",
  },
  {
    slug: "cakt",
    family: "structure",
    kinds: ["architecture"],
    title: "Deep Knowledge Tracing with Learning Curves",
    year: 2020,
    claim:
      "Reading a student's latest attempts at the same concept as a learning curve, beside the overall history, improves the prediction of whether the next answer is correct.",
  },
  {
    slug: "ppt",
    family: "structure",
    kinds: ["method", "architecture"],
    title: "Progressive Pretext Task Learning for Human Trajectory Prediction",
    year: 2024,
    claim:
      "Training a trajectory model in stages, first the next step, then the destination, then the whole path, gives more accurate and faster human motion forecasts.",
  },
  {
    slug: "pointer-networks",
    family: "structure",
    kinds: ["architecture"],
    title: "Pointer Networks",
    year: 2015,
    claim:
      "Using attention as the output distribution lets a network point at its own inputs, learn geometric problems approximately and generalise to longer inputs than it saw.",
  },
  {
    slug: "inset",
    family: "structure",
    kinds: ["method", "theory"],
    title: "Enhancing Neural Subset Selection: Integrating Background Information into Set Representations",
    year: 2024,
    claim:
      "Whether a subset is the right choice depends on the set it was drawn from, so adding an invariant summary of the whole set improves subset selection.",
  },
];
