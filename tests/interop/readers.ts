import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import type { NDArray } from "../../src/engine/dtype.js";
import { HebbError } from "../../src/engine/errors.js";
import { ModelProtoSchema } from "../../src/engine/onnx/onnx_pb.js";
import { zeros } from "../../src/engine/primitives/structure.js";
import {
  encodeSafetensors,
  fromOnnx,
  loadSafetensors,
  readNpy,
  readNpz,
  writeNpy,
  writeNpz,
} from "../../src/interop/index.js";
import { onnxMessage } from "./onnx-models.js";
import { build, cases } from "./operator-cases.js";

/** A reader with small valid files for it. */
export interface Reader {
  readonly name: string;
  readonly files: readonly Uint8Array[];
  /** Reads the bytes, and uses what was read as far as that needs no computing. */
  read(bytes: Uint8Array): unknown;
}

const vector = (...values: number[]): NDArray => ({
  data: BigInt64Array.from(values, BigInt),
  shape: [values.length],
  dtype: "int64",
});
const whole = vector(-1, 2);
const floats: NDArray = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3], dtype: "float32" };
const flags: NDArray = { data: Uint8Array.of(1, 0, 1), shape: [3], dtype: "bool" };

const classifier = onnxMessage({
  inputs: [{ name: "x", shape: ["n", 1, 4, 4] }],
  outputs: [{ name: "y", shape: ["n", 3] }],
  initializers: {
    "conv.weight": { data: new Float32Array(18).fill(0.5), shape: [2, 1, 3, 3], dtype: "float32" },
    "conv.bias": { data: Float32Array.of(1, -1), shape: [2], dtype: "float32" },
    w: { data: new Float32Array(24).fill(0.25), shape: [8, 3], dtype: "float32" },
    rest: vector(-1),
    zero: vector(0),
  },
  nodes: [
    {
      op: "Conv",
      name: "conv",
      inputs: ["x", "conv.weight", "conv.bias"],
      outputs: ["a"],
      attrs: { pads: [1, 1, 1, 1] },
    },
    { op: "Relu", inputs: ["a"], outputs: ["b"] },
    { op: "MaxPool", inputs: ["b"], outputs: ["c"], attrs: { kernel_shape: [2, 2], strides: [2, 2] } },
    { op: "Shape", inputs: ["x"], outputs: ["shape"] },
    { op: "Gather", inputs: ["shape", "zero"], outputs: ["n"] },
    { op: "Concat", inputs: ["n", "rest"], outputs: ["target"], attrs: { axis: 0 } },
    { op: "Reshape", inputs: ["c", "target"], outputs: ["d"] },
    { op: "Gemm", inputs: ["d", "w"], outputs: ["e"] },
    { op: "Softmax", inputs: ["e"], outputs: ["y"], attrs: { axis: -1 } },
  ],
});
const shapes = onnxMessage({
  inputs: [{ name: "x", shape: ["n", 4] }],
  outputs: [{ name: "y" }],
  initializers: { pads: vector(0, 1, 1, 0), from: vector(0, 1), to: vector(9, 2) },
  nodes: [
    { op: "Pad", inputs: ["x", "pads"], outputs: ["a"], attrs: { mode: "reflect" } },
    { op: "Constant", inputs: [], outputs: ["times"], attrs: { value_ints: [2, 1] } },
    { op: "Tile", inputs: ["a", "times"], outputs: ["b"] },
    { op: "Split", inputs: ["b"], outputs: ["c", "d"], attrs: { axis: 1, num_outputs: 2 } },
    { op: "Slice", inputs: ["c", "from", "to"], outputs: ["s"] },
    { op: "Concat", inputs: ["s", "d"], outputs: ["f"], attrs: { axis: 1 } },
    { op: "ReduceMean", inputs: ["f"], outputs: ["e"], attrs: { keepdims: 1 } },
    { op: "Expand", inputs: ["e", "times"], outputs: ["y"] },
  ],
});

export const readers: readonly Reader[] = [
  {
    name: "npy",
    files: [floats, whole, flags].map(writeNpy),
    read: (bytes) => readNpy(bytes),
  },
  {
    name: "npz",
    files: [
      writeNpz([
        ["a", floats],
        ["b", whole],
      ]),
      writeNpz([["weights", floats]], { compress: true }),
    ],
    read: (bytes) => readNpz(bytes),
  },
  {
    name: "safetensors",
    files: [
      encodeSafetensors(
        [
          ["layers[0].w", floats],
          ["layers[0].b", whole],
          ["mask", flags],
        ],
        { made: "for a test" },
      ),
    ],
    read: (bytes) => loadSafetensors(bytes),
  },
  {
    name: "ONNX",
    files: [classifier, shapes]
      .map((message) => toBinary(ModelProtoSchema, message))
      .concat(cases.map((c) => build(c).bytes as Uint8Array<ArrayBuffer>)),
    read(bytes) {
      const model = fromOnnx<any>(bytes);
      const size = (n: number | string) => (typeof n === "number" ? n : 2);
      model.apply(model.params, ...model.inputs.map(({ shape, dtype }) => zeros((shape ?? []).map(size), dtype)));
    },
  },
];

/** A way to damage a file. */
export type Damage = (bytes: Uint8Array) => Uint8Array;

const at = (bytes: Uint8Array, place: number): number => Math.floor(place * bytes.length);
const edit =
  (change: (copy: Uint8Array, view: DataView) => void): Damage =>
  (bytes) => {
    const copy = bytes.slice();
    if (copy.length >= 8) change(copy, new DataView(copy.buffer));
    return copy;
  };

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
/** Numbers that lengths and sizes stumble over. */
const extremes = fc.constantFrom(
  0,
  1,
  0x7f,
  0x80,
  0xff,
  0x7fff,
  0xffff,
  0x7fffffff,
  0x80000000,
  0xfffffffe,
  0xffffffff,
);

const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(place, fc.nat(7)).map(([p, bit]) => edit((copy) => void (copy[at(copy, p)] ^= 1 << bit))),
  fc.tuple(place, fc.nat(255)).map(([p, byte]) => edit((copy) => void (copy[at(copy, p)] = byte))),
  fc
    .tuple(place, extremes, fc.boolean())
    .map(([p, value, little]) =>
      edit((copy, view) => view.setUint32(Math.min(at(copy, p), copy.length - 4), value, little)),
    ),
  fc
    .tuple(place, extremes, extremes)
    .map(([p, high, low]) =>
      edit((copy, view) =>
        view.setBigUint64(Math.min(at(copy, p), copy.length - 8), (BigInt(high) << 32n) | BigInt(low), true),
      ),
    ),
  // Digits in texts become other digits: lengths and offsets in JSON and in Python's dictionaries.
  fc.tuple(place, fc.nat(9)).map(([p, digit]) =>
    edit((copy) => {
      const digits = Array.from(copy.keys()).filter((i) => copy[i] >= 48 && copy[i] <= 57);
      if (digits.length > 0) copy[digits[Math.floor(p * digits.length)]] = 48 + digit;
    }),
  ),
  place.map(
    (p): Damage =>
      (bytes) =>
        bytes.slice(0, at(bytes, p)),
  ),
  fc.tuple(place, place).map(
    ([a, b]): Damage =>
      (bytes) => {
        const [from, to] = [at(bytes, Math.min(a, b)), at(bytes, Math.max(a, b))];
        return Uint8Array.from([...bytes.subarray(0, to), ...bytes.subarray(from)]);
      },
  ),
  fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 12 })).map(
    ([p, extra]): Damage =>
      (bytes) =>
        Uint8Array.from([...bytes.subarray(0, at(bytes, p)), ...extra, ...bytes.subarray(at(bytes, p))]),
  ),
);

/** A damaged file: which of the reader's files, and what is done to it. */
export const damaged = (reader: Reader): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(fc.nat(reader.files.length - 1), fc.array(damage, { minLength: 1, maxLength: 4 }))
    .map(([file, steps]) => steps.reduce((bytes, step) => step(bytes), reader.files[file]));

/** Whether the bytes were accepted; an error that is not a `HebbError`, nor caused by one, is a defect, and thrown. */
export function attempt(reader: Reader, bytes: Uint8Array): boolean {
  try {
    reader.read(bytes);
    return true;
  } catch (error) {
    if (!(error instanceof HebbError)) throw error;
    if (error.cause !== undefined && !(error.cause instanceof HebbError)) throw error.cause;
    return false;
  }
}
