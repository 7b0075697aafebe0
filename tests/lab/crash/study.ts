import { fromArrays } from "../../../src/data/index.js";
import { cast, crossEntropy, jit, mean, random, square, type Tensor, tensor } from "../../../src/engine/index.js";
import { saveSafetensors } from "../../../src/interop/index.js";
import { defineStudy, type RunContext, type Study } from "../../../src/lab/study.js";
import { type FitStep, mlp, fit as train } from "../../../src/nn/index.js";
import { adam, sgd } from "../../../src/optim/index.js";
import { studies } from "../../../studies/index.js";

interface Options {
  readonly steps: number;
}

const data = fromArrays(
  Array.from({ length: 96 }, (_, i) => [Math.cos(i * 2.4), Math.sin(i * 2.4), Math.cos(i)]),
  Array.from({ length: 96 }, (_, i) => Number(Math.cos(i * 2.4) + Math.sin(i * 2.4) > 0)),
);
const model = mlp({ sizes: [3, 16, 2] });
type Params = ReturnType<typeof model.init>;
const loss = (params: Params, x: Tensor, y: Tensor) => mean(crossEntropy(model.apply(params, x), y));

/** A unit's value: the final parameters, every bit of them. */
const bits = async (params: unknown) => Buffer.from(await saveSafetensors(params)).toString("base64");

/** A fast study with all that a checkpoint has to hold: optimisers, batches, random keys, the best so far, metrics, rows. */
export const crashStudy = defineStudy<Options>({
  slug: "crash",
  claim: "A run that is killed ends as if it had not been.",
  criterion: "Equal to the bit.",
  arms: { fit: "Mini-batches", noisy: "Noisy gradients" },
  measures: { end: { label: "Loss" }, best: { label: "Least loss" } },
  scales: { smoke: { seeds: [0, 1], options: { steps: 200 }, about: "a second or two" } },
  offers: [],
  async run(context) {
    for (const seed of context.seeds) {
      await context.unit(`fit ${seed}`, () => fitted(context, seed));
      await context.unit(`noisy ${seed}`, () => noisy(context, seed));
    }
  },
  judge: () => ({ verdict: "replicated", reason: "It came to its end.", conditions: [] }),
  figures: () => [],
});

async function fitted({ checkpoint, options, metric, record, signal }: RunContext<Options>, seed: number) {
  type Saved = Pick<FitStep<Params, any>, "step" | "params" | "state">;
  const optimizer = adam({ learningRate: 0.01 });
  const params = model.init(random.key(seed));
  const from = checkpoint.restore<Saved>();
  const run = train({ loss, params, optimizer, data, batchSize: 16, seed, steps: options.steps, from, signal });
  let last = from?.params ?? params;
  for await (const { step, loss, params, state } of run) {
    last = params;
    if (step % 10 === 0) metric({ arm: "fit", seed, step, values: { loss } });
    await checkpoint.save((): Saved => ({ step, params, state }));
  }
  const end = await loss(last, tensor(data.x), tensor(data.y)).item();
  record({ arm: "fit", seed, measures: { end } });
  return bits(last);
}

/** Gradient descent with noise from a key that is split at every step; the best parameters are kept on the way. */
async function noisy({ checkpoint, options, metric, record, meter, signal }: RunContext<Options>, seed: number) {
  const optimizer = sgd({ learningRate: 0.05, momentum: 0.9 });
  const [x, y] = [tensor(data.x), cast(tensor(data.y), "float32")];
  const advance = jit((params: Tensor, state: ReturnType<typeof optimizer.init>, key: Tensor) => {
    const [next, now] = random.splitList(key, 2);
    const gradient = params.mul(0.1).add(random.normal(now, [3]));
    const [updates, after] = optimizer.update(gradient, state, params);
    const moved = params.add(updates as Tensor);
    const value = mean(
      square(
        x
          .matmul(moved.reshape([3, 1]))
          .reshape([96])
          .sub(y),
      ),
    );
    return { params: moved, state: after, key: next, value };
  });
  const afresh = () => {
    const params = tensor(new Float32Array(3));
    return {
      step: 0,
      params,
      state: optimizer.init(params),
      key: random.key(seed),
      best: Number.POSITIVE_INFINITY,
      bestParams: new Float32Array(3),
    };
  };
  let now = checkpoint.restore<ReturnType<typeof afresh>>() ?? afresh();
  while (now.step < options.steps) {
    signal.throwIfAborted();
    const { value: computed, ...moved } = await advance(now.params, now.state, now.key);
    const value = await computed.item();
    now = { ...now, ...(moved as any), step: now.step + 1 };
    if (value < now.best) now = { ...now, best: value, bestParams: Float32Array.from(await now.params.data(), Number) };
    meter.step(96);
    metric({ arm: "noisy", seed, step: now.step, values: { value } });
    const kept = now;
    await checkpoint.save(() => kept);
  }
  record({ arm: "noisy", seed, measures: { best: now.best } });
  return bits([now.params, tensor(now.bestParams)]);
}

/** A study of this package by its slug, or the one above. */
export const studyOf = async (slug: string): Promise<Study> =>
  slug === crashStudy.slug ? crashStudy : (await studies[slug]()).default;
