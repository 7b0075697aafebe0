import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkRequest } from "../../src/lab/controls.js";
import { Desk } from "../../src/lab/desk.js";
import { runProcesses } from "../../src/server/run-process.js";
import { type LabServer, startServer } from "../../src/server/server.js";
import { studies } from "../../studies/index.js";
import { addressOf, executablePath, launch, serve, whyNot } from "./chromium.js";
import { accessibilityProblems, buildSite } from "./site.js";

let folder: string;
let pages: string;
let browser: Browser;

// A machine that is busy with other tests may answer too late once.
describe.skipIf(!executablePath)(`the lab${whyNot}`, { retry: 1 }, () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "hebb-lab-pages-"));
    pages = path.join(folder, "web");
    await buildSite(pages);
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  describe("as static files", () => {
    let server: Server;
    beforeAll(async () => {
      server = await serve(pages, { isolated: false });
    });
    afterAll(() => void server?.close());
    tests(() => addressOf(server), "Run in this tab");

    it("loads the catalogue with less than 300 kB, compressed", async () => {
      const { gzipSync } = await import("node:zlib");
      const page = await browser.newPage();
      let bytes = 0;
      page.on("response", async (response) => {
        if (response.url().startsWith("http"))
          bytes += gzipSync(await response.body().catch(() => Buffer.alloc(0))).length;
      });
      await page.goto(addressOf(server));
      await page.getByRole("heading", { name: /Newest verdicts/ }).waitFor();
      await page.waitForTimeout(500);
      await page.close();
      expect(bytes).toBeGreaterThan(20_000);
      expect(bytes).toBeLessThan(300_000);
    });
  });

  describe("on its server", () => {
    let server: LabServer;
    let desk: Desk;
    const cache = process.env.HEBB_CACHE;
    beforeAll(async () => {
      process.env.HEBB_CACHE = path.join(folder, "cache");
      const root = path.join(folder, "runs");
      const program = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
      desk = new Desk(runProcesses({ out: root, threads: 1, command: ["--import", "tsx", program, "lab-run"] }), {
        root,
        check: async (request) => checkRequest((await studies[request.slug]()).default, request),
      });
      server = await startServer({ desk, root, pages, device: "one thread of this machine" });
    });
    afterAll(async () => {
      await desk?.close();
      await server?.close();
      if (cache === undefined) delete process.env.HEBB_CACHE;
      else process.env.HEBB_CACHE = cache;
    });
    tests(() => server.url, "Run on the server");
  });
});

/** What a visitor does, whatever stands behind the pages. */
function tests(address: () => string, button: string): void {
  let context: BrowserContext;
  let page: Page;
  const problems: string[] = [];
  beforeEach(async () => {
    context ??= await browser.newContext({ acceptDownloads: true, viewport: { width: 1200, height: 900 } });
    page = await context.newPage();
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(error.message));
    await page.goto(address());
    await page.getByRole("heading", { name: /Newest verdicts/ }).waitFor();
  });
  afterEach(async () => {
    await page.close();
    expect(problems.splice(0)).toEqual([]);
  });
  afterAll(() => context?.close());

  const go = (hash: string) => page.evaluate((to) => void (location.hash = to), hash);
  const state = () => page.getByTestId("job-state");
  const ended = () =>
    page.waitForFunction(() => document.querySelector('[data-testid="job-state"]')?.textContent === "done");

  async function start(seeds: string): Promise<void> {
    await go("/paper/lottery-ticket?to=run");
    await page.getByRole("textbox", { name: "Seeds" }).fill(seeds);
    await page.getByRole("button", { name: button }).click();
    await state().waitFor();
  }

  it("finds grokking from the front page, also with a typing error, and keeps the search in the address", async () => {
    const focused = async () => {
      await page.keyboard.press("/");
      return page.evaluate(() => document.activeElement?.tagName);
    };
    await expect.poll(focused).toBe("INPUT");
    await page.keyboard.type("grokking");
    const titles = page.locator(".papers li > div > a");
    await expect.poll(() => titles.first().textContent()).toMatch(/grok/i);
    await page.getByLabel("Search papers").fill("groking");
    await expect.poll(() => titles.first().textContent()).toMatch(/grok/i);
    expect(page.url()).toContain("q=groking");
    await page.getByLabel("Family").selectOption("compress");
    await expect.poll(() => page.getByRole("status").first().textContent()).toMatch(/of 154/);
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it("shows a paper: claim, criterion, verdict, figures, example, model and code", async () => {
    await go("/paper/lottery-ticket");
    await page.getByRole("heading", { level: 1, name: /Lottery Ticket/ }).waitFor();
    const figure = page.getByRole("figure", { name: /Test accuracy at early stop/ });
    await figure.locator("svg").first().waitFor();
    const lines = () => figure.locator('svg [aria-label="line"] path, svg g path').count();
    const before = await lines();
    await figure.getByRole("checkbox", { name: "random mask" }).uncheck();
    await expect.poll(lines).toBeLessThan(before);
    await figure.getByRole("checkbox", { name: "Show as table" }).check();
    await figure.getByRole("table").waitFor();
    await page.getByText("An example; the tests run it as it stands.").waitFor();
    await page.locator(".diagram svg").waitFor();
    await page.locator(".highlighted.numbered .line").first().waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it("runs a study, shows curves as they grow, and loses nothing when the page is loaded again", async () => {
    await start("3");
    const drawn = () =>
      page
        .getByTestId("live-chart")
        .locator("path")
        .evaluateAll((all) => all.map((p) => p.getAttribute("d")).join("").length);
    await expect.poll(drawn, { timeout: 60_000 }).toBeGreaterThan(200);
    const early = await drawn();
    await expect.poll(drawn, { timeout: 60_000 }).toBeGreaterThan(early);
    await page.reload();
    await state().waitFor();
    // A tab's worker ends with the page; the server goes on.
    await expect.poll(() => state().textContent(), { timeout: 30_000 }).toMatch(/running|stopped|done/);
    const resume = page.getByRole("button", { name: "Resume" });
    if ((await state().textContent()) === "stopped") await resume.click();
    await ended();
    await page.getByRole("heading", { name: "Verdict of this run" }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it("compares two runs and exports the figure", async () => {
    await start("1");
    await ended();
    await go("/runs");
    const boxes = page.getByTestId("runs").getByRole("checkbox");
    await expect.poll(() => boxes.count()).toBeGreaterThanOrEqual(2);
    expect(await accessibilityProblems(page)).toEqual([]);
    const rows = page.getByTestId("runs").locator("tbody tr");
    for (const i of [0, 1]) await rows.nth(i).getByRole("checkbox").check();
    await page
      .getByRole("button", { name: "Compare" })
      .or(page.getByRole("link", { name: "Compare", exact: true }).last())
      .first()
      .click();
    await page.getByTestId("comparison").waitFor();
    await page.locator(".plot-figure svg").first().waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole("button", { name: "Export figure" }).click();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: /^SVG/ }).click();
    const file = await (await download).path();
    expect(await readFile(file, "utf8")).toMatch(/^<svg[\s\S]*<\/svg>\s*$/);
  });

  it("takes a run to the bin and back", async () => {
    await go("/runs");
    const rows = page.getByTestId("runs").locator("tbody tr");
    await rows.first().waitFor();
    const before = await rows.count();
    await rows.first().getByRole("checkbox").check();
    await page
      .getByRole("button", { name: /^Delete/ })
      .first()
      .click();
    await expect.poll(() => rows.count()).toBe(before - 1);
    await page.getByRole("button", { name: "Undo" }).click();
    await expect.poll(() => rows.count()).toBe(before);
  });

  it("looks at a table, keeps it, offers it to a study, and says what is wrong with another", async () => {
    await go("/data");
    const choose = page.getByLabel(/Drop files here/);
    const text = `a,b,kind\n${Array.from({ length: 60 }, (_, i) => `${i % 2},${i},${i % 2 ? "oak" : "fir"}`).join("\n")}\n`;
    const csv = (name: string, content: string) => ({ name, mimeType: "text/csv", buffer: Buffer.from(content) });
    await choose.setInputFiles(csv("trees.csv", text));
    await expect.poll(() => page.getByTestId("look-about").textContent()).toMatch(/60 rows, 2 columns, 2 classes/);
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole("button", { name: /^Keep/ }).first().click();
    await page.getByRole("heading", { name: "trees" }).waitFor();
    await page.getByRole("link", { name: "Use in lottery-ticket" }).click();
    await expect.poll(() => page.getByLabel("Data", { exact: true }).inputValue()).toBe("brought:trees");
    await go("/data");
    await page.getByLabel(/Drop files here/).setInputFiles(csv("empty.csv", ""));
    await page.getByText("empty.csv: the file is empty.").waitFor();
    await page.getByRole("button", { name: /Delete trees/ }).click();
    await page.getByText("Nothing yet.").waitFor();
  });

  it("says what there is not", async () => {
    await go("/paper/no-such-paper");
    await page.getByText(/There is no paper "no-such-paper"/).waitFor();
    await go("/nowhere");
    await page.getByText("There is no page /nowhere.").waitFor();
    await go("/run/tab/no-such-run");
    await page.getByText(/This run cannot be shown: There is no run "no-such-run"/).waitFor();
    problems.splice(0, problems.length, ...problems.filter((text) => !/404|400/.test(text)));
  });
}
