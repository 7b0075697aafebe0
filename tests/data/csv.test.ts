import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CsvOptions, parseCsv, readCsv } from "../../src/data/index.js";
import { HebbError } from "../../src/engine/errors.js";

const flowers = "length,width,species\n5.1,3.5,setosa\n7.0,3.2,versicolor\n4.9,3.0,setosa\n";

describe("parseCsv", () => {
  it("reads a header, numbers and named classes", () => {
    const data = parseCsv(flowers, { label: "species" });
    expect(data.x).toEqual({ data: new Float32Array([5.1, 3.5, 7, 3.2, 4.9, 3]), shape: [3, 2], dtype: "float32" });
    expect([...data.y.data]).toEqual([0, 1, 0]);
    expect(data.classes).toBe(2);
    expect(data.classNames).toEqual(["setosa", "versicolor"]);
  });

  it("reads files without a header, with labels that are numbers", () => {
    const data = parseCsv("1,2,0\r\n3,4,2\r\n\r\n", { label: -1 });
    expect([...data.x.data]).toEqual([1, 2, 3, 4]);
    expect([...data.y.data]).toEqual([0, 2]);
    expect(data.classes).toBe(3);
    expect(data.classNames).toBeUndefined();
  });

  it("does not take a row with a word as its label for a header", () => {
    expect(parseCsv("1,2,yes\n3,4,no\n", { label: 2 }).x.shape).toEqual([2, 2]);
    expect(parseCsv("1,2\n3,4\n", { label: 1, header: true }).x.shape).toEqual([1, 1]);
  });

  it("reads lines that end in any way, spaces around cells, and lines that are empty", () => {
    const data = parseCsv('\n x , "y" \r 1 ,\t2\r\n\n  \n3," 4 "\n5,6', { label: "y" });
    expect([...data.x.data]).toEqual([1, 3, 5]);
    expect([...data.y.data]).toEqual([2, 4, 6]);
    expect(parseCsv("1\t2\t0\n3\t4\t1", { label: -1, delimiter: "\t" }).x.shape).toEqual([2, 2]);
  });

  it("numbers classes such as -1 and 1 in numeric order", () => {
    const data = parseCsv("x,y\n0,1\n0,-1\n0,10\n", { label: "y" });
    expect(data.classNames).toEqual(["-1", "1", "10"]);
    expect([...data.y.data]).toEqual([1, 0, 2]);
  });

  it("reads targets for regression, chosen features, other delimiters and quoted cells", () => {
    const data = parseCsv('\ufeff"a ""x""";b;c\n1;"2\n";0.25\n', {
      label: "c",
      target: "number",
      features: ["b"],
      delimiter: ";",
    });
    expect([...data.x.data]).toEqual([2]);
    expect(data.y).toEqual({ data: new Float32Array([0.25]), shape: [1], dtype: "float32" });
  });

  it.each([
    ["x,y\n1,0\ntwo,1\n", { label: "y" }, 'f.csv, line 3, column 1 ("x"): expected a number, found "two".'],
    ["x,y\n1,0\n,1\n", { label: "y" }, 'line 3, column 1 ("x"): expected a number, found an empty cell'],
    ["1,0\n1e39,1\n", { label: 1, header: false }, 'line 2, column 1: expected a number, found "1e39"'],
    ["x,y\n1,0\n1,0,3\n", { label: "y" }, "f.csv, line 3: expected 2 cells, found 3."],
    [flowers, { label: "specie" }, 'there is no column "specie"; did you mean "species"?'],
    [flowers, { label: "zzzzzzzzzzzzzzzzzzzzzz" }, "the columns are length, width, species"],
    [flowers, { label: "species", features: ["lenght"] }, 'did you mean "length"?'],
    ["1,2\n", { label: 2 }, "there is no column 2; the columns are 0 to 1"],
    ["1,2\n", { label: "y" }, "expected rows below the header, found none"],
    ["1,2\n", { label: 1, features: ["x"] }, 'column "x" is asked for by name, but there is no header row'],
    ["", { label: 0 }, "f.csv: expected rows, found none."],
    ["x,y\n1,\n", { label: "y" }, 'column 2 ("y"): expected a label, found an empty cell'],
    ["x,y\n1,2.5\n", { label: "y" }, '2.5 is no class; pass target: "number"'],
    ["y\n1\n", { label: "y" }, "expected at least one column beside the label"],
    ['x,y\n"1,0\n', { label: "y" }, "f.csv: not valid CSV: a quote is not closed in line 2."],
    ['x,y\n"1" 2,0\n', { label: "y" }, "f.csv: not valid CSV: something follows a closing quote in line 2."],
    ['x,y\n\n1"2,0\n', { label: "y" }, "f.csv: not valid CSV: a quote stands in the middle of a cell in line 3."],
    ['"x\r\n\n2",y\n1,0\n\na,1\n', { label: "y" }, 'f.csv, line 6, column 1 ("x\\r\\n\\n2"): expected a number'],
  ] as [string, CsvOptions, string][])("rejects %j", (text, options, message) => {
    expect(() => parseCsv(text, options, "f.csv")).toThrow(HebbError);
    expect(() => parseCsv(text, options, "f.csv")).toThrow(message);
  });

  it("round-trips numbers", () => {
    const value = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value, fc.nat({ max: 9 })), { minLength: 1, maxLength: 30 }), (rows) => {
        const data = parseCsv(rows.map((row) => row.join(",")).join("\n"), { label: 2 });
        expect([...data.x.data]).toEqual(rows.flatMap(([a, b]) => [a, b].map((v) => (Object.is(v, -0) ? 0 : v))));
        expect([...data.y.data]).toEqual(rows.map(([, , label]) => label));
      }),
      { numRuns: 100 },
    );
  });

  it("survives mutated text: a data set that fits, or a HebbError", () => {
    const piece = fc.constantFrom(
      ",",
      "\n",
      '"',
      "1",
      "-2.5e3",
      "x",
      "",
      "\r\n",
      " ",
      "\0",
      "é",
      "NaN",
      "1e999",
      "0x1f",
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 40 }).map((parts) => parts.join("")),
      fc
        .tuple(fc.nat({ max: flowers.length }), fc.nat({ max: 5 }), piece)
        .map(([at, cut, put]) => flowers.slice(0, at) + put + flowers.slice(at + cut)),
    );
    const label = fc.constantFrom<(string | number)[]>("species", "x", 0, 1, -1);
    fc.assert(
      fc.property(text, label, (input, which) => {
        let data: ReturnType<typeof parseCsv>;
        try {
          data = parseCsv(input, { label: which });
        } catch (error) {
          expect(error).toBeInstanceOf(HebbError);
          return;
        }
        expect(data.x.data.length).toBe(data.x.shape[0] * data.x.shape[1]);
        expect(data.x.data.every(Number.isFinite)).toBe(true);
        expect(data.y.data.every((y) => Number(y) >= 0 && Number(y) < data.classes!)).toBe(true);
      }),
      { numRuns: 4000 },
    );
  });
});

describe("readCsv", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "hebb-csv-"));
  });
  afterAll(() => rm(dir, { recursive: true }));

  it("reads a file and names it in errors", async () => {
    const path = join(dir, "flowers.csv");
    await writeFile(path, flowers);
    expect((await readCsv(path, { label: "species", name: "flowers" })).name).toBe("flowers");
    await expect(readCsv(path, { label: "size" })).rejects.toThrow(`${path}: there is no column "size"`);
    await expect(readCsv(join(dir, "none.csv"), { label: 0 })).rejects.toThrow("no such file");
  });
});
