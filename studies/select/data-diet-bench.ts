import { type Dataset, digits8, fashionMnist, reshapeRows, split } from "../../src/data/index.js";
import { cast, mul } from "../../src/engine/index.js";
import { fetching, NonFiniteError, type RunContext } from "../../src/lab/index.js";
import { cnn, correct, type Model, mlp } from "../../src/nn/index.js";
import { schedules, sgd } from "../../src/optim/index.js";
import {
  type Network,
  type NetworkTrainer,
  networkTrainer,
  scoreNetworks,
  type TrainedSteps,
} from "../../src/select/index.js";
import { type Options, totalSteps } from "./data-diet-options.js";

/** What final runs, score runs and the tuning share: data, models, recipe. */
export interface Bench {
  readonly train: Dataset;
  readonly validation?: Dataset;
  readonly test: Dataset;
  /** Height and width of an image. */
  readonly image: readonly [number, number];
  readonly model: Model;
}

type Load = Partial<Pick<RunContext<Options>, "signal" | "progress">>;

/** Loads the data; a missing set is said here, before anything trains. */
export async function openBench(options: Options, load: Load = {}): Promise<Bench> {
  const given = options.data === "digits8" ? await digits8() : await fashionMnist(fetching(load));
  const side = options.data === "digits8" ? 8 : 28;
  const flat = (data: Dataset) => reshapeRows(data, [side * side]);
  const { trainRows: train, validationRows: validation, splitSeed: seed } = options;
  const parts: { train: Dataset; validation?: Dataset } =
    validation > 0
      ? split(flat(given.train), { train, validation }, { seed })
      : split(flat(given.train), { train }, { seed });
  const model = mlp({ sizes: [side * side, options.hidden, 10] });
  return { ...parts, test: flat(given.test), image: [side, side], model };
}

/** The narrower perceptron of the transfer block, on the same rows. */
export const narrowModel = ({ train }: Bench, hidden: number): Model => mlp({ sizes: [train.x.shape[1], hidden, 10] });

/** The convolutional network of the transfer block: 3x3 windows, pooling after each layer. */
export const cnnModel = ({ image: [height, width] }: Bench, channels: readonly number[]): Model =>
  cnn({ inputShape: [1, height, width], classes: 10, channels });

/** The same rows as images of one channel. */
export const asImages = (data: Dataset, { image: [height, width] }: Bench): Dataset =>
  reshapeRows(data, [1, height, width]);

/**
 * The recipe of all runs: SGD with momentum, and a learning rate that falls along half a cosine over the steps of a
 * whole run. Score runs stop early on the same schedule.
 */
export const recipe = <P>(model: Model<P>, data: Dataset, options: Options): NetworkTrainer<P> => {
  const decay = schedules.cosine({ from: 1, steps: totalSteps(options) });
  const { momentum, weightDecay, batchSize, unroll } = options;
  return networkTrainer({
    model,
    data,
    batchSize,
    unroll,
    optimizer: (rate) => sgd({ learningRate: (step) => mul(decay(step), rate), momentum, weightDecay }),
  });
};

/** Test (or validation) accuracy of stacked networks, in percent. */
export async function accuracies<P>(
  model: Model<P>,
  stacked: P,
  data: Dataset,
  signal?: AbortSignal,
): Promise<number[]> {
  const right = (params: P, x: any, y: any) => cast(correct(model.apply(params, x), y), "float32");
  const all = await scoreNetworks(right, stacked, data, { block: 1000, signal });
  return all.map((hits) => (100 * hits.reduce((sum, hit) => sum + hit, 0)) / hits.length);
}

/** Networks as they stand after some steps. */
export interface TrainedNetworks<P> extends Pick<TrainedSteps<P>, "step" | "params" | "state"> {
  /** For each network, the mean training loss of the first and of the last steps so far. */
  readonly startLoss: readonly number[];
  readonly endLoss: readonly number[];
}

interface TrainToOptions<P> {
  readonly steps: number;
  readonly arm: string;
  readonly signal?: AbortSignal;
  /** Where to go on; default: the start. */
  readonly from?: TrainedNetworks<P>;
  /** Gets the chance to keep where training stands, after every block. */
  readonly save?: (trained: TrainedNetworks<P>) => Promise<void>;
}

/** Trains to `steps` and hands every block to `onSteps`. Stops at a loss that is not finite, naming arm, seed and step. */
export async function trainTo<P>(
  trainer: NetworkTrainer<P>,
  networks: readonly Network[],
  { steps, arm, signal, from, save }: TrainToOptions<P>,
  onSteps: (steps: TrainedSteps<P>) => void = () => {},
): Promise<TrainedNetworks<P>> {
  let trained = from;
  for await (const block of trainer.train(networks, { steps, from, signal })) {
    const { step, params, state, losses } = block;
    networks.forEach(({ seed }, s) => {
      losses[s].forEach((loss, k, { length }) => {
        NonFiniteError.check({ loss }, { arm, seed, step: step - length + k + 1 });
      });
    });
    const endLoss = meanLosses(block);
    trained = { step, params, state, startLoss: trained?.startLoss ?? endLoss, endLoss };
    onSteps(block);
    await save?.(trained);
  }
  return trained!;
}

/** The mean loss of each network over some steps. */
export const meanLosses = ({ losses }: TrainedSteps<unknown>): number[] =>
  losses.map((own) => own.reduce((sum, loss) => sum + loss, 0) / own.length);

/** Multiply–accumulates of one image's forward pass. */
export const macsOfMlp = (inputs: number, hidden: number): number => inputs * hidden + hidden * 10;

export function macsOfCnn([height, width]: readonly [number, number], channels: readonly number[]): number {
  let macs = 0;
  let [h, w, depth] = [height, width, 1];
  for (const out of channels) {
    macs += h * w * 9 * depth * out;
    [h, w, depth] = [Math.floor(h / 2), Math.floor(w / 2), out];
  }
  return macs + h * w * depth * 10;
}
