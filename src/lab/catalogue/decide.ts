import type { Paper } from "./paper.js";

/** Family `decide`: offline reinforcement learning, GFlowNets, curricula, bandits and design. */
export const decide: readonly Paper[] = [
  {
    slug: "odice-orthogonal-gradient",
    family: "decide",
    kinds: ["method", "theory"],
    title: "ODICE: Revealing the Mystery of Distribution Correction Estimation via Orthogonal-gradient Update",
    year: 2024,
    claim:
      "Projecting the backward part of the value gradient to be orthogonal to the forward part makes distribution-correction methods accurate and robust in offline reinforcement learning and imitation.",
  },
  {
    slug: "semi-supervised-offline-rl",
    family: "decide",
    kinds: ["method", "phenomenon"],
    title: "Semi-Supervised Offline Reinforcement Learning with Action-Free Trajectories",
    year: 2023,
    claim:
      "Guessing missing actions with an inverse dynamics model lets offline learners with ten percent labelled trajectories, even poor ones, rival learners that see every action.",
  },
  {
    slug: "forward-looking-gflownets",
    family: "decide",
    kinds: ["method"],
    title: "Better Training of GFlowNets with Local Credit and Incomplete Trajectories",
    year: 2023,
    claim:
      "Crediting energy changes at every transition lets GFlowNets learn from incomplete trajectories, converge faster and find more modes than terminal-reward objectives.",
  },
  {
    slug: "alp-gmm-teacher",
    family: "decide",
    kinds: ["method", "benchmark"],
    title: "Teacher algorithms for curriculum learning of Deep RL in continuously parameterized environments",
    year: 2019,
    claim:
      "Sampling tasks where a mixture model sees large absolute learning progress yields curricula that beat random ones and cope with many unlearnable tasks.",
  },
  {
    slug: "neural-online-regression-bandits",
    family: "decide",
    kinds: ["method", "theory"],
    title: "Contextual Bandits with Online Neural Regression",
    year: 2024,
    claim:
      "Small output perturbations give neural networks logarithmic regret in online regression, and so contextual bandits with near-optimal, data-dependent regret where earlier bounds may be linear.",
  },
  {
    slug: "bidirectional-sequence-design",
    family: "decide",
    kinds: ["method"],
    title: "Bidirectional Learning for Offline Model-based Biological Sequence Design",
    year: 2023,
    claim:
      "Designing sequences so that high scores are predicted from the data and the data from the design, over language model features, beats earlier offline optimisers.",
  },
];
