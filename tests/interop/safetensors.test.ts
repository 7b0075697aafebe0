import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DType, dtypes, type NDArray } from "../../src/engine/dtype.js";
import { decodeSafetensors, encodeSafetensors } from "../../src/interop/safetensors.js";

/** A file with a header of our choice and `length` zero bytes behind it. */
function file(header: string, length = 0, claimed?: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(claimed ?? text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const entry = (dtype: string, shape: unknown, range: unknown) => ({ dtype, shape, data_offsets: range });
const headed =
  (header: object, length = 0) =>
  () =>
    decodeSafetensors(file(JSON.stringify(header), length), "model");

const arrays: fc.Arbitrary<NDArray> = fc
  .tuple(
    fc.constantFrom(...(Object.keys(dtypes) as DType[])),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    fc.infiniteStream(fc.integer({ min: 0, max: 1 })),
  )
  .map(([dtype, shape, stream]) => {
    const data = new dtypes[dtype].array(shape.reduce((a, b) => a * b, 1));
    const bytes = new Uint8Array(data.buffer);
    for (let i = 0; i < bytes.length; i++) bytes[i] = stream.next().value!;
    return { dtype, shape, data };
  });

describe("safetensors", () => {
  it("round-trips every dtype, shape and name", () => {
    const names = fc
      .string()
      .filter((name) => !/(^|[./])(__proto__|constructor|prototype)([./]|$)|^__metadata__$/.test(name));
    fc.assert(
      fc.property(fc.dictionary(names, arrays, { maxKeys: 6, noNullPrototype: true }), (tensors) => {
        const bytes = encodeSafetensors(Object.entries(tensors), { made: "by a test ☃" });
        const read = decodeSafetensors(bytes);
        expect(read.metadata).toEqual({ made: "by a test ☃" });
        expect(new Map(read.tensors)).toEqual(new Map(Object.entries(tensors)));
      }),
    );
  });

  it("reads from the middle of a buffer and keeps nothing of it", () => {
    const data = Float64Array.of(1, -0, Number.NaN, 2 ** -1074);
    const bytes = encodeSafetensors([["x", { dtype: "float64", shape: [2, 2], data }]]);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const { tensors } = decodeSafetensors(shifted.subarray(3));
    shifted.fill(255);
    expect(tensors.get("x")!.data).toEqual(data);
  });

  it("writes the documented layout", () => {
    const bytes = encodeSafetensors([
      ["b", { dtype: "uint8", shape: [1], data: Uint8Array.of(7) }],
      ["w", { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) }],
    ]);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))).toEqual({
      __metadata__: {},
      w: entry("F32", [2], [0, 8]),
      b: entry("U8", [1], [8, 9]),
    });
    expect(bytes.length).toBe(8 + length + 9);
  });

  it("refuses what does not fit before it allocates", () => {
    expect(() => decodeSafetensors(new Uint8Array(5), "model")).toThrow("model: 5 bytes is too short");
    expect(() => decodeSafetensors(file("{}", 0, 2 ** 50))).toThrow(/the header claims 1125899906842624 bytes/);
    expect(() => decodeSafetensors(file("{"))).toThrow(/not JSON/);
    expect(() => decodeSafetensors(file("[]"))).toThrow(/not an object/);
    expect(headed({ x: 3 })).toThrow(/entry of "x"/);
    expect(headed({ x: entry("F31", [1], [0, 4]) }, 4)).toThrow(/unknown dtype "F31"/);
    expect(headed({ x: entry("F32", [-1], [0, 4]) }, 4)).toThrow(/no list of sizes/);
    expect(headed({ x: entry("F32", [1], [4, 0]) }, 4)).toThrow(/no valid byte range/);
    expect(headed({ x: entry("F32", [2], [0, 4]) }, 4)).toThrow('model: "x" (F32 [2]) needs 8 bytes, its range has 4.');
    expect(headed({ x: entry("F32", [2 ** 40, 2 ** 40], [0, 4]) }, 4)).toThrow(/which no file can hold/);
    expect(headed({ x: entry("F32", [0, 2 ** 50], [0, 0]) })).toThrow(/which no file can hold/);
    expect(headed({ x: entry("U8", [8], [0, 8]) }, 4)).toThrow(/take 8 bytes, but the file holds 4/);
    expect(headed({ x: entry("U8", [2], [0, 2]), y: entry("U8", [2], [1, 3]) }, 3)).toThrow(/"y" overlap/);
    expect(headed({ x: entry("U8", [1], [0, 1]), y: entry("U8", [1], [2, 3]) }, 3)).toThrow(
      /hole before the bytes of "y"/,
    );
    expect(headed({ x: entry("U8", [1], [0, 1]) }, 3)).toThrow(/take 1 bytes/);
    expect(headed({ __metadata__: { a: 1 } })).toThrow(/"a" is not a string/);
  });

  it("refuses names that could reach a prototype", () => {
    for (const name of ["__proto__", "layer.__proto__.w", "constructor/prototype"]) {
      expect(() =>
        decodeSafetensors(file(`{${JSON.stringify(name)}:{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`)),
      ).toThrow(/is not allowed/);
      expect(() => encodeSafetensors([[name, { dtype: "uint8", shape: [0], data: new Uint8Array() }]])).toThrow(
        /not allowed/,
      );
    }
    expect(() => decodeSafetensors(file('{"__metadata__":{"__proto__":"x"}}'))).toThrow(/not allowed/);
  });

  it("refuses to write arrays that contradict their shape, or a name twice", () => {
    const one: NDArray = { dtype: "uint8", shape: [1], data: new Uint8Array(1) };
    expect(() => encodeSafetensors([["x", { ...one, shape: [2] }]])).toThrow(/shape \[2\] but 1 elements/);
    expect(() =>
      encodeSafetensors([
        ["x", one],
        ["x", one],
      ]),
    ).toThrow(/twice/);
  });

  it("never reads a damaged file as another one without an error or equal shapes", () => {
    const bytes = encodeSafetensors([["w", { dtype: "float32", shape: [3], data: Float32Array.of(1, 2, 3) }]]);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (length) => {
        expect(() => decodeSafetensors(bytes.subarray(0, length))).toThrow();
      }),
    );
  });
});
