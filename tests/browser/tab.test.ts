import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { setBackend } from "../../src/engine/index.js";
import { memoryCache } from "../../src/lab/cache.js";
import type { RunRecord } from "../../src/lab/record.js";
import { runStudy } from "../../src/lab/runner.js";
import { RunStore } from "../../src/lab/store.js";
import type { MetricPoint } from "../../src/lab/study.js";
import study from "../../studies/compress/lottery-ticket.js";
import type { Job, JobEvent, Place, StartRequest } from "../../web/src/contract.js";
import { addressOf, buildPage, executablePath, launch, type ServeOptions, serve, whyNot } from "./chromium.js";

const request: StartRequest = { slug: "lottery-ticket", scale: "smoke", seeds: [0] };
const long: StartRequest = { ...request, seeds: 3 };

declare const tab: Place;

// A machine that is busy with other tests may answer too late once.
describe.skipIf(!executablePath)(`runs in a tab${whyNot}`, { retry: 1 }, () => {
  let folder: string;
  let browser: Browser;
  let context: BrowserContext | undefined;
  let server: Server | undefined;
  const problems: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "hebb-tab-"));
    await buildPage("tab-page.ts", path.join(folder, "web"));
    browser = await launch();
  });
  afterEach(async () => {
    await context?.close();
    server?.close();
    server = undefined;
    context = undefined;
    expect(problems.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** A tab; further ones share its files. */
  async function open(how: ServeOptions = {}): Promise<Page> {
    server ??= await serve(path.join(folder, "web"), how);
    context ??= await browser.newContext();
    const page = await context.newPage();
    page.on("pageerror", (error) => problems.push(error.message));
    await page.goto(addressOf(server));
    await page.waitForFunction("document.title === 'ready'");
    return page;
  }

  const start = (page: Page, what: StartRequest) => page.evaluate((r) => tab.start(r), what);
  /** All events of a job until it ends, or until the first of a type. */
  const events = (page: Page, id: string, until?: string): Promise<JobEvent[]> =>
    page.evaluate(
      async ([id, until]) => {
        const all: JobEvent[] = [];
        const enough = new AbortController();
        const onEvent = (event: JobEvent) => {
          all.push(event);
          const { type, state } = event.event as { type: string; state?: string };
          if (until !== undefined && (type === until || state === until)) enough.abort();
        };
        await tab.watch(id, onEvent, { signal: enough.signal });
        return all;
      },
      [id, until] as [string, string],
    );
  const end = async (page: Page, id: string): Promise<Job> =>
    ((await events(page, id)).at(-1)!.event as { job: Job }).job;
  const record = (page: Page, run: string): Promise<RunRecord> => page.evaluate((r) => tab.record(r), run);

  async function inNode(backend: "node" | "wasm", threads: number) {
    setBackend(backend, { threads });
    const out = path.join(folder, "runs");
    const run = await runStudy(study, { scale: "smoke", seeds: [0], out, cache: memoryCache() });
    expect(run.error).toBeUndefined();
    return { run, metrics: await (await new RunStore(out).open(run.id)).readMetrics() };
  }

  it("gives the measures that Node gives, streams the curves, and keeps the files", async () => {
    const page = await open();
    const { about } = await page.evaluate(() => tab.device());
    const threads = Number(/^WebAssembly, (\d) threads?$/.exec(about)?.[1]);
    const { id } = await start(page, request);
    const seen = await events(page, id);
    expect(seen.map(({ at }) => at)).toEqual(seen.map((_, i) => i));
    const { state, run, error } = (seen.at(-1)!.event as { job: Job }).job;
    expect([state, error]).toEqual(["done", undefined]);
    const there = await record(page, run!);
    const streamed = seen.flatMap(({ event }) => (event.type === "metric" ? event.point : []));
    expect(await page.evaluate((r) => tab.metrics(r), run!)).toEqual(streamed);
    // WebAssembly in Node has the same kernels: every bit is the same.
    const same = await inNode("wasm", threads);
    expect(streamed).toEqual(same.metrics);
    expect(there.rows).toEqual(same.run.rows);
    expect(there.judgement).toEqual(same.run.judgement);
    // Native kernels round otherwise, which training makes more of with every step: the first loss differs in its last
    // digits, and in the end a few rows of the data, whose class is a matter of rounding, count as 1 of 397 or of 1200.
    const native = await inNode("node", 1);
    const plain = ({ values: _, ...rest }: MetricPoint) => rest;
    expect(streamed.map(plain)).toEqual(native.metrics.map(plain));
    const [first, nativeFirst] = [streamed[0].values.trainLoss, native.metrics[0].values.trainLoss];
    expect(Math.abs(first - nativeFirst)).toBeLessThan(1e-4 * nativeFirst);
    there.rows.forEach(({ measures, ...rest }, i) => {
      const { measures: expected, ...nativeRest } = native.run.rows[i];
      expect(rest).toEqual(nativeRest);
      for (const name of ["testAtStop", "testFinal", "trainFinal"]) {
        expect(Math.abs(measures[name] - expected[name]), `${name} of row ${i}`).toBeLessThan(0.6);
      }
    });

    const progress = seen.flatMap(({ event, time }) => (event.type === "progress" ? [{ ...event, time }] : []));
    expect(progress.at(-1)).toMatchObject({ done: progress[0].total });
    expect(progress.at(-1)!.time).toBeGreaterThan(progress[0].time);

    expect(await page.evaluate(() => tab.runs())).toMatchObject([{ id: run, status: "done", place: "tab", seeds: 1 }]);
    const files = await page.evaluate((r) => tab.files(r), run!);
    expect(files.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["environment.json", "log.txt", "metrics.jsonl", "run.json", "units.jsonl"]),
    );
    const text = await page.evaluate(async (r) => (await tab.file(r, "run.json")).text(), run!);
    expect(JSON.parse(text).id).toBe(run);
    expect(await page.evaluate((r) => tab.file(r, "../other").catch((e) => e.message), run!)).toMatch(/has no file/);
    expect(await page.evaluate((r) => tab.log(r), run!)).toMatch(/is done\n$/);
  });

  it("stops a run that then resumes", async () => {
    const page = await open();
    const { id } = await start(page, long);
    await events(page, id, "row");
    await page.evaluate((job) => tab.cancel(job), id);
    const stopped = await end(page, id);
    expect(stopped).toMatchObject({ state: "stopped", run: expect.any(String) });
    expect(await record(page, stopped.run!)).toMatchObject({ status: "stopped" });
    const again = await start(page, { ...long, resume: stopped.run });
    const seen = await events(page, again.id);
    expect(seen.some(({ event }) => event.type === "unit" && event.state === "restored")).toBe(true);
    expect((seen.at(-1)!.event as { job: Job }).job).toMatchObject({ state: "done", run: stopped.run });
  });

  it("says what happened when the worker dies, and what was recorded stays", async () => {
    const page = await open();
    const { id } = await start(page, long);
    await events(page, id, "row");
    const worker = page.workers().find((w) => w.url().includes("compute"))!;
    await worker.evaluate(() => self.close()).catch(() => {});
    const job = await end(page, id);
    expect(job).toMatchObject({ state: "failed", error: expect.stringMatching(/ended the worker.*can be resumed/) });
    expect(await page.evaluate(() => tab.runs())).toMatchObject([{ id: job.run, status: "interrupted" }]);
    const again = await start(page, { ...long, resume: job.run });
    expect(await end(page, again.id)).toMatchObject({ state: "done", run: job.run });
  });

  it("keeps what was recorded when the page is reloaded, and shows the job as stopped", async () => {
    const page = await open();
    const { id } = await start(page, long);
    await events(page, id, "finished");
    await page.reload();
    await page.waitForFunction("document.title === 'ready'");
    const job = await end(page, id);
    expect(job).toMatchObject({ state: "stopped", error: expect.stringContaining("what was recorded is kept") });
    expect(await page.evaluate(() => tab.jobs())).toEqual([job]);
    const again = await start(page, { ...long, resume: job.run });
    const seen = await events(page, again.id);
    expect(seen.some(({ event }) => event.type === "unit" && event.state === "restored")).toBe(true);
    expect((seen.at(-1)!.event as { job: Job }).job).toMatchObject({ state: "done", run: job.run });
  });

  it("lets two tabs share runs: one sees the other's job, may stop it, and may not write its run", async () => {
    const [one, two] = [await open(), await open()];
    const { id } = await start(one, { ...long, seeds: 30 });
    await events(one, id, "metric");
    const [job] = await two.evaluate(() => tab.jobs());
    expect(job).toMatchObject({ id, state: "running" });
    expect((await two.evaluate(() => tab.runs()))[0]).toMatchObject({ id: job.run, status: "running" });
    const intruder = await start(two, { ...long, resume: job.run });
    expect(await end(two, intruder.id)).toMatchObject({
      state: "failed",
      error: expect.stringContaining("is being written by an open page"),
    });
    const watched = end(two, id);
    await two.evaluate((job) => tab.cancel(job), id);
    expect(await watched).toMatchObject({ state: "stopped" });
    expect(await end(one, id)).toMatchObject({ state: "stopped" });
  });

  it("goes on after the worker that keeps the runs has died", async () => {
    const page = await open();
    const { id } = await start(page, long);
    const watched = page.evaluate((id) => tab.watch(id, () => {}).catch((error) => error.message), id);
    await events(page, id, "start");
    const keeper = page.workers().find((w) => w.url().includes("keeper"))!;
    await keeper.evaluate(() => self.close()).catch(() => {});
    expect(await watched).toMatch(/keeps runs in this browser has ended/);
    const job = await end(page, id);
    expect(job).toMatchObject({ state: "stopped" });
    expect(await page.evaluate(() => tab.runs())).toMatchObject([{ id: job.run, status: "interrupted" }]);
  });

  it("keeps tags, a bin and data sets, also for a later visit", async () => {
    const page = await open();
    const { id } = await start(page, { ...request, options: { stepz: 3 } });
    expect(await end(page, id)).toMatchObject({ state: "failed", error: expect.stringContaining('option "stepz"') });
    const { run } = await end(page, (await start(page, request)).id);
    await page.evaluate((r) => tab.tag(r, ["first", "mine "]), run!);
    const table = "a,b,label\n1,2,x\n3,4,y\n5,6,x\n";
    const added = await page.evaluate(
      (text) => tab.addData("My table.csv", [new File([text], "My table.csv")], { label: "label" }),
      table,
    );
    expect(added).toMatchObject({ name: "my-table", kind: "csv" });
    const damaged = page.evaluate(() => tab.addData("bad", [new File(["PK??"], "bad.npz")]).catch((e) => e.message));
    expect(await damaged).toMatch(/bad\.npz/);

    await page.reload();
    await page.waitForFunction("document.title === 'ready'");
    const [kept] = await page.evaluate(() => tab.runs());
    expect(kept).toMatchObject({ id: run, tags: ["first", "mine"] });
    expect(kept.bytes).toBeGreaterThan(1000);
    expect(await page.evaluate(() => tab.data())).toEqual([added]);
    await page.evaluate((r) => tab.remove([r]), run!);
    expect(await page.evaluate(() => tab.runs())).toEqual([]);
    expect(await page.evaluate(() => tab.usage())).toMatchObject({ runs: 0, bin: expect.any(Number) });
    await page.evaluate((r) => tab.restore([r]), run!);
    expect(await page.evaluate(() => tab.runs())).toHaveLength(1);
    await page.evaluate((r) => tab.remove([r]), run!);
    await page.evaluate(() => tab.emptyBin());
    expect(await page.evaluate(() => tab.usage())).toEqual({ runs: 0, bin: 0 });
    await page.evaluate(() => tab.removeData("my-table"));
    expect(await page.evaluate(() => tab.data())).toEqual([]);
  });

  it("runs without the headers for threads, and says so", async () => {
    const page = await open({ isolated: false });
    expect(await page.evaluate(() => tab.device())).toEqual({
      about: "WebAssembly, 1 thread",
      warning: expect.stringContaining("threads"),
    });
    const { id } = await start(page, request);
    expect(await end(page, id)).toMatchObject({ state: "done" });
  });

  const before = (part: string, script: string): ServeOptions => ({
    change: (name, content) => (name.includes(part) && name.endsWith(".js") ? `${script}\n${content}` : content),
  });

  it("runs in memory where the browser keeps no files, and says so", async () => {
    const refuse = "navigator.storage.getDirectory = () => Promise.reject(new DOMException('no', 'SecurityError'));";
    const page = await open(before("/assets/", refuse));
    expect((await page.evaluate(() => tab.device())).warning).toMatch(/keeps no files.*lost when it is closed/);
    const { id } = await start(page, request);
    const job = await end(page, id);
    expect([job.state, job.error]).toEqual(["done", undefined]);
    expect(await record(page, job.run!)).toMatchObject({ status: "done" });
  });

  it("writes files in browsers without writable streams", async () => {
    const page = await open(before("/assets/", "delete FileSystemFileHandle.prototype.createWritable;"));
    const { id } = await start(page, request);
    const job = await end(page, id);
    expect([job.state, job.error]).toEqual(["done", undefined]);
    expect(await record(page, job.run!)).toMatchObject({ status: "done" });
  });

  it("says that memory is not enough, and goes on", async () => {
    let short = true;
    const change = (name: string, content: Buffer) =>
      name.includes("compute") && short
        ? `WebAssembly.Memory.prototype.grow = () => { throw new RangeError("WebAssembly.Memory.grow(): Maximum memory size exceeded"); };\n${content}`
        : content;
    const page = await open({ change });
    const { id } = await start(page, request);
    expect(await end(page, id)).toMatchObject({ state: "failed", error: expect.stringContaining("needs more memory") });
    short = false;
    const again = await start(page, request);
    expect(await end(page, again.id)).toMatchObject({ state: "done" });
  });

  it("says that a part of the program could not be loaded", async () => {
    const page = await open({ change: (name, content) => (name.includes("lottery-ticket") ? undefined : content) });
    const { id } = await start(page, request);
    expect(await end(page, id)).toMatchObject({
      state: "failed",
      error: expect.stringContaining("could not be loaded"),
    });
    const other = await browser.newContext();
    const without = await serve(path.join(folder, "web"), {
      change: (name, content) => (name.includes("keeper") ? undefined : content),
    });
    const tabOf = await other.newPage();
    await tabOf.goto(addressOf(without));
    await tabOf.waitForFunction("document.title === 'ready'");
    expect(await tabOf.evaluate(() => tab.jobs().catch((e) => e.message))).toMatch(/could not be loaded/);
    await other.close();
    without.close();
  });
});
