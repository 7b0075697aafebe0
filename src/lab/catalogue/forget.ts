import type { Paper } from "./paper.js";

/** Family `forget`: machine unlearning. */
export const forget: readonly Paper[] = [
  {
    slug: "deep-regression-unlearning",
    family: "forget",
    kinds: ["method", "measure"],
    title: "Deep Regression Unlearning",
    year: 2023,
    claim:
      "Regression models can forget chosen rows by imitating a briefly trained model that never saw them, staying close to full retraining on error and privacy attacks.",
  },
  {
    slug: "label-agnostic-forgetting",
    family: "forget",
    kinds: ["method"],
    title: "Label-Agnostic Forgetting: A Supervision-Free Unlearning in Deep Models",
    year: 2024,
    claim:
      "Forgetting can work without any labels by moving features away from the forgotten data's distribution and realigning the rest, coming close to supervised unlearning.",
  },
  {
    slug: "worst-case-forget-sets",
    family: "forget",
    kinds: ["method", "benchmark", "measure"],
    title: "Challenging Forgets: Unveiling the Worst-Case Forget Sets in Machine Unlearning",
    year: 2024,
    claim:
      "A bilevel search finds forget sets that are far harder to erase than random ones, showing that evaluation on random sets overstates how well unlearning works.",
  },
  {
    slug: "negative-preference-optimization",
    family: "forget",
    kinds: ["method", "theory"],
    title: "Negative Preference Optimization: From Catastrophic Collapse to Effective Unlearning",
    year: 2024,
    claim:
      "Treating forget answers as rejected preferences diverges exponentially more slowly than gradient ascent and forgets well while the model still speaks sensibly.",
  },
  {
    slug: "sparsity-simplifies-unlearning",
    family: "forget",
    kinds: ["method", "theory", "measure"],
    title: "Model Sparsity Can Simplify Machine Unlearning",
    year: 2023,
    claim:
      "Pruning a model before unlearning, or unlearning with a sparsity penalty, narrows the gap between cheap approximate unlearning and full retraining for many methods.",
  },
  {
    slug: "forget-only-loss-adjustment",
    family: "forget",
    kinds: ["method"],
    title: "LLM Unlearning via Loss Adjustment with Only Forget Data",
    year: 2025,
    claim:
      "A divergence-based loss that favours a refusal over the unwanted answer unlearns with forget data alone, without a retain set or reference model, and preserves utility.",
  },
  {
    slug: "datamodel-matching",
    family: "forget",
    kinds: ["method", "measure", "theory"],
    title: "Attribute-to-Delete: Machine Unlearning via Datamodel Matching",
    year: 2025,
    claim:
      "Predicting by data attribution what a retrained model would output, then fine-tuning towards those predictions, unlearns deep networks more faithfully than gradient-based baselines.",
  },
  {
    slug: "surgical-concept-erasing",
    family: "forget",
    kinds: ["method"],
    title: "All but One: Surgical Concept Erasing with Model Preservation in Text-to-Image Diffusion Models",
    year: 2024,
    claim:
      "Erasing a concept by changing only the guidance term of a diffusion model, while pinning its unconditional prediction, removes the concept with little harm to others.",
  },
  {
    slug: "concept-vectors",
    family: "forget",
    kinds: ["measure", "benchmark", "method"],
    title: "Intrinsic Evaluation of Unlearning Using Parametric Knowledge Traces",
    year: 2024,
    claim:
      "Common unlearning methods change what a language model says but barely touch the weights that hold the knowledge, whereas ablating those vectors really removes it.",
  },
];
