import * as ort from "onnxruntime-node";
import { beforeAll, describe, expect, it } from "vitest";
import { type NDArray, realise, Tensor, tensor } from "../../src/engine/index.js";
import { fromOnnx, standardOperators } from "../../src/interop/index.js";
import { assertClose, checkGradients, fill, onEachBackend } from "../engine/helpers.js";
import { build, type Case, cases, f, floats, type Input, image, ints, on, unit, whole } from "./operator-cases.js";

const title = ({ op, attrs = {}, opset, domain, note }: Case) =>
  [
    domain && `${domain}:`,
    op,
    JSON.stringify(attrs, (_, v) => (ArrayBuffer.isView(v) ? [...(v as any)].map(Number) : v)),
    opset && `opset ${opset}`,
    note,
  ]
    .filter(Boolean)
    .join(" ");

// ONNX Runtime itself is the reference for what an operator means.
async function reference(bytes: Uint8Array, fed: readonly { name: string; array: NDArray }[]) {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const feeds = Object.fromEntries(
    fed.map(({ name, array: { data, shape, dtype } }) => [
      name,
      new ort.Tensor(dtype as any, data as any, shape as number[]),
    ]),
  );
  return session.run(feeds);
}

const references = new Map<Case, Record<string, ort.Tensor>>();

onEachBackend("operators agree with ONNX Runtime", () => {
  const results = new Map<Case, { values: NDArray[] } | { error: unknown }>();

  // One graph computes them all, which is faster than one for each.
  beforeAll(async () => {
    const tensors = new Map<Case, Tensor[]>();
    for (const c of cases) {
      const { bytes, fed, outputs } = build(c);
      if (!references.has(c)) references.set(c, await reference(bytes, fed));
      try {
        const model = fromOnnx<any, any>(bytes);
        const result = model.apply(model.params, ...fed.map(({ array }) => tensor(array)));
        tensors.set(c, result instanceof Tensor ? [result] : outputs.map(({ name }) => result[name]));
      } catch (error) {
        results.set(c, { error });
      }
    }
    const all = await realise([...tensors.values()].flat());
    for (const [c, list] of tensors) results.set(c, { values: all.splice(0, list.length) });
  });

  it.each(cases.map((c) => [title(c), c] as const))("%s", (_title, c) => {
    const result = results.get(c)!;
    if ("error" in result) throw result.error;
    build(c).outputs.forEach(({ name, dtype }, i) => {
      const expected = references.get(c)![name];
      const { data, shape, dtype: found } = result.values[i];
      expect(found).toBe(dtype);
      expect(shape).toEqual(expected.dims);
      assertClose(Array.from(data as any, Number), Array.from(expected.data as any, Number), 2e-6, name);
    });
  });
});

describe("the table of operators", () => {
  it("has a case for each operator", () => {
    const tested = new Set(cases.filter(({ domain }) => !domain).map(({ op }) => op));
    const other = ["Swish"];
    expect(standardOperators.filter((op) => !tested.has(op) && !other.includes(op))).toEqual([]);
  });

  // What the reader makes of several operations, or treats as several cases.
  it.each([
    on("Resize", [image(), undefined, floats([1, 1, 0.6, 1.7])], { mode: "linear" }),
    on("MaxPool", [image()], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 0, 1], ceil_mode: 1 }),
    on("AveragePool", [image()], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 }),
    on("ConvTranspose", [f(1, 2, 3, 4), f(2, 2, 3, 3)], { strides: [2, 2], pads: [0, 1, 1, 0] }),
    on("Pad", [f(3, 4), ints([2, 1, 1, 2])], { mode: "reflect" }),
    on("ScatterElements", [f(3, 4), whole([0, -1, 2, 1], [2, 2]), f(2, 2)], { axis: 1 }),
    on("ScatterND", [f(3, 4), whole([0, -1, 2, 1], [2, 2]), f(2)]),
    on("GroupNormalization", [image(), f(4), f(4)], { num_groups: 2 }),
    on("LpNormalization", [unit(3, 4)]),
  ])("gradients of $op", async (c) => {
    const { fed, outputs } = build(c);
    const double = (a: NDArray): NDArray =>
      a.dtype === "float32" ? { ...a, dtype: "float64", data: Float64Array.from(a.data as Float32Array) } : a;
    const inputs = c.inputs.map((x): Input => (!x ? x : "feed" in x ? { feed: double(x.feed) } : x));
    const { bytes } = build({ ...c, inputs, out: ["float64"] });
    const model = fromOnnx<any>(bytes);
    expect(outputs.length).toBe(1);
    await checkGradients(
      (...x) => model.apply(model.params, ...x),
      fed.map(({ array }, i) =>
        array.dtype === "float32"
          ? fill({ shape: array.shape, distinct: c.op.endsWith("Pool"), range: [0.2, 2] }, 40 + i)
          : tensor(array),
      ),
      { order: 1 },
    );
  });
});
