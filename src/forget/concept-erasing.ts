import {
  add,
  arange,
  broadcastTo,
  type Feed,
  gather,
  HebbError,
  hostRandom,
  mul,
  type NDArray,
  random,
  reshape,
  Tensor,
  tensor,
} from "../engine/index.js";
import { type Denoiser, ddim, guidedNoise, type NoiseSchedule } from "../nn/index.js";
import { adam, type Mask, masked, type Procedure, procedure } from "../optim/index.js";
import type { BatchList } from "./batches.js";
import { openSession, type UnlearnStep } from "./session.js";
import type { Unlearned, UnlearnRunOptions } from "./unlearn.js";
import { gradientUpdate } from "./update.js";

/** What one sample is conditioned on: the number of a class, or an embedding. */
export type Concept = number | NDArray | Tensor;

/** What the methods that fine-tune a denoiser until a concept is gone have in common. */
export interface EraseOptions extends UnlearnRunOptions {
  /** The concept to erase. */
  readonly erase: Concept;
  readonly schedule: NoiseSchedule;
  /** The shape of one sample, without the batch. */
  readonly shape: readonly number[];
  /** Optimiser steps. Default 1,000. */
  readonly steps?: number;
  /** Of Adam. Default 1e-4, for small networks; 1e-5 suits large ones. */
  readonly learningRate?: number;
  /** Noisy samples in a step. Default 32. */
  readonly batchSize?: number;
  /** Which parameters train: see `masked` of `hebb/optim`. Default: all. */
  readonly trainable?: Mask;
  /** The guidance under which the frozen model draws the concept. Default 2. */
  readonly sampleGuidance?: number;
  /** As `steps` of `ddim`. */
  readonly samplingSteps?: number;
  /** As `clip` of `ddim`. */
  readonly clip?: number;
  /** The part of a sampling path to train on, from 0, its noise, to 1, its end. Default [0, 1]. */
  readonly part?: readonly [from: number, to: number];
  /** Decides the noise. Default 0. */
  readonly seed?: number;
}

/** The noise that a model finds in a batch of noisy samples [B, ...] under a concept, or under none. */
export type NoiseUnder = (c: Concept | null) => Tensor;

/** How one method erases. */
export interface ErasingRule {
  readonly name: string;
  /** The scalar to be minimised, from what the trained and the frozen model find. */
  loss(now: NoiseUnder, before: NoiseUnder): Tensor;
  /** How often `loss` asks each of the two. */
  readonly asks: { readonly now: number; readonly before: number };
}

/** What a step is trained on. */
interface Visited {
  /** Sampling paths, [points, B, ...], and their times, int32 [points]. */
  readonly states: Tensor;
  readonly times: Tensor;
  /** Which point of its path each sample is taken at, int32 [B]. */
  readonly at: Tensor;
}

const defaults = {
  steps: 1000,
  learningRate: 1e-4,
  batchSize: 32,
  trainable: true,
  sampleGuidance: 2,
  part: [0, 1],
  seed: 0,
} as const;

/**
 * Fine-tunes a denoiser by a rule, at states that the frozen model visits when it draws the concept: no data set is needed.
 * One path of each sample of a batch serves as many steps as it has points; each step takes every path at another point, in
 * an order drawn for each, so that times are uniform and mixed.
 */
export function eraseBy<P>(
  rule: ErasingRule,
  denoiser: Denoiser<P>,
  params: P,
  options: EraseOptions,
): Procedure<UnlearnStep, Unlearned<P>> {
  const settings = { ...defaults, samplingSteps: Math.min(20, options.schedule.steps), ...options };
  for (const name of ["steps", "batchSize"] as const) {
    if (!(Number.isInteger(settings[name]) && settings[name] >= 1))
      throw new HebbError(`${rule.name}: ${name} must be a whole number of at least 1, got ${settings[name]}.`);
  }
  return procedure(erase(rule, denoiser, params, settings, pathPoints(rule.name, settings)));
}

type Settings = EraseOptions & Required<Omit<EraseOptions, "clip" | "from" | "signal">>;

async function* erase<P>(
  { name, loss, asks }: ErasingRule,
  denoiser: Denoiser<P>,
  original: P,
  options: Settings,
  points: Points,
): AsyncGenerator<UnlearnStep, Unlearned<P>, undefined> {
  const { learningRate, trainable, batchSize, sampleGuidance, samplingSteps } = options;
  // At each point of a path, trained on or not, the frozen model is asked with and without the concept.
  const pathAsks = ((sampleGuidance === 0 || sampleGuidance === 1 ? 1 : 2) * samplingSteps) / points.count;
  const session = openSession(name, options);
  const lossAt = (now: P, { states, times, at }: Visited): Tensor => {
    const [z, t] = [takePoints(states, at), gather(times, at)];
    const under =
      (p: P): NoiseUnder =>
      (c) =>
        denoiser(p, z, t, c === null ? null : conceptRows(c, batchSize));
    return loss(under(now), under(original));
  };
  const params = yield* session.descend("unlearn", {
    params: original,
    update: gradientUpdate(lossAt, masked(adam({ learningRate }), trainable)),
    batches: visits(denoiser, original, options, points),
    passes: () => batchSize * (asks.now + (asks.before + pathAsks) / 3),
  });
  const { cost, log } = session.state();
  return { params, cost, log };
}

interface Points {
  readonly first: number;
  readonly count: number;
}

/** The points of a path that lie in the asked part of it. */
function pathPoints(name: string, { part: [from, to], samplingSteps }: Settings): Points {
  const first = Math.round(from * samplingSteps);
  const count = Math.round(to * samplingSteps) - first;
  if (!(from >= 0 && to <= 1 && count >= 1))
    throw new HebbError(`${name}: part must be [from, to] with 0 <= from < to <= 1, got [${from}, ${to}].`);
  return { first, count };
}

/** Paths of the frozen model, drawn when they are needed: tensors are lazy, and the steps of a round share theirs. */
function visits<P>(
  denoiser: Denoiser<P>,
  original: P,
  { steps, batchSize, shape, erase, sampleGuidance, samplingSteps, schedule, clip, seed }: Settings,
  { first, count }: Points,
): BatchList<Visited> {
  const noise = guidedNoise(denoiser, original, conceptRows(erase, batchSize), sampleGuidance);
  return {
    length: steps,
    *[Symbol.iterator]() {
      for (let round = 0; round * count < steps; round++) {
        const draw = hostRandom(seed).fork("erase").fork(round);
        const start = random.normal(random.key(draw.integer(2 ** 32)), [batchSize, ...shape]);
        const { states, times } = ddim(noise, start, { schedule, steps: samplingSteps, clip });
        const orders = Array.from({ length: batchSize }, () => draw.permutation(count));
        for (let i = 0; i < Math.min(count, steps - round * count); i++)
          yield { states, times, at: Int32Array.from(orders, (order) => first + order[i]) } as Feed<Visited>;
      }
    },
  };
}

/** Each sample at its own point: states [points, B, ...] and at int32 [B] to [B, ...]. */
function takePoints(states: Tensor, at: Tensor): Tensor {
  const [points, batch, ...shape] = states.shape;
  return gather(reshape(states, [points * batch, ...shape]), add(mul(at, batch), arange(batch)));
}

/** A concept for each of `count` samples: int32 [count], or [count, ...embedding]. */
function conceptRows(concept: Concept, count: number): Tensor {
  const one =
    typeof concept === "number"
      ? tensor(concept, { dtype: "int32" })
      : concept instanceof Tensor
        ? concept
        : tensor(concept);
  return broadcastTo(one, [count, ...one.shape]);
}
