import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BlobStore, diskCache, ModelCache, memoryCache } from "../../src/lab/cache.js";
import { canonicalJson, toJson } from "../../src/lab/json.js";

const model = () => ({
  params: { layers: [{ w: { dtype: "float32" as const, shape: [2], data: Float32Array.of(1, 2) }, b: null }] },
  log: { losses: [1, 0.5], note: "fine", skipped: undefined },
});
const stored = { params: model().params, log: { losses: [1, 0.5], note: "fine" } };

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "hebb-cache-"));
});
afterEach(() => rm(dir, { recursive: true }));

describe("ModelCache", () => {
  it.each(["memory", "disk"])("builds once and gives equal, separate values (%s)", async (kind) => {
    const cache = kind === "memory" ? memoryCache() : diskCache({ dir });
    let builds = 0;
    const get = (config: object) =>
      cache.get(config, async () => {
        builds++;
        return model();
      });
    const first = await get({ seed: 0, width: 64 });
    const second = await get({ width: 64, seed: 0 });
    expect(builds).toBe(1);
    expect(first).toEqual(stored);
    expect(second).toEqual(stored);
    expect(second.params.layers[0].w.data).not.toBe(first.params.layers[0].w.data);
    await get({ seed: 1, width: 64 });
    expect(builds).toBe(2);
  });

  it("shares one build between callers at the same time, but not its failure later", async () => {
    const cache = memoryCache();
    let builds = 0;
    const build = async () => {
      builds++;
      if (builds === 1) throw new Error("diverged");
      return 5;
    };
    await expect(Promise.all([cache.get("x", build), cache.get("x", build)])).rejects.toThrow("diverged");
    expect(builds).toBe(1);
    expect(await cache.get("x", build)).toBe(5);
  });

  it("builds a damaged entry again, and says so", async () => {
    const messages: string[] = [];
    const cache = diskCache({ dir, log: (message) => messages.push(message) });
    await cache.get("x", async () => model());
    const [name] = await readdir(dir);
    const whole = await readFile(join(dir, name));
    for (const damaged of [
      whole.subarray(0, whole.length - 1),
      Buffer.from("rubbish, but long enough"),
      Buffer.alloc(0),
    ]) {
      await writeFile(join(dir, name), damaged);
      expect(await cache.get("x", async () => model())).toEqual(stored);
      expect(await readFile(join(dir, name))).toEqual(whole);
    }
    expect(messages).toHaveLength(3);
    expect(messages[0]).toMatch(/unusable and will be built again: cached model: /);
  });

  it("does not take an entry for another configuration's", async () => {
    const blobs = new Map<string, Uint8Array>();
    const store: BlobStore = {
      read: async () => [...blobs.values()][0],
      write: async (name, bytes) => void blobs.set(name, bytes),
    };
    const cache = new ModelCache(store);
    await cache.get("x", async () => 1);
    expect(await cache.get("y", async () => 2)).toBe(2);
  });

  it("goes on without reuse when the store cannot be written", async () => {
    const messages: string[] = [];
    await writeFile(join(dir, "file"), "");
    const cache = diskCache({ dir: join(dir, "file", "models"), log: (message) => messages.push(message) });
    expect(await cache.get("x", async () => 3)).toBe(3);
    expect(messages[0]).toMatch(/could not be kept for reuse/);
  });

  it("refuses values that would not come back as they were", async () => {
    const cache = memoryCache();
    await expect(cache.get("x", async () => ({ f: Float32Array.of(1) }))).rejects.toThrow(
      /cached model\.f is a Float32Array/,
    );
    await expect(cache.get("x", async () => ({ loss: Number.NaN }))).rejects.toThrow(/cached model\.loss is NaN/);
    await expect(cache.get("x", async () => ({ $array: 0 }))).rejects.toThrow(/reserved/);
    await expect(cache.get({ a: () => 1 }, async () => 1)).rejects.toThrow(/cache key\.config\.a is a function/);
  });
});

describe("canonical JSON", () => {
  it("does not depend on the order of keys or on undefined properties", () => {
    expect(canonicalJson({ b: [1, { d: 2, c: null }], a: "x", u: undefined })).toBe(
      '{"a":"x","b":[1,{"c":null,"d":2}]}',
    );
    expect(canonicalJson(-0)).toBe("0");
  });

  it("names the place of what JSON cannot hold", () => {
    expect(() => toJson({ a: [0, { b: Infinity }] }, "options")).toThrow(
      "options.a[1].b is Infinity, which JSON cannot hold.",
    );
    expect(() => toJson(new Map(), "options")).toThrow("options is a Map");
  });
});
