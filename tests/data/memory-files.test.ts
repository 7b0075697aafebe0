import { beforeEach, describe, expect, it } from "vitest";
import { HebbError } from "../../src/engine/errors.js";
import { memoryFiles } from "../../src/platform/memory-files.js";
import type { Files } from "../../src/platform/types.js";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("files in memory", () => {
  let files: Files;
  beforeEach(() => {
    files = memoryFiles();
  });

  it("write, replace, append, list, tell their size and go, as those on a disk do", async () => {
    await files.mkdirp("./a/b");
    await files.writeFileAtomic("a/b/file", "one");
    const bytes = new TextEncoder().encode("two");
    await files.writeFileAtomic("a/b/file", bytes);
    bytes[0] = 0;
    await files.appendFile("a/b/file", "\nthree");
    await files.appendFile("a/b/another", "x");
    const read = await files.readFile("a//b/file");
    read[0] = 0;
    expect(text(await files.readFile("a/b/file"))).toBe("two\nthree");
    expect(await files.listDir("a/b")).toEqual(["another", "file"]);
    expect(await files.listDir(".")).toEqual(["a"]);
    expect(await files.fileStats(["a/b/file", "a/b", "none"])).toEqual([
      { modified: expect.any(Number), size: 9 },
      undefined,
      undefined,
    ]);
    expect([await files.exists("a/b"), await files.exists("a/b/c")]).toEqual([true, false]);
    await files.remove("a/b");
    await files.remove("a/b");
    expect([await files.exists("a/b/file"), await files.exists("a/b"), await files.exists("a")]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it("name the path and the reason when they cannot", async () => {
    await expect(files.readFile("missing")).rejects.toThrow("Cannot read missing: no such file or directory.");
    await expect(files.listDir("missing")).rejects.toThrow("Cannot list missing");
    await expect(files.writeFileAtomic("missing/f", "x")).rejects.toThrow("Cannot write missing/f: no such file");
    await files.mkdirp("d");
    await expect(files.writeFileAtomic("d", "x")).rejects.toThrow("it is a directory");
    await expect(files.readFile("d")).rejects.toBeInstanceOf(HebbError);
  });
});
