import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync, gzipSync } from "node:zlib";
import { build } from "vite";
import { describe, expect, it } from "vitest";
import { platform } from "#platform";
import { parseCsv, parseIdx } from "../../src/data/index.js";
import { parseWordnet } from "../../src/data/text/wordnet.js";
import { HebbError } from "../../src/engine/errors.js";
import { zeros } from "../../src/engine/primitives/structure.js";
import { oneLine, printable, quote } from "../../src/engine/quote.js";
import { hostRandom } from "../../src/engine/random/host.js";
import {
  decodeSafetensors,
  encodeSafetensors,
  fromOnnx,
  loadSafetensors,
  readNpz,
  writeNpz,
} from "../../src/interop/index.js";
import { parseJson } from "../../src/interop/json.js";
import { decodeCheckpoint } from "../../src/lab/checkpoint.js";
import { RunDatabase } from "../../src/lab/database.js";
import { exportTensorBoard } from "../../src/lab/export/tensorboard.js";
import { FolderQueue } from "../../src/lab/queue/folder.js";
import { chooseSeeds } from "../../src/lab/runner.js";
import { parseChecked, runSchema } from "../../src/lab/schema.js";
import { RunFolder } from "../../src/lab/store.js";
import { configurationsOf, jobsOf, type SweepPlan, SweepStore } from "../../src/lab/sweep.js";
import { version } from "../../src/lab/version.js";
import { hebb, world } from "../cli/world.js";
import { idxBytes } from "../data/idx-bytes.js";
import { onnxModel } from "../interop/onnx-models.js";
import { tinyStudy } from "../tiny.js";
import { peakMemory } from "./measure.js";
import { attempt, json, textOf, utf8 } from "./reader.js";
import { readers } from "./readers/index.js";
import { metric, record } from "./readers/lab.js";

const folder = () => mkdtemp(join(tmpdir(), "hebb-hostile-"));
/** Bytes that cannot be packed. */
const noise = (length: number): Uint8Array => {
  const random = hostRandom(1);
  return new Uint8Array(Uint32Array.from({ length: length / 4 }, () => random.uint32()).buffer);
};

describe("a bomb is not unpacked:", () => {
  /** An archive of one entry with these packed bytes that claims to be larger. */
  const bomb = (packed: Uint8Array, claimed: number): Uint8Array => {
    const bytes = writeNpz([["a", { data: packed, shape: [packed.length], dtype: "uint8" }]]);
    const view = new DataView(bytes.buffer);
    const directory = view.getUint32(bytes.length - 22 + 16, true);
    view.setUint16(8, 8, true);
    view.setUint16(directory + 10, 8, true);
    view.setUint32(directory + 24, claimed, true);
    return bytes;
  };

  it("an archive of more than 256 MiB and a hundred times its size, unless that is asked for", () => {
    const bytes = bomb(noise(600_000), 2 ** 29);
    expect(() => readNpz(bytes, "x.npz")).toThrow(
      "x.npz: the archive unpacks to 536870912 bytes, more than the 268435456 that are allowed (maxBytes).",
    );
    expect(() => readNpz(bytes, "x.npz", { maxBytes: 2 ** 30 })).toThrow(/"a.npy" is damaged|unpacks to/);
  });

  it("an archive that claims more than it holds, for which no memory is taken", async () => {
    // A first block without end that holds nothing, and then the noise is damage.
    const bytes = bomb(noise(200_000), 2 ** 27);
    const most = await peakMemory(() => {
      try {
        return readNpz(bytes);
      } catch (error) {
        return error;
      }
    });
    expect(most).toBeLessThan(2 ** 22);
  });

  it("a gzip file of IDX that claims more than it should", async () => {
    const header = idxBytes(8, [2 ** 29], []);
    const bytes = new Uint8Array(gzipSync(new Uint8Array([...header, ...noise(600_000)])));
    await expect(parseIdx(bytes, "x.gz")).rejects.toThrow(
      /^x.gz: .*too many for a file of \d+; unpack it with gunzip first.$/,
    );
    const real = new Uint8Array(gzipSync(new Uint8Array([...header, ...new Uint8Array(1e6)])));
    await expect(parseIdx(real, "x.gz")).rejects.toThrow(/which a gzip file of \d+ bytes cannot hold/);
  });

  it("a bomb within a bomb stays packed", () => {
    const inner = deflateRawSync(new Uint8Array(1e6));
    expect(() => readNpz(bomb(new Uint8Array(inner), 1e6), "x.npz")).toThrow(HebbError);
  });
});

describe("a name leads nowhere else:", () => {
  it.each(["../x", "..", ".", "/etc/x", "a/b", "a\\b", ".hidden", "", "a'b", "x".repeat(300)])("%j", async (id) => {
    expect(() => parseChecked(runSchema, JSON.stringify({ ...record, id }), "run.json")).toThrow(
      /^run.json is not valid: id: /,
    );
    const root = await folder();
    await new FolderQueue(root, { worker: "w" }).claim();
    await writeFile(
      join(root, "jobs/00000-x.json"),
      JSON.stringify({ id, slug: "tiny", scale: "smoke", options: {}, seed: 1, code: "v0" }),
    );
    await expect(new FolderQueue(root, { worker: "w" }).claim()).rejects.toThrow(/00000-x.json is not valid: id: /);
  });

  it("of a sweep's plan is that of its folder", async () => {
    const plan: SweepPlan = {
      ...{
        version: 1,
        id: "b",
        slug: "tiny",
        scale: "smoke",
        configurations: [{}],
        seeds: [1],
        code: "v0",
        started: "",
      },
    };
    const root = await folder();
    await mkdir(join(root, "sweeps/a"), { recursive: true });
    await writeFile(join(root, "sweeps/a/plan.json"), JSON.stringify(plan));
    await expect(new SweepStore(root).read("a")).rejects.toThrow(/plan.json is the plan of another sweep, b.$/);
  });

  it("of an arm is no way out of the folder of an export", async () => {
    const to = await folder();
    const rows = record.rows.map((row) => ({ ...row, arm: "..", setting: undefined }));
    const paths = await exportTensorBoard({ ...record, rows }, [{ ...metric, arm: "../../x" }], join(to, "logs"));
    expect(readdirSync(to)).toEqual(["logs"]);
    for (const path of paths) expect(path).not.toContain("/../");
  });
});

describe("a link", () => {
  it("to a device, and a pipe, are no files", async () => {
    const root = await folder();
    await symlink("/dev/zero", join(root, "run.json"));
    await expect(new RunFolder("x", root).readRecord()).rejects.toThrow(
      `Cannot read ${root}/run.json: it is no file, but a pipe or a device.`,
    );
    execFileSync("mkfifo", [join(root, "metrics.jsonl")]);
    await expect(new RunFolder("x", root).readMetrics()).rejects.toThrow("it is no file, but a pipe or a device");
    expect(await platform.fileStats([join(root, "run.json"), join(root, "metrics.jsonl"), root])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    await symlink(root, join(root, "directory.json"));
    await expect(platform.readFile(join(root, "directory.json"))).rejects.toThrow("it is a directory");
  });

  it("to a file is read, as runs may lie anywhere", async () => {
    const root = await folder();
    await writeFile(join(root, "elsewhere.json"), json(record));
    await symlink(join(root, "elsewhere.json"), join(root, "run.json"));
    expect((await new RunFolder("x", root).readRecord()).id).toBe(record.id);
  });

  it("in the place of the cache does not make others' files go", async () => {
    const [root, home] = [await folder(), await folder()];
    await mkdir(join(root, "run"));
    await writeFile(join(root, "run/run.json"), json({ ...record, id: "run" }));
    await writeFile(join(home, "thesis.txt"), "a year of work");
    await mkdir(join(home, "photos.json"));
    const old = new Date(Date.now() - 1e8);
    for (const name of ["thesis.txt", "photos.json"]) await utimes(join(home, name), old, old);
    await symlink(home, join(root, ".cache"));
    (await RunDatabase.open(root)).close();
    expect(readdirSync(home).sort()).toEqual(["photos.json", "thesis.txt"]);
  });
});

describe("a prototype cannot be reached", () => {
  const key = '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},';

  it.each(readers.filter(({ files: [first] }) => first.includes(123)).map((reader) => [reader.name, reader] as const))(
    "by a key in a file of %s",
    async (_name, reader) => {
      for (const [file] of [reader.files]) {
        const text = textOf(file);
        for (let at = text.indexOf("{"); at >= 0; at = text.indexOf("{", at + 1)) {
          await attempt(reader, utf8(text.slice(0, at + 1) + key + text.slice(at + 1)));
          expect("polluted" in {}).toBe(false);
        }
      }
    },
  );

  it("by JSON at all, however the key is written", () => {
    for (const text of [
      '{"__proto__":1}',
      '{"a":[{"__proto__":{}}]}',
      '{"\\u005f_proto__":1}',
      '{"_\\u005Fproto_\\u005f":1}',
    ])
      expect(() => parseJson(text, "x")).toThrow('x has the key "__proto__", which is not allowed.');
    expect(parseJson('{"a":"__proto__"}', "x")).toEqual({ a: "__proto__" });
  });

  it("by the names of tensors, or the words of a format", () => {
    const entry = { dtype: "U8", shape: [0], data_offsets: [0, 0] };
    for (const name of ["a.__proto__.b", "constructor", "a[0].prototype"]) {
      const header = utf8(JSON.stringify({ [name]: entry }));
      const bytes = new Uint8Array([header.length, 0, 0, 0, 0, 0, 0, 0, ...header]);
      expect(() => loadSafetensors(bytes, undefined, "x")).toThrow(
        `x: the name ${JSON.stringify(name)} is not allowed.`,
      );
    }
    const line = "02086723 05 constructor 01 dog 0 000 | a dog";
    expect(() => parseWordnet(line, "data.noun")).toThrow('data.noun, line 1: expected a synset, found "02086723 05');
  });
});

describe("JSON from outside", () => {
  it("neither nests deep nor consists of parts alone", () => {
    expect(() => parseJson("[".repeat(1e5), "x")).toThrow("x nests more than 64 levels deep.");
    expect(() => parseJson(`{"options":${"[".repeat(70)}${"]".repeat(70)}}`, "x")).toThrow("nests more than 64");
    expect(parseJson(`${"[".repeat(64)}${"]".repeat(64)}`, "x")).toBeInstanceOf(Array);
    expect(() => parseJson(`[${"[],".repeat(1e5)}[]]`, "x")).toThrow(/^x consists of more parts than \d+ characters/);
    expect(parseJson(`["[[[[\\"{{{{", ${JSON.stringify('["'.repeat(1e5))}]`, "x")).toHaveLength(2);
  });

  it("may be long where it is honest", () => {
    const points = Array.from({ length: 50_000 }, (_, step) => ({ arm: "a", seed: 1, step, values: { loss: 0.5 } }));
    expect(parseJson(JSON.stringify({ metrics: points, flags: new Array(3e5).fill(0) }), "x")).toHaveProperty(
      "metrics",
    );
  });
});

describe("texts from outside", () => {
  it("come to the terminal without its commands, and not at any length", async () => {
    expect(printable("a\u001b[31mb\u009bc\u202ed\n")).toBe("a\ufffd[31mb\ufffdc\ufffdd\ufffd");
    expect(quote(`a"${"x".repeat(100)}`)).toBe(`"a\\"${"x".repeat(58)}…"`);
    expect(oneLine("x".repeat(10_000))).toHaveLength(601);
    const csv = `a,b\n1,2\n"\u001b]0;owned\u0007",3\n`;
    expect(() => parseCsv(csv, { label: "b" }, "f.csv")).toThrow('found "\\u001b]0;owned\\u0007".');
    const io = world();
    expect(await hebb(io, "runs --status \u001b[2Jdone")).toBe(2);
    expect(io.err()).not.toContain("\u001b");
  });
});

describe("counts from outside are bounded:", () => {
  it("seeds and configurations", async () => {
    expect(() => chooseSeeds([1], 2e9)).toThrow("A run takes at most 10000 seeds, not 2000000000.");
    const io = world();
    expect(await hebb(io, "run tiny-claim --seeds 2000000000")).not.toBe(0);
    expect(io.err()).toContain("at most 10000 seeds");
    const many = Array.from({ length: 400 }, (_, i) => i);
    const grid = new Map(["a", "b", "c"].map((name) => [name, many]));
    expect(() => configurationsOf(grid)).toThrow(
      "A sweep has at most 2000 configurations, and this would have 64000000.",
    );
    const plan = { version: 1 as const, id: "a", slug: "tiny", scale: "smoke" as const, code: "v0", started: "" };
    const configurations = many.map((rounds) => ({ rounds }));
    await expect(jobsOf({ ...plan, configurations, seeds: many }, tinyStudy)).rejects.toThrow("this would have 160000");
  });

  it("classes and cells of CSV", () => {
    const classes = Array.from({ length: 70_000 }, (_, i) => `1,w${i}\n`).join("");
    expect(() => parseCsv(classes, { label: 1 }, "f.csv")).toThrow(
      'f.csv, line 65537, column 2: this is the 65537th class; pass target: "number"',
    );
    expect(() => parseCsv("1,".repeat(2e5), { label: 1 }, "f.csv")).toThrow(
      "f.csv: not valid CSV: there are more than 90536 cells in line 1.",
    );
  });

  it("tensors of a file, when it is read and when it is written", () => {
    const nothing = { data: new Uint8Array(0), shape: [0], dtype: "uint8" as const };
    const many = Array.from({ length: 30_000 }, (_, i) => [`t${i}`, nothing] as const);
    expect(() => encodeSafetensors(many)).toThrow(/^safetensors: 30000 tensors are too many for a file of \d+ bytes.$/);
    const header = utf8(
      JSON.stringify(
        Object.fromEntries(many.map(([name]) => [name, { dtype: "U8", shape: [0], data_offsets: [0, 0] }])),
      ),
    );
    const bytes = new Uint8Array(8 + header.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(header, 8);
    expect(() => decodeSafetensors(bytes, "x")).toThrow(
      /^x: 30000 tensors are more than a file of \d+ bytes should hold.$/,
    );
  });

  it("branches of a tree: names that share nothing are the keys of a flat object", () => {
    const nothing = { data: new Uint8Array(0), shape: [0], dtype: "uint8" as const };
    const names = Array.from({ length: 100 }, (_, i) => `x${i}${".a".repeat(20)}`);
    const tree = loadSafetensors(encodeSafetensors(names.map((name) => [name, nothing])));
    expect(Object.keys(tree as object)).toHaveLength(100);
    expect(Object.keys(tree as object)).toContain(names[0]);
  });

  it("tables of places that a model's Pad and Resize would need", () => {
    const apply = (model: Parameters<typeof onnxModel>[0]) => {
      const { params, apply } = fromOnnx<any>(onnxModel(model), { name: "m" });
      return () => apply(params, zeros([1, 1, 4]));
    };
    const ints = (...values: number[]) => ({
      ...{ data: BigInt64Array.from(values, BigInt), shape: [values.length], dtype: "int64" as const },
    });
    const [inputs, outputs] = [[{ name: "x", shape: [1, 1, 4] }], [{ name: "y" }]];
    const pad = { op: "Pad", inputs: ["x", "pads"], outputs: ["y"], attrs: { mode: "edge" } };
    expect(apply({ inputs, outputs, initializers: { pads: ints(0, 0, 0, 0, 0, 2 ** 23) }, nodes: [pad] })).toThrow(
      "an axis of 4 places cannot become one of 8388612",
    );
    const resized = { op: "Resize", inputs: ["x", "", "", "sizes"], outputs: ["y"] };
    expect(apply({ inputs, outputs, initializers: { sizes: ints(1, 1, 2 ** 23) }, nodes: [resized] })).toThrow(
      "an axis of 4 places cannot become one of 8388608",
    );
  });
});

describe("a forged checkpoint", () => {
  const forged = async (unit: string, number = "1") => {
    const metadata = { hebb: version, number, unit };
    const sha256 = await platform.sha256(encodeSafetensors([], metadata));
    return decodeCheckpoint(encodeSafetensors([], { ...metadata, sha256 }), "c");
  };
  const whole = (state: string) =>
    `{"name":"u","rows":[],"metrics":[],"cost":{"forwardExamples":0,"backwardExamples":0,"macs":0,"seconds":0},"state":${state}}`;

  it.each([
    ["{", /^c is not JSON: /],
    ["null", /^c is not valid: name: /],
    [whole('{"$tensor":5}'), 'c: a "$tensor" in it is no array.'],
    [whole('{"$data":null}'), 'c: a "$data" in it is no array.'],
    [whole('{"$array":"__proto__"}'), "c: a part is missing."],
    [whole("[".repeat(1000)), "c nests more than 64 levels deep."],
  ])("is refused: %s", async (unit, message) => {
    const error = await forged(unit).catch((error) => error);
    expect(error).toBeInstanceOf(HebbError);
    if (typeof message === "string") expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
  });

  it("has a number", async () => {
    await expect(forged(whole("1"), "NaN")).rejects.toThrow("c: it has no number.");
    expect((await forged(whole("1"))).unit.state).toBe(1);
  });
});

describe("one bad run does not spoil the others:", () => {
  async function runs(change: object): Promise<string> {
    const root = await folder();
    for (const [id, more] of [
      ["good", {}],
      ["bad", change],
    ] as const) {
      await mkdir(join(root, id));
      await writeFile(join(root, id, "run.json"), json({ ...record, id, ...more }));
      await writeFile(join(root, id, "metrics.jsonl"), `${JSON.stringify(metric)}\n`);
    }
    return root;
  }
  async function select(root: string, sql: string): Promise<unknown[]> {
    const database = await RunDatabase.open(root);
    try {
      const rows: unknown[] = [];
      for await (const portion of (await database.select(sql)).portions) rows.push(...portion);
      return rows;
    } finally {
      database.close();
    }
  }

  it("a date that is none, and seeds that are no whole numbers", async () => {
    expect(await select(await runs({ started: "yesterday" }), "select run, started from runs order by run")).toEqual([
      ["bad", null],
      ["good", expect.stringMatching(/^2026/)],
    ]);
    expect(await select(await runs({ seeds: [1e300] }), "select run, seeds from runs")).toEqual([["good", [1, 2]]]);
    expect(await select(await runs({ rows: [{ ...record.rows[0], seed: 0.5 }] }), "select run from runs")).toEqual([
      ["good"],
    ]);
  });

  it("a file in a queue that is not of it", async () => {
    const root = await folder();
    const queue = new FolderQueue(root, { worker: "w" });
    await queue.add([{ id: "x", slug: "tiny", scale: "smoke", options: {}, seed: 1, code: "v0" }]);
    for (const name of ["00000-x~1.swp", "00000-x~", "00000-x~1e999", ".nfs~x"])
      await writeFile(join(root, "leases", name), "");
    expect(await queue.claim()).toMatchObject({ attempt: 1, token: "00000-x~1" });
  });
});

it("a damaged file of the cache is named, and what to do", async () => {
  const parquet = readers.find(({ name }) => name === "Parquet of the cache")!;
  const damaged = parquet.files[0].slice();
  damaged.fill(0, 10, 200);
  await expect(parquet.read(damaged)).rejects.toThrow(/metrics.parquet is damaged: remove the folder that it is in/);
  await expect(parquet.read(parquet.files[0].slice(0, 50))).rejects.toThrow(/metrics.parquet is damaged/);
});

it("loading a model, or data, never runs code, starts a process, writes a file or loads a native module", async () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const outDir = mkdtempSync(join(root, "node_modules", ".hebb-test-"));
  try {
    await build({
      configFile: false,
      root,
      logLevel: "error",
      resolve: { alias: { "#platform": join(root, "src/platform/node.ts") } },
      build: { ssr: join(root, "tests/fuzz/loads.ts"), outDir, target: "node20", minify: false },
    });
    const flags = ["--disallow-code-generation-from-strings", "--experimental-permission", "--allow-fs-read=*"];
    const out = execFileSync(process.execPath, [...flags, "--no-warnings", join(outDir, "loads.js")]);
    const { accepted, refused } = JSON.parse(String(out));
    expect(accepted).toBeGreaterThan(100);
    expect(refused).toBe(true);
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
});
