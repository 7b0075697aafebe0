// Runs a browser library (peers/<name>.mjs) in headless Chromium on a cross-origin isolated page, where it may use
// threads; where there is no Chromium, in this Node process (one thread), which the runtime column then says.
//
//   node web_peer.mjs hebb|jaxjs|tfjs

import { accessSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { delimiter, dirname, extname, join, normalize } from "node:path";
import { benchFolder } from "./folder.mjs";
import { createLoop } from "./loop.mjs";
import { loadFile, serve } from "./protocol.mjs";

const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

const name = process.argv[2];
const dist = join(benchFolder, process.env.HEBB_BENCH_DIST ?? "../dist/src");
const chromium = findChromium();
let browser;
let page;
let server;
let local;

serve(
  {
    async setup(message) {
      if (!chromium) {
        local = createLoop(await import(`./${name}.mjs`), loadFile);
        return local.setup({ ...message, threads: 1 });
      }
      page = await open(message.threads);
      const answer = await page.evaluate(async (m) => (await window.bench).setup(m), message);
      return { ...answer, pids: await renderers() };
    },
    steps: (message) =>
      page ? page.evaluate(async (m) => (await window.bench).steps(m), message) : local.steps(message),
  },
  async () => {
    await browser?.close().catch(() => {});
    server?.close();
  },
);

async function open(threads) {
  server = createServer(async (request, response) => {
    try {
      const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
      const built = path.startsWith("/dist/src/") && join(dist, path.slice("/dist/src/".length));
      const body = await readFile(built || join(dirname(benchFolder), path));
      response.writeHead(200, {
        "content-type": TYPES[extname(path)] ?? "application/octet-stream",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { chromium: launcher } = await import("playwright-core");
  browser = await launcher.launch({
    executablePath: chromium,
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
    handleSIGINT: false,
    handleSIGTERM: false,
  });
  const opened = await browser.newPage();
  opened.setDefaultTimeout(0);
  opened.on("console", (message) => console.error(message.text()));
  opened.on("pageerror", (error) => console.error(error.message));
  // jax-js starts one worker per hardware thread and has no other setting; TensorFlow.js allows itself at most half.
  const reported = name === "tfjs" ? 2 * threads : threads;
  await opened.addInitScript((n) => {
    Object.defineProperty(Navigator.prototype, "hardwareConcurrency", { get: () => n });
  }, reported);
  await opened.goto(`http://127.0.0.1:${server.address().port}/bench/peers/page/index.html?peer=${name}`);
  return opened;
}

/** The processes that run pages; their memory is what a page costs. */
async function renderers() {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
}

function findChromium() {
  const named = process.env.HEBB_BENCH_CHROMIUM;
  if (named !== undefined) return named === "none" ? undefined : named;
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const program of ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]) {
      try {
        accessSync(join(folder, program));
        return join(folder, program);
      } catch {
        // not here
      }
    }
  }
  return undefined;
}
