import type { Paper } from "./paper.js";

/** Family `incontext`: in-context learning, prior-fitted networks and Bayesian optimisation. */
export const incontext: readonly Paper[] = [
  {
    slug: "bnn-surrogates-bo",
    family: "incontext",
    kinds: ["benchmark", "method"],
    title: "A Study of Bayesian Neural Network Surrogates for Bayesian Optimization",
    year: 2024,
    claim:
      "No surrogate is best for all Bayesian optimisation problems: Hamiltonian Monte Carlo leads among stochastic networks, and infinite-width ones excel in high dimension.",
  },
  {
    slug: "gpicl",
    family: "incontext",
    kinds: ["method", "phenomenon"],
    title: "General-Purpose In-Context Learning by Meta-Learning Transformers",
    year: 2022,
    claim:
      "With enough training tasks and memory, a transformer moves abruptly from memorising tasks to a general learning algorithm that works on unseen tasks and data sets.",
  },
  {
    slug: "alpine-planning",
    family: "incontext",
    kinds: ["theory", "phenomenon"],
    title: "ALPINE: Unveiling the Planning Capability of Autoregressive Learning in Language Models",
    year: 2024,
    claim:
      "Next-token training teaches path-finding transformers the adjacency and reachability seen in the data, but not reachability that must be joined from separate pieces.",
  },
  {
    slug: "nap-meta-bo",
    family: "incontext",
    kinds: ["method"],
    title: "End-to-End Meta-Bayesian Optimisation with Transformer Neural Processes",
    year: 2023,
    claim:
      "Training surrogate and acquisition function together in one transformer by reinforcement learning with a supervised auxiliary loss gives better Bayesian optimisation than training them apart.",
  },
  {
    slug: "rational-icl",
    family: "incontext",
    kinds: ["theory", "phenomenon", "measure"],
    title: "In-Context Learning Strategies Emerge Rationally",
    year: 2025,
    claim:
      "A transformer's shift between memorising and generalising predictors follows a rational trade of fit against complexity, which three fitted numbers predict across training and task diversity.",
  },
  {
    slug: "bayesian-prism",
    family: "incontext",
    kinds: ["phenomenon", "theory"],
    title: "In-Context Learning through the Bayesian Prism",
    year: 2024,
    claim:
      "Trained transformers imitate the Bayes-optimal predictor in context, over single function families and mixtures alike, and prefer simple functions only as the pre-training data does.",
  },
  {
    slug: "icl-algorithms",
    family: "incontext",
    kinds: ["theory", "measure", "phenomenon"],
    title: "What learning algorithm is in-context learning? Investigations with linear models",
    year: 2023,
    claim:
      "On linear regression, transformers learn in context like known algorithms, moving with depth from one gradient step through ridge regression to least squares.",
  },
  {
    slug: "llm-regret",
    family: "incontext",
    kinds: ["method", "measure", "theory"],
    title: "Do LLM Agents Have Regret? A Case Study in Online Learning and Games",
    year: 2025,
    claim:
      "Language models often behave as no-regret learners in repeated decisions and games but fail on some simple cases, and training directly on a regret loss repairs this.",
  },
  {
    slug: "lm-decision",
    family: "incontext",
    kinds: ["method", "phenomenon"],
    title: "Pre-Trained Language Models for Interactive Decision-Making",
    year: 2022,
    claim:
      "Starting a decision policy from language model weights greatly improves its generalisation to new tasks, even when observations are not encoded as natural language.",
  },
  {
    slug: "pfn",
    family: "incontext",
    kinds: ["method"],
    title: "Transformers Can Do Bayesian Inference",
    year: 2022,
    claim:
      "A transformer trained on data sets drawn from a prior outputs nearly exact Bayesian predictions for new data in one forward pass, far faster than sampling.",
  },
  {
    slug: "icl-by-gd",
    family: "incontext",
    kinds: ["theory", "method", "phenomenon"],
    title: "Transformers learn in-context by gradient descent",
    year: 2023,
    claim:
      "Trained linear self-attention learns regression in context by taking gradient steps, one per layer, and deeper stacks add a correction for curvature.",
  },
  {
    slug: "dual-process",
    family: "incontext",
    kinds: ["method", "phenomenon"],
    title: "Dual Process Learning: Controlling Use of In-Context vs. In-Weights Strategies with Weight Forgetting",
    year: 2025,
    claim:
      "Ordinary training shows structural in-context learning only briefly; forgetting token embeddings keeps it, and forgetting only for a while lets it coexist with memorised knowledge.",
  },
  {
    slug: "icl-vs-gd",
    family: "incontext",
    kinds: ["measure", "phenomenon"],
    title: "Revisiting the Hypothesis: Do pretrained Transformers Learn In-Context by Gradient Descent?",
    year: 2024,
    claim:
      "In language models pretrained on natural text, in-context learning and gradient descent differ in order sensitivity and outputs, so their claimed equivalence remains unproven.",
  },
  {
    slug: "one-step-gd-optimal",
    family: "incontext",
    kinds: ["theory"],
    title:
      "One Step of Gradient Descent is Provably the Optimal In-Context Learner with One Layer of Linear Self-Attention",
    year: 2024,
    claim:
      "The best possible single layer of linear self-attention for in-context regression performs exactly one gradient step, preconditioned when the inputs are not isotropic.",
  },
];
