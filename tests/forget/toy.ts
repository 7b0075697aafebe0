import { crossEntropy, hostRandom, type NDArray, random, relu } from "../../src/engine/index.js";
import type { Labelled, LabelledBatch, UnlearnProblem } from "../../src/forget/index.js";
import { type MlpParams, mlp } from "../../src/nn/index.js";

/** Rows of two noisy classes. */
export function rows(name: string, n: number, seed: number, width = 4): Labelled {
  const draw = hostRandom(seed);
  const labels = Int32Array.from({ length: n }, () => draw.integer(2));
  const data = Float32Array.from({ length: n * width }, (_, i) => draw.normal() + labels[Math.floor(i / width)]);
  return {
    name,
    x: { data, shape: [n, width], dtype: "float32" },
    y: { data: labels, shape: [n], dtype: "int32" },
  };
}

export const int32 = (...labels: number[]): NDArray => ({
  data: Int32Array.from(labels),
  shape: [labels.length],
  dtype: "int32",
});

export const model = mlp({ sizes: [4, 8, 2] });

/** A small classifier and rows to forget; `changes` take the place of fields. */
export function toyProblem(changes: Partial<UnlearnProblem<MlpParams>> = {}): UnlearnProblem<MlpParams> {
  return {
    params: model.init(random.key(0)),
    apply: (params, x) => model.apply(params, x),
    perExampleLoss: (params, { x, y }: LabelledBatch) => crossEntropy(model.apply(params, x), y),
    forget: rows("forget", 10, 1),
    retain: rows("retain", 30, 2),
    init: (seed) => model.init(random.key(seed)),
    seed: 0,
    ...changes,
  };
}

/** The same model, which shows its hidden units. */
export const withFeatures: UnlearnProblem<MlpParams>["apply"] = (params, x) => {
  const [first, last] = params.layers;
  const feat = relu(x.matmul(first.w).add(first.b!));
  return { out: feat.matmul(last.w).add(last.b!), acts: [feat], feat };
};
