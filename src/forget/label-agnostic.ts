import {
  add,
  concat,
  crossEntropy,
  type Feed,
  gather,
  gradientPaths,
  HebbError,
  type HostRandom,
  hostRandom,
  jit,
  mean,
  random,
  type Tensor,
} from "../engine/index.js";
import { adam, masked } from "../optim/index.js";
import { type BatchList, type RowBatch, rowBatches, rowsOf, zipBatches } from "./batches.js";
import { firstRows } from "./check.js";
import { alignmentLoss, extractorLoss, representationShift } from "./label-agnostic-losses.js";
import { type Examples, type Labelled, rowCount } from "./problem.js";
import { type RepresentationVaeParams, representationVae, vaeError, vaeEvidence } from "./representation-vae.js";
import type { UnlearnSession } from "./session.js";
import type { Unlearner } from "./unlearn.js";
import { gradientUpdate, type Update } from "./update.js";
import type { UnlearnView } from "./view.js";

/** A last touch with the few labels that there are (LAF+R). */
export interface RepairOptions {
  /** Rows to keep, with their labels. */
  readonly labelledRetain: Labelled;
  /** Adam's. */
  readonly learningRate: number;
  readonly epochs: number;
}

export interface LabelAgnosticOptions {
  /** Size of the autoencoders' code; 16 for larger networks. */
  readonly latent: number;
  readonly vaeEpochs: number;
  readonly vaeLearningRate: number;
  readonly klWeight: number;
  /** Passes over the shorter of forget set and retain set, which go side by side. */
  readonly epochs: number;
  /** Adam's in the extractor step; 0 leaves the step out. */
  readonly extractLearningRate: number;
  /** Adam's in the alignment step; 0 leaves the step out. */
  readonly alignLearningRate: number;
  /** 5 for random rows, 20 for whole classes and wrong labels. */
  readonly temp: number;
  readonly batchSize: number;
  readonly repair?: RepairOptions;
}

/** A row of each set, side by side. */
interface Pair {
  readonly forget: RowBatch;
  readonly retain: RowBatch;
}

/**
 * Label-agnostic forgetting (LAF): makes a classifier forget rows by their inputs alone. Two small autoencoders learn how
 * the original model represents all rows, and how those to forget; then, on every pair of batches,
 *
 * 1. an extractor step makes the representation of forget rows one that their autoencoder does not know, and keeps that of
 *    retain rows familiar (`extractorLoss`), and
 * 2. an alignment step, with an optimiser state of its own, pulls retain rows back to where the original had them
 *    (`alignmentLoss`).
 *
 * Autoencoders and original stay as they are. What lies behind the representation, the head, gets no gradient and stays
 * the same to the bit, unless `repair` trains it, and it alone, with a few labels. The autoencoders' own training is not
 * among the passes: they are small, and the model takes no part in it.
 *
 * Throws `HebbError` when both learning rates are 0, and when `repair` finds no parameters behind the representation.
 * Source: Shen et al., "Label-Agnostic Forgetting: A Supervision-Free Unlearning in Deep Models", ICLR 2024.
 */
export const labelAgnosticForget: Unlearner<LabelAgnosticOptions> = {
  name: "LAF",
  defaults: {
    latent: 8,
    vaeEpochs: 10,
    vaeLearningRate: 1e-3,
    klWeight: 0.025,
    epochs: 20,
    extractLearningRate: 5e-5,
    alignLearningRate: 1e-4,
    temp: 5,
    batchSize: 128,
  },
  needs: () => ["retain", "reference", "feat"],
  async *run(view, options, session) {
    type P = typeof view.params;
    const { epochs, batchSize, temp, repair } = options;
    const draw = hostRandom(view.seed).fork("label-agnostic forgetting");
    const original = await session.compute(
      "features",
      (rowCount(view.forget) + rowCount(view.retain)) / 3,
      async () => ({
        forget: await featuresOf(view, view.forget),
        retain: await featuresOf(view, view.retain),
      }),
    );

    const vae = representationVae(original.forget.shape[1], options.latent);
    const all = concat([original.forget, original.retain]);
    const ofAll = yield* fitVae("VAE of all rows", all, draw.fork("all"), options, session);
    const ofForget = yield* fitVae("VAE of the forget set", original.forget, draw.fork("forget"), options, session);

    const feat = (p: P, { x }: RowBatch) => view.apply(p, x).feat!;
    const extract = (p: P, { forget, retain }: Pair) =>
      extractorLoss(vaeError(vae, ofAll, feat(p, retain)), vaeError(vae, ofForget, feat(p, forget)));
    const shift = (p: P, rows: RowBatch, home: Tensor) =>
      representationShift(feat(p, rows), gather(home, rows.indices));
    const align = (p: P, { forget, retain }: Pair) =>
      alignmentLoss(shift(p, retain, original.retain), shift(p, forget, original.forget), temp);
    const steps = [
      { loss: extract, learningRate: options.extractLearningRate },
      { loss: align, learningRate: options.alignLearningRate },
    ].filter(({ learningRate }) => learningRate > 0);
    if (steps.length === 0) throw new HebbError("LAF: the learning rates of both steps are 0.");

    const params = yield* session.descend("unlearn", {
      params: view.params,
      update: inTurn(steps.map(({ loss, learningRate }) => gradientUpdate(loss, adam({ learningRate })))),
      batches: zipBatches({
        forget: rowBatches(view.forget, { batchSize, epochs, seed: draw.uint32() }),
        retain: rowBatches(view.retain, { batchSize, epochs, seed: draw.uint32() }),
      }),
      passes: (batch) => steps.length * rowsOf(batch),
    });
    return repair ? yield* repairHead(view, params, repair, options, session) : params;
  },
};

/** The original's representation of each row, [n, d]. */
async function featuresOf<P>(view: UnlearnView<P>, rows: Examples): Promise<Tensor> {
  const forward = jit((params: P, x: Tensor) => view.apply(params, x).feat!, { name: "LAF: features" });
  const parts: Tensor[] = [];
  for (const { x } of rowBatches(rows, { batchSize: 1000, shuffle: false, epochs: 1 }))
    parts.push(await forward(view.reference as Feed<P>, x));
  return concat(parts);
}

/** Trains an autoencoder on features. */
async function* fitVae(
  phase: string,
  features: Tensor,
  draw: HostRandom,
  { latent, vaeEpochs, vaeLearningRate, klWeight, batchSize }: LabelAgnosticOptions,
  session: UnlearnSession,
) {
  const vae = representationVae(features.shape[1], latent);
  const rows: Examples = { name: phase, x: await features.array() };
  const batches = rowBatches(rows, { batchSize, epochs: vaeEpochs, seed: draw.uint32() });
  const loss = (p: RepresentationVaeParams, { rows, key }: { rows: RowBatch; key: Tensor }) =>
    mean(vaeEvidence(vae, p, rows.x, key, { klWeight }));
  return yield* session.descend(phase, {
    params: vae.init(random.key(draw.uint32())),
    update: gradientUpdate(loss, adam({ learningRate: vaeLearningRate })),
    batches: zipBatches({ rows: batches, key: keys(draw, batches.length) }),
    passes: () => 0,
  });
}

/** A key for each step. */
const keys = (draw: HostRandom, length: number): BatchList<Tensor> => ({
  length,
  *[Symbol.iterator]() {
    const stream = draw.fork("keys");
    for (let i = 0; i < length; i++) yield Uint32Array.of(stream.uint32(), stream.uint32()) as Feed<Tensor>;
  },
});

/** Several updates at every step, each from where the one before it ended and with a state of its own; losses add up. */
const inTurn = <P, B>(updates: readonly Update<P, unknown, B>[]): Update<P, readonly unknown[], B> => ({
  init: (params) => updates.map((update) => update.init(params)),
  step(params, states, batch) {
    let now = params;
    const losses: Tensor[] = [];
    const next = updates.map((update, i) => {
      const after = update.step(now, states[i], batch);
      now = after.params;
      losses.push(after.loss);
      return after.state;
    });
    return { params: now, state: next, loss: losses.reduce(add) };
  },
});

/** Cross-entropy on labelled rows, for the parameters behind the representation alone. */
function repairHead<P>(
  view: UnlearnView<P>,
  params: P,
  { labelledRetain, learningRate, epochs }: RepairOptions,
  { batchSize }: LabelAgnosticOptions,
  session: UnlearnSession,
) {
  const x = firstRows(labelledRetain.x, 1);
  const found = gradientPaths((p: P, x: Tensor) => view.apply(p, x).feat, params, x);
  const head = new Set(found.filter(({ through }) => through === undefined).map(({ to }) => to));
  if (head.size === 0) throw new HebbError("LAF: no parameters stand behind the representation (feat) to repair.");
  const loss = (p: P, { x, y }: RowBatch) => mean(crossEntropy(view.apply(p, x).out, y));
  return session.descend("repair", {
    params,
    update: gradientUpdate(
      loss,
      masked(adam({ learningRate }), (path) => head.has(path)),
    ),
    batches: rowBatches(labelledRetain, { batchSize, epochs, seed: view.seed }),
  });
}
