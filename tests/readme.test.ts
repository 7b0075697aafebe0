import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, it, vi } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));

it("the README's example runs and learns the digits", async () => {
  const readme = await readFile(path.join(root, "README.md"), "utf8");
  const example = /<!-- example:start -->\s*```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(example).toBeDefined();
  expect(example!.split("\n").filter((line) => line.trim() !== "").length).toBeLessThanOrEqual(20);

  // The example imports the package by name; here it gets the sources, so that no build is needed.
  const entries: Record<string, string> = { hebb: "engine" };
  const source = example!.replace(/from "(hebb[^"]*)"/g, (_, name: string) => {
    const folder = entries[name] ?? name.replace("hebb/", "");
    return `from ${JSON.stringify(path.join(root, "src", folder, "index.ts"))}`;
  });
  const folder = await mkdtemp(path.join(root, "tests", ".example-"));
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    const file = path.join(folder, "example.ts");
    await writeFile(file, source);
    await import(/* @vite-ignore */ pathToFileURL(file).href);
    const printed = log.mock.calls.map((call) => call.map(Number));
    expect(printed.at(-1)![0]).toBeGreaterThan(0.93);
  } finally {
    log.mockRestore();
    await rm(folder, { recursive: true });
  }
});
