import {
  averagePool2x2,
  type Dataset,
  digits8,
  fashionMnist,
  reshapeRows,
  rotateImages,
  take,
} from "../../src/data/index.js";
import {
  abs,
  hostRandom,
  mean,
  type NDArray,
  random,
  relu,
  reshape,
  sub,
  type Tensor,
} from "../../src/engine/index.js";
import type { Labelled } from "../../src/forget/index.js";
import { fetching, type RunContext } from "../../src/lab/index.js";
import { type ConvParams, conv2d, type LinearParams, linear, fit as trainModel } from "../../src/nn/index.js";
import { adam } from "../../src/optim/index.js";
import type { Drawn, Track } from "./track.js";

export const scenariosR = ["range", "random10"] as const;
export type ScenarioR = (typeof scenariosR)[number];

/** Targets below this are forgotten in `range`. */
export const rangeEnd = 1 / 3;

interface Kind {
  /** The labels whose images are used. */
  readonly classes: readonly number[];
  readonly epochs: number;
  readonly rows: { readonly train: number; readonly test: number };
}

const kinds = {
  /** Trousers, dresses, sneakers, bags and ankle boots: things with an upright position. */
  rotAngle: { classes: [1, 3, 7, 8, 9], epochs: 25, rows: { train: 4000, test: 1000 } },
  rotDigits: { classes: [1, 4, 7], epochs: 12, rows: { train: 360, test: 90 } },
} as const satisfies Record<string, Kind>;

const dataSeed = 20240;
const [learningRate, batchSize] = [1e-3, 64];

export interface CnnRParams {
  readonly convs: readonly [ConvParams, ConvParams, ConvParams];
  readonly head: LinearParams;
}

const layers = [
  conv2d(1, 16, 3, { padding: 1 }),
  conv2d(16, 32, 3, { padding: 1, stride: 2 }),
  conv2d(32, 32, 3, { padding: 1, stride: 2 }),
] as const;
const head = linear(32, 1);

/** Three convolutions of 16, 32 and 32 channels, the last two at stride 2, their mean, and one number from it. */
export const cnnR = {
  init(seed: number): CnnRParams {
    const keys = random.splitList(random.key(seed), 4);
    const [a, b, c] = layers.map((layer, i) => layer.init(keys[i]));
    return { convs: [a, b, c], head: head.init(keys[3]) };
  },
  apply(params: CnnRParams, x: Tensor) {
    const acts: Tensor[] = [];
    layers.forEach((layer, i) => {
      acts.push(relu(layer.apply(params.convs[i], acts[i - 1] ?? x)));
    });
    return { out: reshape(head.apply(params.head, mean(acts[2], [2, 3])), [x.shape[0]]), acts };
  },
};

/** The absolute error of each row. */
const perExampleLoss = (params: CnnRParams, { x, y }: { x: Tensor; y: Tensor }) =>
  abs(sub(cnnR.apply(params, x).out, y));

/**
 * Track R: by what angle between 0 and 90 degrees an image was turned, as a number in [0, 1). Images of Fashion-MNIST at
 * half the size (4,000 to train on), or a small variant on the 8x8 digits.
 */
export async function trackR(
  data: keyof typeof kinds,
  load: Partial<Pick<RunContext<unknown>, "signal" | "progress">> = {},
): Promise<Track<CnnRParams>> {
  const kind: Kind = kinds[data];
  const { epochs, rows, classes } = kind;
  const fashion = data === "rotAngle";
  const given = fashion ? await fashionMnist(fetching(load)) : await digits8();
  const draw = hostRandom(dataSeed);
  const part = (name: "train" | "test"): Labelled => {
    const chosen = balanced(given[name], classes, rows[name], draw.fork(name).permutation(given[name].y.data.length));
    const images = fashion ? chosen : reshapeRows(chosen, [8, 8]);
    const stream = draw.fork(`angles ${name}`);
    const targets = Float32Array.from({ length: rows[name] }, () => stream.uniform());
    const turned = rotateImages(
      images,
      targets.map((target) => 90 * target),
    );
    const { x } = fashion ? averagePool2x2(turned) : turned;
    const y: NDArray = { data: targets, shape: [rows[name]], dtype: "float32" };
    return { name, x: { ...x, shape: [x.shape[0], 1, ...x.shape.slice(1)] }, y };
  };
  const [train, test] = [part("train"), part("test")];
  return {
    name: data,
    scenarios: scenariosR,
    recipe: {
      key: { model: "cnnR", optimizer: "adam", learningRate, loss: "l1", batchSize, epochs },
      passes: (rows) => epochs * rows,
      train: async (data, seed, signal) => {
        const { params } = await trainModel({
          loss: (p: CnnRParams, x, y) => mean(perExampleLoss(p, { x, y })),
          params: cnnR.init(seed),
          optimizer: adam({ learningRate }),
          data,
          batchSize,
          epochs,
          seed,
          signal,
        }).run();
        return params;
      },
    },
    init: cnnR.init,
    apply: cnnR.apply,
    perExampleLoss,
    draw: (scenario, seed) => drawR(scenario as ScenarioR, seed, train, test),
  };
}

function drawR(scenario: ScenarioR, seed: number, train: Labelled, test: Labelled): Drawn {
  const targets = train.y.data as Float32Array;
  if (scenario === "random10") {
    const order = hostRandom(seed).fork("forget random10").permutation(targets.length);
    return { train, forget: order.slice(0, targets.length / 10).sort(), test };
  }
  const rowsWhere = (of: Labelled, holds: (target: number) => boolean) =>
    Array.from(of.y.data as Float32Array, (target, row) => (holds(target) ? row : -1)).filter((row) => row >= 0);
  const rest = take(
    test as Dataset,
    rowsWhere(test, (target) => target >= rangeEnd),
  );
  return { train, forget: Int32Array.from(rowsWhere(train, (target) => target < rangeEnd)), test: rest };
}

/** `count` rows, as many of each of the classes: the first of each in the given order, and in that order. */
function balanced(data: Dataset, classes: readonly number[], count: number, order: Int32Array): Dataset {
  const left = new Map(classes.map((label) => [label, count / classes.length]));
  const rows = order.filter((row) => {
    const label = data.y.data[row] as number;
    const still = left.get(label) ?? 0;
    if (still > 0) left.set(label, still - 1);
    return still > 0;
  });
  return take(data, rows);
}
