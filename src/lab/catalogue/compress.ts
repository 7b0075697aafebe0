import type { Paper } from "./paper.js";

/** Family `compress`: pruning, quantisation, efficient tuning and generated weights. */
export const compress: readonly Paper[] = [
  {
    slug: "lottery-ticket",
    family: "compress",
    kinds: ["phenomenon", "method"],
    title: "The Lottery Ticket Hypothesis: Finding Sparse, Trainable Neural Networks",
    year: 2019,
    claim:
      "A dense network contains small sub-networks which, trained alone from their original initial weights, match its accuracy at least as fast, whereas re-initialised ones do not.",
  },
  {
    slug: "perp",
    family: "compress",
    kinds: ["method"],
    title: "PERP: Rethinking the Prune-Retrain Paradigm in the Era of LLMs",
    year: 2023,
    claim:
      "Retraining a tiny share of the weights after one-shot pruning, such as biases, normalisation and low-rank adapters, restores about as much as retraining all of them.",
  },
  {
    slug: "gblm-pruner",
    family: "compress",
    kinds: ["method"],
    title: "Beyond Size: How Gradients Shape Pruning Decisions in Large Language Models",
    year: 2023,
    claim:
      "Adding calibration gradients to weight and activation size gives a better pruning score for large language models, beating earlier one-shot methods without any retraining.",
  },
  {
    slug: "random-search-sparse",
    family: "compress",
    kinds: ["benchmark", "phenomenon"],
    title: "Random Search as a Baseline for Sparse Neural Network Architecture Search",
    year: 2024,
    claim:
      "Sparse sub-networks picked by random search train neither faster nor better than randomly drawn ones, so random search is a neutral baseline for sparse architecture search.",
  },
  {
    slug: "ftwt",
    family: "compress",
    kinds: ["method"],
    title: "Fire Together Wire Together: A Dynamic Pruning Approach with Self-Supervised Mask Prediction",
    year: 2022,
    claim:
      "Small heads trained to predict which channels matter for each input prune a network dynamically, saving more computation than earlier methods at similar accuracy.",
  },
  {
    slug: "n2n",
    family: "compress",
    kinds: ["method"],
    title: "N2N Learning: Network to Network Compression via Policy Gradient Reinforcement Learning",
    year: 2018,
    claim:
      "Reinforcement learning can shrink a teacher network to a student over ten times smaller at similar accuracy, and its policies transfer to larger teachers.",
  },
  {
    slug: "nupes",
    family: "compress",
    kinds: ["method"],
    title: "NUPES : Non-Uniform Post-Training Quantization via Power Exponent Search",
    year: 2025,
    claim:
      "Searching a power function for non-uniform quantisation, and learning both the exponent and the codes, gives better accuracy after training at four bits and below.",
  },
  {
    slug: "jlcm",
    family: "compress",
    kinds: ["method"],
    title: "Network Memory Footprint Compression Through Jointly Learnable Codebooks and Mappings",
    year: 2024,
    claim:
      "Clustering similar neurons into groups and learning codebooks together with the assignments compresses networks further than earlier codebook or uniform quantisation at equal accuracy.",
  },
  {
    slug: "ofq",
    family: "compress",
    kinds: ["method", "phenomenon"],
    title: "Oscillation-free Quantization for Low-bit Vision Transformers",
    year: 2023,
    claim:
      "Learnable scales make the weights of low-bit vision transformers oscillate; statistical scales, confidence-guided freezing and merged query-key quantisation stop it and raise accuracy markedly.",
  },
  {
    slug: "kat",
    family: "compress",
    kinds: ["architecture"],
    title: "Kolmogorov-Arnold Transformer",
    year: 2025,
    claim:
      "Replacing the MLPs of a vision transformer with grouped rational Kolmogorov-Arnold layers, initialised to preserve variance, beats ordinary transformers of equal size on ImageNet.",
  },
  {
    slug: "sara",
    family: "compress",
    kinds: ["method", "phenomenon"],
    title: "SaRA: High-Efficient Diffusion Model Fine-tuning with Progressive Sparse Low-Rank Adaptation",
    year: 2025,
    claim:
      "The smallest weights of a diffusion model are nearly useless as they stand, so training only these adapts it well and preserves prior knowledge better than LoRA.",
  },
  {
    slug: "iaa-ir",
    family: "compress",
    kinds: ["method", "benchmark"],
    title: "Scattered or Connected? An Optimized Parameter-efficient Tuning Approach for Information Retrieval",
    year: 2022,
    claim:
      "Scattered adapters make parameter-efficient tuning for retrieval unstable and slow; extra modules that connect them bring it level with full tuning at under one percent of parameters.",
  },
  {
    slug: "atlas",
    family: "compress",
    kinds: ["method"],
    title: "Knowledge Composition using Task Vectors with Learned Anisotropic Scaling",
    year: 2024,
    claim:
      "Scaling each parameter block of a task vector by its own learned coefficient composes knowledge with less interference and works with few or no labels.",
  },
  {
    slug: "mixturegrowth",
    family: "compress",
    kinds: ["method"],
    title: "MixtureGrowth: Growing Neural Networks by Recombining Learned Parameters",
    year: 2024,
    claim:
      "Two small networks built from shared weight templates can be joined into a large one by recombining those templates, nearing training from scratch at lower cost.",
  },
  {
    slug: "sws-learngene",
    family: "compress",
    kinds: ["method"],
    title: "Exploring Learngene via Stage-wise Weight Sharing for Initializing Variable-sized Models",
    year: 2024,
    claim:
      "Blocks trained with weights shared inside each stage can initialise transformers of many depths, which then beat training from scratch at far lower total cost.",
  },
  {
    slug: "d2nwg",
    family: "compress",
    kinds: ["method"],
    title: "Diffusion-Based Neural Network Weights Generation",
    year: 2025,
    claim:
      "A latent diffusion model conditioned on a data set can generate network weights that work with little or no fine-tuning, even on data sets it never saw.",
  },
];
