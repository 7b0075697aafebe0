import type { MethodComparison } from "../src/lab/method-comparison.js";
import type { Study } from "../src/lab/study.js";

/** All studies by slug, each loaded only when it is asked for. */
export const studies: Record<string, () => Promise<{ default: Study }>> = {
  "concept-vectors": () => import("./forget/concept-vectors.js"),
  "data-diet": () => import("./select/data-diet.js"),
  "datamodel-matching": () => import("./forget/datamodel-matching.js"),
  "deep-regression-unlearning": () => import("./forget/deep-regression-unlearning.js"),
  "forget-only-loss-adjustment": () => import("./forget/forget-only-loss-adjustment.js"),
  "label-agnostic-forgetting": () => import("./forget/label-agnostic-forgetting.js"),
  "lazy-to-rich": () => import("./phenomena/lazy-to-rich.js"),
  "lottery-ticket": () => import("./compress/lottery-ticket.js"),
  "negative-preference-optimization": () => import("./forget/negative-preference-optimization.js"),
  "sparsity-simplifies-unlearning": () => import("./forget/sparsity-simplifies-unlearning.js"),
  "surgical-concept-erasing": () => import("./forget/surgical-concept-erasing.js"),
  "worst-case-forget-sets": () => import("./forget/worst-case-forget-sets.js"),
};

/** Families whose methods can be compared outside a study, and what each can be compared on. */
export const comparisons: Record<string, () => Promise<Readonly<Record<string, () => Promise<MethodComparison>>>>> = {
  forget: async () => (await import("./forget/comparison.js")).comparisons,
};
