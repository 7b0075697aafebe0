import { readFile } from "node:fs/promises";
import { beforeEach, describe, expect, it, vi } from "vitest";

// Modules that need each other are evaluated in an order that depends on which is asked for first.

const { exports } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));
const entries = Object.entries<{ default?: string }>(exports).flatMap(([name, { default: file }]) =>
  file ? [[name, file.replace("./dist/", "../").replace(/\.js$/, ".ts")]] : [],
);

describe("every entry of the package can be the first to be imported", () => {
  beforeEach(() => {
    vi.resetModules();
  });
  it.each(entries)(
    "%s",
    async (_name, file) => {
      expect(Object.keys(await import(file)).length).toBeGreaterThan(0);
    },
    60_000,
  );
});
