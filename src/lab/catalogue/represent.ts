import type { Paper } from "./paper.js";

/** Family `represent`: losses, metric learning, contrastive learning and distillation. */
export const represent: readonly Paper[] = [
  {
    slug: "tfsl-clustering",
    family: "represent",
    kinds: ["method", "theory", "phenomenon"],
    title: "Transductive Few-Shot Learning: Clustering is All You Need?",
    year: 2021,
    claim:
      "Clustering the query features of a plainly trained encoder, with a few constraints from the labelled examples, beats elaborate meta-learning, which puts few-shot benchmarks in question.",
  },
  {
    slug: "z-loss",
    family: "represent",
    kinds: ["method"],
    title: "The Z-loss: a shift and scale invariant classification loss belonging to the Spherical Family",
    year: 2016,
    claim:
      "A loss on logits standardised per example is invariant to shift and scale, trains huge output layers far faster than log-softmax, and improves top-k accuracy.",
  },
  {
    slug: "susana-distancia",
    family: "represent",
    kinds: ["method", "measure"],
    title:
      "SuSana Distancia is all you need: Enforcing class separability in metric learning via two novel distance-based loss functions for few-shot image classification",
    year: 2023,
    claim:
      "Two distance-based losses that pull examples to their own class and away from neighbouring classes improve few-shot image classification over other metric methods.",
  },
  {
    slug: "dbpm",
    family: "represent",
    kinds: ["method", "phenomenon"],
    title: "Towards Enhancing Time Series Contrastive Learning: A Dynamic Bad Pair Mining Approach",
    year: 2024,
    claim:
      "Noisy positive pairs in time-series contrastive learning have unusually low losses and faulty pairs unusually high ones, so down-weighting both by loss history improves representations.",
  },
  {
    slug: "metrix",
    family: "represent",
    kinds: ["method", "measure"],
    title: "It Takes Two to Tango: Mixup for Deep Metric Learning",
    year: 2022,
    claim:
      "Mixing inputs, features or embeddings together with their labels improves deep metric learning, because the mixtures reach parts of the space beyond the training classes.",
  },
  {
    slug: "dhkd",
    family: "represent",
    kinds: ["method", "phenomenon", "theory"],
    title: "Dual-Head Knowledge Distillation: Enhancing Logits Utilization with an Auxiliary Head",
    year: 2024,
    claim:
      "Logit and probability losses in distillation conflict inside the classifier but not the backbone, so giving each its own head keeps the benefits of both.",
  },
  {
    slug: "ensloss",
    family: "represent",
    kinds: ["method", "theory"],
    title: "EnsLoss: Stochastic Calibrated Loss Ensembles for Preventing Overfitting in Classification",
    year: 2025,
    claim:
      "Drawing a random calibrated convex loss for every batch, by sampling its gradients directly, regularises classifiers and beats training with any one fixed loss.",
  },
  {
    slug: "self-distill-targets",
    family: "represent",
    kinds: ["theory", "method"],
    title: "Even your Teacher Needs Guidance: Ground-Truth Targets Dampen Regularization Imposed by Self-Distillation",
    year: 2021,
    claim:
      "Mixing true labels into repeated self-distillation weakens the growing regularisation it causes, in closed form for kernels, and the best mixing weight can be computed cheaply.",
  },
  {
    slug: "ibp-tightness",
    family: "represent",
    kinds: ["measure", "theory", "phenomenon"],
    title: "Understanding Certified Training with Interval Bound Propagation",
    year: 2024,
    claim:
      "Interval bounds loosen with width and depth but tighten under certified training, whose strong regularisation explains the loss of accuracy; full tightness is neither needed nor enough.",
  },
  {
    slug: "comp-sum",
    family: "represent",
    kinds: ["theory", "method"],
    title: "Cross-Entropy Loss Functions: Theoretical Analysis and Applications",
    year: 2023,
    claim:
      "Cross-entropy and its relatives come with tight guarantees for the actual hypothesis set used, and a smooth adversarial version beats earlier robust training objectives.",
  },
  {
    slug: "raml",
    family: "represent",
    kinds: ["method", "architecture"],
    title: "Retrieval-Augmented Meta Learning for Low-Resource Text Classification",
    year: 2023,
    claim:
      "Retrieving passages from an outside corpus and learning how far to trust them lets meta-learned text classifiers generalise better from very few examples.",
  },
  {
    slug: "wdm",
    family: "represent",
    kinds: ["measure", "method", "phenomenon"],
    title: "Wasserstein Dependency Measure for Representation Learning",
    year: 2019,
    claim:
      "Replacing mutual information by a Wasserstein dependency measure, through a Lipschitz critic, lets contrastive learning recover more of the underlying factors when information is high.",
  },
];
