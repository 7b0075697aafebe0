import { gelu } from "../../../engine/composites/activations.js";
import { add, mul, sigmoid } from "../../../engine/primitives/elementwise.js";
import type { Operator } from "../call.js";
import type { NodeInfo } from "../model.js";
import { elementwiseOperators } from "./elementwise.js";
import { indexingOperators } from "./indexing.js";
import { matmulOperators, microsoftMatmulOperators } from "./matmul.js";
import { normOperators } from "./norms.js";
import { reduceOperators } from "./reduce.js";
import { resampleOperators } from "./resample.js";
import { structureOperators } from "./structure.js";
import { windowOperators } from "./windows.js";

const standard: Readonly<Record<string, Operator>> = {
  ...elementwiseOperators,
  ...indexingOperators,
  ...matmulOperators,
  ...normOperators,
  ...reduceOperators,
  ...resampleOperators,
  ...structureOperators,
  ...windowOperators,
};

/** Operators that ONNX Runtime adds. */
const microsoft: Readonly<Record<string, Operator>> = {
  ...microsoftMatmulOperators,
  BiasGelu: (call) => gelu(add(call.tensor(0), call.tensor(1))),
  FastGelu: (call) => {
    const [x, bias] = [call.tensor(0), call.optional(1)];
    return gelu(bias ? add(x, bias) : x, { approximate: true });
  },
  Gelu: (call) => gelu(call.tensor(0)),
  QuickGelu: (call) => {
    const x = call.tensor(0);
    return mul(x, sigmoid(mul(x, call.attributes.float("alpha", 1.702))));
  },
};

/** The operator of a node, if there is one. */
export function operatorOf({ op, domain }: NodeInfo): Operator | undefined {
  const table = domain === "" ? standard : domain === "com.microsoft" ? microsoft : {};
  return Object.hasOwn(table, op) ? table[op] : undefined;
}

/** The names of the standard operators that can be read. */
export const standardOperators: readonly string[] = Object.keys(standard).sort();

/** Inputs that decide about shapes or are measured, not learned: initializers there are constants, not parameters. */
const settings: Readonly<Record<string, readonly number[]>> = {
  // The running mean and variance.
  BatchNormalization: [3, 4],
  Clip: [1, 2],
  Dropout: [1, 2],
  Pad: [2],
  Pow: [1],
  Range: [0, 1, 2],
  Resize: [1, 2],
  Upsample: [1],
};

/** Names that a node reads as settings. */
export const settingsOf = ({ op, domain, inputs }: NodeInfo): string[] =>
  domain === "" && Object.hasOwn(settings, op) ? settings[op].map((i) => inputs[i]).filter(Boolean) : [];
