import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkRequest } from "../../src/lab/controls.js";
import { Desk } from "../../src/lab/desk.js";
import type { JobRunner } from "../../src/lab/jobs.js";
import { runStudy } from "../../src/lab/runner.js";
import { type LabServer, startServer } from "../../src/server/server.js";
import { tinyStudy } from "../tiny.js";

export interface TestLab {
  readonly server: LabServer;
  readonly desk: Desk;
  readonly folder: string;
  /** Asks as a page of the lab does. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

export interface TestLabOptions {
  readonly run?: JobRunner;
  readonly folder?: string;
  /** Milliseconds of pretended work in each unit. */
  readonly pause?: number;
}

/** A lab on a free port with a study that takes no time; runs happen in this process unless `run` is given. */
export async function testLab({ run, folder: given, pause = 0 }: TestLabOptions = {}): Promise<TestLab> {
  const folder = given ?? (await mkdtemp(join(tmpdir(), "hebb-lab-")));
  const root = join(folder, "runs");
  const pages = join(folder, "web");
  await mkdir(join(pages, "assets"), { recursive: true });
  await writeFile(join(pages, "index.html"), "<!doctype html><html><head></head><body>lab</body></html>");
  await writeFile(join(pages, "assets", "main-abc.js"), "export {};");
  const inProcess: JobRunner = (request, tools) => {
    const { seeds, scale, resume } = request;
    const options = { pause };
    return runStudy(tinyStudy, { out: root, ...tools, ...(resume ? { resume } : { scale, seeds, options }) });
  };
  const desk = new Desk(run ?? inProcess, { root, check: async (request) => checkRequest(tinyStudy, request) });
  const server = await startServer({ desk, pages, root, device: "a test" });
  const origin = `http://127.0.0.1:${server.port}`;
  const cookie = (await fetch(server.url, { redirect: "manual" })).headers.get("set-cookie")!.split(";")[0];
  return {
    server,
    desk,
    folder,
    ask: (path, init = {}) => fetch(`${origin}${path}`, { ...init, headers: { cookie, origin, ...init.headers } }),
    async close() {
      await desk.close();
      await server.close();
      if (!given) await rm(folder, { recursive: true, force: true });
    },
  };
}

export const post = (body: unknown): RequestInit => ({ method: "POST", body: JSON.stringify(body) });
