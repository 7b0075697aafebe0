import { type LabelAgnosticOptions, labelAgnosticForget } from "../../src/forget/index.js";
import type { Arm } from "./tuning.js";

/**
 * LAF in a scenario: the temperature is the paper's for that kind of forget set, and never tuned. Learning rates go from the
 * paper's up to a hundred times these: on a small network the paper's leave the model as it was.
 */
export const labelAgnosticArm = (scenario: string): Arm<LabelAgnosticOptions> => ({
  name: "LAF",
  method: labelAgnosticForget,
  fixed: { temp: scenario === "random10" ? 5 : 20 },
  space: { extractLearningRate: { log: [5e-5, 5e-3] }, alignLearningRate: { log: [1e-4, 1e-2] } },
});
