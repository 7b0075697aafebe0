import { describe, expect, it } from "vitest";
import {
  add,
  exp,
  grad,
  matmul,
  mermaidGraph,
  mul,
  printGraph,
  relu,
  scan,
  siteOf,
  softmax,
  stopGradient,
  sum,
  type Tensor,
  tensor,
  withSites,
  zeros,
} from "../../../src/engine/index.js";

const p = { layers: [{ w: zeros([3, 2]), b: zeros([2]) }] };
const f = (q: typeof p, x: Tensor) => {
  const h = relu(add(matmul(x, q.layers[0].w), q.layers[0].b));
  return { h, loss: sum(mul(softmax(stopGradient(h)), 0.5)) };
};
/** Without the places in files, which change with this one, and without the width of columns. */
const plain = (text: string) =>
  text.split("\n").map((line) =>
    line
      .replace(/\S+\.test\.ts:\d+:\d+$/, "@")
      .trim()
      .replace(/ {2,}/g, " | "),
  );

describe("printGraph", () => {
  it("names arguments by their paths and shows each operation on a line", () => {
    expect(plain(printGraph(f, p, zeros([4, 3])))).toEqual([
      "args[0].layers[0].b | float32[2]",
      "args[0].layers[0].w | float32[3, 2]",
      "args[1] | float32[4, 3]",
      "%1 = matmul(args[1], args[0].layers[0].w) | float32[4, 2] | 48 flops | @",
      "%2 = add(%1, args[0].layers[0].b) | float32[4, 2] | 8 flops | @",
      "%3 = relu(%2) | float32[4, 2] | 8 flops | @",
      "%4 = stopGradient(%3) | float32[4, 2] | @",
      "%5 = softmax(%4, {axis: 1}) | float32[4, 2] | 32 flops | @",
      "%6 = mul(%5, 0.5) | float32[4, 2] | 8 flops | @",
      "%7 = sum(%6, {axes: [0, 1]}) | float32[] | 7 flops | @",
      "return h: %3, loss: %7",
    ]);
  });

  it("shows tensors and what they were made of", () => {
    const x = tensor([1, 2, 3]);
    expect(plain(printGraph(exp(mul(x, x))))).toEqual([
      "value1 | float32[3]",
      "%1 = mul(value1, value1) | float32[3] | 3 flops",
      "%2 = exp(%1) | float32[3] | 3 flops",
      "return %2",
    ]);
    expect(plain(printGraph({ a: x, b: [x] })).at(-1)).toBe("return a: value1, b[0]: value1");
  });

  it("shows the graph of a transform", () => {
    const text = printGraph(
      grad((t: Tensor) => sum(exp(t))),
      zeros([2]),
    );
    expect(plain(text)).toEqual([
      "args[0] | float32[2]",
      "%1 = reshape(1) | float32[1] | @",
      "%2 = broadcastTo(%1) | float32[2] | @",
      "%3 = exp(args[0]) | float32[2] | 2 flops | @",
      "%4 = mul(%2, %3) | float32[2] | 2 flops | @",
      "return %4",
    ]);
  });

  it("shows loops with their bodies", () => {
    const text = plain(
      printGraph((xs: Tensor) => scan((c: Tensor, x: Tensor) => [add(c, x), mul(c, 2)], zeros([]), xs), zeros([5])),
    );
    expect(text).toEqual([
      "args[0] | float32[5]",
      "%1 = scan(0, args[0], {consts: 0, carries: 1, length: 5}) | float32[], float32[5] | @",
      "in0 | float32[]",
      "in1 | float32[]",
      "%1 = add(in0, in1) | float32[] | 1 flops | @",
      "%2 = mul(in0, 2) | float32[] | 1 flops | @",
      "return [0]: %1, [1]: %2",
      "return [0]: %1[0], [1]: %1[1]",
    ]);
  });
});

describe("mermaidGraph", () => {
  it("draws boxes and arrows", () => {
    const text = mermaidGraph((x: Tensor) => [add(exp(x), 1), x], zeros([2]));
    expect(text.split("\n")).toEqual([
      "flowchart TD",
      '  n0["args[0]<br>float32[2]"]',
      '  n1["exp<br>float32[2]"]',
      "  n0 --> n1",
      '  n2["add<br>float32[2]"]',
      "  n1 --> n2",
      '  r0(["[0]"])',
      "  n2 --> r0",
      '  r1(["[1]"])',
      "  n0 --> r1",
    ]);
  });
});

describe("withSites", () => {
  it("remembers the user's line, also within library functions, and stops when it ends", () => {
    const [y, line] = withSites(() => [softmax(exp(zeros([2]))), new Error().stack!.split("\n")[1]] as const);
    expect(siteOf(y)).toMatch(/graph\.test\.ts:(\d+):/);
    expect(/graph\.test\.ts:(\d+):/.exec(siteOf(y)!)![1]).toBe(/graph\.test\.ts:(\d+):/.exec(line)![1]);
    expect(siteOf(exp(zeros([2])))).toBeUndefined();
  });

  it("ends with an error of the function", () => {
    expect(() =>
      withSites(() => {
        throw new Error("mine");
      }),
    ).toThrow("mine");
    expect(siteOf(exp(zeros([2])))).toBeUndefined();
  });
});
