import type { Dataset } from "../../src/data/index.js";
import { argmax, crossEntropy, jit, mean, random, relu, type Tensor, tensor } from "../../src/engine/index.js";
import { accuracy, type LinearParams, linear, type MlpParams, mlp, fit as trainModel } from "../../src/nn/index.js";
import { adam } from "../../src/optim/index.js";
import { digitCount, pixels } from "./digit-denoiser.js";

export interface JudgeParams {
  readonly body: MlpParams;
  readonly head: LinearParams;
}

/** The classifier that says which digit a sample shows. */
const hidden = [256, 64] as const;
const body = mlp({ sizes: [pixels, ...hidden] });
const head = linear(hidden[1], digitCount);
const features = (params: JudgeParams, x: Tensor) => relu(body.apply(params.body, x));
const logits = (params: JudgeParams, x: Tensor) => head.apply(params.head, features(params, x));

export const judgeRecipe = { hidden, learningRate: 1e-3, batchSize: 64 } as const;

export async function trainJudge(
  data: Dataset,
  { epochs, seed, signal }: { epochs: number; seed: number; signal?: AbortSignal },
): Promise<JudgeParams> {
  const { learningRate, batchSize } = judgeRecipe;
  const [forBody, forHead] = random.splitList(random.key(seed), 2);
  const trained = await trainModel({
    loss: (params: JudgeParams, x, y) => mean(crossEntropy(logits(params, x), y)),
    params: { body: body.init(forBody), head: head.init(forHead) },
    optimizer: adam({ learningRate }),
    data,
    batchSize,
    epochs,
    seed,
    signal,
  }).run();
  return trained.params;
}

/** The share of digits that the judge names rightly, in percent. */
export const judgeAccuracy = async (params: JudgeParams, { x, y }: Dataset): Promise<number> =>
  100 * (await accuracy(logits(params, tensor(x)), tensor(y)).item());

/** For samples [n, 64]: the digits that they show, int32 [n], and the judge's features [n, 64]. */
export const look = jit(
  (params: JudgeParams, x: Tensor) => ({ digits: argmax(logits(params, x), -1), features: features(params, x) }),
  { name: "judge" },
);
