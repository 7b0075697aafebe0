import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { build } from "vite";
import { generate } from "../../web/generate/index.js";

/** The lab's pages as `npm run build:site` makes them, in a folder of their own. */
export async function buildSite(folder: string): Promise<void> {
  await generate();
  await build({
    configFile: fileURLToPath(new URL("../../web/vite.config.ts", import.meta.url)),
    logLevel: "error",
    build: { outDir: folder },
  });
}

const axePath = path.join(path.dirname(createRequire(import.meta.url).resolve("axe-core")), "axe.min.js");

/** What axe finds wrong with a page: rule, and the elements. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(axePath, "utf8"));
  return page.evaluate(async () => {
    const { violations } = await (globalThis as any).axe.run(document);
    return violations.map(
      ({ id, nodes }: any) =>
        `${id}: ${nodes
          .slice(0, 5)
          .map((node: any) => node.html.slice(0, 120))
          .join(" | ")}`,
    );
  });
}
