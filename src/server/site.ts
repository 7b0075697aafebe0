import { readFile, realpath } from "node:fs/promises";
import { extname, join, normalize, sep } from "node:path";
import type { Handler } from "hono";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".atom": "application/atom+xml",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

/** Tells the pages that a server stands behind them. */
const sign = '<meta name="hebb-server" content="1" />';

/** The built pages under `folder`, and nothing else. Files whose name holds their content's digest are kept for good. */
export function site(folder: string): Handler {
  return async (context) => {
    const path = decode(context.req.path);
    if (path === undefined || path.includes("\0")) return context.text("There is no such page.", 404);
    const name = path === "/" ? "index.html" : normalize(path).replace(/^[/\\]+/, "");
    const file = join(folder, name);
    const [home, real] = await Promise.all([realpath(folder), realpath(file).catch(() => undefined)]);
    if (!real?.startsWith(home + sep) || !(extname(file) in types)) return context.text("There is no such page.", 404);
    const bytes = await readFile(real).catch(() => undefined);
    if (!bytes) return context.text("There is no such page.", 404);
    context.header("Content-Type", types[extname(file)]);
    context.header("Cache-Control", name.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-cache");
    if (name === "index.html") return context.body(bytes.toString("utf8").replace("<head>", `<head>${sign}`));
    return context.body(new Uint8Array(bytes));
  };
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
