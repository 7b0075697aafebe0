import { type Dataset, digits8, fashionMnist, reshapeRows, size, take } from "../../src/data/index.js";
import { crossEntropy, hostRandom, mean, type NDArray, random, relu } from "../../src/engine/index.js";
import type { Labelled, LabelledBatch } from "../../src/forget/index.js";
import { fetching, type Json, type RunContext } from "../../src/lab/index.js";
import { applyMask, type MlpParams, mlp, fit as trainModel, type WeightMask } from "../../src/nn/index.js";
import { schedules, sgd } from "../../src/optim/index.js";
import type { Recipe } from "./recipe.js";
import type { Drawn, Track } from "./track.js";

export const scenariosC = ["random10", "class", "mislabel"] as const;
export type ScenarioC = (typeof scenariosC)[number];

interface Kind {
  readonly name: string;
  readonly sizes: readonly number[];
  readonly epochs: number;
  readonly rows: { readonly train: number; readonly val: number; readonly test: number };
  /** Rows of `random10`, and rows with wrong labels of `mislabel`. */
  readonly random: number;
  readonly mislabelled: number;
}

const kinds = {
  fashion6k: {
    name: "fashion6k",
    sizes: [784, 256, 128, 10],
    epochs: 40,
    rows: { train: 6000, val: 2000, test: 4000 },
    random: 600,
    mislabelled: 300,
  },
  digits: {
    name: "digits",
    sizes: [64, 64, 32, 10],
    epochs: 20,
    rows: { train: 1200, val: 200, test: 397 },
    random: 120,
    mislabelled: 60,
  },
} as const satisfies Record<string, Kind>;

const splitSeed = 20240;

/** Track C, and the same under a mask of its weights. */
export interface TrackC extends Track<MlpParams> {
  /** Training of this model with some weights dead from the start. `name` must tell the mask from every other. */
  masked(mask: WeightMask<MlpParams>, name: Json): Recipe<MlpParams>;
}

/**
 * Track C: classification by a perceptron that fits its training set by heart. On Fashion-MNIST (6,000 training rows), or a
 * small variant on the 8x8 digits.
 */
export async function trackC(
  data: "fashion6k" | "digits",
  load: Partial<Pick<RunContext<unknown>, "signal" | "progress">> = {},
): Promise<TrackC> {
  const kind: Kind = kinds[data];
  const rows = await (data === "digits" ? digitRows(kind) : fashionRows(kind, load));
  const model = mlp({ sizes: kind.sizes });
  const init = (seed: number) => model.init(random.key(seed));
  const perExampleLoss = (params: MlpParams, { x, y }: LabelledBatch) => crossEntropy(model.apply(params, x), y);
  return {
    name: kind.name,
    scenarios: scenariosC,
    recipe: recipeOf(kind, { init, perExampleLoss }),
    masked: (mask, name) =>
      recipeOf(
        kind,
        {
          init: (seed) => applyMask(init(seed), mask),
          perExampleLoss: (params, batch) => perExampleLoss(applyMask(params, mask), batch),
        },
        { mask: name },
      ),
    init,
    // As the model's own `apply`, with the last hidden units beside the logits.
    apply: ({ layers }, x) => {
      const hidden = layers.slice(0, -1).reduce((h, { w, b }) => relu(h.matmul(w).add(b!)), x);
      const { w, b } = layers[layers.length - 1];
      return { out: hidden.matmul(w).add(b!), feat: hidden };
    },
    perExampleLoss,
    draw: (scenario, seed) => drawC(scenario as ScenarioC, seed, kind, rows),
  };
}

/** SGD with momentum, along half a cosine to 0. */
function recipeOf(
  { sizes, epochs }: Kind,
  { init, perExampleLoss }: Pick<Track<MlpParams>, "init" | "perExampleLoss">,
  more: Readonly<Record<string, Json>> = {},
): Recipe<MlpParams> {
  const [learningRate, momentum, batchSize] = [0.05, 0.9, 128];
  return {
    key: {
      model: ["mlp", ...sizes],
      optimizer: "sgd",
      learningRate,
      momentum,
      schedule: "cosine",
      batchSize,
      epochs,
      ...more,
    },
    passes: (rows) => epochs * rows,
    async train(data, seed, signal) {
      const steps = epochs * Math.ceil(data.x.shape[0] / batchSize);
      const { params } = await trainModel({
        loss: (p: MlpParams, x, y) => mean(perExampleLoss(p, { x, y })),
        params: init(seed),
        optimizer: sgd({ learningRate: schedules.cosine({ from: learningRate, steps }), momentum }),
        data,
        batchSize,
        epochs,
        seed,
        signal,
      }).run();
      return params;
    },
  };
}

interface Rows {
  readonly train: Labelled;
  readonly val: Labelled;
  readonly test: Labelled;
}

function drawC(scenario: ScenarioC, seed: number, { random, mislabelled }: Kind, { train, val, test }: Rows): Drawn {
  const draw = hostRandom(seed).fork(`forget ${scenario}`);
  const labels = train.y.data as Int32Array;
  switch (scenario) {
    case "random10":
      return { train, forget: draw.permutation(labels.length).slice(0, random).sort(), val, test };
    case "class": {
      const gone = seed % 10;
      const rowsWith = (of: Labelled, test: (label: number) => boolean) =>
        Array.from(of.y.data as Int32Array, (label, row) => (test(label) ? row : -1)).filter((row) => row >= 0);
      const rest = take(
        test as Dataset,
        rowsWith(test, (label) => label !== gone),
      );
      return { train, forget: Int32Array.from(rowsWith(train, (label) => label === gone)), val, test: rest };
    }
    case "mislabel": {
      const forget = draw.permutation(labels.length).slice(0, mislabelled).sort();
      const wrong = Int32Array.from(labels);
      for (const row of forget) wrong[row] = (wrong[row] + 1 + draw.integer(9)) % 10;
      return { train: { ...train, y: { ...train.y, data: wrong } as NDArray }, forget, val, test };
    }
  }
}

/** 6,000 + 2,000 rows of the training part and 4,000 of the test part, as many of each class. */
async function fashionRows({ rows }: Kind, load: Parameters<typeof trackC>[1]): Promise<Rows> {
  const { train, test } = await fashionMnist(fetching(load ?? {}));
  const fitting = balanced(train, rows.train + rows.val);
  const perClass = (of: number) => of / 10;
  // Of each class the first rows train and the rest validate.
  const part = (from: number, to: number) =>
    fitting.flatMap((own) => Array.from(own.subarray(perClass(from), perClass(to))));
  const scaled = (data: Dataset, positions: readonly number[], name: string): Labelled => {
    const { x, y } = reshapeRows(
      take(
        data,
        [...positions].sort((a, b) => a - b),
      ),
      [784],
    );
    return { name, x: { ...x, data: (x.data as Float32Array).map((v) => (v - 0.286) / 0.353) }, y };
  };
  return {
    train: scaled(train, part(0, rows.train), "train"),
    val: scaled(train, part(rows.train, rows.train + rows.val), "val"),
    test: scaled(
      test,
      balanced(test, rows.test).flatMap((own) => Array.from(own)),
      "test",
    ),
  };
}

/** For each class, so many positions in all of it in a fixed random order. */
function balanced({ y }: Dataset, count: number): Int32Array[] {
  const order = hostRandom(splitSeed).permutation(y.data.length);
  return Array.from({ length: 10 }, (_, c) => order.filter((row) => y.data[row] === c).subarray(0, count / 10));
}

async function digitRows({ rows }: Kind): Promise<Rows> {
  const { train, test } = await digits8();
  const part = (data: Dataset, from: number, count: number, name: string): Labelled => {
    const { x, y } = take(
      data,
      Int32Array.from({ length: count }, (_, i) => from + i),
    );
    return { name, x, y };
  };
  return {
    train: part(train, 0, rows.train, "train"),
    val: part(train, rows.train, rows.val, "val"),
    test: part(test, 0, Math.min(rows.test, size(test)), "test"),
  };
}
