import { describe, expect, it } from "vitest";
import { grad, sum, tensor } from "../../src/engine/index.js";
import { attentionMap, attentionTransferDistance } from "../../src/forget/attention-map.js";
import { assertClose, checkBatching, checkGradients, fill, numbers, onEachBackend } from "../engine/helpers.js";

onEachBackend("attention maps", () => {
  it("are channel means of squares, at length 1 for each example", async () => {
    const activations = tensor([
      [
        [1, 1],
        [-1, 7],
      ].map(([a, b]) => [a, b]),
      [
        [0, 2],
        [0, 2],
      ],
    ]);
    // Example 0: means (1, 25) of length sqrt(626); example 1: means (0, 4).
    assertClose(await numbers(attentionMap(activations)), [1 / 626 ** 0.5, 25 / 626 ** 0.5, 0, 1], 1e-6, "maps");
  });

  it("do not depend on the scale or the sign of the activations, nor on the order of channels", async () => {
    const a = fill({ shape: [2, 3, 2, 2], dtype: "float32" }, 1);
    const b = tensor({
      ...(await a.array()),
      data: Float32Array.from((await a.data()) as Float32Array, (v) => -3 * v),
    });
    assertClose(await numbers(attentionTransferDistance(a, b)), [0, 0], 1e-6, "distance");
  });

  it("of an example without activations are zeros, with zero gradient", async () => {
    const none = tensor([[[0, 0]], [[1, 2]]]);
    const other = tensor([[[3, 0]], [[1, 2]]]);
    assertClose(await numbers(attentionTransferDistance(none, other)), [0.5, 0], 1e-6, "distance");
    const slope = grad((x: typeof none) => sum(attentionTransferDistance(x, other)))(none);
    assertClose(await numbers(slope), [0, 0, 0, 0], 1e-6, "gradient");
  });

  it("are averaged over positions, not summed", async () => {
    // One position each, far apart: squared difference 2, over 4 positions.
    const at = (i: number) => tensor([[[0, 1, 2, 3].map((j) => Number(i === j))]]);
    assertClose(await numbers(attentionTransferDistance(at(0), at(3))), [0.5], 1e-6, "distance");
  });

  it("have right gradients and batch", async () => {
    const [a, b] = [fill({ shape: [2, 2, 3] }, 2), fill({ shape: [2, 1, 3] }, 3)];
    await checkGradients(attentionTransferDistance, [a, b], { order: 1 });
    await checkBatching(attentionTransferDistance, [
      [a, fill({ shape: [2, 2, 3] }, 4)],
      [b, fill({ shape: [2, 1, 3] }, 5)],
    ]);
  });
});

describe("attention maps of the wrong shape", () => {
  it("are refused", () => {
    expect(() => attentionMap(tensor([[1, 2]]))).toThrow(
      /attentionMap: .*\[B, channels, \.\.\.positions\], got \[1,2\]/,
    );
    expect(() => attentionTransferDistance(fill({ shape: [2, 1, 3] }, 0), fill({ shape: [2, 1, 4] }, 0))).toThrow(
      /attentionTransferDistance: .*\[2,1,3\] and \[2,1,4\] must agree/,
    );
  });
});
