import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { Audit } from "../../src/forget/index.js";
import { readNpz, writeNpz } from "../../src/interop/index.js";
import { hebb, type World, world } from "./world.js";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const golden = JSON.parse(readFileSync(`${fixtures}audit.json`, "utf8")) as Record<string, Record<string, number>>;
const rows = "--forget audit-forget.npz --test audit-test.npz --shift 8 --scale 8";
const io = () => world({ cwd: fixtures });

/** Where the fixtures are, and a folder of one's own. */
async function run(line: string, cwd = fixtures): Promise<World & { status: number }> {
  const here = world({ cwd });
  const status = await hebb(here, line);
  return Object.assign(here, { status });
}

describe("an audit of models that PyTorch trained and exported", () => {
  let found: Audit;
  beforeAll(async () => {
    const line = `forget audit audit-original.onnx audit-unlearned.onnx --retrained audit-retrained.onnx ${rows}`;
    const { status, out, err } = await run(`${line} --retain audit-retain.npz --repeats 2 --json`);
    expect(err()).toBe("");
    expect(status).toBe(0);
    found = JSON.parse(out());
  }, 120_000);

  it("measures the accuracies that PyTorch did, from logits and from probabilities", () => {
    for (const [name, model] of Object.entries(found.models)) {
      expect(model.accuracyForget.value).toBeCloseTo(golden[name].forget, 3);
      expect(model.accuracyTest.value).toBeCloseTo(golden[name].test, 3);
    }
    expect(found.rows).toEqual({ forget: 40, test: 160, retain: 200 });
  });

  it("sees that the unlearned model remembers, and that the retrained one never knew", () => {
    const { original, unlearned, retrained } = found.models;
    // Wrong labels: who never saw them is worse at them than at test rows, and who knows them remembers.
    for (const model of [original, unlearned])
      expect(model.accuracyForget.low).toBeGreaterThan(model.accuracyTest.high);
    expect(retrained!.accuracyForget.high).toBeLessThan(retrained!.accuracyTest.low);
    expect(retrained!.membershipAuc.high).toBeLessThan(0.5);
    expect(retrained!.nonMembers!.value).toBeGreaterThan(original.nonMembers!.value);
    const { relearning } = found;
    expect(relearning.unlearned.high).toBeLessThan(relearning.retrained!.low);
    expect(found.findings.join("\n")).toMatch(/still remembered/);
  });

  it("gives intervals around every number", () => {
    const estimates = [...Object.values(found.models).flatMap((m) => Object.values(m)), ...Object.values(found.change)];
    for (const { value, low, high } of estimates) {
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThanOrEqual(value);
    }
    expect(found.change.divergenceForget.value).toBeGreaterThan(0);
  });

  it("says in words what it shows, and what it cannot", async () => {
    const { out } = await run(`forget audit audit-original.onnx audit-unlearned.onnx ${rows} --repeats 1`);
    expect(out()).toMatch(/^40 forget rows, 160 test rows; 95 % intervals/);
    expect(out()).toMatch(/accuracy on forget rows \(%\)\s+100 \[100, 100\]\s+97\.5 \[/);
    expect(out()).not.toMatch(/called new/);
    expect(out()).toMatch(/What this shows\n- The forget rows are still remembered/);
    expect(out()).toMatch(/What this cannot show\n- Signs of memory show that something was not forgotten/);
    expect(out()).toMatch(/Without a model retrained without these rows/);
    expect(out()).toMatch(/no retain\s+set was given/);
  }, 60_000);
});

describe("what an audit reads", () => {
  const folder = world().cwd;
  const npz = (name: string) => readNpz(readFileSync(`${fixtures}audit-${name}.npz`));

  beforeAll(() => {
    for (const name of ["forget", "test"]) {
      const arrays = npz(name);
      const [x, y] = [arrays.get("x")!, arrays.get("y")!];
      const lines = Array.from({ length: y.shape[0] }, (_, row) =>
        [...(x.data as Uint8Array).subarray(row * 64, (row + 1) * 64), y.data[row]].join(","),
      );
      writeFileSync(`${folder}/${name}.csv`, `${lines.join("\n")}\n`);
      const idx = (array: { data: ArrayLike<number | bigint>; shape: readonly number[] }) => {
        const header = [0, 0, 8, array.shape.length, ...array.shape.flatMap((n) => [0, 0, n >> 8, n & 255])];
        return Uint8Array.from([...header, ...Array.from(array.data, Number)]);
      };
      writeFileSync(`${folder}/${name}-images.idx`, idx({ ...x, shape: [x.shape[0], 8, 8] } as never));
      writeFileSync(`${folder}/${name}-labels.idx`, idx(y as never));
    }
    mkdirSync(`${folder}/run`);
    writeFileSync(`${folder}/run/model.onnx`, readFileSync(`${fixtures}audit-original.onnx`));
  });

  it("is CSV, npz or a pair of IDX files, and models from files or run folders: the same numbers", async () => {
    const model = `${fixtures}audit-unlearned.onnx`;
    const data = [
      `--forget ${fixtures}audit-forget.npz --test ${fixtures}audit-test.npz`,
      "--forget forget.csv --test test.csv",
      "--forget forget-images.idx,forget-labels.idx --test test-images.idx,test-labels.idx",
    ];
    const results = [];
    for (const sets of data) {
      const line = `forget audit run ${model} ${sets} --shift 8 --scale 8 --repeats 1 --json`;
      results.push((await run(line, folder)).out());
    }
    expect(results[0]).not.toBe("");
    expect(results[1]).toBe(results[0]);
    expect(results[2]).toBe(results[0]);
  }, 60_000);

  it("is refused with one sentence where it does not fit", async () => {
    const audit = async (rest: string) => (await run(`forget audit ${rest}`, folder)).err().trim();
    const [a, b] = [`${fixtures}audit-original.onnx`, `${fixtures}audit-unlearned.onnx`];
    const npzRows = `--forget ${fixtures}audit-forget.npz --test ${fixtures}audit-test.npz`;
    expect(await audit(`${a} ${b} --test test.csv`)).toMatch("required option '--forget <data>' not specified");
    expect(await audit(`${a} --forget x --test y`)).toBe(
      "'hebb forget audit' needs a <unlearned>; see 'hebb forget audit --help'.",
    );
    expect(await audit(`${a} ${b} ${npzRows} --forgt x`)).toBe(
      "'hebb forget audit' has no option '--forgt'; did you mean '--forget'?",
    );
    expect((await run("forget audt", folder)).err()).toMatch(
      "There is no command 'audt' of 'hebb forget'; did you mean 'audit'?",
    );
    expect(await audit(`${a} ${b} --forget forget.dat --test test.csv`)).toMatch("is neither .csv nor .npz");
    expect(await audit(`${a} ${b} --forget a,b,c --test test.csv`)).toMatch("names 3 files");
    expect(await audit(`${a} ${b} --forget forget.csv --test forget.csv`)).toBe(
      "audit: 40 of 40 forget rows are in the test set as well.",
    );
    expect(await audit(`${a} . ${npzRows}`)).toMatch("is neither an .onnx file nor a folder with model.onnx in it");
    expect(await audit(`${a} ${b} ${npzRows} --scale 0`)).toMatch("--scale takes a number other than 0");
    expect(await audit(`${a} ${b} ${npzRows} --shift x`)).toMatch("--shift takes a number");
    const bad = (name: string, arrays: Parameters<typeof writeNpz>[0]) =>
      writeFileSync(`${folder}/${name}.npz`, writeNpz(arrays));
    const one = { data: new Float32Array(6), shape: [2, 3], dtype: "float32" as const };
    bad("noy", [["x", one]]);
    expect(await audit(`${a} ${b} --forget noy.npz --test test.csv`)).toMatch("expected the arrays x and y, found x.");
    bad("half", [
      ["x", one],
      ["y", { data: Float32Array.of(0, 0.5), shape: [2], dtype: "float32" }],
    ]);
    expect(await audit(`${a} ${b} --forget half.npz --test test.csv`)).toMatch("the label of row 1 is 0.5");
    bad("narrow", [
      ["x", one],
      ["y", { data: Int32Array.of(0, 1), shape: [2], dtype: "int32" }],
    ]);
    expect(await audit(`${a} ${b} --forget narrow.npz --test test.csv`)).toMatch(
      "the model takes rows of [64], but those of narrow.npz have 3 values.",
    );
    writeFileSync(`${folder}/names.csv`, "1,2,cat\n3,4,dog\n");
    expect(await audit(`${a} ${b} --forget names.csv --test test.csv`)).toMatch(
      "the labels must be class numbers from 0",
    );
  });

  it("stops at Ctrl-C", async () => {
    const here = io();
    const pending = hebb(here, `forget audit audit-original.onnx audit-unlearned.onnx ${rows} --repeats 1000`);
    const timer = setInterval(() => here.interrupt(), 200);
    expect(await pending).toBe(130);
    clearInterval(timer);
  });
});
