import type { Family } from "../../../src/lab/catalogue/paper.js";

/** What the families are about, in the words of the field. */
export const familyNames: Readonly<Record<Family, string>> = {
  optimize: "Optimisers and schedules",
  kernels: "Kernels and infinite width",
  phenomena: "Grokking, memorisation and other phenomena",
  local: "Forward-only and local learning",
  structure: "Structure: graphs, symmetries, sets",
  forget: "Machine unlearning",
  continual: "Continual learning",
  compress: "Pruning and quantisation",
  select: "Data selection and curricula",
  represent: "Losses and representations",
  incontext: "In-context learning",
  align: "Preference optimisation",
  decide: "Bandits and offline reinforcement learning",
  science: "Learned solvers and science",
};
