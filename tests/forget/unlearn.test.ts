import { describe, expect, it } from "vitest";
import { mean, treeLeaves } from "../../src/engine/index.js";
import {
  finetune,
  gradientUpdate,
  type Need,
  rowBatches,
  type Unlearner,
  type UnlearnState,
  type UnlearnStep,
  type UnlearnView,
  unlearn,
  zipBatches,
} from "../../src/forget/index.js";
import { sharedRows } from "../../src/forget/overlap.js";
import type { MlpParams } from "../../src/nn/index.js";
import { fit as train } from "../../src/nn/index.js";
import { sgd } from "../../src/optim/index.js";
import { onEachBackend, values } from "../engine/helpers.js";
import { int32, model, rows, toyProblem, withFeatures } from "./toy.js";

/** A method that reads what it is told to read, and does nothing. */
const reader = (needs: readonly Need[], read: (view: UnlearnView<any>) => unknown): Unlearner<object> => ({
  name: "reader",
  defaults: {},
  needs: () => needs,
  // biome-ignore lint/correctness/useYield: it takes no step.
  async *run(view) {
    read(view);
    return view.params;
  },
});

const reading = (needs: readonly Need[], read: (view: UnlearnView<MlpParams>) => unknown) =>
  unlearn(reader(needs, read), toyProblem()).run();

/** Two phases and a value, of which the second phase starts from what the first made. */
const twoPhases: Unlearner<{ epochs: number }> = {
  name: "two phases",
  defaults: { epochs: 2 },
  needs: () => ["labels", "perExampleLoss", "retain", "init"],
  async *run(view, { epochs }, session) {
    const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 });
    const loss = (p: typeof view.params, batch: any) => mean(view.perExampleLoss(p, batch.retain ?? batch));
    const batches = rowBatches(view.retain, { batchSize: 8, epochs, seed: view.seed });
    const start = await view.init(7);
    const update = gradientUpdate(loss, optimizer);
    const other = yield* session.descend("other", { params: start, update, batches });
    await session.compute("nothing", 3, async () => 1);
    const forget = rowBatches(view.forget, { batchSize: 4, epochs, seed: view.seed });
    return yield* session.descend("unlearn", {
      params: other,
      update: gradientUpdate(loss, optimizer),
      batches: zipBatches({ forget, retain: batches }),
      passes: () => 2,
    });
  },
};

onEachBackend("unlearn", () => {
  it("fine-tunes on the retain set exactly as fit does", async () => {
    const problem = toyProblem();
    const { params, cost, log } = await unlearn(finetune, problem, { epochs: 2, batchSize: 8 }).run();
    const fitted = await train({
      loss: (p: MlpParams, x, y) => mean(problem.perExampleLoss!(p, { x, y })),
      params: problem.params,
      optimizer: sgd({ learningRate: 0.01, momentum: 0.9 }),
      data: problem.retain as any,
      batchSize: 8,
      epochs: 2,
    }).run();
    expect(await values(params)).toEqual(await values(fitted.params));
    expect(cost).toMatchObject({ passes: 60, steps: 8 });
    expect(log).toHaveLength(8);
    // The original is still there.
    expect(await values(problem.params)).not.toEqual(await values(params));
  });

  it("goes on from any step bit for bit, through several phases", async () => {
    const whole: UnlearnStep[] = [];
    const ended = await unlearn(twoPhases, toyProblem()).run((step) => void whole.push(step));
    expect(whole.map(({ phase, step, total }) => `${phase} ${step}/${total}`)).toEqual([
      ...Array.from({ length: 8 }, (_, i) => `other ${i + 1}/8`),
      ...Array.from({ length: 6 }, (_, i) => `unlearn ${i + 1}/6`),
    ]);
    expect(ended.cost).toMatchObject({ passes: 60 + 3 + 12, steps: 14 });
    for (const stop of [3, 8, 11]) {
      let state: UnlearnState | undefined;
      let taken = 0;
      for await (const step of unlearn(twoPhases, toyProblem())) {
        state = step.state;
        if (++taken === stop) break;
      }
      const resumed = await unlearn(twoPhases, toyProblem(), { from: state }).run();
      expect(await values(resumed.params)).toEqual(await values(ended.params));
      expect(resumed.log).toEqual(ended.log);
      expect(resumed.cost.passes).toBe(ended.cost.passes);
    }
  });
});

describe("unlearn", () => {
  it("stops with the reason of the signal", async () => {
    const stop = new AbortController();
    const run = unlearn(finetune, toyProblem(), { signal: stop.signal }).run(() => stop.abort(new Error("enough")));
    await expect(run).rejects.toThrow("enough");
  });

  it("says at which step the loss is lost", async () => {
    const run = unlearn(finetune, toyProblem(), { learningRate: 1e30, epochs: 3 }).run();
    await expect(run).rejects.toThrow(/FT: the loss became (NaN|Infinity) at step \d of unlearn\./);
  });

  it("does not hand out parameters that the last step lost", async () => {
    const run = unlearn(finetune, toyProblem(), { learningRate: 1e39, epochs: 1, batchSize: 30 }).run();
    await expect(run).rejects.toThrow("FT: the last step of unlearn left parameters that are not finite.");
  });

  it("refuses another method's state", async () => {
    const from = { method: "GA", cost: { passes: 0, steps: 0, seconds: 0 }, log: [], done: {} };
    await expect(unlearn(finetune, toyProblem(), { from }).run()).rejects.toThrow(
      "unlearn: the state to go on from is that of GA, not of FT.",
    );
  });
});

describe("the view", () => {
  it.each(["retain", "val", "perExampleLoss", "reference", "init", "trainFromScratch"] as const)(
    "throws when %s is touched unasked",
    async (field) => {
      await expect(reading([], (view) => view[field])).rejects.toThrow(
        `reader read ${field}, which it did not ask for: add "${field}" to its needs.`,
      );
    },
  );

  it("throws when labels are touched unasked, and leaves them out of batches", async () => {
    await expect(reading([], (view) => view.forget.y)).rejects.toThrow('add "labels" to its needs');
    await expect(reading(["retain"], (view) => view.retain.y)).rejects.toThrow('add "labels" to its needs');
    await reading([], (view) => {
      const [batch] = rowBatches(view.forget, { batchSize: 4, epochs: 1 });
      expect(Object.keys(batch)).toEqual(["x", "indices"]);
    });
  });

  it("gives what was asked for", async () => {
    await reading(["labels", "retain", "reference", "perExampleLoss", "init"], (view) => {
      expect(view.forget.y.shape).toEqual([10]);
      expect(view.retain.y.shape).toEqual([30]);
      expect(treeLeaves(view.reference)).toHaveLength(4);
      expect(
        view.apply(view.params, view.init(1) && (toyProblem().params as any).layers[0].w.transpose()).out.rank,
      ).toBe(2);
    });
  });
});

describe("rows of two sets", () => {
  it("are the same where inputs and labels are, to the bit", () => {
    const set = (values: readonly number[], labels: readonly number[]) => ({
      name: "set",
      x: { data: Float32Array.from(values), shape: [values.length / 2, 2], dtype: "float32" } as const,
      y: int32(...labels),
    });
    const a = set([1, 2, 3, 4, 5, 6, 0, 0], [0, 1, 0, 1]);
    expect(sharedRows(a, set([3, 4, 1, 2, 5, 7, 0, 0], [1, 0, 0, 0]))).toEqual([0, 1]);
    expect(sharedRows({ name: "no labels", x: a.x }, set([0, 0], [5]))).toEqual([3]);
    expect(sharedRows(a, rows("wider", 3, 1))).toEqual([]);
    const bytes = { name: "bytes", x: { data: Uint8Array.of(1, 2, 3), shape: [3, 1], dtype: "uint8" } as const };
    expect(sharedRows(bytes, { ...bytes, x: { ...bytes.x, data: Uint8Array.of(3, 9, 9) } })).toEqual([2]);
  });
});

describe("a problem that does not fit", () => {
  const attempt =
    (changes: Parameters<typeof toyProblem>[0], needs: readonly Need[] = ["labels", "perExampleLoss", "retain"]) =>
    () =>
      unlearn(
        reader(needs, () => {}),
        toyProblem(changes),
      );

  it.each([
    ["retain", "the rows to keep (retain)"],
    ["perExampleLoss", "the loss of each row (perExampleLoss)"],
    ["init", "fresh parameters (init)"],
    ["val", "rows that were not trained on (val)"],
    ["trainFromScratch", "a way to train again (trainFromScratch)"],
  ] as const)("lacks %s", (field, what) => {
    expect(attempt({ [field]: undefined }, [field])).toThrow(
      `reader: the problem lacks ${what}, which this method needs.`,
    );
  });

  it("lacks labels", () => {
    const { name, x } = rows("forget", 10, 1);
    expect(attempt({ forget: { name, x } }, ["labels"])).toThrow(
      "reader: the forget set has no labels (y), which this method needs.",
    );
    expect(attempt({ forget: { name, x } }, [])).not.toThrow();
  });

  it("has a model that does not show what the method looks at", () => {
    expect(attempt({}, ["acts"])).toThrow("reader: apply must return { out, acts }");
    expect(attempt({}, ["feat"])).toThrow("reader: apply must return { out, feat }");
    expect(attempt({ apply: withFeatures }, ["acts", "feat"])).not.toThrow();
  });

  it("has sets that are empty, or hold the same rows", () => {
    expect(attempt({ forget: rows("forget", 0, 1) })).toThrow("reader: the forget set is empty.");
    expect(attempt({ retain: rows("retain", 0, 1) })).toThrow(
      "reader: the retain set is empty: to forget the whole training set, train on other data.",
    );
    expect(attempt({ retain: rows("train", 20, 1) })).not.toThrow();
    const { retain } = toyProblem();
    const taken = {
      ...retain!,
      x: { ...retain!.x, data: retain!.x.data.slice(0, 20), shape: [5, 4] },
      y: int32(...Array.from(retain!.y!.data.slice(0, 5), Number)),
    };
    expect(attempt({ forget: taken as any })).toThrow("every row of the forget set is in the retain set as well");
  });

  it("has labels or a loss that do not fit the model", () => {
    const forget = rows("forget", 2, 1);
    expect(attempt({ forget: { ...forget, y: int32(0, 2) } })).toThrow(
      "reader: the forget set has the label 2, but the model has classes 0 to 1.",
    );
    expect(attempt({ forget: { ...forget, y: int32(0) } })).toThrow(
      "reader: the forget set has 2 rows of x and 1 of y.",
    );
    const targets = { data: Float32Array.of(0, 1), shape: [2], dtype: "float32" } as const;
    expect(attempt({ forget: { ...forget, y: targets } })).toThrow(
      "reader: the model gives [2] for each row, but the targets of the forget set are [].",
    );
    const tokens = { data: Int32Array.of(0, 1, 0, 1), shape: [2, 2], dtype: "int32" } as const;
    expect(attempt({ forget: { ...forget, y: tokens } })).toThrow(
      "reader: the model gives [2] for each row, but the labels of the forget set are [2].",
    );
    expect(attempt({ perExampleLoss: (p, { x }) => mean(model.apply(p, x)) })).toThrow(
      "reader: perExampleLoss must give one number for each row, [2] for 2 rows, not [].",
    );
    expect(attempt({ params: { layers: [] } as any })).toThrow("reader: the problem's params hold no tensors.");
  });
});
