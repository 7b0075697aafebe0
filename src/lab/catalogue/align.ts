import type { Paper } from "./paper.js";

/** Family `align`: preference alignment, fine-tuning and attacks of language models. */
export const align: readonly Paper[] = [
  {
    slug: "dpa-logic",
    family: "align",
    kinds: ["theory", "tool"],
    title: "Understanding the Logic of Direct Preference Alignment through Logic",
    year: 2025,
    claim:
      "Direct preference losses can be translated into logical formulas, which orders them by entailment and reveals a vast space of untried losses.",
  },
  {
    slug: "constrained-rlhf",
    family: "align",
    kinds: ["method", "phenomenon"],
    title: "Confronting Reward Model Overoptimization with Constrained RLHF",
    year: 2024,
    claim:
      "Several correlated reward models become misleading beyond certain values, and constraining each reward to stay at its useful level prevents over-optimisation better than fixed weights.",
  },
  {
    slug: "sparsepo",
    family: "align",
    kinds: ["method"],
    title: "SparsePO: Controlling Preference Alignment of LLMs via Sparse Token Masks",
    year: 2024,
    claim:
      "Learning sparse masks over tokens, for the reward and the divergence penalty separately, focuses preference alignment on the words that matter and improves the trade-off.",
  },
  {
    slug: "rl-incorrect-data",
    family: "align",
    kinds: ["method", "phenomenon", "theory"],
    title: "RL on Incorrect Synthetic Data Scales the Efficiency of LLM Math Reasoning by Eight-Fold",
    year: 2024,
    claim:
      "Correct self-generated solutions double data efficiency but can reinforce spurious steps, whereas learning from the wrong steps of incorrect ones raises efficiency about eightfold.",
  },
  {
    slug: "activation-attacks",
    family: "align",
    kinds: ["phenomenon", "measure", "method"],
    title: "Scaling Laws for Adversarial Attacks on Language Model Activations",
    year: 2023,
    claim:
      "The number of output tokens an attacker can dictate grows linearly with the number of activations controlled, at a bit cost nearly independent of model size.",
  },
  {
    slug: "phf",
    family: "align",
    kinds: ["method", "benchmark"],
    title: "Pretraining Language Models with Human Preferences",
    year: 2023,
    claim:
      "Telling a language model during pre-training which text people prefer, by control tokens, cuts unwanted output up to tenfold without losing ability and beats later fine-tuning.",
  },
  {
    slug: "dco-passn",
    family: "align",
    kinds: ["method", "theory", "phenomenon"],
    title: "Rethinking Fine-Tuning when Scaling Test-Time Compute: Limiting Confidence Improves Mathematical Reasoning",
    year: 2025,
    claim:
      "Cross-entropy fine-tuning grows overconfident and so harms success over many attempts, whereas a loss matched to the number of attempts limits confidence and improves it.",
  },
];
