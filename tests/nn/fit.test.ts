import { describe, expect, test } from "vitest";
import { fromArrays } from "../../src/data/index.js";
import { crossEntropy, mean, random, type Tensor, tensor } from "../../src/engine/index.js";
import { loadSafetensors, saveSafetensors } from "../../src/interop/index.js";
import { accuracy, meanSquaredError, mlp, fit as train, trainStep } from "../../src/nn/index.js";
import { adam, schedules, sgd } from "../../src/optim/index.js";
import { onEachBackend } from "../engine/helpers.js";

/** Points left and right of a line. */
function twoClasses(n = 64) {
  const rows = Array.from({ length: n }, (_, i) => [Math.cos(i * 2.4), Math.sin(i * 2.4)]);
  return fromArrays(
    rows,
    rows.map(([a, b]) => Number(a + b > 0)),
  );
}
const data = twoClasses();
const model = mlp({ sizes: [2, 8, 2] });
type Params = ReturnType<typeof model.init>;
const loss = (p: Params, x: Tensor, y: Tensor) => mean(crossEntropy(model.apply(p, x), y));
const options = () => ({
  loss,
  params: model.init(random.key(1)),
  optimizer: adam({ learningRate: 0.05 }),
  data,
  batchSize: 16,
});

describe("trainStep", () => {
  const square = (p: Tensor, x: Tensor) => meanSquaredError(p, x);
  test("returns the loss before the step, and gives away what it was given", async () => {
    const optimizer = sgd({ learningRate: 0.5 });
    const step = trainStep(square, optimizer);
    const start = tensor([4]);
    const after = await step(start, optimizer.init(start), tensor([2]));
    expect(await after.loss.item()).toBe(4);
    expect(await after.params.tolist()).toEqual([2]);
    expect(() => start.value).toThrow("was donated to trainStep");
  });
  test("keeps it when told to", async () => {
    const optimizer = sgd({ learningRate: 0.5 });
    const step = trainStep(square, optimizer, { donate: false });
    const start = tensor([4]);
    await step(start, optimizer.init(start), tensor([2]));
    expect(await start.tolist()).toEqual([4]);
  });
});

describe("fit", () => {
  test("learns, and leaves the caller's parameters usable", async () => {
    const run = options();
    const seen: number[] = [];
    const fitted = await train({ ...run, epochs: 10 }).run(({ step, loss }) => {
      expect(Number.isFinite(loss)).toBe(true);
      seen.push(step);
    });
    expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(await fitted.state.step.item()).toBe(40);
    const score = async (p: Params) => accuracy(model.apply(p, tensor(data.x)), tensor(data.y)).item();
    expect(await score(fitted.params)).toBeGreaterThan(0.95);
    expect(await score(fitted.params)).toBeGreaterThan(await score(run.params));
  });
  test("the same seed gives the same run to the bit, another seed differs", async () => {
    const losses = async (seed: number) => {
      const out: number[] = [];
      for await (const { loss } of train({ ...options(), steps: 6, seed })) out.push(loss);
      return out;
    };
    const first = await losses(3);
    expect(first).toHaveLength(6);
    expect(await losses(3)).toEqual(first);
    expect(await losses(4)).not.toEqual(first);
  });
  test("continues from a state", async () => {
    const whole = await train({ ...options(), data: [...batchesOf(8)] }).run();
    const half = await train({ ...options(), data: [...batchesOf(8)].slice(0, 4) }).run();
    const rest = await train({ ...options(), ...half, data: [...batchesOf(8)].slice(4) }).run();
    expect(await rest.params.layers[0].w.tolist()).toEqual(await whole.params.layers[0].w.tolist());
  });
  describe("continues exactly where another run was kept", () => {
    type Kept = { step: number; params: Params; state: any };
    /** A step, and what is left of it in a file. */
    const keep = async ({ step, params, state }: Kept) => ({ step, file: await saveSafetensors({ params, state }) });
    const bits = async (fitted: { params: Params; state: unknown }) => [...(await saveSafetensors(fitted))];
    const schedule = schedules.cosine({ from: 0.05, steps: 12 });
    const settings = () => ({
      ...options(),
      optimizer: adam({ learningRate: schedule }),
      seed: 5,

      steps: 12,
    });

    onEachBackend("through a file", () => {
      test("after any step", async () => {
        const files: Awaited<ReturnType<typeof keep>>[] = [];
        const losses: number[] = [];
        const whole = await train(settings()).run(async (step) => {
          losses.push(step.loss);
          files.push(await keep(step));
        });
        // In the second epoch, and at the very end.
        for (const { step, file } of [6, 12].map((step) => files[step - 1])) {
          const params = model.init(random.key(0));
          const from = { step, ...loadSafetensors(file, { params, state: settings().optimizer.init(params) }) };
          const seen: number[] = [];
          const rest = await train({ ...settings(), from }).run(({ step, loss }) => {
            expect(loss).toBe(losses[step - 1]);
            seen.push(step);
          });
          expect(seen).toEqual(Array.from({ length: 12 - step }, (_, i) => step + 1 + i));
          expect(await bits(rest)).toEqual(await bits(whole));
          // The tensors that were given stay usable.
          expect(await from.params.layers[0].w.tolist()).toHaveLength(2);
        }
      });
    });

    test("with batches that are given", async () => {
      const whole = await train({ ...options(), data: [...batchesOf(8)] }).run();
      let kept: Kept | undefined;
      for await (const { step, params, state } of train({ ...options(), data: [...batchesOf(8)] })) {
        if (step === 3) {
          kept = { step, params, state };
          break;
        }
      }
      const rest = await train({ ...options(), data: batchesOf(8), from: kept }).run();
      expect(await bits(rest)).toEqual(await bits(whole));
    });
  });
  test("stops when the signal says so", async () => {
    const control = new AbortController();
    const run = train({ ...options(), epochs: 100, signal: control.signal }).run(({ step }) => {
      if (step === 3) control.abort(new Error("enough"));
    });
    await expect(run).rejects.toThrow("enough");
  });
  test("a loss that is not finite ends training with the step's number", async () => {
    const bad = (p: Params, x: Tensor, y: Tensor) => loss(p, x, y).mul(Number.NaN);
    await expect(train({ ...options(), loss: bad, steps: 3 }).run()).rejects.toThrow(
      "fit: the loss became NaN at step 1.",
    );
  });
  test("a data set needs an end", async () => {
    await expect(train(options()).run()).rejects.toThrow("fit: give `steps` or `epochs`");
  });
});

function* batchesOf(count: number) {
  for (let i = 0; i < count; i++) {
    const { x, y } = twoClasses(8 + (i % 2) * 8);
    yield { x, y };
  }
}
