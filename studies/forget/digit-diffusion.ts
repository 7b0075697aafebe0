import { type Dataset, size } from "../../src/data/index.js";
import {
  type Feed,
  gather,
  grad,
  jit,
  mean,
  random,
  scan,
  type Tensor,
  tensor,
  where,
} from "../../src/engine/index.js";
import { type NoiseSchedule, noisePredictionLoss } from "../../src/nn/index.js";
import { type AdamState, adam, applyUpdates } from "../../src/optim/index.js";
import { type DenoiserParams, type DigitDenoiser, none } from "./digit-denoiser.js";

export interface DiffusionRecipe {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** The share of samples that are trained without their class. */
  readonly classDropout: number;
  /** Steps in one compiled call; divides `steps`. */
  readonly stepsPerCall: number;
}

export interface DiffusionTraining {
  readonly network: DigitDenoiser;
  readonly schedule: NoiseSchedule;
  readonly recipe: DiffusionRecipe;
  /** Digits with pixels in [-1, 1]. */
  readonly data: Dataset;
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** Told how many steps are done. */
  readonly onSteps?: (done: number) => void;
}

/** Trains the noise predictor of track G on batches drawn with replacement, many steps in one compiled call. */
export async function trainDigitDiffusion({
  network,
  schedule,
  recipe,
  data,
  seed,
  signal,
  onSteps,
}: DiffusionTraining): Promise<DenoiserParams> {
  const { steps, batchSize, classDropout, stepsPerCall } = recipe;
  const [x, y] = [tensor(data.x), tensor(data.y)];
  const optimizer = adam({ learningRate: recipe.learningRate });
  const step = ({ params, state }: Trained, { rows, drop, key }: Drawn): [Trained, null] => {
    const c = where(drop, none, gather(y, rows));
    const lossOf = (p: DenoiserParams) =>
      mean(noisePredictionLoss(network.apply, schedule, p, gather(x, rows), c, key));
    const [updates, next] = optimizer.update(grad(lossOf)(params), state, params);
    return [{ params: applyUpdates(params, updates), state: next }, null];
  };
  const advance = jit(
    (trained: Trained, key: Tensor) => {
      const [forRows, forDrop, forNoise] = random.splitList(key, 3);
      const drawn: Drawn = {
        rows: random.integers(forRows, [stepsPerCall, batchSize], 0, size(data)),
        drop: random.bernoulli(forDrop, classDropout, [stepsPerCall, batchSize]),
        key: random.split(forNoise, stepsPerCall),
      };
      return scan(step, trained, drawn)[0];
    },
    { donate: [0], name: "trainDigitDiffusion" },
  );
  const start = jit((key: Tensor): Trained => {
    const params = network.init(key);
    return { params, state: optimizer.init(params) };
  });

  let now = (await start(random.key(seed))) as Trained;
  for (let done = 0; done < steps; done += stepsPerCall) {
    signal?.throwIfAborted();
    // A tensor, not a number: a number would be part of the graph, and each call would compile anew.
    const key = random.foldIn(random.key(seed), tensor(done + 1, { dtype: "uint32" }));
    now = (await advance(now as Feed<Trained>, key)) as Trained;
    onSteps?.(done + stepsPerCall);
  }
  return now.params;
}

interface Trained {
  readonly params: DenoiserParams;
  readonly state: AdamState;
}

/** What each step of a call is drawn, the steps along axis 0. */
interface Drawn {
  readonly rows: Tensor;
  readonly drop: Tensor;
  readonly key: Tensor;
}
