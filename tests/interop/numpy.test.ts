import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DType, dtypes, type NDArray } from "../../src/engine/dtype.js";
import { readNpy, readNpz, writeNpy, writeNpz } from "../../src/interop/index.js";

interface Expected {
  readonly shape: number[];
  readonly values: (number | string)[];
}
const fixture: {
  npy: ({ name: string; file: string } & Expected)[];
  objects: string;
  npz: { stored: string; deflated: string; arrays: Record<string, Expected> };
} = JSON.parse(await readFile(new URL("../fixtures/numpy-files.json", import.meta.url), "utf8"));
const decode = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

/** The value of a bit pattern of float16. */
function fromHalf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -magnitude : magnitude;
}
const numbers = ({ data, dtype }: NDArray, as: "number" | "string"): (number | string)[] =>
  Array.from(data as Float64Array, (v) =>
    as === "string" ? String(v) : dtype === "float16" ? fromHalf(v) : Number(v),
  );

function expectArray(array: NDArray, { shape, values }: Expected): void {
  expect(array.shape).toEqual(shape);
  expect(numbers(array, typeof values[0] === "string" ? "string" : "number")).toEqual(values);
}

const arrays: fc.Arbitrary<NDArray> = fc
  .tuple(
    fc.constantFrom(...(Object.keys(dtypes) as DType[])),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    fc.infiniteStream(fc.nat(255)),
  )
  .map(([dtype, shape, stream]) => {
    const data = new dtypes[dtype].array(shape.reduce((a, b) => a * b, 1));
    const bytes = new Uint8Array(data.buffer);
    for (let i = 0; i < bytes.length; i++)
      bytes[i] = dtype === "bool" ? stream.next().value! % 2 : stream.next().value!;
    return { dtype, shape, data };
  });

/** A .npy file with a header of our choice. */
function npy(header: string, length = 0, { version = 1, claimed = header.length } = {}): Uint8Array {
  const wide = version > 1;
  const bytes = new Uint8Array((wide ? 12 : 10) + header.length + length);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), version, 0, claimed & 255, (claimed >> 8) & 255]);
  if (wide) new DataView(bytes.buffer).setUint32(8, claimed, true);
  bytes.set(new TextEncoder().encode(header), wide ? 12 : 10);
  return bytes;
}
const headed =
  (fields: string, length = 0) =>
  () =>
    readNpy(npy(`{${fields}}\n`, length), "x.npy");
const fields = (descr: string, shape: string, order = "False") =>
  `'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, `;

describe("npy", () => {
  it.each(fixture.npy.map((c) => [c.name, c] as const))(
    "reads what NumPy wrote: %s",
    (_name, { file, ...expected }) => {
      expectArray(readNpy(decode(file)), expected);
    },
  );

  it("writes the bytes that NumPy writes", () => {
    for (const name of ["float32", "float16", "int32", "uint8", "uint32", "bool", "scalar", "empty"]) {
      const { file } = fixture.npy.find((c) => c.name === name)!;
      expect(Buffer.from(writeNpy(readNpy(decode(file)))).toString("base64")).toBe(file);
    }
  });

  it("round-trips every dtype and shape", () => {
    fc.assert(
      fc.property(arrays, (array) => {
        expect(readNpy(writeNpy(array))).toEqual(array);
      }),
    );
  });

  it("accepts what Python 2 and others write", () => {
    expect(headed(`"shape": (2L, 1), "descr": "|u1", "fortran_order": True`, 2)().shape).toEqual([2, 1]);
    expect(headed(fields("'=i2'", "(1,)"), 2)().dtype).toBe("int32");
    expect(headed(fields("'f4'", "( )"), 4)().shape).toEqual([]);
  });

  it("refuses objects, because reading them would run code", () => {
    expect(() => readNpy(decode(fixture.objects), "x.npy")).toThrow(
      "x.npy: an array of Python objects is refused, because reading it would run code.",
    );
  });

  it("refuses what does not fit before it allocates", () => {
    expect(() => readNpy(new Uint8Array(5), "x.npy")).toThrow("x.npy: this is not a .npy file.");
    expect(() => readNpy(npy("{}", 0, { version: 4 }))).toThrow("version 4.0 of the format is unknown");
    expect(() => readNpy(npy("{}", 0, { claimed: 9 }))).toThrow("the header claims 9 bytes, but only 2 follow");
    expect(() => readNpy(npy("{}", 0, { version: 2, claimed: 2 ** 31 }))).toThrow("the header claims 2147483648 bytes");
    expect(() => readNpy(npy(" ".repeat(70_000), 0, { version: 2 }))).toThrow("is longer than 65536");
    expect(() => readNpy(npy("3"))).toThrow("the header is not a dictionary");
    expect(headed("'descr': '<f4', 'shape': ()")).toThrow("the header lacks fortran_order");
    expect(headed("'descr': '<f4', 'descr': '<f4'")).toThrow("the header gives descr twice");
    expect(headed("'descr': f(), 'shape': ()")).toThrow("not a dictionary of descr, fortran_order and shape");
    expect(headed(fields("'<f4'", "(3)"), 12)).toThrow("the shape (3) is not a tuple of sizes");
    expect(headed(fields("'<f4'", "(3,,)"), 12)).toThrow("is not a tuple of sizes");
    expect(headed(fields("'<f4'", "True"), 12)).toThrow("is not a tuple of sizes");
    expect(headed(fields("'<f4'", "()", "()"), 4)).toThrow("fortran_order is ()");
    expect(headed(fields("'<c8'", "(3,)"), 24)).toThrow("the type '<c8' is not supported; save floats, integers");
    expect(headed(fields("'<U7'", "(3,)"), 84)).toThrow("the type '<U7' is not supported");
    expect(headed(fields("[('a', '<f4')]", "(3,)"), 12)).toThrow("the type [('a', '<f4')] is not supported");
    expect(headed(fields("'<f4'", "(3,)"), 11)).toThrow(
      "an array of shape [3] needs 12 bytes, but 11 follow the header",
    );
    expect(headed(fields("'<f4'", "(3,)"), 13)).toThrow("but 13 follow the header");
    expect(headed(fields("'<f4'", "(99999999999, 99999999999)"))).toThrow("no file can hold an array of shape");
    expect(headed(fields("'<f4'", "(0, 99999999999999999999)"))).toThrow("no file can hold an array of shape");
    expect(headed(fields("'<f4'", `(${"1, ".repeat(65)})`), 4)).toThrow("the array has 65 axes, more than 64");
    expect(() => writeNpy({ data: new Float32Array(3), shape: [2], dtype: "float32" })).toThrow(
      "has 2 elements, but there are 3",
    );
  });
});

describe("npz", () => {
  const pair: [string, NDArray][] = Object.keys(fixture.npz.arrays).map((name) => [
    name,
    readNpz(decode(fixture.npz.stored)).get(name)!,
  ]);

  it("reads what NumPy wrote, stored and deflated", () => {
    for (const file of [fixture.npz.stored, fixture.npz.deflated]) {
      const read = readNpz(decode(file));
      expect([...read.keys()]).toEqual(Object.keys(fixture.npz.arrays));
      for (const [name, array] of read) expectArray(array, fixture.npz.arrays[name]);
    }
  });

  it("round-trips, and the same arrays give the same bytes", () => {
    const names = fc.stringMatching(/^[a-z][a-z0-9_/ ]{0,8}$/);
    fc.assert(
      fc.property(
        fc.dictionary(names, arrays, { maxKeys: 4, noNullPrototype: true }),
        fc.boolean(),
        (set, compress) => {
          const bytes = writeNpz(Object.entries(set), { compress });
          expect(readNpz(bytes)).toEqual(new Map(Object.entries(set)));
          expect(writeNpz(Object.entries(set), { compress })).toEqual(bytes);
        },
      ),
      { numRuns: 40 },
    );
  });

  /** The archive with one field of the first entry changed, in the directory or in the entry's own header. */
  const bent = (change: (view: DataView, directory: number, end: number) => void, compress = true): (() => unknown) => {
    const bytes = writeNpz(pair, { compress });
    const view = new DataView(bytes.buffer);
    const end = bytes.length - 22;
    change(view, view.getUint32(end + 16, true), end);
    return () => readNpz(bytes, "x.npz");
  };

  it("refuses archives that do not hold together", () => {
    expect(() => readNpz(new Uint8Array(30), "x.npz")).toThrow(
      "x.npz: this is not a ZIP archive, or its end is missing.",
    );
    expect(() => readNpz(writeNpz(pair).slice(0, -1))).toThrow("its end is missing");
    expect(bent((v, _d, end) => v.setUint16(end + 8, 1, true))).toThrow("several parts");
    expect(bent((v, _d, end) => v.setUint32(end + 16, 0xffffffff, true))).toThrow("ZIP64");
    expect(bent((v, _d, end) => v.setUint32(end + 12, 0xffff, true))).toThrow("the directory runs past its end");
    expect(bent((v, d) => v.setUint32(d, 0, true))).toThrow("the directory is damaged");
    expect(bent((v, d) => v.setUint16(d + 28, 0xffff, true))).toThrow("the directory is damaged");
    expect(bent((v, d) => v.setUint16(d + 8, 1, true))).toThrow('"a.npy" is encrypted');
    expect(bent((v, d) => v.setUint16(d + 10, 14, true))).toThrow('"a.npy" is packed by method 14');
    expect(bent((v, d) => v.setUint32(d + 42, 5, true))).toThrow('"a.npy" has no header');
    expect(bent((v, d) => v.setUint32(d + 20, 0xfffffff, true))).toThrow('"a.npy" claims 268435455 packed bytes');
    expect(bent((v) => v.setUint8(30, 98))).toThrow("contradicts the directory");
    expect(bent((v, d) => v.setUint32(d + 16, 1, true))).toThrow('"a.npy" is damaged: its checksum differs');
  });

  it("refuses sizes that the bytes cannot hold, and streams that hold more than they claim", () => {
    expect(bent((v, d) => v.setUint32(d + 24, 0xfffffff, true))).toThrow(
      /"a.npy" claims 268435455 bytes, which its \d+ packed/,
    );
    expect(bent((v, d) => v.setUint32(d + 24, 9, true))).toThrow(
      '"a.npy" unpacks to more than the 9 bytes that it claims',
    );
    expect(bent((v, d) => v.setUint32(d + 24, 999, true))).toThrow(/"a.npy" unpacks to \d+ bytes, but claims 999/);
    expect(bent((v, d) => v.setUint32(d + 24, 999, true), false)).toThrow(/"a.npy" claims 999 bytes/);
    const zeros: NDArray = { data: new Uint8Array(100_000), shape: [100_000], dtype: "uint8" };
    const bytes = writeNpz([["zeros", zeros]], { compress: true });
    expect(bytes.length).toBeLessThan(1000);
    expect(readNpz(bytes).get("zeros")!.data.length).toBe(100_000);
    expect(() => readNpz(bytes, "x.npz", { maxBytes: 1000 })).toThrow(
      "x.npz: the archive unpacks to 100128 bytes, more than the 1000",
    );
  });

  it("refuses names that occur twice, lead out of the archive or reach a prototype, and files that are no arrays", () => {
    const renamed = (from: string, to: string) => {
      const text = Buffer.from(writeNpz(pair)).toString("latin1").replaceAll(from, to);
      return () => readNpz(new Uint8Array(Buffer.from(text, "latin1")), "x.npz");
    };
    expect(renamed("layer/b.npy", "../../b.npy")).toThrow('the name "../../b.npy" leads out of the archive');
    expect(renamed("layer/b.npy", "/ayer/b.npy")).toThrow("leads out of the archive");
    expect(renamed("layer/b.npy", "layer\\b.npy")).toThrow("leads out of the archive");
    expect(renamed("layer/b.npy", "layer/b.txt")).toThrow('the file "layer/b.txt" in it is not an array');
    const two = writeNpz([
      ["aa", pair[0][1]],
      ["bb", pair[0][1]],
    ]);
    const twice = new Uint8Array(
      Buffer.from(Buffer.from(two).toString("latin1").replaceAll("bb.npy", "aa.npy"), "latin1"),
    );
    expect(() => readNpz(twice)).toThrow('the name "aa.npy" occurs twice');
    for (const name of ["__proto__", "a/../b", "/", "a\\b"])
      expect(() => writeNpz([[name, pair[0][1]]])).toThrow(/is not allowed|leads out of the archive/);
    expect(() => writeNpz([pair[0], pair[0]])).toThrow("occurs twice");
  });

  it("refuses entries that overlap", () => {
    const bytes = writeNpz([
      ["a", pair[0][1]],
      ["a_", pair[0][1]],
    ]);
    const view = new DataView(bytes.buffer);
    const directory = view.getUint32(bytes.length - 22 + 16, true);
    // The second entry points into the first.
    const second = directory + 46 + "a.npy".length;
    const inside = 40;
    bytes.copyWithin(inside, view.getUint32(second + 42, true), view.getUint32(second + 42, true) + 36);
    view.setUint32(second + 42, inside, true);
    expect(() => readNpz(bytes)).toThrow('"a_.npy" overlaps another entry');
  });
});
