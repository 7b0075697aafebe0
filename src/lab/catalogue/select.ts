import type { Paper } from "./paper.js";

/** Family `select`: data distillation, selection, reweighting and weak labels. */
export const select: readonly Paper[] = [
  {
    slug: "datm",
    family: "select",
    kinds: ["method", "phenomenon"],
    title: "Towards Lossless Dataset Distillation via Difficulty-Aligned Trajectory Matching",
    year: 2024,
    claim:
      "Matching expert trajectories from later stages as the synthetic set grows lets a distilled data set reach the accuracy of the full one.",
  },
  {
    slug: "ast-distill",
    family: "select",
    kinds: ["method"],
    title: "Efficient Dataset Distillation through Alignment with Smooth and High-Quality Expert Trajectories",
    year: 2023,
    claim:
      "Stronger experts only yield better distilled data when their training trajectories are smooth; smoothing, representative starts and error control then beat earlier trajectory matching.",
  },
  {
    slug: "loss-reweight",
    family: "select",
    kinds: ["method", "theory"],
    title: "Dynamic Loss-Based Sample Reweighting for Improved Large Language Model Pretraining",
    year: 2025,
    claim:
      "Weighting samples by their current loss during pre-training, mainly by pushing down easy redundant ones, speeds up learning and improves large language models.",
  },
  {
    slug: "srat",
    family: "select",
    kinds: ["phenomenon", "method", "theory"],
    title: "Imbalanced Adversarial Training with Reweighting",
    year: 2021,
    claim:
      "Class imbalance hurts adversarial training far more than natural training, and reweighting repairs it only when features of different classes are also pushed apart.",
  },
  {
    slug: "presto",
    family: "select",
    kinds: ["method", "theory"],
    title: "Predicting Rare Events by Shrinking Towards Proportional Odds",
    year: 2023,
    claim:
      "Letting each class boundary deviate sparsely from the proportional-odds model estimates rare-event probabilities better than either separate logistic regression or the rigid model.",
  },
  {
    slug: "data-diet",
    family: "select",
    kinds: ["measure", "method", "phenomenon"],
    title: "Deep Learning on a Data Diet: Finding Important Examples Early in Training",
    year: 2021,
    claim:
      "Error or gradient norms computed a few epochs into training identify the examples that matter, so large parts of a data set can be dropped without losing accuracy.",
  },
  {
    slug: "llp-bp",
    family: "select",
    kinds: ["method"],
    title: "Learning from Label Proportions: Bootstrapping Supervised Learners via Belief Propagation",
    year: 2024,
    claim:
      "Belief propagation over bag counts and neighbour similarity turns label proportions into useful pseudo-labels, which train a classifier better than earlier proportion-based methods.",
  },
  {
    slug: "learn-active",
    family: "select",
    kinds: ["method", "theory"],
    title: "Learning to Actively Learn: A Robust Approach",
    year: 2020,
    claim:
      "A query policy trained against the hardest problem in each difficulty class beats theory-driven active learning at budgets of a few dozen queries, without needing a prior.",
  },
  {
    slug: "compress-noisy",
    family: "select",
    kinds: ["method", "theory"],
    title: "Compressing Features for Learning with Noisy Labels",
    year: 2022,
    claim:
      "Nested dropout, which orders and compresses the last features, reduces fitting of wrong labels and matches or beats the state of the art, alone or with co-teaching.",
  },
  {
    slug: "projektor",
    family: "select",
    kinds: ["method", "tool"],
    title: "Performance Scaling via Optimal Transport: Enabling Data Selection from Partially Revealed Sources",
    year: 2023,
    claim:
      "Optimal transport distances from small revealed samples predict how a model will perform on any mixture and size of data sources, and so guide which data to select.",
  },
  {
    slug: "rich-features",
    family: "select",
    kinds: ["method", "phenomenon"],
    title: "Rich Feature Construction for the Optimization-Generalization Dilemma",
    year: 2022,
    claim:
      "Discovering several independently predictive feature sets before training, and starting from all of them, makes out-of-distribution methods work better and become easier to tune.",
  },
];
