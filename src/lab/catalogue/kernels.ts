import type { Paper } from "./paper.js";

/** Family `kernels`: infinite width, kernels and the statistics of learning. */
export const kernels: readonly Paper[] = [
  {
    slug: "unsupervised-pretraining",
    family: "kernels",
    kinds: ["theory", "method"],
    title: "On the Provable Advantage of Unsupervised Pretraining",
    year: 2024,
    claim:
      "Maximum-likelihood pre-training on plentiful unlabelled data provably lowers downstream risk when the remaining supervised problem is much simpler than the whole one.",
  },
  {
    slug: "wide-deep-optimal",
    family: "kernels",
    kinds: ["theory", "method"],
    title: "Wide and Deep Neural Networks Achieve Optimality for Classification",
    year: 2023,
    claim:
      "Infinitely wide and deep networks reduce to nearest neighbour, majority vote or singular kernel rules by activation, and one explicit choice of activation is consistent for every distribution.",
  },
  {
    slug: "principles-dl-theory",
    family: "kernels",
    kinds: ["theory", "measure", "tool"],
    title: "The Principles of Deep Learning Theory",
    year: 2022,
    claim:
      "The ratio of depth to width governs how far a network departs from its Gaussian limit, critical initialisation keeps signals stable, and an intermediate ratio is best.",
  },
  {
    slug: "infinite-width-feature-learning",
    family: "kernels",
    kinds: ["theory", "method"],
    title: "Feature Learning in Infinite-Width Neural Networks",
    year: 2021,
    claim:
      "Standard and neural-tangent parametrisations stop learning features as width goes to infinity, whereas maximal-update scaling keeps learning them and beats kernel limits.",
  },
  {
    slug: "exact-inductive-bias",
    family: "kernels",
    kinds: ["measure"],
    title: "Towards Exact Computation of Inductive Bias",
    year: 2024,
    claim:
      "The bits of inductive bias a task demands can be computed by sampling interpolating hypotheses; high-dimensional tasks demand more, and neural networks supply a great deal of it.",
  },
  {
    slug: "universality-lens",
    family: "kernels",
    kinds: ["theory", "method"],
    title: "The Universality Lens: Why Even Highly Over-Parametrized Models Learn Well",
    year: 2025,
    claim:
      "A Bayesian mixture's regret depends on the prior weight near the truth rather than on model size, which explains why hugely over-parameterised models can still generalise.",
  },
  {
    slug: "discriminative-vs-generative",
    family: "kernels",
    kinds: ["theory", "method", "phenomenon"],
    title: "Revisiting Discriminative vs. Generative Classifiers: Theory and Implications",
    year: 2023,
    claim:
      "Naive Bayes approaches its limiting error after logarithmically many samples, logistic regression after linearly many, so naive Bayes can win with few labels on pretrained features.",
  },
  {
    slug: "high-dim-generalization-dynamics",
    family: "kernels",
    kinds: ["theory", "phenomenon"],
    title: "High-dimensional dynamics of generalization error in neural networks",
    year: 2020,
    claim:
      "Overtraining hurts most when parameters and samples are about equal in number; larger networks started small generalise well because directions without data stay frozen.",
  },
  {
    slug: "nn-score-estimation",
    family: "kernels",
    kinds: ["theory", "method"],
    title: "Neural Network-Based Score Estimation in Diffusion Models: Optimization and Generalization",
    year: 2024,
    claim:
      "Gradient descent on a wide network learns diffusion scores as a sequence of kernel regressions, and early stopping gives a guaranteed error rate in the sample size.",
  },
  {
    slug: "bandlimited-random-nets",
    family: "kernels",
    kinds: ["theory", "phenomenon"],
    title: "How Powerful are Shallow Neural Networks with Bandlimited Random Weights?",
    year: 2023,
    claim:
      "When random hidden weights come from a bounded range, shallow networks may keep a positive approximation error at any width, depending on how complex the target is.",
  },
  {
    slug: "fantastic-measures-nowhere",
    family: "kernels",
    kinds: ["theory", "benchmark"],
    title: "Fantastic Generalization Measures are Nowhere to be Found",
    year: 2024,
    claim:
      "No generalisation bound computed from the sample and the learned model alone is tight for every over-parameterised setting, and algorithm-aware bounds must trade accuracy against tightness.",
  },
  {
    slug: "transformers-as-svm",
    family: "kernels",
    kinds: ["theory", "phenomenon"],
    title: "Transformers as Support Vector Machines",
    year: 2023,
    claim:
      "Gradient training drives a single attention layer towards a maximum-margin separator of good from bad tokens, in Frobenius or nuclear norm according to its parametrisation.",
  },
  {
    slug: "more-is-better",
    family: "kernels",
    kinds: ["theory", "phenomenon"],
    title:
      "More is Better in Modern Machine Learning: when Infinite Overparameterization is Optimal and Overfitting is Obligatory",
    year: 2024,
    claim:
      "With tuned ridge, random-feature regression never gets worse with more data or features, and on power-law tasks near-optimal error requires fitting training data almost perfectly.",
  },
  {
    slug: "testable-halfspaces",
    family: "kernels",
    kinds: ["theory", "method"],
    title: "An Efficient Tester-Learner for Halfspaces",
    year: 2024,
    claim:
      "A polynomial-time learner can check the data while it fits a noisy halfspace, so that whenever it accepts, the error is guaranteed to be near the best possible.",
  },
];
