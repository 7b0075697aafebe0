import { describe, expect, it } from "vitest";
import { hostRandom, type NDArray, tensor } from "../../src/engine/index.js";
import {
  datamodelOutputs,
  drawSubsets,
  estimateDatamodels,
  fitDatamodels,
  lds,
  linearFit,
  predictRetrained,
} from "../../src/forget/index.js";
import { assertClose, numbers, onEachBackend } from "../engine/helpers.js";

const examples = 12;
const host = hostRandom(3);
/** Two targets of two outputs each; most examples matter to none. */
const shape = [2, 2];
const truth = Array.from({ length: examples }, (_, i) =>
  Array.from({ length: 4 }, () => (i % 3 === 0 ? host.normal() : 0)),
);
const bias = [1, -2, 0.5, 3];

/** "Training" whose outcome is linear in which examples there were, but for the noise of its seed. */
const train =
  (noise: number, dtype: "float32" | "float64" = "float64") =>
  async (subsets: readonly Int32Array[], first: number): Promise<NDArray> => {
    const values = subsets.flatMap((rows, i) => {
      const seed = hostRandom(first + i);
      return bias.map((b, k) => b + noise * seed.normal() + rows.reduce((sum, row) => sum + truth[row][k], 0));
    });
    const data = dtype === "float64" ? Float64Array.from(values) : Float32Array.from(values);
    return { data, shape: [subsets.length, ...shape], dtype };
  };

const samples = async (count: number, seed: number, noise = 0) => {
  const subsets = drawSubsets({ examples, count, seed });
  return { examples, subsets, outputs: await train(noise)(subsets, 1000) };
};

onEachBackend("datamodels", () => {
  it.each(["ridge", "lasso"] as const)("are exact where training is linear: %s", async (regulariser) => {
    const options = { examples, nSubsets: 60, together: 25, regulariser, lambda: 1e-9 };
    const progress: number[] = [];
    const { datamodels } = await estimateDatamodels(train(0), options).run(
      ({ trained }) => void progress.push(trained),
    );
    expect(progress).toEqual([25, 50, 60]);
    expect(datamodels.weights.shape).toEqual([examples, ...shape]);
    // Subsets of one size leave a constant undecided between weights and bias; predictions of that size do not depend on it.
    const fresh = await samples(20, 9);
    for (const [i, rows] of fresh.subsets.entries())
      assertClose(
        Array.from(datamodelOutputs(datamodels, rows).data as Float64Array),
        Array.from((fresh.outputs.data as Float64Array).slice(i * 4, (i + 1) * 4)),
        1e-5,
        `subset ${i}`,
      );
  });

  it("fit float32 outputs as well as float64 ones", async () => {
    const subsets = drawSubsets({ examples, count: 60 });
    const [single, double] = await Promise.all(
      (["float32", "float64"] as const).map(async (dtype) =>
        fitDatamodels({ examples, subsets, outputs: await train(0.1, dtype)(subsets, 0) }, { lambda: 0.01 }),
      ),
    );
    expect(single.weights.dtype).toBe("float32");
    assertClose(
      [...(single.weights.data as Float32Array)],
      [...(double.weights.data as Float64Array)],
      1e-5,
      "weights",
    );
  });

  it("take the lasso's optimality conditions literally", async () => {
    const { subsets, outputs } = await samples(40, 4, 0.5);
    const lambda = 0.2;
    const { weights, bias: b } = await fitDatamodels({ examples, subsets, outputs }, { regulariser: "lasso", lambda });
    // 2 mean_i s_ij r_ik is lambda sign(w) where w is not 0, and within lambda where it is.
    for (let k = 0; k < 4; k++) {
      const residuals = subsets.map(
        (rows, i) =>
          Number(outputs.data[i * 4 + k]) -
          Number(b.data[k]) -
          rows.reduce((sum, row) => sum + Number(weights.data[row * 4 + k]), 0),
      );
      expect(residuals.reduce((sum, r) => sum + r, 0)).toBeCloseTo(0, 6);
      for (let j = 0; j < examples; j++) {
        const slope = subsets.reduce((sum, rows, i) => sum + (rows.includes(j) ? residuals[i] : 0), 0) / 20;
        const w = Number(weights.data[j * 4 + k]);
        if (w !== 0) expect(slope).toBeCloseTo(lambda * Math.sign(w), 5);
        else expect(Math.abs(slope)).toBeLessThanOrEqual(lambda + 1e-6);
      }
    }
  });
});

describe("linear fits", () => {
  const design = tensor([[1], [-1], [2], [-2]], { dtype: "float64" });
  const outputs = tensor([[3], [1], [4], [0]], { dtype: "float64" });

  it("shrink as the penalty says", async () => {
    // Centred: mean s^2 = 2.5, mean s y = 2.5; so w = 2.5 / (2.5 + lambda), or (2.5 - lambda / 2) / 2.5; bias the mean.
    for (const [regulariser, lambda, w] of [
      ["ridge", 0, 1],
      ["ridge", 2.5, 0.5],
      ["lasso", 0, 1],
      ["lasso", 1, 0.8],
      ["lasso", 6, 0],
    ] as const) {
      const fit = await linearFit(design, outputs, { regulariser, lambda });
      expect((await numbers(fit.weights))[0]).toBeCloseTo(w, 8);
      expect((await numbers(fit.bias))[0]).toBeCloseTo(2, 8);
    }
  });
});

describe("datamodels", () => {
  it("choose the penalty that predicts subsets which had no part in the fit", async () => {
    const noisy = await samples(200, 5, 10);
    const clean = await samples(60, 5, 0);
    const of = async (from: typeof noisy) => (await fitDatamodels(from, { lambda: [1e-6, 1] })).lambda;
    expect(await of(noisy)).toBe(1);
    expect(await of(clean)).toBe(1e-6);
  });

  it("have a high score on fresh subsets, and a lower one with fewer models", async () => {
    const fresh = await samples(40, 77, 0.3);
    const score = async (count: number) => {
      const datamodels = await fitDatamodels(await samples(count, 6, 0.3), {});
      const flat = (data: NDArray["data"]): NDArray => ({ data, shape: [40, 4], dtype: "float64" });
      const predicted = fresh.subsets.flatMap((rows) => [...(datamodelOutputs(datamodels, rows).data as Float64Array)]);
      return lds(flat(Float64Array.from(predicted)), flat(fresh.outputs.data));
    };
    const [few, many] = [await score(8), await score(200)];
    expect(many).toBeGreaterThan(0.75);
    expect(few).toBeLessThan(many);
  });

  it("correct the model's own outputs, and so keep what is its own", async () => {
    const datamodels = await fitDatamodels(await samples(60, 1), { lambda: 1e-9 });
    const own: NDArray = { data: Float32Array.of(10, 20, 30, 40), shape, dtype: "float32" };
    const predicted = predictRetrained(datamodels, own, [0, 3]);
    const effect = [0, 1, 2, 3].map((k) =>
      [0, 3].reduce((sum, i) => sum + Number(datamodels.weights.data[i * 4 + k]), 0),
    );
    assertClose(
      [...(predicted.data as Float32Array)],
      [10, 20, 30, 40].map((v, k) => v - effect[k]),
      1e-6,
      "one model",
    );
    // Nothing forgotten, nothing changed; several models at once get the same correction.
    expect(predictRetrained(datamodels, own, []).data).toEqual(own.data);
    const two: NDArray = { data: Float32Array.of(10, 20, 30, 40, 0, 0, 0, 0), shape: [2, ...shape], dtype: "float32" };
    assertClose(
      [...(predictRetrained(datamodels, two, [0, 3]).data as Float32Array)].slice(4),
      effect.map((e) => -e),
      1e-6,
      "two",
    );
    expect(() => predictRetrained(datamodels, { ...own, shape: [4] }, [0])).toThrow("of outputs [2,2], not of [4].");
    expect(() => predictRetrained(datamodels, own, [12])).toThrow("there is no example 12 among 12.");
  });

  it("rest on subsets that depend on the seed and their number alone, each row in and out", () => {
    const subsets = drawSubsets({ examples: 9, count: 30, alpha: 1 / 3, seed: 2 });
    expect(subsets.slice(0, 4)).toEqual(drawSubsets({ examples: 9, count: 4, alpha: 1 / 3, seed: 2 }));
    for (const rows of subsets) {
      expect(new Set(rows).size).toBe(3);
      expect([...rows]).toEqual([...rows].sort((a, b) => a - b));
    }
    expect(drawSubsets({ examples: 9, count: 1, seed: 3 })).not.toEqual(
      drawSubsets({ examples: 9, count: 1, seed: 4 }),
    );
  });

  it("refuse what could tell nothing", async () => {
    expect(() => drawSubsets({ examples: 10, count: 1, alpha: 1 })).toThrow("must leave some in and some out");
    const outputs: NDArray = { data: new Float64Array(2), shape: [2, 1], dtype: "float64" };
    const refused = (...rows: number[][]) =>
      fitDatamodels({ examples: 3, subsets: rows.map((r) => Int32Array.from(r)), outputs });
    // Models that all contain the rows to be forgotten cannot say what these rows do.
    await expect(refused([0, 1], [0, 2])).rejects.toThrow("all of the 2 subsets hold example 0; draw more.");
    await expect(refused([0], [1])).rejects.toThrow("none of the 2 subsets hold example 2; draw more.");
    await expect(refused([0, 3], [1])).rejects.toThrow("a subset names row 3, but there are 3 examples.");
    await expect(refused([0])).rejects.toThrow("1 subsets came with outputs of 2 models.");
    const wrong = estimateDatamodels(async () => outputs, { examples, nSubsets: 5 }).run();
    await expect(wrong).rejects.toThrow("estimateDatamodels: 5 subsets gave outputs of 2 models.");
    await expect(estimateDatamodels(train(0), { examples, nSubsets: 1 }).run()).rejects.toThrow(
      "estimateDatamodels: nSubsets must be a whole number of at least 2, got 1.",
    );
    await expect(estimateDatamodels(train(0), { examples, nSubsets: 5, together: 0 }).run()).rejects.toThrow(
      "together",
    );
    const stopped = estimateDatamodels(train(0), {
      examples,
      nSubsets: 5,
      signal: AbortSignal.abort(new Error("enough")),
    });
    await expect(stopped.run()).rejects.toThrow("enough");
  });
});
