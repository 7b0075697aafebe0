import { type Dataset, digits8, size, take } from "../../src/data/index.js";
import { type Feed, jit, type NDArray, random, type Tensor } from "../../src/engine/index.js";
import type { RunContext } from "../../src/lab/index.js";
import { cosineSchedule, ddim, guidedNoise, type NoiseSchedule } from "../../src/nn/index.js";
import { type DenoiserParams, type DigitDenoiser, digitCount, digitDenoiser, pixels } from "./digit-denoiser.js";
import { type DiffusionRecipe, trainDigitDiffusion } from "./digit-diffusion.js";
import { type JudgeParams, judgeAccuracy, judgeRecipe, trainJudge } from "./digit-judge.js";
import { cachedTraining } from "./recipe.js";

/** The guidance and the steps of every sample in track G, whatever model it is drawn from. */
export const guidance = 2;
export const samplingSteps = 20;

export interface TrackGOptions {
  readonly hidden: number;
  readonly recipe: DiffusionRecipe;
  readonly judgeEpochs: number;
}

/** Track G as specified. */
export const digitDdpm: TrackGOptions = {
  hidden: 512,
  recipe: { steps: 12_000, batchSize: 128, learningRate: 1e-3, classDropout: 0.1, stepsPerCall: 50 },
  judgeEpochs: 60,
};

/** Track G: generation of 8x8 digits by a diffusion model, and a classifier that judges what was drawn. */
export interface TrackG {
  readonly network: DigitDenoiser;
  readonly schedule: NoiseSchedule;
  /** What was trained on: pixels in [-1, 1]. */
  readonly train: Dataset;
  readonly judge: JudgeParams;
  /** Of the judge on the test digits, in percent. */
  readonly judgeAccuracy: number;
  /** The model of a seed; without a digit, its training never saw it. */
  diffusion(seed: number, without?: number): Promise<DenoiserParams>;
  /** Samples [n, 64] from noise [n, 64], under the conditions (mixtures of classes, [n, 11]) or under none. */
  draw(params: DenoiserParams, noise: NDArray, conditions: NDArray | null): Promise<NDArray>;
}

const timesteps = 100;

/** Opens track G: the judge and the models are trained, or come from the cache. */
export async function trackG(
  { hidden, recipe, judgeEpochs }: TrackGOptions,
  { cache, signal, progress }: Pick<RunContext<unknown>, "cache" | "signal" | "progress">,
): Promise<TrackG> {
  const { train, test } = await digits8();
  const [data, unseen] = [train, test].map(signed);
  const network = digitDenoiser({ hidden });
  const schedule = cosineSchedule(timesteps);
  const trained = cachedTraining<DenoiserParams>(
    {
      key: { model: "digitDDPM", hidden, schedule: "cosine", timesteps, optimizer: "adam", ...recipe },
      passes: () => recipe.steps * recipe.batchSize,
      train: (rows, seed) =>
        trainDigitDiffusion({
          network,
          schedule,
          recipe,
          data: rows,
          seed,
          signal,
          onSteps: (done) => progress(done, recipe.steps, `diffusion model of seed ${seed}`),
        }),
    },
    cache,
  );
  const judge = await cachedTraining<JudgeParams>(
    {
      key: { model: "digitJudge", optimizer: "adam", ...judgeRecipe, epochs: judgeEpochs },
      passes: (rows) => judgeEpochs * rows,
      train: (rows, seed) => trainJudge(rows, { epochs: judgeEpochs, seed, signal }),
    },
    cache,
  )(data, 0);
  const guided = jit((params: DenoiserParams, z: Tensor, c: Tensor) => sample(network, schedule, params, z, c));
  const free = jit((params: DenoiserParams, z: Tensor) => sample(network, schedule, params, z, null));
  return {
    network,
    schedule,
    train: data,
    judge,
    judgeAccuracy: await judgeAccuracy(judge, unseen),
    diffusion: (seed, without) => trained(without === undefined ? data : withoutDigit(data, without), seed),
    async draw(params, noise, conditions) {
      const given = params as Feed<DenoiserParams>;
      const drawn = await (conditions ? guided(given, noise, conditions) : free(given, noise));
      return (drawn as Tensor).array();
    },
  };
}

const sample = (network: DigitDenoiser, schedule: NoiseSchedule, params: DenoiserParams, z: Tensor, c: Tensor | null) =>
  ddim(guidedNoise(network.apply, params, c, guidance), z, { schedule, steps: samplingSteps, clip: 1 }).sample;

/** The digits with pixels from [0, 1] in [-1, 1]. */
const signed = (digits: Dataset): Dataset => ({
  ...digits,
  x: { ...digits.x, data: (digits.x.data as Float32Array).map((v) => 2 * v - 1) },
});

export const withoutDigit = (digits: Dataset, gone: number): Dataset =>
  take(
    digits,
    Array.from({ length: size(digits) }, (_, row) => row).filter((row) => digits.y.data[row] !== gone),
  );

/** Standard normal noise for `count` samples, a function of the seed. */
export const noiseOf = (seed: number, count: number): Promise<NDArray> =>
  random.normal(random.key(seed), [count, pixels]).array();

/** Conditions for samples of these digits: rows [n, 11]. A share may go to another digit. */
export function conditionsOf(
  digits: readonly number[],
  other?: { readonly digit: number; readonly share: number },
): NDArray {
  const width = digitCount + 1;
  const data = new Float32Array(digits.length * width);
  digits.forEach((digit, i) => {
    data[i * width + digit] += 1 - (other?.share ?? 0);
    if (other) data[i * width + other.digit] += other.share;
  });
  return { data, shape: [digits.length, width], dtype: "float32" };
}
