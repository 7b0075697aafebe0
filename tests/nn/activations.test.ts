import { describe, expect, test } from "vitest";
import {
  elu,
  gelu,
  grad,
  leakyRelu,
  logSigmoid,
  silu,
  softplus,
  sum,
  type Tensor,
  tensor,
} from "../../src/engine/index.js";
import {
  activationOf,
  geglu,
  glu,
  hardShrink,
  hardSigmoid,
  hardSwish,
  hardTanh,
  mish,
  prelu,
  relu6,
  selu,
  softShrink,
  softsign,
  swiglu,
  tanhShrink,
} from "../../src/nn/index.js";
import { onEachBackend } from "../engine/helpers.js";
import { allClose, golden } from "./golden.js";

const { x, ...expected } = golden("nn-layers").activations;
const functions: Record<string, (x: Tensor) => Tensor> = {
  silu,
  elu: (t) => elu(t),
  selu,
  leakyRelu: (t) => leakyRelu(t),
  softplus,
  mish,
  relu6,
  hardTanh,
  hardSigmoid,
  hardSwish,
  tanhShrink,
  softsign,
  logSigmoid,
  softShrink: (t) => softShrink(t),
  hardShrink: (t) => hardShrink(t),
  gelu: (t) => gelu(t),
  glu: (t) => glu(t),
};

onEachBackend("activations", () => {
  test("give PyTorch's values and gradients", async () => {
    const found = Object.fromEntries(
      Object.entries(functions).map(([name, f]) => {
        const squares = (t: Tensor) => sum(f(t).mul(f(t)));
        return [name, { y: f(x), dx: grad(squares)(x) }];
      }),
    );
    await allClose(found, expected);
  });
});

test("every name stands for the function of that name", async () => {
  const named = ["silu", "elu", "selu", "leakyRelu", "softplus", "mish", "relu6", "hardTanh", "hardSigmoid"] as const;
  const more = ["hardSwish", "tanhShrink", "softsign", "logSigmoid", "gelu"] as const;
  const all = [...named, ...more];
  await allClose(
    all.map((name) => activationOf(name)(x)),
    all.map((name) => expected[name].y),
  );
});

describe("gated units", () => {
  const halves = tensor([[1, -2, 3, 0.5]]);
  test("multiply one half by the activation of the other", async () => {
    const silu = (v: number) => v / (1 + Math.exp(-v));
    expect(await swiglu(halves).tolist()).toEqual([[expect.closeTo(silu(3), 5), expect.closeTo(-2 * silu(0.5), 5)]]);
    expect(await glu(halves, { activation: (t) => t }).tolist()).toEqual([[3, -1]]);
    expect(((await geglu(halves).tolist()) as number[][])[0][0]).toBeCloseTo(2.99595, 4);
  });
  test("along any axis, if it halves", () => {
    expect(glu(tensor([[1], [2]]), { axis: 0 }).shape).toEqual([1, 1]);
    expect(() => glu(tensor([[1, 2, 3]]))).toThrow("glu: axis -1 of [1, 3] does not halve");
  });
});

test("prelu has a slope below zero that gets a gradient", async () => {
  const f = (slope: Tensor) => sum(prelu(tensor([-2, 3]), slope));
  expect(await f(tensor([0.25])).item()).toBe(2.5);
  expect(await grad(f)(tensor([0.25])).tolist()).toEqual([-2]);
});
