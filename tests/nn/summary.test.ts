import { describe, expect, test } from "vitest";
import { random } from "../../src/engine/index.js";
import { cifarResnet, mlp, summary } from "../../src/nn/index.js";

describe("summary", () => {
  test("lists the tensors of a model with their share of its parameters", () => {
    const { rows, parameters } = summary(mlp({ sizes: [784, 300, 100, 10] }));
    expect(parameters).toBe(266_610);
    expect(rows.map((r) => r.path)).toContain("layers[0].w");
    expect(rows.find((r) => r.path === "layers[0].w")).toEqual({
      path: "layers[0].w",
      shape: [784, 300],
      dtype: "float32",
      parameters: 235_200,
      share: 235_200 / 266_610,
    });
    expect(rows.reduce((s, r) => s + r.share, 0)).toBeCloseTo(1, 12);
  });
  test("is a table as text", () => {
    expect(`${summary(mlp({ sizes: [784, 10] }))}`).toBe(
      [
        "tensor       shape      dtype    parameters   share",
        "layers[0].b  [10]       float32          10   0.1 %",
        "layers[0].w  [784, 10]  float32       7,840  99.9 %",
        "total                                 7,850",
      ].join("\n"),
    );
  });
  test("counts what a call costs, given a shape or an example", () => {
    const model = mlp({ sizes: [20, 30, 10], bias: false });
    const { cost } = summary(model, [5, 20]);
    expect(cost?.macs).toBe(5 * (20 * 30 + 30 * 10));
    expect(summary(model, random.normal(random.key(1), [5, 20])).cost).toEqual(cost);
    expect(`${summary(model, [5, 20])}`).toMatch(
      /\none call: 4,500 multiply-additions, [\d,]+ flops, at most [\d,]+ bytes/,
    );
    expect(summary(model).cost).toBeUndefined();
  });
  test("takes models with a state", () => {
    const { parameters, cost } = summary(cifarResnet(20, { classes: 10 }), [1, 3, 32, 32]);
    expect(parameters).toBe(269_722);
    // The usual count of ResNet-20: 41 million, most of it in convolutions.
    expect(cost!.macs / 1e6).toBeCloseTo(40.55, 1);
  });
});
