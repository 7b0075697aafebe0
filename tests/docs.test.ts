import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { format } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const pages = ["transforms.md", "debugging.md", "interop.md", "forget.md", "methods.md"];

/** The TypeScript blocks of a page, with the headings that they stand under. */
async function blocksOf(page: string): Promise<{ title: string; code: string }[]> {
  const text = await readFile(path.join(root, "docs", page), "utf8");
  let heading = page;
  return [...text.matchAll(/^## (.*)$|^```ts\n([\s\S]*?)^```$/gm)].flatMap(([, title, code]) => {
    if (title) heading = title;
    return code ? [{ title: heading, code }] : [];
  });
}

/** The lines that the block says it prints. */
const expectedOf = (code: string): string[] => [...code.matchAll(/\/\/ -> (.*)$/gm)].map((m) => m[1].trim());

/** The same words, and numbers that agree to the digits that are written. */
function agrees(printed: string, expected: string): boolean {
  const number = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g;
  const [a, b] = [printed, expected].map((s) => s.match(number) ?? []);
  return (
    printed.replace(number, "#").replace(/\s+/g, " ") === expected.replace(number, "#").replace(/\s+/g, " ") &&
    b.every((text, i) => {
      const decimals = text.split(".")[1]?.length ?? 0;
      return Math.abs(Number(a[i]) - Number(text)) <= (decimals > 0 ? 0.5 * 10 ** -decimals : 0) * (1 + 1e-9);
    })
  );
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(root, "tests", ".docs-"));
});
afterAll(() => rm(folder, { recursive: true }));

for (const page of pages) {
  describe(`docs/${page}`, async () => {
    for (const [at, { title, code }] of (await blocksOf(page)).entries()) {
      it(`${title}, block ${at + 1}`, async () => {
        // The examples import the package by name; here they get the sources, so that no build is needed.
        const source = code.replace(/from "hebb(?:\/(\w+))?"/g, (_, name = "engine") => {
          return `from ${JSON.stringify(path.join(root, "src", name, "index.ts"))}`;
        });
        const file = path.join(folder, `${page}-${at}.ts`);
        await writeFile(file, source);
        const log = vi.spyOn(console, "log").mockImplementation(() => {});
        try {
          await import(/* @vite-ignore */ pathToFileURL(file).href);
          const printed = log.mock.calls.map((args) => format(...args));
          const expected = expectedOf(code);
          expect(expected.length).toBeGreaterThan(0);
          expect(
            printed.map((line, i) => (expected[i] !== undefined && agrees(line, expected[i]) ? expected[i] : line)),
          ).toEqual(expected);
        } finally {
          log.mockRestore();
        }
      });
    }
  });
}

describe("the check of printed lines", () => {
  it("takes numbers to the digits that are written, and words as they are", () => {
    expect(agrees("[ 0.1234 ] yes", "[ 0.123 ] yes")).toBe(true);
    expect(agrees("[ 0.1234 ] yes", "[ 0.124 ] yes")).toBe(false);
    expect(agrees("3 of 4", "3 of 5")).toBe(false);
    expect(agrees("3.0000001", "3")).toBe(false);
    expect(agrees("yes", "no")).toBe(false);
  });
});
