import {
  digits8,
  fashionMnist,
  oneHotLabels,
  reshapeRows,
  size,
  standardise,
  type TrainTest,
  take,
} from "../../src/data/index.js";
import { hostRandom, jit, mean, mul, random, square, sub, type Tensor, tensor } from "../../src/engine/index.js";
import { fetching } from "../../src/lab/fetching.js";
import { logSpaced } from "../../src/lab/hooks.js";
import type { RunContext } from "../../src/lab/study.js";
import { accuracy, type MlpParams, mlp, trainStep } from "../../src/nn/index.js";
import { sgd } from "../../src/optim/index.js";
import { laziness, ntk, outputScaled, scaledLr } from "../../src/phenomena/index.js";
import { summariseRun } from "./lazy-summary.js";

/** Part B: the same control of an ordinary network on images. */
export interface TransferOptions {
  readonly data: "fashion-mnist" | "digits8";
  readonly hidden: readonly number[];
  /** Training examples, drawn by the seed; and how many of the test set are used. */
  readonly images: number;
  readonly testImages: number;
  readonly alphas: readonly number[];
  /** How many of the study's seeds. */
  readonly seeds: number;
  readonly steps: number;
  readonly measured: number;
  /** The learning rate before it is divided by alpha^2. */
  readonly eta: number;
  readonly momentum: number;
  readonly lagFraction: number;
  /** On how many images the tangent kernel's change is measured. */
  readonly kernelImages: number;
}

type Progress = (share: number, label: string) => void;

/** The images; a missing set is said here, before anything trains. */
export const openImages = (context: RunContext<unknown>, { data }: TransferOptions): Promise<TrainTest> =>
  data === "digits8" ? digits8() : fashionMnist(fetching(context));

/** Trains the network at every alpha and seed, one unit each, and records curves and results. */
export async function trainTransfer(
  context: RunContext<unknown>,
  options: TransferOptions,
  sets: TrainTest,
  progress: Progress,
): Promise<void> {
  const seeds = context.seeds.slice(0, options.seeds);
  const jobs = seeds.flatMap((seed) => options.alphas.map((alpha) => ({ seed, alpha })));
  for (const [done, { seed, alpha }] of jobs.entries()) {
    await context.unit(`part B, seed ${seed}, alpha ${alpha}`, () =>
      trainOne(context, options, sets, seed, alpha, (share) =>
        progress((done + share) / jobs.length, `part B, seed ${seed}, alpha ${alpha}`),
      ),
    );
  }
}

async function trainOne(
  context: RunContext<unknown>,
  options: TransferOptions,
  sets: TrainTest,
  seed: number,
  alpha: number,
  progress: (share: number) => void,
): Promise<void> {
  const { train, test, features, classes } = await select(sets, options, seed);
  const sizes = [features, ...options.hidden, classes];
  const network = mlp({ sizes });
  const start = await realised(network.init(random.key(seed)));
  const model = outputScaled(network, alpha, { centre: start });
  // Half the squared error per example, as in part A; part A's clock too: the rate goes with 1 / alpha^2.
  const loss = (params: MlpParams, x: Tensor, y: Tensor) =>
    mul(mean(square(sub(model.apply(params, x), y))), classes / 2);
  const optimizer = sgd({ learningRate: scaledLr(options.eta, alpha), momentum: options.momentum });
  const step = trainStep(loss, optimizer);
  const evaluate = jit((params: MlpParams, x: Tensor, y: Tensor, labels: Tensor) => {
    const outputs = model.apply(params, x);
    return { loss: mean(square(sub(outputs, y))), accuracy: accuracy(outputs, labels) };
  });
  const measure = async (params: MlpParams) => {
    const [seen, unseen] = [await evaluate(params, ...train), await evaluate(params, ...test)];
    return {
      train: await seen.loss.item(),
      test: await unseen.loss.item(),
      trainAccuracy: 100 * (await seen.accuracy.item()),
      testAccuracy: 100 * (await unseen.accuracy.item()),
      relMove: await laziness(params, start).relMove.item(),
    };
  };

  const setting = { alpha, eta: options.eta };
  const afresh = async () => {
    const params = await realised(network.init(random.key(seed)));
    const curve = { steps: [] as number[], values: [] as Awaited<ReturnType<typeof measure>>[] };
    return { done: 0, params, state: optimizer.init(params), curve };
  };
  const { checkpoint } = context;
  let { done, params, state, curve } = checkpoint.restore<Awaited<ReturnType<typeof afresh>>>() ?? (await afresh());
  const targets = [0, ...logSpaced(options.steps, options.measured)];
  for (const target of targets.slice(curve.steps.length)) {
    while (done < target) {
      context.signal.throwIfAborted();
      ({ params, state } = await step(params, state, train[0], train[1]));
      done++;
      await checkpoint.save(() => ({ done, params, state, curve }));
    }
    const values = await measure(params);
    context.metric({ arm: "mlp", seed, step: done, setting, values });
    curve.steps.push(done);
    curve.values.push(values);
    progress(done / options.steps);
  }

  const few = train[0].slice([0, 0], [options.kernelImages, features]);
  const { kernelMove } = laziness(params, start, (p) => ntk(network, p, few));
  const testAccuracyEnd = curve.values[curve.values.length - 1].testAccuracy;
  const measures = {
    ...summariseRun(curve, options.lagFraction),
    kernelMove: await kernelMove.item(),
    testAccuracyEnd,
  };
  context.record({ arm: "mlp", seed, setting, measures });
  const macs = sizes.slice(1).reduce((sum, width, i) => sum + width * sizes[i], 0);
  context.meter.step(options.steps * options.images, macs);
  context.meter.forward(curve.steps.length * (options.images + options.testImages), macs);
}

/** Inputs, targets of -1 and 1, and labels; scaled by the training images to mean 0 and standard deviation 1. */
type Examples = readonly [x: Tensor, y: Tensor, labels: Tensor];

async function select(sets: TrainTest, { images, testImages }: TransferOptions, seed: number) {
  const features = sets.train.x.data.length / size(sets.train);
  const classes = sets.train.classes!;
  const chosen = hostRandom(seed).fork("images").permutation(size(sets.train)).subarray(0, images);
  const first = Int32Array.from({ length: testImages }, (_, i) => i);
  const flat = (set: typeof sets.train) => reshapeRows(set, [features]);
  const parts = standardise({ train: take(flat(sets.train), chosen), test: take(flat(sets.test), first) });
  const examples = async ({ x, y }: typeof sets.train): Promise<Examples> => {
    const signs = sub(mul(tensor(oneHotLabels(y, classes)), 2), 1);
    return [tensor(x), tensor(await signs.array()), tensor(y)];
  };
  return { train: await examples(parts.train), test: await examples(parts.test), features, classes };
}

/** The same parameters with their values computed: what is used at every step must not be drawn at every step. */
async function realised(params: MlpParams): Promise<MlpParams> {
  const layers = await Promise.all(
    params.layers.map(async ({ w, b }) => ({
      w: tensor(await w.array()),
      ...(b ? { b: tensor(await b.array()) } : {}),
    })),
  );
  return { layers };
}
