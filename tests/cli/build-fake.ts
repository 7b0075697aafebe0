import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Compiles `fake-hebb.ts` into one file, so that the many processes of a test start quickly. Inside the package, where
 * it finds what the package finds.
 */
export async function buildFake(): Promise<{ readonly program: string; readonly remove: () => void }> {
  const outDir = mkdtempSync(join(root, "node_modules", ".hebb-test-"));
  await build({
    configFile: false,
    root,
    logLevel: "error",
    resolve: { alias: { "#platform": join(root, "src/platform/node.ts") } },
    build: { ssr: join(root, "tests/cli/fake-hebb.ts"), outDir, target: "node20", minify: false },
  });
  return { program: join(outDir, "fake-hebb.js"), remove: () => rmSync(outDir, { recursive: true, force: true }) };
}

export interface Started {
  readonly child: ChildProcess;
  /** What it has written so far. */
  out(): string;
  err(): string;
  /** Its exit status; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Starts a program as one would in the folder `cwd`. */
export function startProgram(program: string, cwd: string, line: string): Started {
  // Without git the sources go by the version, however the checkout changes meanwhile; and other tests, which have caches
  // of their own, do not count as programs on the same machine.
  const env = { ...process.env, GIT_DIR: "/nowhere", HEBB_CACHE: join(cwd, "cache") };
  const child = spawn(process.execPath, [program, ...line.split(" ")], { cwd, env });
  const text = { out: "", err: "" };
  child.stdout.on("data", (part) => {
    text.out += part;
  });
  child.stderr.on("data", (part) => {
    text.err += part;
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", (status) => resolve(status)));
  return { child, out: () => text.out, err: () => text.err, ended };
}
