import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseIdx, readIdx, readIdxPair } from "../../src/data/index.js";
import { HebbError } from "../../src/engine/errors.js";
import { idxBytes } from "./idx-bytes.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "hebb-idx-"));
});
afterAll(() => rm(dir, { recursive: true }));

const file = async (name: string, bytes: Uint8Array) => {
  const path = join(dir, name);
  await writeFile(path, bytes);
  return path;
};

const types = [
  [8, "uint8", fc.integer({ min: 0, max: 255 })],
  [9, "int32", fc.integer({ min: -128, max: 127 })],
  [11, "int32", fc.integer({ min: -32_768, max: 32_767 })],
  [12, "int32", fc.integer()],
  [13, "float32", fc.float({ noNaN: true })],
  [14, "float64", fc.double({ noNaN: true })],
] as const;

describe("parseIdx", () => {
  it.each(types)("round-trips type %d as %s, plain and gzipped", async (type, dtype, value) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 }).chain((shape) => {
          const length = shape.reduce((product, side) => product * side, 1);
          return fc.tuple(
            fc.constant(shape),
            fc.array(value as fc.Arbitrary<number>, { minLength: length, maxLength: length }),
          );
        }),
        async ([shape, values]) => {
          const bytes = idxBytes(type, shape, values);
          const array = await parseIdx(bytes);
          expect(array.shape).toEqual(shape);
          expect(array.dtype).toBe(dtype);
          expect([...array.data]).toEqual(values);
          expect(await parseIdx(new Uint8Array(gzipSync(bytes)))).toEqual(array);
        },
      ),
      { numRuns: 40 },
    );
  });

  const good = idxBytes(8, [2, 3], [1, 2, 3, 4, 5, 6]);
  const changed = (at: number, value: number) => {
    const bytes = good.slice();
    bytes[at] = value;
    return bytes;
  };

  it.each([
    ["empty", new Uint8Array(0), "expected an IDX file, found only 0 bytes"],
    ["not IDX", new TextEncoder().encode("<!doctype html>"), "expected the magic number of an IDX file"],
    ["unknown type", changed(2, 10), "found 0x00000a02"],
    ["no axes", changed(3, 0), "found 0x00000800"],
    ["cut in the header", good.subarray(0, 8), "truncated; a header of 2 axes has 12 bytes, found 8"],
    [
      "cut in the data",
      good.subarray(0, 15),
      "truncated; the header announces 2 x 3 values of type unsigned byte (18 bytes in all), found 15 bytes",
    ],
    ["too long", new Uint8Array([...good, 0]), "too long; the header announces 2 x 3"],
    ["enormous", idxBytes(14, new Array(30).fill(0xffffffff), []), "no file can hold 4294967295 x"],
    ["enormous times zero", idxBytes(14, [...new Array(40).fill(0xffffffff), 0], []), "no file can hold"],
    ["gzipped lie", new Uint8Array(gzipSync(idxBytes(8, [0xffffffff], []))), "which a gzip file of"],
    ["gzipped, cut", new Uint8Array(gzipSync(good.subarray(0, 15))), "truncated; the header announces"],
    ["gzipped, too long", new Uint8Array(gzipSync(new Uint8Array([...good, 0]))), "expands to more than the 18 bytes"],
    ["damaged gzip", new Uint8Array(gzipSync(good)).subarray(0, 20), "damaged or incomplete"],
  ])("rejects what is %s", async (_, bytes, message) => {
    const error = await parseIdx(bytes, "images.idx").catch((e) => e);
    expect(error).toBeInstanceOf(HebbError);
    expect(error.message).toContain(message);
    expect(error.message).toMatch(/^images\.idx: /);
  });

  it("survives mutated files: an array that fits, or a HebbError", async () => {
    const seeds = [good, idxBytes(13, [3, 1, 2], [1, 2, 3, 4, 5, 6]), idxBytes(11, [4], [1, 2, 3, 4])];
    const inputs = [...seeds, ...seeds.map((bytes) => new Uint8Array(gzipSync(bytes)))];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...inputs),
        fc.array(fc.tuple(fc.nat({ max: 60 }), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        fc.nat({ max: 60 }),
        fc.uint8Array({ maxLength: 6 }),
        async (input, edits, length, tail) => {
          const bytes = new Uint8Array([...input.subarray(0, length), ...tail]);
          for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
          const result = await parseIdx(bytes).catch((error) => error);
          if (result instanceof Error) expect(result).toBeInstanceOf(HebbError);
          else expect(result.data.byteLength).toBeLessThan(10_000);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe("readIdx", () => {
  it("names the file that is missing", async () => {
    await expect(readIdx(join(dir, "none"))).rejects.toThrow(`Cannot read ${join(dir, "none")}: no such file`);
  });

  it("pairs inputs with labels", async () => {
    const x = await file("x", idxBytes(8, [2, 2], [1, 2, 3, 4]));
    const y = await file("y", idxBytes(8, [2], [1, 0]));
    const data = await readIdxPair(x, y);
    expect(data.y).toEqual({ data: new Int32Array([1, 0]), shape: [2], dtype: "int32" });
    expect(data.classes).toBe(2);
  });

  it("rejects other counts and what are no labels", async () => {
    const x = await file("x3", idxBytes(8, [3, 1], [1, 2, 3]));
    const y = await file("y2", idxBytes(8, [2], [1, 0]));
    const floats = await file("y3", idxBytes(13, [3], [1, 0, 1]));
    await expect(readIdxPair(x, y)).rejects.toThrow(`${x} holds 3 examples, but ${y} holds 2 labels.`);
    await expect(readIdxPair(x, x)).rejects.toThrow(`${x}: expected labels (one axis of integers)`);
    await expect(readIdxPair(x, floats)).rejects.toThrow("found float32 of shape [3]");
  });
});
