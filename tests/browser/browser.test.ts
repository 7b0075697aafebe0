import { mkdtemp, readdir, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, Page as Tab } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setBackend } from "../../src/engine/index.js";
import { addressOf, buildPage, executablePath, launch, serve, whyNot } from "./chromium.js";
import type { Page } from "./page.js";
import { randomNumbers, trainingLosses } from "./workload.js";

describe.skipIf(!executablePath)(`in a real browser${whyNot}`, () => {
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
    await buildPage("page.ts", folder);
    server = await serve(folder);
    browser = await launch();
    tab = await browser.newPage();
    tab.on("pageerror", (error) => problems.push(error.message));
    tab.on(
      "response",
      (r) => r.status() >= 400 && !r.url().endsWith("favicon.ico") && problems.push(`${r.status()} ${r.url()}`),
    );
    await tab.goto(addressOf(server));
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
});
