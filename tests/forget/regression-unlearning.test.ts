import { describe, expect, it } from "vitest";
import { gatherRows } from "../../src/data/index.js";
import { abs, hostRandom, jit, mean, type NDArray, sub, tensor, treeMap } from "../../src/engine/index.js";
import {
  absoluteErrors,
  attentionTransferDistance,
  blindspotUnlearn,
  gaussianAmnesiac,
  type Labelled,
  predictor,
  regressionMia,
  rowBatches,
  scorecard,
  type UnlearnStep,
  unlearn,
} from "../../src/forget/index.js";
import { fit as train } from "../../src/nn/index.js";
import { adam } from "../../src/optim/index.js";
import { assertClose, numbers, onEachBackend, values } from "../engine/helpers.js";
import { apply, images, regressionProblem, type ToyParams } from "./regression.js";
import { int32 } from "./toy.js";

const problem = regressionProblem();
const forget = problem.forget as Labelled;
const retain = problem.retain as Labelled;
const withTargets = (rows: Labelled, target: (value: number, row: number) => number): Labelled => ({
  ...rows,
  y: { ...rows.y, data: (rows.y.data as Float32Array).map(target) },
});

const loss = (p: ToyParams, x: Parameters<typeof apply>[1], y: typeof x) => mean(abs(sub(apply(p, x).out, y)));
const trained = (params: ToyParams, data: { x: any; y: any }, seed: number, { epochs = 1, batchSize = 5 } = {}) =>
  train({ loss, params, optimizer: adam({ learningRate: 1e-3 }), data, seed, epochs, batchSize }).run();

/** All rows, those to forget first. */
const together = (first: Labelled, second: Labelled) => {
  const join = (a: any, b: any) => ({
    data: Float32Array.from([...a.data, ...b.data]),
    shape: [a.shape[0] + b.shape[0], ...a.shape.slice(1)],
    dtype: "float32" as const,
  });
  return { x: join(first.x, second.x), y: join(first.y, second.y) };
};

onEachBackend("Blindspot", () => {
  it("descends c L_F + (1 - c) L_R with the share of its batch, attention maps among it", async () => {
    const steps: UnlearnStep[] = [];
    await unlearn(blindspotUnlearn, problem, { batchSize: 8 }).run((step) => void steps.push(step));
    const { loss: found, state } = steps.find(({ phase }) => phase === "unlearn")!;
    const all = { name: "all", ...together(forget, retain) };
    const [batch] = rowBatches(all, { batchSize: 8, epochs: 1, seed: problem.seed });
    const own = Array.from(batch.indices as unknown as Int32Array);
    const [f, r] = [own.filter((row) => row < 6), own.filter((row) => row >= 6)];
    // A share that is not that of the forget set in all rows.
    expect(f.length).toBeGreaterThan(0);
    expect(f.length / 8).not.toBe(6 / 20);

    const [seen, blind] = [problem.params, state.done.proxy as ToyParams];
    const parts = jit((xf: any, xr: any, yr: any) => {
      const [m, b] = [apply(seen, xf), apply(blind, xf)];
      return [
        mean(abs(sub(m.out, b.out))),
        mean(attentionTransferDistance(m.acts[0], b.acts[0])),
        mean(abs(sub(apply(seen, xr).out, yr))),
      ];
    });
    const at = (array: NDArray, rows: number[]) => gatherRows(array, Int32Array.from(rows)) as any;
    const [lf, distance, lr] = (await values(await parts(at(all.x, f), at(all.x, r), at(all.y, r)))).flat();
    const c = f.length / 8;
    expect(distance).toBeGreaterThan(0.01);
    expect(found).toBeCloseTo(c * (lf + 50 * distance) + (1 - c) * lr, 5);
  });
});

describe("the proxy of Blindspot", () => {
  it("is trained on the retain set alone, and never again", async () => {
    const steps: UnlearnStep[] = [];
    await unlearn(blindspotUnlearn, problem, { batchSize: 5 }).run((step) => void steps.push(step));
    const draw = hostRandom(problem.seed).fork("blindspot");
    const start = (await problem.init!(draw.uint32())) as ToyParams;
    const alone = await trained(start, retain, draw.uint32(), { epochs: 2 });
    const expected = await values(alone.params);
    expect(steps.filter(({ phase }) => phase === "proxy")).toHaveLength(6);
    expect(await values(steps[steps.length - 1].state.done.proxy)).toEqual(expected);
    expect(steps[steps.length - 1].state.cost.passes).toBeCloseTo(2 * 14 + (4 / 3) * 20, 9);
  });

  it("hides the labels of the rows to forget from the model", async () => {
    const relabelled = { ...problem, forget: withTargets(forget, (y) => 1 - y) };
    const options = { batchSize: 3 };
    const [a, b] = [
      await unlearn(blindspotUnlearn, problem, options).run(),
      await unlearn(blindspotUnlearn, relabelled, options).run(),
    ];
    expect(await values(a.params)).toEqual(await values(b.params));
    // A proxy that sees them does.
    const all = { ...options, proxyRows: "all" } as const;
    const [c, d] = [
      await unlearn(blindspotUnlearn, problem, all).run(),
      await unlearn(blindspotUnlearn, relabelled, all).run(),
    ];
    expect(await values(c.params)).not.toEqual(await values(d.params));
  });
});

describe("Blindspot", () => {
  it("makes steps on batches of one kind, too", async () => {
    const { log } = await unlearn(blindspotUnlearn, problem, { batchSize: 1 }).run();
    expect(log.filter(({ phase }) => phase === "unlearn")).toHaveLength(20);
  });

  it("takes targets as columns, too", async () => {
    const column = ({ y, ...rest }: Labelled): Labelled => ({ ...rest, y: { ...y, shape: [y.shape[0], 1] } });
    const out = (p: ToyParams, x: Parameters<typeof apply>[1]) => apply(p, x).out.reshape(x.shape[0], 1);
    const columns = regressionProblem({
      apply: (p, x) => ({ ...apply(p, x), out: out(p, x) }),
      perExampleLoss: (p, { x, y }) => mean(abs(sub(out(p, x), y)), 1),
      forget: column(forget),
      retain: column(retain),
    });
    const [a, b] = [
      await unlearn(blindspotUnlearn, columns, { batchSize: 8 }).run(),
      await unlearn(blindspotUnlearn, problem, { batchSize: 8 }).run(),
    ];
    const expected = await values(b.params);
    (await values(a.params)).forEach((list, i) => {
      assertClose(list, expected[i], 1e-6, "parameters");
    });
  });

  it("is plain training on the retain rows where nothing is asked of the others", async () => {
    // The proxy of no epochs answers everything with its head's bias: with a model that is this proxy, L_F is 0.
    const { init } = regressionProblem();
    const start = (await init!(hostRandom(3).fork("blindspot").uint32())) as ToyParams;
    const same = regressionProblem({ params: start });
    const found = await unlearn(blindspotUnlearn, same, { proxyEpochs: 0, batchSize: 20 }).run();
    const [xr, yr] = [tensor(retain.x), tensor(retain.y)];
    const [own] = await numbers(loss(start, xr, yr));
    expect(found.log[0].loss).toBeCloseTo((14 / 20) * own, 5);
  });
});

onEachBackend("Gaussian amnesiac", () => {
  it("trains on all rows, with targets drawn once", async () => {
    const draw = hostRandom(problem.seed).fork("gaussian amnesiac");
    const wrong = withTargets(forget, () => 5 + 2 * draw.normal());
    const expected = await trained(problem.params, together(wrong, retain), problem.seed, { epochs: 2 });
    const { params, cost } = await unlearn(gaussianAmnesiac, problem, {
      epochs: 2,
      batchSize: 5,
      mean: 5,
      sd: 2,
    }).run();
    expect(await values(params)).toEqual(await values(expected.params));
    expect(cost.passes).toBe(40);
  });
});

describe("the targets of Gaussian amnesiac", () => {
  it("are one constant when nothing varies", async () => {
    const wrong = withTargets(forget, () => 0.25);
    const expected = await trained(problem.params, together(wrong, retain), problem.seed);
    const { params } = await unlearn(gaussianAmnesiac, problem, { batchSize: 5, mean: 0.25, sd: 0 }).run();
    expect(await values(params)).toEqual(await values(expected.params));
  });

  it("come from the distribution of all targets unless told another", async () => {
    const all = Array.from(together(forget, retain).y.data as Float32Array);
    const centre = all.reduce((sum, y) => sum + y, 0) / all.length;
    const sd = Math.sqrt(all.reduce((sum, y) => sum + (y - centre) ** 2, 0) / (all.length - 1));
    const [plain, told] = await Promise.all(
      [{}, { mean: centre, sd }].map((given) => unlearn(gaussianAmnesiac, problem, { batchSize: 5, ...given }).run()),
    );
    const [a, b] = [await values(plain.params), await values(told.params)];
    a.forEach((list, i) => {
      assertClose(list, b[i], 1e-6, "parameters");
    });
  });
});

describe("unlearning of regressors", () => {
  const classes = regressionProblem({
    apply: (p, x) => ({ ...apply(p, x), out: apply(p, x).feat }),
    perExampleLoss: (p, { x }) => apply(p, x).out,
    forget: { ...forget, y: int32(0, 1, 2, 0, 1, 2) },
    retain: { ...retain, y: int32(...new Array(14).fill(0)) },
  });

  it("refuses class labels", async () => {
    const message = /: the labels are int32, but this method is for regression and needs float targets\./;
    await expect(unlearn(blindspotUnlearn, classes).run()).rejects.toThrow(message);
    await expect(async () => unlearn(gaussianAmnesiac, classes).run()).rejects.toThrow(message);
  });

  it("asks for activations only where it looks at them", () => {
    const bare = regressionProblem({ apply: (p, x) => apply(p, x).out });
    expect(() => unlearn(blindspotUnlearn, bare)).toThrow("Blindspot: apply must return { out, acts }");
    expect(() => unlearn(blindspotUnlearn, bare, { attentionBeta: 0 })).not.toThrow();
  });

  it("asks for one target in a row", async () => {
    const pair = { data: new Float32Array(12), shape: [6, 2], dtype: "float32" } as const;
    const wide = regressionProblem({
      apply: (p, x) => apply(p, x).feat.slice([0, 0], [x.shape[0], 2]),
      perExampleLoss: (p, { x }) => apply(p, x).out,
      forget: { ...images("forget", 6, 1), y: pair },
      retain: { ...images("retain", 6, 2), y: pair },
    });
    await expect(async () => unlearn(gaussianAmnesiac, wide).run()).rejects.toThrow(
      "Gaussian amnesiac: the targets must be one number for each row, got [12,2].",
    );
  });
});

describe("the scores of regressors", () => {
  const scale = (params: ToyParams, by: number) => treeMap((p) => p.mul(by), params) as ToyParams;
  const scored = async () => {
    const start = problem.init!;
    const golds = await Promise.all(
      [5, 6].map(
        async (seed) => (await trained((await start(seed)) as ToyParams, retain, seed, { epochs: 30 })).params,
      ),
    );
    const own = {
      ...problem,
      params: (await trained((await start(5)) as ToyParams, together(forget, retain), 5, { epochs: 30 })).params,
    };
    return { own, golds, test: images("test", 10, 9) };
  };

  it("make a model that answers noise lose, however wrong it is on the forget set", async () => {
    const { own, golds, test } = await scored();
    const card = await scorecard(own, { golds, test });
    const [kept, noise] = [await card.score(own.params), await card.score(scale(own.params, -20))];
    expect(noise.UA).toBeGreaterThan(5 * kept.UA);
    expect(noise.W1).toBeGreaterThan(5 * kept.W1!);
    expect(noise.AvgGap).toBeGreaterThan(5 * kept.AvgGap);
  });

  it("hold the attack that regressionMia is by itself", async () => {
    const { own, golds, test } = await scored();
    const { MIA, "MIA-AUC": auc } = await (await scorecard(own, { golds, test })).score(own.params);
    const predict = predictor(own);
    const errors = async (rows: Labelled) => absoluteErrors(await predict(own.params, rows), rows);
    const mia = regressionMia(
      { forget: await errors(forget), retain: await errors(retain), test: await errors(test) },
      { seed: own.seed },
    );
    expect(mia).toMatchObject({ efficacy: MIA, auc });
  });
});
