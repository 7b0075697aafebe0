import { describe, expect, it } from "vitest";
import { nearest } from "../../src/engine/errors.js";
import {
  add,
  arange,
  argmax,
  avgPool,
  batchNorm,
  broadcastTo,
  concat,
  conv,
  convTranspose,
  crossEntropy,
  cumsum,
  customGradient,
  exp,
  flattenTree,
  gather,
  grad,
  HebbError,
  hvp,
  jit,
  jvp,
  layerNorm,
  matmul,
  max,
  maxPool,
  mean,
  mul,
  pad,
  putAlongAxis,
  reshape,
  ShapeError,
  type Signature,
  scatterAdd,
  setBackend,
  slice,
  softmax,
  squeeze,
  stack,
  sum,
  swapAxes,
  type Tensor,
  takeAlongAxis,
  tensor,
  transpose,
  treeMap,
  valueAndGrad,
  vjp,
  where,
  zeros,
} from "../../src/engine/index.js";
import { getBackend } from "../../src/engine/runtime/index.js";

const x23 = zeros([2, 3]);
const x32 = zeros([3, 2]);
const ints = zeros([2], "int32");

/** Runs `f` and returns what it throws. */
function thrown(f: () => unknown): HebbError {
  try {
    f();
  } catch (error) {
    expect(error).toBeInstanceOf(HebbError);
    return error as HebbError;
  }
  throw new Error("nothing was thrown");
}

/** The line of this file from which it is called. */
const here = (): number => Number(/errors\.test\.ts:(\d+)/.exec(new Error().stack!.split("\n")[2])![1]);

// [what is done, operation named, parts of the message]
const shapes: readonly (readonly [() => unknown, string, ...string[]])[] = [
  [() => add(x23, x32), "add", "[2, 3]", "[3, 2]", "cannot be broadcast"],
  [() => x23.mul(zeros([4])), "mul", "[2, 3]", "[4]"],
  [() => where(zeros([5], "bool"), x23, 0), "where", "[5]", "[2, 3]"],
  [() => where(x23, x23, x23), "where", "float32", "not bool"],
  [() => add(x23, zeros([2, 3], "float64")), "add", "float32[2, 3]", "float64[2, 3]", "cast()"],
  [() => matmul(x23, zeros([3, 2], "float64")), "matmul", "float32[2, 3]", "float64[3, 2]"],
  [() => conv(zeros([1, 1, 4]), zeros([1, 1, 2], "float64")), "conv", "float32[1, 1, 4]", "float64[1, 1, 2]"],
  [() => matmul(x23, x23), "matmul", "[2, 3]", "[2, 3]", "inner sizes 3 and 2 differ"],
  [() => matmul(x23, x32, { transposeB: true }), "matmul", "[3, 2] (read transposed)", "inner sizes 3 and 2"],
  [() => matmul(zeros([4, 2, 3]), zeros([5, 3, 2])), "matmul", "[4]", "[5]"],
  [() => matmul(tensor(1), x23), "matmul", "[]", "[2, 3]"],
  [() => reshape(x23, [4]), "reshape", "[2, 3] has 6 elements", "[4] has 4"],
  [() => reshape(x23, [4, -1]), "reshape", "[2, 3]", "[4, -1]"],
  [() => transpose(x23, [0, 0]), "transpose", "[0,0]", "[2, 3]"],
  [() => swapAxes(x23, 0, 2), "swapAxes", "axis 2", "[2, 3]"],
  [() => broadcastTo(x23, [3, 3]), "broadcastTo", "[2, 3]", "[3, 3]"],
  [() => sum(x23, 2), "sum", "axis 2 is out of range for shape [2, 3]"],
  [() => sum(x23, -3), "sum", "axis -3"],
  [() => sum(x23, [0, 0]), "sum", "[0,0]", "twice"],
  [() => mean(x23, 5), "mean", "axis 5"],
  [() => max(zeros([0, 3]), 0), "max", "[0, 3]", "empty"],
  [() => argmax(x23, 3), "argmax", "axis 3"],
  [() => cumsum(x23, 3), "cumsum", "axis 3"],
  [() => softmax(x23, 2), "softmax", "axis 2"],
  [() => squeeze(x23, 0), "squeeze", "axis 0", "[2, 3]"],
  [() => concat([x23, x32]), "concat", "float32[2, 3]", "float32[3, 2]", "axis 0"],
  [() => concat([x23, zeros([2, 3], "int32")]), "concat", "float32[2, 3]", "int32[2, 3]"],
  [() => concat([]), "concat", "at least one"],
  [() => stack([x23, x32]), "stack", "float32[2, 3]", "float32[3, 2]"],
  [() => stack([]), "stack", "got none"],
  [() => batchNorm(zeros([3]), { mean: zeros([3]), variance: zeros([3]) }, zeros([3]), zeros([3])), "batchNorm", "[3]"],
  [() => slice(x23, [0, 0, 0], [1, 1, 1]), "slice", "3 ranges", "[2, 3]"],
  [() => slice(x23, [0], [2], [0]), "slice", "steps [0]"],
  [() => pad(x23, [1], [1]), "pad", "[2, 3]"],
  [() => pad(x23, [-3, 0], [0, 0]), "pad", "[-3,0]", "[2, 3]"],
  [() => gather(x23, x23), "gather", "indices have dtype float32"],
  [() => gather(x23, ints, 2), "gather", "axis 2"],
  [() => takeAlongAxis(x23, zeros([3, 1], "int32")), "takeAlongAxis", "[2, 3]", "[3, 1]"],
  [() => putAlongAxis(x23, zeros([2, 2], "int32"), 4, 1), "putAlongAxis", "[2, 3]", "[2, 2]"],
  [() => scatterAdd(x23, zeros([3], "int32"), 4), "scatterAdd", "[2, 3]", "[3]"],
  [() => conv(x23, x23), "conv", "[2, 3]", "channels"],
  [
    () => conv(zeros([1, 3, 5, 5]), zeros([4, 2, 3, 3])),
    "conv",
    "[1, 3, 5, 5] has 3 channels",
    "[4, 2, 3, 3]",
    "needs 2",
  ],
  [() => conv(zeros([1, 2, 2, 2]), zeros([4, 2, 3, 3])), "conv", "[4, 2, 3, 3]", "larger", "[1, 2, 2, 2]"],
  [() => convTranspose(zeros([1, 3, 5]), zeros([4, 2, 3])), "convTranspose", "[1, 3, 5]", "[4, 2, 3]"],
  [() => maxPool(zeros([1, 1, 2, 2]), 3), "maxPool", "[3, 3]", "[1, 1, 2, 2]"],
  [() => avgPool(zeros([1, 1, 2, 2]), 3), "avgPool", "[3, 3]", "[1, 1, 2, 2]"],
  [() => layerNorm(x23, zeros([2]), zeros([3])), "layerNorm", "[2]", "[3]", "[2, 3]"],
  [() => crossEntropy(x23, zeros([3], "int32")), "crossEntropy", "[2, 3]", "int32[3]", "[2]"],
  [() => crossEntropy(x23, zeros([2])), "crossEntropy", "[2, 3]", "float32[2]"],
  [() => exp(ints), "exp", "not defined for dtype int32", "cast()"],
  [() => mean(ints), "mean", "not defined for dtype int32"],
  [() => ints.mul(0.5), "scalar operand", "0.5", "int32"],
  [() => arange(3, "bool"), "arange", "bool"],
  [() => tensor([[1, 2], [3]]), "tensor", "ragged", "a row of 1 where 2"],
  [() => tensor([[1], 2] as any), "tensor", "ragged"],
  [() => tensor(Float32Array.of(1, 2, 3), { shape: [2, 2] }), "tensor", "3 values", "[2, 2]"],
  [() => tensor(Float32Array.of(1), { dtype: "int32" }), "tensor", "Float32Array", "int32"],
];

describe("shape and dtype errors", () => {
  it("name the operation, the shapes and the user's line", () => {
    for (const [act, operation, ...parts] of shapes) {
      const error = thrown(act);
      expect(error, operation).toBeInstanceOf(ShapeError);
      expect(error.name).toBe("ShapeError");
      expect(error.message.startsWith(`${operation}: `), error.message).toBe(true);
      for (const part of parts) expect(error.message).toContain(part);
      expect(error.message).toMatch(/\(at .*errors\.test\.ts:\d+:\d+\)$/);
    }
  });

  it("name the very line, through functions of the library", () => {
    let line = 0;
    const wrong = () => {
      line = here() + 1;
      return x23.matmul(x23);
    };
    expect(thrown(wrong).message).toContain(`errors.test.ts:${line}:`);
    const inside = () => grad((x: Tensor) => sum(treeMap((t: Tensor) => wrong() && t, x)))(x23);
    expect(thrown(inside).message).toContain(`errors.test.ts:${line}:`);
  });

  it("name the user's line inside jit", async () => {
    let line = 0;
    const f = jit((x: Tensor) => {
      line = here() + 1;
      return add(x, x32);
    });
    await expect(f(x23)).rejects.toThrow(ShapeError);
    await expect(f(x23)).rejects.toThrow(`errors.test.ts:${line}:`);
  });

  it("item wants one element", async () => {
    await expect(x23.item()).rejects.toThrow("item: a tensor of shape [2,3] has 6 elements, not one");
  });
});

describe("errors of transforms", () => {
  const x = tensor([1, 2]);

  it("a loss that is no scalar", () => {
    const error = thrown(() => grad((t: Tensor) => t.mul(2))(x));
    expect(error).toBeInstanceOf(ShapeError);
    expect(error.message).toContain(
      "grad: the loss must be a float of shape [], but it is float32[2]; take its mean or sum",
    );
    expect(thrown(() => grad((t: Tensor) => sum(t).cast("int32"))(x)).message).toContain("int32[]");
  });

  it("a loss that is no tensor", () => {
    expect(thrown(() => grad((() => 3) as any)(x)).message).toBe(
      "grad: the function must return a tensor as its loss.",
    );
    expect(thrown(() => grad(((t: Tensor) => ({ loss: sum(t) })) as any)(x)).message).toContain("must return a tensor");
    expect(thrown(() => valueAndGrad((t: Tensor) => sum(t) as any, { hasAux: true })(x)).message).toContain(
      "[loss, aux]",
    );
  });

  it("an asynchronous function", async () => {
    expect(thrown(() => grad((async (t: Tensor) => sum(t)) as any)(x)).message).toContain(
      "grad: the function is asynchronous",
    );
    await expect(jit(async (t: Tensor) => t.add(1))(x)).rejects.toThrow(
      "is asynchronous; it must build its graph without awaiting",
    );
    await expect(jit(async (t: Tensor) => t.add(1), { name: "step" })(x)).rejects.toThrow("jit: step is asynchronous");
  });

  it("an argument that is no float or no tensor", () => {
    expect(thrown(() => grad((t: Tensor) => sum(t.cast("float32")))(ints)).message).toBe(
      "grad: argument 0 has dtype int32; only floats have gradients.",
    );
    expect(thrown(() => grad((p: { w: Tensor[] }) => sum(p.w[0]))({ w: [x, ints] })).message).toContain(
      'argument 0 at "w[1]" has dtype int32',
    );
    expect(thrown(() => grad((p: any) => sum(p.w))({ w: x, name: "layer" })).message).toContain('at "name" is string');
    expect(thrown(() => grad((p: any) => sum(p))(3 as any)).message).toContain(
      "argument 0 must hold tensors, but it is number",
    );
    expect(thrown(() => grad((t: Tensor) => sum(t), { argnums: 2 })(x)).message).toContain("argument 2 was asked for");
  });

  it("trees that do not match, by path", () => {
    const mismatch = (other: unknown) =>
      thrown(() => treeMap((a: Tensor, b: Tensor) => a.add(b), { w: x, list: [x] }, other)).message;
    expect(mismatch({ w: x, list: [] })).toContain('"list[0]" is only in the first');
    expect(mismatch({ w: x, list: [x, x] })).toContain('"list[1]" is only in tree 2');
    expect(mismatch({ w: x, list: { 0: x } })).toContain("treeMap: the trees differ in structure");
    expect(thrown(() => flattenTree({ a: { b: new Map() } })).message).toContain('at "a.b" there is a Map');
  });

  it("cotangents and tangents that do not match", () => {
    const [, pull] = vjp((t: Tensor) => ({ a: t.mul(2) }), x);
    expect(thrown(() => pull({ b: x } as any)).message).toContain("vjp: the cotangent's structure differs");
    expect(thrown(() => pull({ a: tensor([1]) })).message).toContain("vjp: cotangent [1] for an output of shape [2]");
    expect(thrown(() => jvp((t: Tensor) => t, [x], [[x, x]] as any)).message).toContain(
      "jvp: the tangents' structure differs",
    );
    expect(thrown(() => jvp((t: Tensor) => t, [x], [tensor([1])])).message).toContain(
      'jvp: tangent float32[1] for an argument float32[2] at "[0]"',
    );
    expect(thrown(() => hvp((t: Tensor) => sum(mul(t, t)), x, tensor([1, 2, 3]))).message).toContain("[3]");
  });

  it("cotangents of another dtype", () => {
    const [, pull] = vjp((t: Tensor) => t.mul(2), x);
    expect(thrown(() => pull(zeros([2], "float64"))).message).toContain(
      "vjp: cotangent of dtype float64 for an output of dtype float32",
    );
  });

  it("a rule that returns the wrong number of gradients, or the wrong shape", () => {
    const bad = customGradient(
      (a: Tensor, b: Tensor) => a.mul(b),
      (g) => [g],
    );
    expect(thrown(() => grad((t: Tensor) => sum(bad(t, x)))(x)).message).toBe(
      "customGradient: the rule returned 1 gradients for 2 arguments.",
    );
    const wide = customGradient(
      (a: Tensor) => sum(a),
      (g) => [g],
    );
    expect(thrown(() => grad((t: Tensor) => wide(t))(x)).message).toContain(
      "customGradient: the rule returned a gradient of shape [] for an argument of shape [2]",
    );
  });

  it("a placeholder that outlives its function", async () => {
    let leaked: Tensor | undefined;
    await jit((t: Tensor) => {
      leaked = t.mul(2);
      return t.add(1);
    })(x);
    await expect(leaked!.data()).rejects.toThrow(
      "A placeholder of shape [2] is used outside the function that it belongs to",
    );
    await expect(leaked!.data()).rejects.toThrow(HebbError);
  });

  it("a value asked for while a function is traced", async () => {
    const f = jit((t: Tensor) => {
      if ((t as any).value !== undefined) throw new Error("a placeholder has no value");
      return t;
    });
    expect(await (await f(x)).data()).toEqual(Float32Array.of(1, 2));
  });

  it("arguments that jit cannot take", async () => {
    await expect(jit((f: any) => x.add(f() as number))((() => 1) as any)).rejects.toThrow(
      "jit: argument [0] is a function",
    );
    await expect(jit((m: any) => m)(new Map() as any)).rejects.toThrow('at "[0]" there is a Map');
  });

  it("tensors that were disposed", async () => {
    const t = tensor([1]);
    t.dispose();
    await expect(t.data()).rejects.toThrow("This tensor was disposed.");
    {
      using scoped = tensor([1]);
      expect(await scoped.item()).toBe(1);
    }
  });
});

describe("errors of the runtime", () => {
  it("an unknown backend", async () => {
    setBackend("cuda" as any);
    await expect(getBackend()).rejects.toThrow('There is no backend "cuda"; choose "node", "wasm" or "webgpu".');
    setBackend("node", { threads: 1 });
    expect((await getBackend()).name).toBe("node");
  });

  it("a graph that the runtime refuses is a HebbError with the runtime's message", async () => {
    const backend = await getBackend();
    const broken = backend.compile(new Uint8Array([1, 2, 3]), { inputs: [], outputs: [] } as unknown as Signature);
    await expect(broken).rejects.toThrow(HebbError);
    await expect(broken).rejects.toThrow("ONNX Runtime (node) refused a compiled graph");
  });

  it("an index out of range fails while running, and says so", async () => {
    const bad = gather(x23, tensor([5], { dtype: "int32" })).data();
    await expect(bad).rejects.toThrow(HebbError);
    await expect(bad).rejects.toThrow("ONNX Runtime (node) failed");
  });
});

describe("suggestions", () => {
  it("find the nearest word, if any is near", () => {
    const words = ["lottery-ticket", "data-diet", "lazy-to-rich"];
    expect(nearest("lotery-tiket", words)).toBe("lottery-ticket");
    expect(nearest("Data-Diet", words)).toBe("data-diet");
    expect(nearest("zzzz", words)).toBeUndefined();
    expect(nearest("x", [])).toBeUndefined();
  });
});
