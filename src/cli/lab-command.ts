import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { checkRequest } from "../lab/controls.js";
import { Desk } from "../lab/desk.js";
import { runChild } from "../server/run-child.js";
import { runProcesses } from "../server/run-process.js";
import { startServer } from "../server/server.js";
import { commitOf } from "./commit.js";
import { interrupted, interruptSignal } from "./interrupt.js";
import type { Io } from "./io.js";
import { type Lab, packageRoot, studyOf } from "./lab.js";
import { positiveInteger, UsageError } from "./usage.js";

export interface LabCommandOptions {
  readonly host: string;
  readonly port?: string;
  readonly open: boolean;
  readonly out: string;
  readonly jobs: string;
  readonly threads?: string;
  readonly json?: boolean;
}

/** `hebb lab`: the lab in a browser, until Ctrl-C. */
export async function labCommand(io: Io, lab: Lab, options: LabCommandOptions): Promise<number> {
  const pages = join(packageRoot(), "dist", "web");
  if (!existsSync(join(pages, "index.html"))) await buildPages(io);
  const atOnce = positiveInteger("--jobs", options.jobs);
  const port = options.port === undefined ? undefined : positiveInteger("--port", options.port);
  const threads = options.threads === undefined ? undefined : positiveInteger("--threads", options.threads);
  const root = resolve(io.cwd, options.out);
  const desk = new Desk(runProcesses({ out: root, threads }), {
    root,
    atOnce,
    check: async (request) => checkRequest(await studyOf(lab, request.slug), request),
  });
  const count = threads ?? availableParallelism();
  const server = await startServer({
    desk,
    root,
    pages,
    host: options.host,
    port,
    device: `ONNX Runtime, ${count} ${count === 1 ? "thread" : "threads"} of this machine`,
  });
  if (options.json) io.stdout.write(`${JSON.stringify({ url: server.url, port: server.port, runs: root })}\n`);
  else {
    io.stdout.write(
      `The lab is open at ${server.url}\nCtrl-C closes it; runs that are under way stop and can be resumed.\n`,
    );
    if (!["127.0.0.1", "localhost", "::1"].includes(options.host)) {
      io.stderr.write("It answers to other machines too: whoever has the address can run studies here.\n");
    }
  }
  if (options.open && !options.json) openBrowser(server.url);
  const { signal, release } = interruptSignal(io);
  await new Promise<void>((done) => signal.addEventListener("abort", () => done()));
  await desk.close();
  await server.close();
  release();
  return interrupted;
}

/** In a checkout the pages are built when they are first wanted; a package brings them. */
async function buildPages(io: Io): Promise<void> {
  const root = packageRoot();
  const advice = "The lab's pages are not built: `npm run build:site` makes them.";
  if (!existsSync(join(root, "web", "vite.config.ts"))) throw new UsageError(advice);
  io.stderr.write("The lab's pages are built first, once; this takes about half a minute.\n");
  const status = await new Promise<number | null>((done) => {
    const child = spawn("npm", ["run", "--silent", "build:site"], {
      cwd: root,
      stdio: ["ignore", "ignore", "inherit"],
      shell: process.platform === "win32",
    });
    child.once("error", () => done(null));
    child.once("close", done);
  });
  if (status !== 0) throw new UsageError(advice);
}

/** `hebb lab-run`: one run, for the server that started this process. */
export async function labRun(lab: Lab): Promise<number> {
  if (!process.send) throw new UsageError("'hebb lab-run' is started by 'hebb lab', not by hand.");
  return runChild({ study: (slug) => studyOf(lab, slug), environment: () => commitOf(packageRoot()) });
}

/** Asks the desktop to show an address; where there is none, the printed address is enough. */
function openBrowser(url: string): void {
  const commands: Readonly<Record<string, readonly [string, ...string[]]>> = {
    darwin: ["open", url],
    win32: ["cmd", "/c", "start", "", url],
  };
  const [program, ...args] = commands[process.platform] ?? ["xdg-open", url];
  const child = spawn(program, args, { stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}
