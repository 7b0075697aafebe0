import type { Paper } from "./paper.js";

/** Family `optimize`: optimisers, schedules and what makes training fast or stable. */
export const optimize: readonly Paper[] = [
  {
    slug: "bo-rep",
    family: "optimize",
    kinds: ["method", "theory"],
    title: "Bilevel Optimization under Unbounded Smoothness: A New Algorithm and Convergence Analysis",
    year: 2024,
    claim:
      "Normalised momentum on the upper variable with occasional lower-level refreshes solves bilevel problems whose upper-level curvature may grow with the gradient, with near-optimal oracle cost.",
  },
  {
    slug: "convex-relu",
    family: "optimize",
    kinds: ["method", "theory"],
    title:
      "Efficient Global Optimization of Two-layer ReLU Networks: Quadratic-time Algorithms and Adversarial Training",
    year: 2023,
    claim:
      "Training a two-layer ReLU network can be recast as a convex programme that ADMM or sampled activation patterns solve close to global optimality, including adversarially robust versions.",
  },
  {
    slug: "opposing-signals",
    family: "optimize",
    kinds: ["phenomenon", "measure", "theory"],
    title: "Outliers with Opposing Signals Have an Outsized Effect on Neural Network Optimization",
    year: 2024,
    claim:
      "Small groups of outliers that pull the network in opposite directions cause loss spikes and progressive sharpening, and Adam tolerates them better than plain gradient descent.",
  },
  {
    slug: "gradient-noise",
    family: "optimize",
    kinds: ["method"],
    title: "Adding Gradient Noise Improves Learning for Very Deep Networks",
    year: 2015,
    claim:
      "Adding annealed Gaussian noise to every gradient step lets very deep or complex networks train better, even from initialisations where noiseless descent stays stuck.",
  },
  {
    slug: "lion",
    family: "optimize",
    kinds: ["method", "tool"],
    title: "Symbolic Discovery of Optimization Algorithms",
    year: 2023,
    claim:
      "A sign-of-momentum optimiser found by programme search matches or beats AdamW on vision, diffusion and language tasks while storing only one moment per weight.",
  },
  {
    slug: "schedule-refinement",
    family: "optimize",
    kinds: ["method", "theory"],
    title: "When, Why and How Much? Adaptive Learning Rate Scheduling by Refinement",
    year: 2023,
    claim:
      "Linear decay to zero matches or beats other common schedules, and a schedule refined from recorded gradient norms finds warm-up and final annealing by itself.",
  },
  {
    slug: "self-tuning-networks",
    family: "optimize",
    kinds: ["method"],
    title: "Self-Tuning Networks: Bilevel Optimization of Hyperparameters using Structured Best-Response Functions",
    year: 2019,
    claim:
      "Letting weights depend on hyper-parameters through a cheap gated layer tunes those hyper-parameters during one training run and finds schedules that beat the best fixed values.",
  },
  {
    slug: "large-step-logistic",
    family: "optimize",
    kinds: ["theory", "method"],
    title: "From Logistic Regression to the Perceptron Algorithm: Exploring Gradient Descent with Large Step Sizes",
    year: 2025,
    claim:
      "As the step size grows, gradient descent on separable logistic regression becomes the batch perceptron, and normalising the step removes its slowdown by the number of samples.",
  },
  {
    slug: "learning-curve-modeling",
    family: "optimize",
    kinds: ["method", "theory"],
    title: "Modeling of learning curves with applications to pos tagging",
    year: 2017,
    claim:
      "A power law fitted to the early part of a tagger's learning curve predicts its final accuracy and tells when training data can stop growing within a chosen tolerance.",
  },
  {
    slug: "small-scale-proxies",
    family: "optimize",
    kinds: ["phenomenon", "measure", "method"],
    title: "Small-scale proxies for large-scale Transformer training instabilities",
    year: 2024,
    claim:
      "Instabilities known from large transformers also appear in small ones at high learning rates, where the same remedies work and scaling trends warn of them in advance.",
  },
  {
    slug: "wsd-river-valley",
    family: "optimize",
    kinds: ["method", "theory", "phenomenon"],
    title: "Understanding Warmup-Stable-Decay Learning Rates: A River Valley Loss Landscape Perspective",
    year: 2025,
    claim:
      "Pre-training losses resemble a river valley: a constant high rate moves fast along the river, and a short decay drops to it, so one run can serve several compute budgets.",
  },
  {
    slug: "one-epoch",
    family: "optimize",
    kinds: ["phenomenon", "method"],
    title: "One Epoch Is All You Need",
    year: 2019,
    claim:
      "Training a suitably sized language model for one epoch on more data reaches the same loss several times faster than repeating a smaller set, and needs no regularisation.",
  },
  {
    slug: "weight-compander",
    family: "optimize",
    kinds: ["method"],
    title: "Weight Compander: A Simple Weight Reparameterization for Regularization",
    year: 2023,
    claim:
      "Passing each weight through an odd, saturating function spreads values away from zero, limits their size and improves the test accuracy of already regularised convolutional networks.",
  },
  {
    slug: "lr-batch-rmt",
    family: "optimize",
    kinds: ["theory", "measure", "method"],
    title: "Learning Rates as a Function of Batch Size: A Random Matrix Theory Approach to Neural Network Training",
    year: 2022,
    claim:
      "Random matrix theory explains why mini-batch curvature exceeds full-batch curvature, so stable learning rates grow linearly with batch size for SGD and as its square root for Adam.",
  },
  {
    slug: "subgm-robust-recovery",
    family: "optimize",
    kinds: ["theory", "method"],
    title:
      "Global Convergence of Sub-gradient Method for Robust Matrix Recovery: Small Initialization, Noisy Measurements, and Over-parameterization",
    year: 2023,
    claim:
      "Started very near zero, the sub-gradient method recovers a low-rank matrix despite gross outliers and an over-estimated rank, even where the truth is not the loss minimum.",
  },
  {
    slug: "overparam-matrix-sensing",
    family: "optimize",
    kinds: ["theory", "method"],
    title:
      "How Over-Parameterization Slows Down Gradient Descent in Matrix Sensing: The Curses of Symmetry and Initialization",
    year: 2024,
    claim:
      "Over-parameterising slows gradient descent to a sublinear rate in symmetric matrix sensing, while an asymmetric factorisation regains linear convergence at a speed set by the initial scale.",
  },
  {
    slug: "step-law",
    family: "optimize",
    kinds: ["measure", "theory", "benchmark"],
    title: "Predictable Scale: Part I -- Optimal Hyperparameter Scaling Law in Large Language Model Pretraining",
    year: 2025,
    claim:
      "The best learning rate for language model pre-training is a power law in model and data size, while the best batch size depends on data size alone.",
  },
];
