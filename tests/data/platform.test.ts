import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { platform } from "#platform";
import { HebbError } from "../../src/engine/errors.js";
import * as browser from "../../src/platform/browser.js";
import * as node from "../../src/platform/node.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "hebb-platform-"));
});
afterAll(() => rm(dir, { recursive: true }));

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("files", () => {
  it("writes, replaces, appends, lists and removes", async () => {
    const sub = join(dir, "a", "b");
    await platform.mkdirp(sub);
    const path = join(sub, "file");
    await platform.writeFileAtomic(path, "one");
    await platform.writeFileAtomic(path, new TextEncoder().encode("two"));
    await platform.appendFile(path, "\nthree");
    await platform.appendFile(join(sub, "another"), "x");
    expect(text(await platform.readFile(path))).toBe("two\nthree");
    expect(await platform.listDir(sub)).toEqual(["another", "file"]);
    expect(await platform.exists(path)).toBe(true);
    await platform.remove(sub);
    await platform.remove(sub);
    expect(await platform.exists(path)).toBe(false);
  });

  it("names the path and the reason when it cannot", async () => {
    const missing = join(dir, "missing");
    await expect(platform.readFile(missing)).rejects.toThrow(`Cannot read ${missing}: no such file or directory.`);
    await expect(platform.listDir(missing)).rejects.toThrow("Cannot list");
    await expect(platform.writeFileAtomic(join(missing, "f"), "x")).rejects.toThrow(
      `Cannot write ${join(missing, "f")}: no such file or directory.`,
    );
    await expect(platform.readFile(dir)).rejects.toThrow("it is a directory");
    await expect(platform.readFile(dir)).rejects.toBeInstanceOf(HebbError);
  });

  it("leaves no temporary file behind when a write fails", async () => {
    const target = join(dir, "directory");
    await platform.mkdirp(join(target, "inside"));
    await expect(platform.writeFileAtomic(target, "x")).rejects.toThrow(HebbError);
    expect((await platform.listDir(dir)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

describe("gunzip", () => {
  const data = new TextEncoder().encode("hebb ".repeat(50_000));
  const packed = new Uint8Array(gzipSync(data));

  it("returns the whole or a prefix", async () => {
    expect(await platform.gunzip(packed)).toEqual(data);
    expect(await platform.gunzip(packed, { prefixBytes: 10 })).toEqual(data.subarray(0, 10));
    expect(await platform.gunzip(packed, { maxBytes: data.length })).toEqual(data);
  });

  it("stops a decompression bomb", async () => {
    const bomb = new Uint8Array(gzipSync(new Uint8Array(50_000_000)));
    await expect(platform.gunzip(bomb, { maxBytes: 1000 })).rejects.toThrow("expands to more than the 1000 bytes");
  });

  it("rejects damaged and incomplete data", async () => {
    await expect(platform.gunzip(packed.subarray(0, packed.length - 20))).rejects.toThrow("damaged or incomplete");
    await expect(platform.gunzip(new Uint8Array([1, 2, 3]))).rejects.toThrow("damaged or incomplete");
    const damaged = packed.slice();
    damaged[packed.length - 6] ^= 1;
    await expect(platform.gunzip(damaged)).rejects.toThrow("damaged or incomplete");
  });
});

it("sha256 agrees with the standard's example", async () => {
  expect(await platform.sha256(new TextEncoder().encode("abc"))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

describe("download", () => {
  const body = new Uint8Array(300_000).map((_, i) => i % 251);
  let server: Server;
  let base: string;

  beforeAll(async () => {
    server = createServer((request, response) => {
      // A download that is broken off takes its connection with it, and the next must not be given that one.
      response.setHeader("connection", "close");
      if (request.url === "/file") response.writeHead(200, { "content-length": body.length }).end(body);
      else if (request.url === "/hangs") response.writeHead(200).write("a");
      else if (request.url === "/cut") {
        response.writeHead(200, { "content-length": body.length }).write(body.subarray(0, 1000));
        setTimeout(() => response.destroy(), 20);
      } else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it("reports progress and checks the sum", async () => {
    const seen: number[] = [];
    const bytes = await platform.download(`${base}/file`, {
      sha256: await platform.sha256(body),
      onProgress: ({ received, total }) => {
        expect(total).toBe(body.length);
        seen.push(received);
      },
    });
    expect(bytes).toEqual(body);
    expect(seen.at(-1)).toBe(body.length);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it("fails in one sentence that names the address and the reason", async () => {
    const fails = (path: string, options = {}) => expect(platform.download(base + path, options)).rejects;
    await fails("/none").toThrow(`Could not download ${base}/none: the server answered 404.`);
    await fails("/file", { sha256: "00" }).toThrow(/its SHA-256 is [0-9a-f]{64}, expected 00/);
    await fails("/file", { maxBytes: 1000 }).toThrow("longer than the 1000 bytes expected");
    await fails("/hangs", { stallMilliseconds: 100 }).toThrow("nothing arrived for 0.1 s");
    await fails("/cut").toThrow(`Could not download ${base}/cut`);
    await expect(platform.download("http://127.0.0.1:1/x")).rejects.toThrow(/Could not download .*\/x: .+\./);
  });

  it("throws the signal's reason when aborted", async () => {
    const stop = new AbortController();
    const pending = platform.download(`${base}/hangs`, { signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    await expect(pending).rejects.toHaveProperty("name", "AbortError");
    await expect(platform.download(`${base}/file`, { signal: stop.signal })).rejects.toHaveProperty(
      "name",
      "AbortError",
    );
  });
});

describe("packages and assets", () => {
  it("finds what is installed and says what is not", async () => {
    expect(await platform.packageDir("fast-check")).toMatch(/fast-check$/);
    expect(await platform.packageDir("no-such-package-here")).toBeUndefined();
    expect(await platform.importPackage("no-such-package-here")).toBeUndefined();
    expect(await platform.importPackage("fast-check")).toHaveProperty("assert");
    await expect(platform.assetBytes("none.bin")).rejects.toThrow("The package's own file none.bin is missing");
  });
});

it("says what machine this is", () => {
  const info = platform.environmentInfo();
  expect(info.runtime).toMatch(/^node \d+\./);
  expect(info.threads).toBeGreaterThan(0);
  expect(info.processor).not.toBe("");
});

it("takes the cache's place from HEBB_CACHE", () => {
  const before = process.env.HEBB_CACHE;
  process.env.HEBB_CACHE = "/somewhere";
  expect(platform.cacheDir()).toBe("/somewhere");
  delete process.env.HEBB_CACHE;
  expect(platform.cacheDir()).toMatch(/[/\\]\.cache[/\\]hebb$/);
  if (before !== undefined) process.env.HEBB_CACHE = before;
});

it("exports the same names from both implementations", () => {
  expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort());
});
