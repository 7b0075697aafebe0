import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type NDArray, random, type Tensor, tensor, treeEntries, treeMap } from "../../src/engine/index.js";
import { decodeSafetensors, encodeSafetensors, loadSafetensors, saveSafetensors } from "../../src/interop/index.js";
import { treeFromPaths } from "../../src/interop/trees.js";
import { cnn } from "../../src/nn/index.js";
import { values } from "../engine/helpers.js";

const one: NDArray = { data: Float32Array.of(1), shape: [1], dtype: "float32" };
const file = (...names: string[]) => encodeSafetensors(names.map((name) => [name, one]));

describe("trees of tensors in safetensors files", () => {
  const model = cnn({ inputShape: [1, 8, 8], classes: 3, channels: [2, 3] });
  const params = model.init(random.key(1));

  it("come back as they were, with a tree to compare with and without", async () => {
    const bytes = await saveSafetensors(params, { epoch: "3" });
    expect([...decodeSafetensors(bytes).tensors.keys()].toSorted()).toEqual(
      treeEntries(params)
        .map(([path]) => path)
        .toSorted(),
    );
    expect(decodeSafetensors(bytes).metadata).toEqual({ epoch: "3" });
    const expected = await values(params);
    expect(await values(loadSafetensors(bytes, params))).toEqual(expected);
    const rebuilt = loadSafetensors<typeof params>(bytes);
    expect(rebuilt.convs).toHaveLength(2);
    expect(await values(rebuilt)).toEqual(expected);
  });

  it("must have the tensors of the tree that is given, with their shapes and dtypes", async () => {
    const bytes = await saveSafetensors(params);
    const other = treeMap((t: Tensor) => (t.rank === 4 ? t.cast("float64") : t), params);
    expect(() => loadSafetensors(bytes, other, "model.safetensors")).toThrow(
      'model.safetensors: "convs[0].w" is float32[2, 1, 3, 3], but float64[2, 1, 3, 3] is needed.',
    );
    const wider = cnn({ inputShape: [1, 8, 8], classes: 4, channels: [2, 3] }).init(random.key(1));
    expect(() => loadSafetensors(bytes, wider)).toThrow('"layers[0].b" is float32[3], but float32[4] is needed.');
    expect(() => loadSafetensors(bytes, { ...params, scale: tensor([1]) })).toThrow('there is no tensor "scale".');
    expect(() => loadSafetensors(bytes, { convs: params.convs })).toThrow(
      /there is a tensor "layers\[0\].[wb]", for which the tree has no place/,
    );
    await expect(saveSafetensors({ a: { b: 3 } })).rejects.toThrow(
      'saveSafetensors: a tree of tensors is needed, but at "a.b" there is a number.',
    );
  });

  it("are rebuilt from names such as PyTorch's, and kept flat where names are no paths of one tree", () => {
    const shape = (bytes: Uint8Array) => treeMap((t: Tensor) => t.shape.length, loadSafetensors<any>(bytes));
    expect(shape(file("conv1.weight", "conv1.bias", "layers.0.w"))).toEqual({
      conv1: { weight: 1, bias: 1 },
      layers: { "0": { w: 1 } },
    });
    expect(shape(file("[1]", "[0].x"))).toEqual([{ x: 1 }, 1]);
    for (const names of [
      ["a", "a.b"],
      ["a[0]", "a[2]"],
      ["a[0]", "a.b"],
      ["a..b"],
      [".a"],
      ["a[x]"],
      ["a[01]"],
      ["a]"],
    ]) {
      expect(Object.keys(shape(file(...names))).toSorted()).toEqual(names.toSorted());
    }
    const deep = Array.from({ length: 200 }, () => "a").join(".");
    expect(Object.keys(shape(file(deep)))).toEqual([deep]);
  });

  it("BF16 is read as float32, small integers as int32", async () => {
    const words = new Map<string, number[]>([
      ["BF16", [0x3f80, 0xc000, 0x7f80, 0x0001]],
      ["I16", [1, 0xffff]],
      ["U16", [1, 0xffff]],
    ]);
    let offset = 0;
    const header = Object.fromEntries(
      Array.from(words, ([dtype, list]) => [
        dtype,
        { dtype, shape: [list.length], data_offsets: [offset, (offset += 2 * list.length)] },
      ]),
    );
    const text = new TextEncoder().encode(
      JSON.stringify({ ...header, I8: { dtype: "I8", shape: [2], data_offsets: [offset, offset + 2] } }),
    );
    const bytes = new Uint8Array(8 + text.length + offset + 2);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    const body = new DataView(bytes.buffer, 8 + text.length);
    [...words.values()].flat().forEach((word, i) => {
      body.setUint16(2 * i, word, true);
    });
    body.setInt8(offset, -5);
    const { tensors } = decodeSafetensors(bytes);
    expect(tensors.get("BF16")).toEqual({
      data: Float32Array.of(1, -2, Number.POSITIVE_INFINITY, 2 ** -133),
      shape: [4],
      dtype: "float32",
    });
    expect(tensors.get("I16")!.data).toEqual(Int32Array.of(1, -1));
    expect(tensors.get("U16")!.data).toEqual(Int32Array.of(1, 65535));
    expect(tensors.get("I8")!.data).toEqual(Int32Array.of(-5, 0));
  });
});

describe("treeFromPaths", () => {
  const key = fc.stringMatching(/^[a-z0-9]{1,3}$/);
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      fc.constant("leaf"),
      fc.array(tie("tree"), { minLength: 1, maxLength: 3 }),
      fc.dictionary(key, tie("tree"), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
    ),
  }));
  const entries = (node: unknown, path = ""): [string, string][] =>
    typeof node === "string"
      ? [[path, node]]
      : Array.isArray(node)
        ? node.flatMap((item, i) => entries(item, `${path}[${i}]`))
        : Object.entries(node as object).flatMap(([k, item]) => entries(item, path ? `${path}.${k}` : k));

  it("is the inverse of writing paths", () => {
    fc.assert(
      fc.property(
        tree.filter((t) => typeof t === "object"),
        (t) => {
          expect(treeFromPaths(entries(t).toReversed())).toEqual(t);
        },
      ),
    );
  });
});
