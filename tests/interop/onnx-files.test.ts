import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import type { NDArray } from "../../src/engine/dtype.js";
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as DataLocation,
  FunctionProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  SparseTensorProtoSchema,
  type TensorProto,
  TensorProto_SegmentSchema,
  TypeProtoSchema,
} from "../../src/engine/onnx/onnx_pb.js";
import { fromOnnx } from "../../src/interop/index.js";
import { values } from "../engine/helpers.js";
import { onnxMessage } from "./onnx-models.js";

const w: NDArray = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2], dtype: "float32" };

/** A small model, changed before it is read. */
const bent = (change: (model: ModelProto) => void, external = {}) => {
  const message = onnxMessage({
    inputs: [{ name: "x", shape: [1, 2] }],
    outputs: [{ name: "y" }],
    initializers: { w },
    nodes: [
      { op: "MatMul", name: "first", inputs: ["x", "w"], outputs: ["h"] },
      { op: "LeakyRelu", inputs: ["h"], outputs: ["y"], attrs: { alpha: 0.1 } },
    ],
  });
  change(message);
  const bytes = toBinary(ModelProtoSchema, message);
  return () => fromOnnx<any>(bytes, { externalData: external });
};
const weight = (change: (proto: TensorProto) => void, external = {}) =>
  bent((m) => change(m.graph!.initializer[0]), external);

describe("an ONNX file is checked before it is used", () => {
  it("is a model", () => {
    expect(() => fromOnnx(new Uint8Array(0))).toThrow(
      "ONNX: this is not an ONNX model: it has no graph or no operator set.",
    );
    expect(() => fromOnnx(Uint8Array.of(255, 255, 255), { name: "net.onnx" })).toThrow(
      "net.onnx: this is not an ONNX model, or it is damaged:",
    );
    // A graph of empty nodes: two bytes each.
    const nodes = new Uint8Array(6 + 2 * 2 ** 19).fill(0x0a, 6);
    nodes.set([0x3a, 0x80, 0x80, 0x80, 0x80, 0x00]);
    new DataView(nodes.buffer).setUint8(3, 0xc0);
    for (let i = 7; i < nodes.length; i += 2) nodes[i] = 0;
    expect(() => fromOnnx(nodes)).toThrow("the file consists of more parts than a model of 1048582 bytes can need");
    expect(bent((m) => (m.graph = undefined))).toThrow("it has no graph");
    expect(bent((m) => (m.opsetImport[0].version = 6n))).toThrow(
      "operator set 6 is not supported; export with one between 7 and",
    );
    expect(bent((m) => (m.opsetImport[0].version = 99n))).toThrow("operator set 99 is not supported");
    expect(bent((m) => m.functions.push(create(FunctionProtoSchema, { name: "Block" })))).toThrow(
      'the model defines functions of its own ("Block")',
    );
    expect(bent((m) => m.graph!.sparseInitializer.push(create(SparseTensorProtoSchema)))).toThrow(
      "sparse initializers",
    );
  });

  it("has each name once, and nothing that reads what is not there yet", () => {
    expect(bent((m) => m.graph!.initializer.push(m.graph!.initializer[0]))).toThrow('the initializer "w" occurs twice');
    expect(bent((m) => m.graph!.input.push(m.graph!.input[0]))).toThrow('the input "x" occurs twice');
    expect(bent((m) => m.graph!.output.push(m.graph!.output[0]))).toThrow("an output occurs twice");
    expect(bent((m) => (m.graph!.node[1].output[0] = "h"))).toThrow(
      'node 1 (LeakyRelu) makes "h", which is there already',
    );
    expect(bent((m) => (m.graph!.node[0].input[0] = "y"))).toThrow(
      'node "first" (MatMul) reads "y", which nothing before it makes: the graph has a cycle, or a part is missing',
    );
    expect(bent((m) => m.graph!.node.pop())).toThrow('nothing makes the output "y"');
    expect(bent((m) => m.graph!.output.pop())).toThrow("the graph has no outputs");
    expect(bent((m) => (m.graph!.initializer[0].name = "a.__proto__"))).toThrow(
      'the name "a.__proto__" is not allowed',
    );
    expect(bent((m) => (m.graph!.output[0].name = "constructor"))).toThrow('the name "constructor" is not allowed');
  });

  it("says of which kind inputs and outputs are", () => {
    const type = (m: ModelProto) => m.graph!.input[0].type!.value.value as any;
    expect(bent((m) => (m.graph!.input[0].type = create(TypeProtoSchema)))).toThrow(
      'the input "x" is not a tensor with a name',
    );
    expect(bent((m) => (type(m).elemType = 8))).toThrow('the input "x" has the dtype STRING, which is not supported');
    expect(bent((m) => (type(m).elemType = 99))).toThrow("has the dtype 99");
    expect(bent((m) => (type(m).shape.dim[0].value = { case: "dimValue", value: -7n }))).toThrow(
      'the input "x" has an axis of size -7',
    );
    const open = bent((m) => (type(m).shape.dim[0].value = { case: "dimValue", value: 0n }))();
    expect(open.inputs[0].shape).toEqual(["?", 2]);
    const unknown = bent((m) => (type(m).shape = undefined))();
    expect(unknown.inputs[0]).toEqual({ name: "x", dtype: "float32" });
  });

  it("has weights whose bytes are there", () => {
    expect(weight((t) => (t.dataType = 16))).toThrow(
      'ONNX: the initializer "w" has the dtype BFLOAT16, which is not supported.',
    );
    expect(weight((t) => (t.dims = [2n, -2n]))).toThrow("has the shape [2, -2], which no memory could hold");
    expect(weight((t) => (t.dims = [2n ** 40n, 2n ** 40n]))).toThrow("which no memory could hold");
    expect(weight((t) => (t.dims = [0n, 2n ** 60n]))).toThrow("which no memory could hold");
    expect(weight((t) => (t.dims = new Array(65).fill(1n)))).toThrow("has 65 axes");
    expect(weight((t) => (t.dims = [2n ** 30n]))).toThrow(
      'the initializer "w" (float32[1073741824]) needs 4294967296 bytes, but has 16',
    );
    expect(weight((t) => (t.rawData = new Uint8Array()))).toThrow('"w" (float32[2, 2]) needs 4 elements, but has 0');
    expect(weight((t) => (t.segment = create(TensorProto_SegmentSchema)))).toThrow("is a segment of a larger tensor");
  });

  it("may hold numbers in fields of their own", async () => {
    const read = (change: (t: TensorProto) => void) =>
      weight((t) => change(Object.assign(t, { rawData: new Uint8Array() })))();
    const floats = read((t) => (t.floatData = [5, 6, 7, 8]));
    expect(await values(floats.params)).toEqual([[5, 6, 7, 8]]);
    const doubles = read((t) => Object.assign(t, { doubleData: [5, 6, 7, 8], dataType: 11 }));
    expect(doubles.params.w.dtype).toBe("float64");
    const halves = read((t) => Object.assign(t, { int32Data: [0x3c00, 0, 0, 0], dataType: 10 }));
    expect(halves.params.w.value.data[0]).toBe(0x3c00);
    for (const [dataType, field] of [
      [6, "int32Data"],
      [9, "int32Data"],
      [2, "int32Data"],
      [7, "int64Data"],
      [12, "uint64Data"],
      [13, "uint64Data"],
    ] as const) {
      const list = field === "int32Data" ? [1, 0, 1, 1] : [1n, 0n, 1n, 1n];
      expect(read((t) => Object.assign(t, { [field]: list, dataType })).params).toEqual({});
    }
  });

  it("may have its weights in another file, which must be given", async () => {
    const outside = (entries: Record<string, string>) => (t: TensorProto) =>
      Object.assign(t, {
        rawData: new Uint8Array(),
        dataLocation: DataLocation.EXTERNAL,
        externalData: Object.entries(entries).map(([key, value]) => ({
          $typeName: "onnx.StringStringEntryProto",
          key,
          value,
        })),
      });
    const file = new Uint8Array(Float32Array.of(0, 5, 6, 7, 8).buffer);
    const there = { "model.data": file };
    const good = { location: "model.data", offset: "4", length: "16" };
    for (const external of [there, new Map(Object.entries(there))])
      expect(await values(weight(outside(good), external)().params)).toEqual([[5, 6, 7, 8]]);
    expect(weight(outside(good))).toThrow(
      'the initializer "w" lies in another file, "model.data"; pass its bytes as externalData: { "model.data": bytes }.',
    );
    expect(weight(outside({ location: "constructor" }))).toThrow('lies in another file, "constructor"');
    expect(weight(outside({}), there)).toThrow("names no file that its data lie in");
    expect(weight(outside({ ...good, offset: "8" }), there)).toThrow(
      'claims bytes 8 to 24 of "model.data", which has 20',
    );
    expect(weight(outside({ ...good, offset: "-4" }), there)).toThrow("has the offset -4 in its file");
    expect(weight(outside({ ...good, length: "1e99" }), there)).toThrow("has the length 1e99 in its file");
    expect(weight(outside({ ...good, length: "8" }), there)).toThrow("needs 16 bytes, but has 8");
  });

  it("has attributes of the kind that the operator wants, each once", () => {
    const attributes = (m: ModelProto) => m.graph!.node[1].attribute;
    expect(bent((m) => attributes(m).push(attributes(m)[0]))).toThrow(
      'node 1 (LeakyRelu) has the attribute "alpha" twice',
    );
    const kind = bent((m) => (attributes(m)[0].type = AttributeType.INTS))();
    expect(() => kind.apply(kind.params, kind.params.w.slice([0], [1]))).toThrow(
      'node 1 (LeakyRelu): the attribute "alpha" is of kind INTS, not FLOAT',
    );
    const huge = bent((m) => {
      m.graph!.node[1].opType = "Softmax";
      m.graph!.node[1].attribute = [
        create(AttributeProtoSchema, { name: "axis", type: AttributeType.INT, i: 2n ** 55n }),
      ];
    })();
    expect(() => huge.apply(huge.params, huge.params.w.slice([0], [1]))).toThrow(
      'the attribute "axis" is 36028797018963968, which is too large',
    );
  });
});

describe("an operator says what it cannot do", () => {
  const x = { data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), shape: [1, 1, 3, 3], dtype: "float32" } as const;
  const of =
    (op: string, attrs: Record<string, any>, more: Record<string, NDArray> = {}) =>
    () => {
      const bytes = toBinary(
        ModelProtoSchema,
        onnxMessage({
          outputs: [{ name: "y" }],
          initializers: { x, ...more },
          nodes: [{ op, inputs: ["x", ...Object.keys(more)], outputs: ["y"], attrs }],
        }),
      );
      const model = fromOnnx<any>(bytes);
      return model.apply(model.params);
    };
  const ints = (...list: number[]): NDArray => ({
    data: BigInt64Array.from(list, BigInt),
    shape: [list.length],
    dtype: "int64",
  });

  it.each([
    ["MaxPool", { kernel_shape: [2, 2], dilations: [2, 2] }, {}, "dilations = [2,2] is not supported"],
    ["MaxPool", {}, {}, "kernel_shape is missing"],
    ["MaxPool", { kernel_shape: [2] }, {}, "kernel_shape = [2] does not fit 2 spatial axes"],
    ["MaxPool", { kernel_shape: [2, 2], auto_pad: "NO" }, {}, "auto_pad = NO is not known"],
    ["AveragePool", { kernel_shape: [2, 2], pads: [1, 1] }, {}, "pads = [1,1] does not fit 2 spatial axes"],
    ["DepthToSpace", { blocksize: 2 }, {}, "blocks of 2 do not fit the shape [1,1,3,3]"],
    ["Reshape", {}, { s: ints(2, 5) }, "[1,1,3,3] cannot take the shape [2,5]"],
    ["Expand", {}, { s: ints(2 ** 40, 2 ** 40, 1, 1, 1, 1) }, "a result of shape"],
    ["Tile", {}, { s: ints(1, 2) }, "repeats = [1,2] does not fit [1,1,3,3]"],
    ["Pad", { mode: "mirror" }, { s: ints(1, 1, 1, 1, 1, 1, 1, 1) }, "mode = mirror is not supported"],
    [
      "Resize",
      { mode: "cubic" },
      { r: ints(), s: { ...ints(), data: Float32Array.of(1, 1, 2, 2), shape: [4], dtype: "float32" as const } },
      "mode = cubic is not supported",
    ],
    ["ArgMax", { select_last_index: 1 }, {}, "select_last_index = 1 is not supported"],
    ["Split", { num_outputs: 2, axis: 2 }, { s: ints(1, 1) }, "does not fall into parts of sizes [1,1]"],
    ["Transpose", { perm: [0, 1] }, {}, "perm = [0,1] is not a permutation"],
    ["Squeeze", {}, { s: ints(2) }, "axis 2 of [1,1,3,3] is not of size 1"],
    ["Slice", {}, { a: ints(0), b: ints(1), c: ints(9) }, "axis 9 is out of range"],
    ["Add", {}, {}, "input 1 is missing"],
    ["ConstantOfShape", {}, {}, "input 0 decides about shapes"],
    [
      "Conv",
      { kernel_shape: [3, 3] },
      { k: { ...x, data: new Float32Array(4), shape: [1, 1, 2, 2] } },
      "kernel_shape is [3,3], but the kernel has [2,2]",
    ],
    ["Gelu", { approximate: "sin" }, {}, "approximate = sin is not supported"],
  ] as [string, Record<string, any>, Record<string, NDArray>, string][])("%s %j", (op, attrs, more, message) => {
    expect(of(op, attrs, more)).toThrow(message);
    expect(of(op, attrs, more)).toThrow(`ONNX: node 0 (${op}): `);
  });

  it("division by zero among shapes is an error, not a crash", () => {
    const zero = (op: string) => () => {
      const model = fromOnnx<any>(
        toBinary(
          ModelProtoSchema,
          onnxMessage({
            outputs: [{ name: "y", dtype: "int64" }],
            initializers: { a: ints(4), b: ints(0) },
            nodes: [{ op, inputs: ["a", "b"], outputs: ["y"] }],
          }),
        ),
      );
      return model.apply({});
    };
    expect(zero("Div")).toThrow("an integer is divided by zero");
    expect(zero("Mod")).toThrow("an integer is divided by zero");
  });
});
