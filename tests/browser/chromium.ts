import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { build } from "vite";

// What all tests in a real browser share: the browser, pages built for it, and a server for them.

const candidates = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
];

/** The Chromium of this machine, if there is one. */
export const executablePath = candidates.find((p) => p && existsSync(p));

if (!executablePath) console.warn("tests/browser: skipped, no Chromium found; set CHROMIUM to the path of one.");

/** What follows the name of a group of tests. */
export const whyNot = executablePath ? "" : " (no Chromium found; set CHROMIUM to the path of one)";

export const launch = (): Promise<Browser> =>
  chromium.launch({
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

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Builds a script of this folder, with the workers that it starts, into a folder with a page around it. */
export async function buildPage(script: string, folder: string): Promise<void> {
  const external = ["onnxruntime-node"];
  await build({
    configFile: false,
    logLevel: "error",
    root: here("."),
    base: "./",
    resolve: { alias: [{ find: "#platform", replacement: here("../../src/platform/browser.ts") }] },
    worker: { format: "es", rollupOptions: { external } },
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: "es2022",
      minify: false,
      assetsInlineLimit: 0,
      rollupOptions: { input: here(script), output: { entryFileNames: "page.js" }, external },
    },
  });
  await writeFile(
    path.join(folder, "index.html"),
    '<!doctype html><meta charset="utf-8"><script type="module" src="page.js"></script>',
  );
}

const types: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

export interface ServeOptions {
  /** Whether pages are isolated across origins, so that WASM may use threads. Default true. */
  readonly isolated?: boolean;
  /** What stands for a file's content; undefined where it is to be missing. */
  readonly change?: (name: string, content: Buffer) => Buffer | string | undefined;
}

/** Serves a folder on localhost. */
export async function serve(folder: string, { isolated = true, change }: ServeOptions = {}): Promise<Server> {
  const server = createServer(async (request, response) => {
    const name = path.normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    const file = path.join(folder, name === "/" ? "index.html" : name);
    const found = await readFile(file).catch(() => undefined);
    const content = found && change ? change(name, found) : found;
    response.writeHead(content === undefined ? 404 : 200, {
      "Content-Type": types[path.extname(file)] ?? "application/octet-stream",
      ...(isolated && {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
      }),
    });
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

export const addressOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
