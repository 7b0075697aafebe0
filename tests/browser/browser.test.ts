import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page as Tab } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setBackend } from "../../src/engine/index.js";
import type { Page } from "./page.js";
import { randomNumbers, trainingLosses } from "./workload.js";

const candidates = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
];
const executablePath = candidates.find((p) => p && existsSync(p));
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const types: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** Serves a folder on localhost, isolated across origins so that WASM may use threads. */
async function serve(folder: string): Promise<Server> {
  const server = createServer(async (request, response) => {
    const name = path.normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    const file = path.join(folder, name === "/" ? "index.html" : name);
    const content = await readFile(file).catch(() => undefined);
    response.writeHead(content ? 200 : 404, {
      "Content-Type": types[path.extname(file)] ?? "application/octet-stream",
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    });
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

if (!executablePath) console.warn("tests/browser: skipped, no Chromium found; set CHROMIUM to the path of one.");

describe.skipIf(!executablePath)(
  `in a real browser${executablePath ? "" : " (no Chromium found; set CHROMIUM to the path of one)"}`,
  () => {
    let folder: string;
    let server: Server;
    let browser: Browser;
    let tab: Tab;
    const problems: string[] = [];
    const inPage = <T>(name: keyof Page, ...args: unknown[]): Promise<T> =>
      tab.evaluate(([n, a]) => ((globalThis as any).hebb as any)[n as string](...(a as unknown[])), [
        name,
        args,
      ] as const) as Promise<T>;

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), "hebb-browser-"));
      await build({
        configFile: false,
        logLevel: "error",
        root: here("."),
        resolve: {
          alias: [{ find: "#platform", replacement: here("../../src/platform/browser.ts") }],
        },
        build: {
          outDir: folder,
          emptyOutDir: true,
          target: "es2022",
          minify: false,
          assetsInlineLimit: 0,
          rollupOptions: {
            input: here("page.ts"),
            output: { entryFileNames: "page.js" },
            external: ["onnxruntime-node"],
          },
        },
      });
      await writeFile(
        path.join(folder, "index.html"),
        '<!doctype html><meta charset="utf-8"><script type="module" src="page.js"></script>',
      );
      server = await serve(folder);
      browser = await chromium.launch({
        executablePath,
        args: [
          "--no-sandbox",
          "--disable-gpu",
          "--disable-quic",
          "--no-first-run",
          "--disable-background-networking",
          "--disable-component-update",
          "--disable-sync",
        ],
      });
      tab = await browser.newPage();
      tab.on("pageerror", (error) => problems.push(error.message));
      tab.on(
        "response",
        (r) => r.status() >= 400 && !r.url().endsWith("favicon.ico") && problems.push(`${r.status()} ${r.url()}`),
      );
      await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await tab.waitForFunction("document.title === 'ready'");
    });
    afterAll(async () => {
      await browser?.close();
      server?.close();
      if (folder) await rm(folder, { recursive: true, force: true });
    });

    it("loads the engine without the native runtime, on WASM", async () => {
      expect(problems).toEqual([]);
      expect(await inPage("backend")).toBe("wasm");
      expect(await tab.evaluate("crossOriginIsolated")).toBe(true);
      const files = await readdir(folder, { recursive: true });
      expect(files.filter((f) => f.endsWith(".node"))).toEqual([]);
    });

    it("draws the same random numbers as Node, bit for bit", async () => {
      setBackend("node", { threads: 1 });
      const [there, native] = [await inPage<Record<string, number[]>>("randomNumbers", 99), await randomNumbers(99)];
      for (const name of Object.keys(native)) expect(there[name], name).toEqual(native[name]);
    });

    it("trains an MLP through the same losses as Node", async () => {
      const there = await inPage<number[]>("trainingLosses", 7, 20);
      const native = await trainingLosses(7, 20);
      expect(there).toHaveLength(20);
      expect(native[19]).toBeLessThan(native[0] * 0.8);
      there.forEach((l, i) => {
        expect(Math.abs(l - native[i]), `step ${i}`).toBeLessThan(2e-5 * Math.max(1, native[i]));
      });
      expect(await inPage<number[]>("trainingLosses", 7, 20)).toEqual(there);
    });

    it("says what is wrong when the native runtime is asked for", async () => {
      expect(await inPage<string>("nativeBackend")).toMatch(/node|onnxruntime/i);
    });
  },
);
