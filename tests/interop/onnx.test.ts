import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { composite } from "../../src/engine/composites/composite.js";
import {
  add,
  concat,
  flattenTree,
  grad,
  hostRandom,
  jit,
  matmul,
  mean,
  mul,
  type NDArray,
  opaque,
  pow,
  random,
  realise,
  relu,
  scan,
  softmax,
  sum,
  type Tensor,
  tensor,
  treeEntries,
  vmap,
} from "../../src/engine/index.js";
import { ModelProtoSchema } from "../../src/engine/onnx/onnx_pb.js";
import { fromOnnx, toOnnx } from "../../src/interop/index.js";
import { cnn, gpt, type Model, mlp } from "../../src/nn/index.js";
import { assertClose, numbers, onEachBackend, values } from "../engine/helpers.js";
import { onnxMessage, onnxModel } from "./onnx-models.js";

const noise = (seed: number, ...shape: number[]): Tensor => {
  const source = hostRandom(seed);
  return tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => source.normal()),
    { shape },
  );
};

/** Writes a model, reads it, and compares structure, parameters, outputs and gradients. */
async function roundTrip(model: Model<any>, x: Tensor): Promise<void> {
  const params = model.init(random.key(1));
  const bytes = await toOnnx(model.apply, params, [x]);
  const back = fromOnnx<any>(bytes);
  expect(flattenTree(back.params).paths.toSorted()).toEqual(flattenTree(params).paths.toSorted());
  expect(back.inputs).toEqual([{ name: "input", dtype: x.dtype, shape: x.shape }]);
  expect(back.outputs[0].name).toBe("output");
  const measure = (apply: (params: any, x: Tensor) => Tensor) =>
    jit((params: any, x: Tensor) => {
      const loss = (p: any) => mean(mul(softmax(apply(p, x)), noise(7, ...apply(p, x).shape)));
      return [apply(params, x), treeEntries(params).map(([path]) => path).length, grad(loss)(params)];
    });
  const ours = await values(await measure(model.apply)(params, x));
  const theirs = await values(await measure(back.apply)(back.params, x));
  expect(theirs.length).toBe(ours.length);
  theirs.forEach((list, i) => {
    assertClose(list, ours[i], 1e-5, i === 0 ? "output" : `gradient ${i}`);
  });
  assertClose((await values(back.params)).flat(), (await values(params)).flat(), 0, "parameters");
}

onEachBackend("a model that is written and read is the same function", (backend) => {
  const runs = (most: number) => (backend === "node" ? most : 1);

  it("mlp", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 4 }),
        fc.constantFrom("relu" as const, "gelu" as const, "tanh" as const, "sigmoid" as const),
        fc.boolean(),
        fc.integer({ min: 1, max: 3 }),
        (sizes, activation, bias, batch) => roundTrip(mlp({ sizes, activation, bias }), noise(2, batch, sizes[0])),
      ),
      { numRuns: runs(4), seed: 5 },
    ));

  it("cnn", () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom<(number | number[])[]>([4], [[3, 4], 2], [2, 3]),
        fc.constantFrom("same" as const, 1, 0),
        fc.constantFrom(1, 2),
        (depth, channels, padding, pool) =>
          roundTrip(
            cnn({ inputShape: [depth, 14, 13], classes: 3, channels, padding, pool }),
            noise(3, 2, depth, 14, 13),
          ),
      ),
      { numRuns: runs(3), seed: 6 },
    ));

  it("gpt", () =>
    fc.assert(
      fc.asyncProperty(fc.boolean(), fc.constantFrom(1, 2), fc.integer({ min: 1, max: 5 }), (tied, heads, time) => {
        const model = gpt({ vocabulary: 7, context: 6, layers: 2, width: 8, heads, tied });
        const tokens = Int32Array.from({ length: 2 * time }, (_, i) => (i * 5) % 7);
        return roundTrip(model as Model<any>, tensor(tokens, { shape: [2, time] }));
      }),
      { numRuns: runs(2), seed: 7 },
    ));

  it("a model that is read can be mapped over examples and differentiated for each", async () => {
    const model = mlp({ sizes: [3, 4, 2] });
    const params = model.init(random.key(3));
    const x = noise(4, 5, 3);
    const back = fromOnnx<any>(await toOnnx(model.apply, params, [x.slice([0], [1])]));
    const perExample = (apply: (p: any, x: Tensor) => Tensor, p: any) =>
      vmap(
        grad((q: any, one: Tensor) => sum(apply(q, one.reshape(1, 3)))),
        { inAxes: [null, 0] },
      )(p, x);
    assertClose(
      (await values(perExample(back.apply, back.params))).flat(),
      (await values(perExample(model.apply, params))).flat(),
      1e-6,
      "gradients",
    );
  });
});

const plainly = async (bytes: Uint8Array, feeds: Record<string, NDArray>) => {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const given = Object.fromEntries(
    Object.entries(feeds).map(([name, { data, shape, dtype }]) => [
      name,
      new ort.Tensor(dtype as any, data as any, shape as number[]),
    ]),
  );
  return { session, results: await session.run(given) };
};

const f32 = (...numbers: number[]): NDArray => ({
  data: Float32Array.from(numbers),
  shape: [numbers.length],
  dtype: "float32",
});

describe("toOnnx", () => {
  const w = noise(1, 3, 2);

  it("names inputs and outputs after their places, or as asked, and keeps metadata", async () => {
    const f = (p: { w: Tensor }, x: Tensor, more: { mask: Tensor; list: Tensor[] }) => ({
      logits: add(matmul(x, p.w), more.mask),
      parts: [x, more.list[0]],
    });
    const args: [Tensor, { mask: Tensor; list: Tensor[] }] = [
      noise(2, 4, 3),
      { mask: noise(3, 2), list: [noise(4, 1)] },
    ];
    const bytes = await toOnnx(f, { w }, args, { metadata: { made: "by a test" } });
    const { session, results } = await plainly(bytes, {
      input0: await args[0].array(),
      mask: await args[1].mask.array(),
      "list[0]": await args[1].list[0].array(),
    });
    expect(session.inputNames).toEqual(["input0", "list[0]", "mask"]);
    expect(session.outputNames).toEqual(["logits", "parts[0]", "parts[1]"]);
    assertClose(
      Array.from(results.logits.data as Float32Array),
      await numbers(f({ w }, ...args).logits),
      1e-6,
      "logits",
    );
    const named = await toOnnx(f, { w }, args, { inputs: ["x", "l", "m"], outputs: ["y", "a", "b"] });
    expect(fromOnnx(named).inputs.map(({ name }) => name)).toEqual(["x", "l", "m"]);
    expect(fromOnnx(named).outputs.map(({ name }) => name)).toEqual(["y", "a", "b"]);
    expect(new TextDecoder("latin1").decode(bytes)).toContain("by a test");
  });

  it("keeps inputs and parameters that are not used, constants, and results that are asked for twice", async () => {
    const constant = noise(5, 2);
    const f = (p: { w: Tensor; unused: Tensor }, x: Tensor, _y: Tensor) => {
      const y = add(matmul(x, p.w), constant);
      return [y, y, x, p.w];
    };
    const x = noise(2, 4, 3);
    const params = { w, unused: noise(8, 5) };
    const bytes = await toOnnx(f, params, [x, noise(3, 1)]);
    const { results } = await plainly(bytes, { input0: await x.array(), input1: f32(0) });
    const expected = await values(f(params, x, x));
    expected.forEach((list, i) => {
      assertClose(Array.from(results[`output[${i}]`].data as Float32Array), list, 1e-6, `output ${i}`);
    });
    const back = fromOnnx<any, any>(bytes);
    expect(flattenTree(back.params).paths).toEqual(["unused", "w"]);
    assertClose(await numbers(back.apply(back.params, x, noise(3, 1))["output[0]"]), expected[0], 1e-6, "read again");
  });

  it("writes standard operators only, unless asked otherwise", async () => {
    const f = (p: { w: Tensor }, x: Tensor) => matmul(matmul(x, p.w, { transposeB: true }), x, { transposeA: true });
    const x = noise(2, 2, 4, 2);
    const portable = await toOnnx(f, { w }, [x.slice([0], [1])]);
    const fused = await toOnnx(f, { w }, [x.slice([0], [1])], { portable: false });
    const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
    expect(text(portable)).not.toContain("com.microsoft");
    expect(text(fused)).toContain("com.microsoft");
    for (const bytes of [portable, fused]) {
      const back = fromOnnx<any>(bytes);
      const one = x.slice([0], [1]);
      assertClose(await numbers(back.apply(back.params, one)), await numbers(f({ w }, one)), 1e-5, "value");
    }
  });

  it("refuses operators of one runtime only, unless asked for them", async () => {
    const special = composite<Record<string, never>>({
      name: "special",
      define: ([x]) => relu(x),
      emit: (e, [x]) => e.node("QuickGelu", [x], {}, "com.microsoft"),
    });
    const f = (_p: object, x: Tensor) => special.apply([x], {});
    await expect(toOnnx(f, {}, [noise(1, 2)])).rejects.toThrow(
      'toOnnx: the function needs operators of the domain "com.microsoft", which not every runtime has; pass portable: false',
    );
    expect(fromOnnx(await toOnnx(f, {}, [noise(1, 2)], { portable: false })).params).toEqual({});
  });

  it("takes host arrays in place of tensors", async () => {
    const bytes = await toOnnx((p: { w: Tensor }, x: Tensor) => mul(x, p.w), { w: f32(2, 3) } as any, [f32(1, 1)]);
    const { results } = await plainly(bytes, { input: f32(1, 1) });
    expect(Array.from(results.output.data as Float32Array)).toEqual([2, 3]);
  });

  it("gives way where a name is also one of its own", async () => {
    const x = noise(2, 4, 3);
    const bytes = await toOnnx((p: any, x: Tensor) => relu(matmul(relu(x), p.v1)), { v1: w }, [x], {
      inputs: ["v2"],
      outputs: ["v0"],
    });
    const { results } = await plainly(bytes, { v2: await x.array() });
    assertClose(Array.from(results.v0.data as Float32Array), await numbers(relu(matmul(relu(x), w))), 1e-6, "v0");
  });

  it("writes loops, which plain ONNX Runtime runs", async () => {
    const f = (p: { w: Tensor }, xs: Tensor) =>
      scan((h: Tensor, x: Tensor) => [relu(add(mul(h, p.w), x)), h], mul(p.w, 0), xs);
    const params = { w: noise(1, 3) };
    const xs = noise(2, 4, 3);
    const bytes = await toOnnx(f as any, params, [xs]);
    const { results } = await plainly(bytes, { input: await xs.array() });
    const expected = await values(f(params, xs));
    expect(Object.values(results).map((t) => Array.from(t.data as Float32Array).length)).toEqual(
      expected.map((l) => l.length),
    );
    assertClose(
      Object.values(results).flatMap((t) => Array.from(t.data as Float32Array)),
      expected.flat(),
      1e-5,
      "loop",
    );
    expect(() => fromOnnx(bytes)).toThrow(
      /ONNX: the operator Scan of domain "ai.onnx" \(node \d+ \(Scan\)\) is not supported/,
    );
  });

  it("says what is wrong", async () => {
    const x = noise(2, 4, 3);
    const f = (p: any, x: Tensor) => matmul(x, p.w);
    await expect(toOnnx(f, { w }, [x], { inputs: ["w"] })).rejects.toThrow(
      'toOnnx: the name "w" is used twice; choose names',
    );
    await expect(toOnnx(f, { w }, [x], { inputs: ["a", "b"] })).rejects.toThrow(
      "toOnnx: inputs gives 2 names for 1 tensors (input).",
    );
    await expect(toOnnx(f, { w }, [x], { outputs: ["__proto__"] })).rejects.toThrow("is not allowed");
    await expect(toOnnx((async () => x) as any, {}, [])).rejects.toThrow("asynchronous");
    await expect(toOnnx(() => 3, {}, [])).rejects.toThrow("toOnnx: the function returns no tensor.");
    const onHost = opaque((a: NDArray) => a, { output: x });
    await expect(toOnnx((_p: any, x: Tensor) => onHost(x), {}, [x])).rejects.toThrow("has no ONNX form");
  });
});

describe("fromOnnx", () => {
  it("computes shapes while it is applied, for any size of the batch", async () => {
    // A typical export: x.view(x.shape[0], -1) @ w, with the shape computed by nodes.
    const bytes = onnxModel({
      inputs: [{ name: "x", shape: ["n", 2, 3] }],
      outputs: [{ name: "y" }, { name: "n", dtype: "int64" }],
      initializers: {
        w: await noise(1, 6, 2).array(),
        first: { data: BigInt64Array.of(0n), shape: [1], dtype: "int64" },
        rest: { data: BigInt64Array.of(-1n), shape: [1], dtype: "int64" },
      },
      nodes: [
        { op: "Shape", inputs: ["x"], outputs: ["shape"] },
        { op: "Gather", inputs: ["shape", "first"], outputs: ["n"] },
        { op: "Concat", inputs: ["n", "rest"], outputs: ["target"], attrs: { axis: 0 } },
        { op: "Reshape", inputs: ["x", "target"], outputs: ["flat"] },
        { op: "MatMul", inputs: ["flat", "w"], outputs: ["y"] },
      ],
    });
    const model = fromOnnx<any, any>(bytes);
    for (const n of [1, 4]) {
      const x = noise(n, n, 2, 3);
      const { y, n: count } = model.apply(model.params, x);
      assertClose(await numbers(y), await numbers(matmul(x.reshape(n, 6), model.params.w)), 1e-6, "y");
      expect(await numbers(count)).toEqual([n]);
    }
  });

  it("takes the ends of int64 for the ends of an axis", async () => {
    const message = onnxMessage({
      inputs: [{ name: "x", shape: [2, 3, 4] }],
      outputs: [{ name: "y", dtype: "int64" }],
      nodes: [
        { op: "Shape", inputs: ["x"], outputs: ["shape"] },
        { op: "Constant", inputs: [], outputs: ["last"], attrs: { value_ints: [-1] } },
        { op: "Constant", inputs: [], outputs: ["end"], attrs: { value_ints: [0] } },
        { op: "Slice", inputs: ["shape", "last", "end"], outputs: ["y"] },
      ],
    });
    message.graph!.node[2].attribute[0].ints = [2n ** 63n - 1n];
    const model = fromOnnx<any>(toBinary(ModelProtoSchema, message));
    expect(await numbers(model.apply({}, noise(1, 2, 3, 4)))).toEqual([4]);
  });

  const relus = (initializers = {}) => ({
    inputs: [
      { name: "a", shape: ["n", 2] },
      { name: "b", shape: ["n", "?"] },
    ],
    outputs: [{ name: "y" }],
    initializers,
    nodes: [
      { op: "Add", inputs: ["a", "b"], outputs: ["c"] },
      { op: "Relu", inputs: ["c"], outputs: ["y"] },
    ],
  });

  it("names the input that is missing, unknown or does not fit", () => {
    const model = fromOnnx<any>(onnxModel(relus()), { name: "net.onnx" });
    const [a, b] = [noise(1, 3, 2), noise(2, 3, 2)];
    expect(model.apply({}, { b, a }).shape).toEqual([3, 2]);
    expect(() => model.apply({}, a)).toThrow('net.onnx: the input "b" (float32[n, ?]) is missing.');
    expect(() => model.apply({}, a, 3 as any)).toThrow('net.onnx: the input "b" (float32[n, ?]) must be a tensor.');
    expect(() => model.apply({}, { a, b, c: a })).toThrow('net.onnx: there is no input "c"; the model takes "a", "b".');
    expect(() => model.apply({}, a, b, b)).toThrow("net.onnx: 3 inputs were given, but the model takes 2: a, b.");
    expect(() => model.apply({}, noise(1, 3, 4), b)).toThrow(
      'the input "a" is float32[3, 4], but the model takes float32[n, 2].',
    );
    expect(() => model.apply({}, a.cast("int32"), b)).toThrow('the input "a" is int32[3, 2], but');
    expect(() => model.apply({}, a, noise(2, 4, 2))).toThrow('the size "n" is 3 in the input "a", but 4 in "b".');
    expect(() => model.apply({}, a, noise(2, 3, 5))).toThrow(
      /net.onnx: node 0 \(Add\): add: shapes \[3, 2\] and \[3, 5\]/,
    );
  });

  it("names the parameter that is missing or does not fit", async () => {
    const model = fromOnnx<any>(
      onnxModel({
        inputs: [{ name: "x", shape: [2] }],
        outputs: [{ name: "y" }],
        initializers: { "layer.w": await noise(1, 2).array(), layer: await noise(2, 2).array() },
        nodes: [{ op: "Sum", inputs: ["x", "layer", "layer.w"], outputs: ["y"] }],
      }),
    );
    // "layer" cannot be a tensor and hold one, so the names are keys of one flat object.
    expect(Object.keys(model.params).toSorted()).toEqual(["layer", "layer.w"]);
    const x = noise(3, 2);
    expect(model.apply(model.params, x).shape).toEqual([2]);
    expect(() => model.apply({ layer: x }, x)).toThrow('ONNX: the parameters hold no tensor "layer.w".');
    expect(() => model.apply({ ...model.params, layer: noise(1, 3) }, x)).toThrow(
      'ONNX: the parameter "layer" is float32[3], but must be float32[2].',
    );
  });

  it("lists operators that it does not know", () => {
    const nodes = [
      { op: "Fancy", domain: "my.ops", name: "first", inputs: ["x"], outputs: ["h"] },
      { op: "LSTM", inputs: ["h"], outputs: ["y"] },
    ];
    const bytes = onnxModel({ inputs: [{ name: "x" }], outputs: [{ name: "y" }], nodes });
    expect(() => fromOnnx(bytes)).toThrow(
      'ONNX: the operator Fancy of domain "my.ops" (node "first" (Fancy)) is not supported, nor are LSTM.',
    );
    const polluted = onnxModel({
      inputs: [{ name: "x" }],
      outputs: [{ name: "y" }],
      nodes: [{ op: "constructor", inputs: ["x"], outputs: ["y"] }],
    });
    expect(() => fromOnnx(polluted)).toThrow("the operator constructor");
  });

  it("refuses shapes that depend on values, and what only training does", async () => {
    const reshape = fromOnnx(
      onnxModel({
        inputs: [
          { name: "x", shape: [4] },
          { name: "s", dtype: "int64", shape: [2] },
        ],
        outputs: [{ name: "y" }],
        nodes: [{ op: "Reshape", name: "view", inputs: ["x", "s"], outputs: ["y"] }],
      }),
    );
    const s = tensor({ data: BigInt64Array.of(2n, 2n), shape: [2], dtype: "int64" });
    expect(() => reshape.apply({}, noise(1, 4), s)).toThrow(
      'ONNX: node "view" (Reshape): input 1 decides about shapes, so it must be a constant or follow from shapes, but it depends on inputs or parameters',
    );
    const stats = { data: new Float32Array(2), shape: [2], dtype: "float32" as const };
    const training = fromOnnx<any>(
      onnxModel({
        inputs: [{ name: "x", shape: [3, 2] }],
        outputs: [{ name: "y" }],
        initializers: { a: stats, b: stats, c: stats, d: stats },
        nodes: [
          { op: "BatchNormalization", inputs: ["x", "a", "b", "c", "d"], outputs: ["y"], attrs: { training_mode: 1 } },
        ],
      }),
    );
    expect(() => training.apply(training.params, noise(1, 3, 2))).toThrow("training mode is not supported");
  });

  it("takes scalars and settings for constants, unless told otherwise or written by toOnnx", async () => {
    const number = (value: number, ...shape: number[]): NDArray => ({ ...f32(value), shape });
    const bytes = onnxModel({
      inputs: [{ name: "x", shape: [2] }],
      outputs: [{ name: "y" }],
      initializers: { scale: number(2), gate: number(3, 1), low: number(0), exponent: number(2, 1) },
      nodes: [
        { op: "Mul", inputs: ["x", "scale"], outputs: ["a"] },
        { op: "Mul", inputs: ["a", "gate"], outputs: ["b"] },
        { op: "Pow", inputs: ["b", "exponent"], outputs: ["c"] },
        { op: "Clip", inputs: ["c", "low"], outputs: ["y"] },
      ],
    });
    const x = tensor([1, -1]);
    for (const [trainable, names] of [
      [undefined, ["gate"]],
      [(name: string) => name !== "gate", ["exponent", "low", "scale"]],
    ] as const) {
      const model = fromOnnx<any>(bytes, { trainable });
      expect(Object.keys(model.params).toSorted()).toEqual(names);
      expect(await numbers(model.apply(model.params, x))).toEqual([36, 36]);
    }
    const own = await toOnnx(
      (p: any, x: Tensor) => pow(mul(x, p.scale), p.exponent),
      { scale: tensor(2), exponent: tensor(2) },
      [x],
    );
    const back = fromOnnx<any>(own);
    expect(Object.keys(back.params).toSorted()).toEqual(["exponent", "scale"]);
    expect(await numbers(back.apply(back.params, x))).toEqual([4, 4]);
  });

  it("reads constants as they are", async () => {
    const bytes = await toOnnx((p: { w: Tensor }, x: Tensor) => concat([mul(x, 2), p.w]), { w: noise(1, 2) }, [
      noise(2, 3),
    ]);
    const back = fromOnnx<any>(bytes);
    expect(Object.keys(back.params)).toEqual(["w"]);
    const [array] = await realise([back.apply(back.params, noise(2, 3))]);
    expect(array.shape).toEqual([5]);
  });
});
