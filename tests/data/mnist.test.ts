import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fashionMnist, loadData, locateData, mnist, obtainData, standardScaling } from "../../src/data/index.js";
import { idxBytes } from "./idx-bytes.js";

const names = [
  "train-images-idx3-ubyte",
  "train-labels-idx1-ubyte",
  "t10k-images-idx3-ubyte",
  "t10k-labels-idx1-ubyte",
];
const debian = "/usr/share/datasets/fashion-mnist";
const installed = await access(debian).then(
  () => true,
  () => false,
);

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "hebb-mnist-"));
  vi.stubEnv("HEBB_CACHE", join(root, "cache"));
  vi.stubEnv("HEBB_DATA", "");
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("fetch failed", { cause: new Error("getaddrinfo ENOTFOUND example.org") });
  });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  await rm(root, { recursive: true });
});

/** A tiny set in the four files: 3 images to train on, 2 to test. */
async function tinySet(directory: string, gzipped = true): Promise<string> {
  await mkdir(directory, { recursive: true });
  const contents = [3, 2].flatMap((n) => [
    idxBytes(
      8,
      [n, 28, 28],
      Array.from({ length: n * 784 }, (_, i) => i % 256),
    ),
    idxBytes(
      8,
      [n],
      Array.from({ length: n }, (_, i) => i),
    ),
  ]);
  for (const [i, name] of names.entries()) {
    const bytes = contents[i];
    await writeFile(join(directory, gzipped ? `${name}.gz` : name), gzipped ? gzipSync(bytes) : bytes);
  }
  return directory;
}

describe("where the four files are looked for", () => {
  it.each([true, false])("a directory (gzipped: %s)", async (gzipped) => {
    const { train, test } = await mnist({ path: await tinySet(join(root, "mine"), gzipped) });
    expect(train.x.shape).toEqual([3, 28, 28]);
    expect(train.x.data[255]).toBe(1);
    expect(train.x.data[51]).toBe(Math.fround(0.2));
    expect([...test.y.data]).toEqual([0, 1]);
    expect(train.classes).toBe(10);
    expect(train.name).toBe("mnist train");
  });

  it("HEBB_DATA/<name>", async () => {
    vi.stubEnv("HEBB_DATA", root);
    const place = await tinySet(join(root, "mnist"));
    expect(await locateData("mnist")).toBe(place);
    expect((await loadData("mnist", { download: false })).test.x.shape[0]).toBe(2);
  });

  it("the cache, where obtainData installs a directory", async () => {
    expect(await locateData("mnist")).toBeUndefined();
    const place = await obtainData("mnist", { path: await tinySet(join(root, "mine")) });
    expect(place).toBe(join(root, "cache", "data", "mnist"));
    expect(await locateData("mnist")).toBe(place);
    expect((await mnist()).train.x.shape[0]).toBe(3);
    expect(await obtainData("mnist", { path: place })).toBe(place);
  });
});

describe("errors", () => {
  it("no network: one sentence that says what to do", async () => {
    await expect(mnist()).rejects.toThrow(
      /^MNIST is not on this machine\. Could not download https:\S+: getaddrinfo ENOTFOUND example\.org\. Offline: get its four IDX files and run hebb data mnist --path DIR\.$/,
    );
    await expect(mnist({ download: false })).rejects.toThrow("MNIST is not on this machine: get its four IDX files");
  });

  it.skipIf(installed)("no network, Fashion-MNIST: names the Debian package", async () => {
    await expect(fashionMnist()).rejects.toThrow("apt install dataset-fashion-mnist");
  });

  it("a file missing from the directory", async () => {
    const path = await tinySet(join(root, "mine"));
    await rm(join(path, `${names[3]}.gz`));
    await expect(mnist({ path })).rejects.toThrow(`${path} lacks ${names[3]}.gz (or ${names[3]})`);
  });

  it("a truncated file, which is not installed either", async () => {
    const path = await tinySet(join(root, "mine"), false);
    const file = join(path, names[0]);
    await writeFile(file, (await readFile(file)).subarray(0, 1000));
    await expect(mnist({ path })).rejects.toThrow(`${file}: truncated; the header announces 3 x 28 x 28`);
    await expect(obtainData("mnist", { path })).rejects.toThrow("truncated");
    expect(await locateData("mnist")).toBeUndefined();
  });

  it("images of another shape", async () => {
    const path = await tinySet(join(root, "mine"), false);
    await writeFile(join(path, names[2]), idxBytes(8, [2, 4], new Array(8).fill(0)));
    await expect(mnist({ path })).rejects.toThrow("expected images (uint8 [n,28,28]), found uint8 of shape [2,4]");
  });

  it("a download with the wrong sum leaves nothing behind", async () => {
    vi.stubGlobal("fetch", async () => new Response("a proxy's login page"));
    await expect(mnist()).rejects.toThrow(/its SHA-256 is [0-9a-f]{64}, expected 440fcabf/);
    expect(await readdir(join(root, "cache", "data", "mnist"))).toEqual([]);
  });

  it("an aborted download throws the signal's reason", async () => {
    await expect(mnist({ signal: AbortSignal.abort(new Error("stopped")) })).rejects.toThrow(/^stopped$/);
  });
});

describe.skipIf(!installed)("Fashion-MNIST as Debian packages it", () => {
  it("holds what its authors describe", async () => {
    const { train, test } = await fashionMnist();
    expect(train.x.shape).toEqual([60_000, 28, 28]);
    expect(test.x.shape).toEqual([10_000, 28, 28]);
    const counts = new Array<number>(10).fill(0);
    for (const label of train.y.data) counts[Number(label)]++;
    expect(counts).toEqual(new Array(10).fill(6000));
    // The mean and standard deviation that are widely quoted for it.
    const { shift, scale } = standardScaling(train);
    expect(shift[0]).toBeCloseTo(0.286, 4);
    expect(scale[0]).toBeCloseTo(0.353, 4);
  });

  it("is downloaded, checked and kept; a second load needs no network", async () => {
    // Debian removed name and time from the gzip headers; with them back, the files are the authors' own.
    const times = [1504176606, 1504176606, 1504176627, 1504176627];
    const asked: string[] = [];
    vi.stubGlobal("fetch", async (url: string) => {
      asked.push(url);
      if (url.startsWith("https://raw.githubusercontent.com")) return new Response("", { status: 503 });
      const i = names.findIndex((name) => url.endsWith(`/${name}.gz`));
      const packed = await readFile(join(debian, `${names[i]}.gz`));
      const header = Buffer.from(packed.subarray(0, 10));
      header[3] = 8;
      header.writeUInt32LE(times[i], 4);
      return new Response(Buffer.concat([header, Buffer.from(`${names[i]}\0`), packed.subarray(10)]));
    });
    const { fashionMnistSet, obtainMnist } = await import("../../src/data/mnist.js");
    const elsewhere = { ...fashionMnistSet, systemDirs: [] };
    const progress = new Map<string, number>();
    const place = await obtainMnist(elsewhere, { onProgress: ({ file, received }) => progress.set(file, received) });
    expect(place).toBe(join(root, "cache", "data", "fashion-mnist"));
    expect([...progress]).toEqual([
      [`${names[0]}.gz`, 26_421_880],
      [`${names[1]}.gz`, 29_515],
      [`${names[2]}.gz`, 4_422_102],
      [`${names[3]}.gz`, 5148],
    ]);
    expect(asked.length).toBe(8);
    expect(await obtainMnist(elsewhere)).toBe(place);
    expect(asked.length).toBe(8);
  });
});
