import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addBrought, listBrought, lookAt, readBrought, removeBrought } from "../../src/data/brought.js";
import { cleanName } from "../../src/data/brought-names.js";
import { broughtParts } from "../../src/data/brought-parts.js";
import { writeNpz } from "../../src/interop/index.js";
import { runStudy } from "../../src/lab/runner.js";
import { studies } from "../../studies/index.js";
import { idxBytes } from "./idx-bytes.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const csv = (text: string, name = "flowers.csv") => [{ name, bytes: bytes(text) }];

let folder: string;
const before = process.env.HEBB_CACHE;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "hebb-brought-"));
  process.env.HEBB_CACHE = folder;
});
afterEach(async () => {
  if (before === undefined) delete process.env.HEBB_CACHE;
  else process.env.HEBB_CACHE = before;
  await rm(folder, { recursive: true });
});

/** Two classes that a line tells apart. */
const table = (rows: number): string =>
  `width,height,kind\n${Array.from({ length: rows }, (_, i) => `${i % 2},${(i * 7) % 5},${i % 2 ? "oak" : "fir"}`).join("\n")}\n`;

describe("a look at files", () => {
  it("tells shape, classes and first rows of a table, and which column is the label", async () => {
    const look = await lookAt(csv(table(10)));
    expect(look).toMatchObject({
      kind: "csv",
      rows: 10,
      shape: [2],
      classes: [
        { name: "fir", count: 5 },
        { name: "oak", count: 5 },
      ],
    });
    if (look.kind === "onnx") throw new Error();
    expect(look.table!.columns.map(({ name, use }) => [name, use])).toEqual([
      ["width", "input"],
      ["height", "input"],
      ["kind", "label"],
    ]);
    expect(look.head.rows[1]).toContain("oak");
  });

  it("takes another column as the label, and leaves columns out", async () => {
    const look = await lookAt(csv("a,b,c\n1,2,0\n3,4,1\n5,6,1\n"), { label: "a", without: ["b"] });
    expect(look).toMatchObject({ shape: [1] });
  });

  it("shows images of an archive and of IDX pairs", async () => {
    const x = { data: Float32Array.from({ length: 4 * 9 }, (_, i) => i), shape: [4, 3, 3], dtype: "float32" as const };
    const y = { data: Int32Array.of(0, 1, 0, 1), shape: [4], dtype: "int32" as const };
    const npz = await lookAt([{ name: "small.npz", bytes: writeNpz(Object.entries({ x, y })) }]);
    expect(npz).toMatchObject({ kind: "npz", rows: 4, shape: [3, 3], images: { height: 3, width: 3, channels: 1 } });
    const pair = [
      { name: "train-images-idx3-ubyte", bytes: idxBytes(0x08, [2, 2, 2], [0, 255, 0, 255, 9, 8, 7, 6]) },
      { name: "train-labels-idx1-ubyte", bytes: idxBytes(0x08, [2], [0, 1]) },
    ];
    expect(await lookAt(pair)).toMatchObject({ kind: "idx", rows: 2, shape: [2, 2] });
  });

  it.each([
    [[], /got no file/],
    [csv(""), /flowers\.csv: the file is empty/],
    [[{ name: "sheet.xlsx", bytes: bytes("PK") }], /this is a spreadsheet; save it as CSV/],
    [[{ name: "cat.png", bytes: Uint8Array.of(0x89, 0x50, 0x4e, 0x47) }], /this is a picture/],
    [[{ name: "one.npy", bytes: Uint8Array.of(0x93, 0x4e, 0x55, 0x4d) }], /single array/],
    [[{ name: "x.bin", bytes: Uint8Array.of(1, 2, 0, 3) }], /none of them/],
    [[{ name: "broken.npz", bytes: bytes("PK\u0003\u0004 no more") }], /broken\.npz/],
    [[{ name: "m.onnx", bytes: bytes("not a model") }], /m\.onnx/],
    [[{ name: "train-images-idx3-ubyte", bytes: idxBytes(0x08, [1, 1, 1], [1]) }], /IDX files come in pairs/],
  ] as const)("refuses %j in one sentence", async (files, message) => {
    await expect(lookAt(files)).rejects.toThrow(message);
  });
});

describe("what is kept", () => {
  it("is listed, read back and deleted", async () => {
    const info = await addBrought("My Trees.csv", csv(table(60)));
    expect(info).toMatchObject({ name: "my-trees", kind: "csv" });
    expect(await listBrought()).toMatchObject([{ name: "my-trees" }]);
    await expect(addBrought("my-trees", csv(table(60)))).rejects.toThrow(/There is a data set "my-trees" already/);
    await expect(readBrought("my-treez")).rejects.toThrow(/did you mean "my-trees"/);
    await removeBrought("my-trees");
    expect(await listBrought()).toEqual([]);
  });

  it("is whole or not there: what an interrupted addition left is ignored, damage is named", async () => {
    await addBrought("trees", csv(table(60)));
    const own = path.join(folder, "brought", "trees");
    const [data] = (await readdir(own)).filter((name) => name.endsWith(".csv"));
    await writeFile(path.join(own, data), "damaged");
    await expect(readBrought("trees")).rejects.toThrow(/is damaged: delete the set and bring it again/);
    await rm(path.join(own, "about.json"));
    expect(await listBrought()).toEqual([]);
  });

  it("comes in a training part and a test part, rows flat", async () => {
    await addBrought("trees", csv(table(60)));
    const { train, test } = await broughtParts("brought:trees");
    expect([train.x.shape, test.x.shape, train.classes]).toEqual([[48, 2], [12, 2], 2]);
    await addBrought("few", csv(table(10), "few.csv"));
    await expect(broughtParts("brought:few")).rejects.toThrow(/has 10 rows: this study needs 50 or more/);
  });

  it("runs in a study that accepts it", async () => {
    await addBrought("trees", csv(table(200)));
    const { default: study } = await studies["lottery-ticket"]();
    const record = await runStudy(study, { out: folder, seeds: [0], options: { data: "brought:trees", steps: 100 } });
    expect(record.error).toBeUndefined();
    const dense = record.rows.find(({ arm }) => arm === "dense");
    expect(dense!.measures.testFinal).toBeGreaterThan(90);
  });
});

it("a table of numbers is read back as it was written", async () => {
  const number = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(number, number, fc.integer({ min: 0, max: 2 })), { minLength: 3, maxLength: 30 }),
      fc.uuid(),
      async (rows, id) => {
        fc.pre(new Set(rows.map((row) => row[2])).size > 1);
        const text = `a,b,label\n${rows.map((row) => row.join(",")).join("\n")}\n`;
        const { name } = await addBrought(`t-${id}`, csv(text));
        const found = await readBrought(name);
        if (found.kind === "onnx") throw new Error();
        expect([...(found.train.x.data as Float32Array)]).toEqual(
          rows.flatMap(([a, b]) => [Math.fround(a), Math.fround(b)]).map((v) => v + 0),
        );
      },
    ),
    { numRuns: 20 },
  );
});

it.each([
  ["My Data.csv", "my-data"],
  ["../../etc/passwd", "passwd"],
  ["Crème brûlée", "creme-brulee"],
  ["con", "con-data"],
])("%s is called %s", (given, name) => expect(cleanName(given)).toBe(name));
