import { symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JobEvent } from "../../src/lab/job.js";
import { lockRun } from "../../src/lab/lock.js";
import { runProcesses } from "../../src/server/run-process.js";
import { startServer } from "../../src/server/server.js";
import { post, type TestLab, testLab } from "./lab.js";

let lab: TestLab;
beforeEach(async () => {
  lab = await testLab();
});
afterEach(() => lab.close());

const start = async (of: TestLab = lab, body: object = { slug: "tiny-claim", scale: "smoke" }): Promise<string> =>
  ((await (await of.ask("/api/jobs", post(body))).json()) as { id: string }).id;

async function eventsOf(of: TestLab, job: string, from = 0): Promise<JobEvent[]> {
  const text = await (await of.ask(`/api/jobs/${job}/events?from=${from}`)).text();
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as JobEvent);
}

const last = (events: readonly JobEvent[]) => {
  const { event } = events.at(-1)!;
  if (event.type !== "job") throw new Error("the job has not ended");
  return event.job;
};

/** A request whose headers `fetch` would not let us choose. */
const raw = (port: number, path: string, headers: Record<string, string>): Promise<number> =>
  new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on("error", reject)
      .end();
  });

describe("the door", () => {
  it("opens with the token of the address alone, which leaves the address", async () => {
    const origin = `http://127.0.0.1:${lab.server.port}`;
    expect((await fetch(`${origin}/`)).status).toBe(401);
    expect((await fetch(`${origin}/?token=wrong`, { redirect: "manual" })).status).toBe(401);
    expect((await fetch(`${origin}/api/runs`)).status).toBe(401);
    const entry = await fetch(lab.server.url, { redirect: "manual" });
    expect([entry.status, entry.headers.get("location")]).toEqual([303, "/"]);
    expect(entry.headers.get("set-cookie")).toMatch(/HttpOnly; SameSite=Strict/);
    const page = await lab.ask("/");
    expect(await page.text()).toContain('name="hebb-server"');
    expect(page.headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(page.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
  });

  it("refuses other names of this machine and requests of other sites", async () => {
    const { port } = lab.server;
    expect(await raw(port, "/api/runs", { host: `evil.example:${port}` })).toBe(421);
    expect((await lab.ask("/api/runs", { headers: { origin: "https://evil.example" } })).status).toBe(403);
    expect((await lab.ask("/api/runs", { headers: { "sec-fetch-site": "cross-site" } })).status).toBe(403);
    expect((await lab.ask("/api/jobs", { ...post({}), headers: { "sec-fetch-site": "same-site" } })).status).toBe(403);
    expect((await lab.ask("/api/runs")).status).toBe(200);
  });

  it("answers to this machine's own name once it listens everywhere, and to no other", async () => {
    const { desk, folder } = lab;
    const folders = { pages: join(folder, "web"), root: join(folder, "runs") };
    const open = await startServer({ desk, device: "a test", host: "0.0.0.0", ...folders });
    try {
      const ask = (host: string) => raw(open.port, "/api/runs", { host: `${host}:${open.port}` });
      // Known by name, still without the token.
      expect(await ask(hostname().toLowerCase())).toBe(401);
      expect(await ask("evil.example")).toBe(421);
      expect(await raw(lab.server.port, "/", { host: `${hostname()}:${lab.server.port}` })).toBe(421);
    } finally {
      await open.close();
    }
  });

  it.each(["/../package.json", "/..%2f..%2fetc/passwd", "/assets/%2e%2e/%2e%2e/secret.txt", "/.%00/index.html", "/%"])(
    "keeps %s closed",
    async (path) => {
      await writeFile(join(lab.folder, "secret.txt"), "secret");
      expect(await raw(lab.server.port, path, { host: `127.0.0.1:${lab.server.port}` })).toBe(404);
    },
  );

  it("follows no link out of the pages or the runs", async () => {
    await writeFile(join(lab.folder, "secret.txt"), "secret");
    await symlink(join(lab.folder, "secret.txt"), join(lab.folder, "web", "out.txt"));
    expect((await lab.ask("/out.txt")).status).toBe(404);
    const { run } = last(await eventsOf(lab, await start()));
    await symlink(join(lab.folder, "secret.txt"), join(lab.folder, "runs", run!, "out.txt"));
    const answer = await lab.ask(`/api/runs/${run}/file?name=out.txt`);
    expect([answer.status, await answer.json()]).toEqual([400, { error: "That file lies outside of the runs." }]);
    const names = ["../../secret.txt", "/etc/passwd", "run.json/../../x"];
    for (const name of names) {
      expect((await lab.ask(`/api/runs/${run}/file?name=${encodeURIComponent(name)}`)).status).toBe(400);
    }
    for (const id of ["..", "%2e%2e", "..%2fweb", ".jobs"]) {
      expect((await lab.ask(`/api/runs/${id}/record`)).status).toBeGreaterThanOrEqual(400);
    }
  });

  it("limits what it takes", async () => {
    expect((await lab.ask("/api/jobs", { method: "POST", body: "{" })).status).toBe(400);
    const unknown = await lab.ask("/api/jobs", post({ slug: "tiny-claim", scale: "smoke", out: "/etc" }));
    expect(await unknown.json()).toEqual({ error: expect.stringContaining("The request is not valid") });
    const option = await lab.ask("/api/jobs", post({ slug: "tiny-claim", scale: "smoke", options: { pause: 1e9 } }));
    expect(await option.json()).toEqual({ error: expect.stringContaining("cannot be changed here") });
    // Last, as the server closes such a connection.
    const answer = await lab.ask("/api/jobs", { method: "POST", body: "x".repeat(2 ** 20 + 1) });
    expect([answer.status, await answer.json()]).toEqual([
      413,
      { error: "That is more than the server takes in one request." },
    ]);
  });
});

describe("runs", () => {
  it("start, are watched from any event on, and leave a run with files and a log", async () => {
    const job = await start();
    const events = await eventsOf(lab, job);
    expect(events.map(({ at }) => at)).toEqual(events.map((_, i) => i));
    expect(last(events)).toMatchObject({ state: "done", run: expect.stringMatching(/^tiny-claim-smoke-/) });
    expect(await eventsOf(lab, job, 5)).toEqual(events.slice(5));
    const { run } = last(events);
    const get = async (path: string) => (await lab.ask(path)).json();
    expect(await get("/api/runs")).toMatchObject([{ id: run, status: "done", tags: [], place: "server" }]);
    expect(((await get(`/api/runs/${run}/record`)) as any).rows).toHaveLength(8);
    expect(await get(`/api/runs/${run}/metrics`)).toHaveLength(8);
    expect(await (await lab.ask(`/api/runs/${run}/log`)).text()).toContain("seed 1 is done");
    expect(((await get(`/api/runs/${run}/files`)) as any[]).map(({ name }) => name)).toContain("run.json");
    const file = await lab.ask(`/api/runs/${run}/file?name=run.json`);
    expect(file.headers.get("content-disposition")).toBe("attachment");
  });

  it("are tagged, binned, brought back and deleted", async () => {
    const { run } = last(await eventsOf(lab, await start()));
    const list = async () => (await (await lab.ask("/api/runs")).json()) as { id: string; tags: string[] }[];
    await lab.ask(`/api/runs/${run}/tags`, { method: "PUT", body: JSON.stringify({ tags: ["mine", "mine", " "] }) });
    expect(await list()).toMatchObject([{ tags: ["mine"] }]);
    await lab.ask("/api/runs/remove", post({ runs: [run] }));
    expect(await list()).toEqual([]);
    expect(((await (await lab.ask("/api/usage")).json()) as any).bin).toBeGreaterThan(0);
    await lab.ask("/api/runs/restore", post({ runs: [run] }));
    expect(await list()).toMatchObject([{ id: run, tags: ["mine"] }]);
    await lab.ask("/api/runs/remove", post({ runs: [run] }));
    const release = await lockRun(join(lab.folder, "runs", run!));
    await lab.ask("/api/bin/empty", post({}));
    expect((await lab.ask(`/api/runs/${run}/record`)).status).toBe(200);
    await release();
    await lab.ask("/api/bin/empty", post({}));
    expect((await lab.ask(`/api/runs/${run}/record`)).status).toBe(400);
  });

  it("stop when asked, and go on where they stopped", async () => {
    await lab.close();
    lab = await testLab({ pause: 150 });
    const job = await start();
    await new Promise((resolve) => setTimeout(resolve, 250));
    await lab.ask(`/api/jobs/${job}/cancel`, post({}));
    const stopped = last(await eventsOf(lab, job));
    expect(stopped).toMatchObject({ state: "stopped" });
    const again = last(
      await eventsOf(lab, await start(lab, { slug: "tiny-claim", scale: "smoke", resume: stopped.run })),
    );
    expect(again).toMatchObject({ state: "done", run: stopped.run });
  });

  it("of a lab that was closed are stopped, and can be resumed by the next one on the folder", async () => {
    await lab.close();
    lab = await testLab({ pause: 300 });
    const { folder } = lab;
    const other = await testLab({ folder, pause: 0 });
    const job = await start();
    await new Promise((resolve) => setTimeout(resolve, 150));
    // Another lab on the same folder sees the job, and its own runs do not meet it.
    const seen = (await (await other.ask("/api/jobs")).json()) as { id: string; state: string }[];
    expect(seen).toMatchObject([{ id: job, state: "running" }]);
    const own = last(await eventsOf(other, await start(other)));
    expect(own.state).toBe("done");
    await lab.desk.close();
    const stopped = last(await eventsOf(other, job));
    expect(stopped.state).toBe("stopped");
    const resumed = last(
      await eventsOf(other, await start(other, { slug: "tiny-claim", scale: "smoke", resume: stopped.run })),
    );
    expect(resumed).toMatchObject({ state: "done", run: stopped.run });
    await other.close();
  });

  it("whose process dies are failed, and the server goes on", async () => {
    const dying = ["-e", "process.on('message', () => { console.error('out of luck'); process.exit(7); })"];
    await lab.close();
    lab = await testLab({ run: runProcesses({ out: "unused", command: dying }) });
    expect(last(await eventsOf(lab, await start()))).toMatchObject({
      state: "failed",
      error: expect.stringMatching(/The run's process ended with status 7: out of luck; other runs go on/),
    });
    expect((await lab.ask("/api/runs")).status).toBe(200);
  });
});

it("data sets are brought with their files, held to their limits, and deleted", async () => {
  const before = process.env.HEBB_CACHE;
  process.env.HEBB_CACHE = join(lab.folder, "cache");
  try {
    const form = new FormData();
    form.set("name", "Trees");
    form.append("files", new File(["a,b,label\n1,2,0\n3,4,1\n"], "trees.csv"));
    expect(await (await lab.ask("/api/data", { method: "POST", body: form })).json()).toMatchObject({
      name: "trees",
      kind: "csv",
    });
    expect(await (await lab.ask("/api/data")).json()).toMatchObject([{ name: "trees" }]);
    const empty = new FormData();
    empty.set("name", "none");
    const answer = await lab.ask("/api/data", { method: "POST", body: empty });
    expect([answer.status, await answer.json()]).toEqual([400, { error: expect.stringContaining("got no file") }]);
    await lab.ask("/api/data/trees", { method: "DELETE" });
    expect(await (await lab.ask("/api/data")).json()).toEqual([]);
  } finally {
    if (before === undefined) delete process.env.HEBB_CACHE;
    else process.env.HEBB_CACHE = before;
  }
});
