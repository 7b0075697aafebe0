import {
  dpoUnlearn,
  finetune,
  flatUnlearn,
  gradDiff,
  gradientAscent,
  npoUnlearn,
  type RefusalOptions,
  randomLabelling,
  refusalUnlearn,
  type Tofu,
  type Unlearner,
} from "../../src/forget/index.js";
import type { Arm, Range } from "./tuning.js";

const learningRate: Range = { log: [1e-5, 1e-3] };
const beta: Range = { choice: [0.05, 0.1, 0.2, 0.5] };
const retainWeight: Range = { log: [0.5, 5] };

/** All arms of track L train by Adam, in batches of 32, from the same checkpoint. */
const common = { optimizer: "adam", batchSize: 32, epochs: undefined } as const;

/** The methods that track L compares, with what is tuned of each: their learning rate, and at most two options more. */
export function armsL({ refusals }: Tofu) {
  // Refusals are functions of the question, which belong to the method's defaults: options are kept as JSON.
  const refusing = <O extends RefusalOptions>(method: Unlearner<O>): Unlearner<O> => ({
    ...method,
    defaults: { ...method.defaults, templates: refusals },
  });
  const flat = refusing(flatUnlearn);
  const arm = (name: string, method: Unlearner<any>, space: Arm["space"] = {}, fixed: object = {}): Arm => ({
    name,
    method,
    fixed: { ...common, ...fixed },
    space: { learningRate, ...space },
  });
  return {
    FT: arm("FT", finetune),
    GA: arm("GA", gradientAscent),
    GradDiff: arm("GradDiff", gradDiff, { forgetWeight: { log: [0.1, 1] } }),
    RL: arm("RL", randomLabelling),
    NPO: arm("NPO", npoUnlearn, { beta }),
    "NPO+RT": arm("NPO+RT", npoUnlearn, { beta, retainWeight }, { retain: "rt" }),
    "NPO+KL": arm("NPO+KL", npoUnlearn, { beta, retainWeight }, { retain: "kl" }),
    DPO: arm("DPO", refusing(dpoUnlearn), { beta }),
    IDK: arm("IDK", refusing(refusalUnlearn)),
    "P-only": arm("P-only", flat, {}, { terms: "forget" }),
    "FLAT-TV": arm("FLAT-TV", flat, {}, { divergence: "tv" }),
    "FLAT-KL": arm("FLAT-KL", flat, {}, { divergence: "kl" }),
    "FLAT-JS": arm("FLAT-JS", flat, {}, { divergence: "js" }),
    "FLAT-Pearson": arm("FLAT-Pearson", flat, {}, { divergence: "pearson" }),
  } satisfies Record<string, Arm>;
}

export type ArmL = keyof ReturnType<typeof armsL>;

/** FLAT with each of its divergences. */
export const flatArms: readonly ArmL[] = ["FLAT-TV", "FLAT-KL", "FLAT-JS", "FLAT-Pearson"];
