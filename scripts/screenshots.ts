import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { addressOf, executablePath, launch, serve } from "../tests/browser/chromium.js";
import { buildSite } from "../tests/browser/site.js";

/** `npm run screenshots`: pictures of the lab's main pages for docs/lab.md, light, dark and as wide as a phone. */

const to = fileURLToPath(new URL("../docs/figures/lab", import.meta.url));
const looks = {
  light: { colorScheme: "light", viewport: { width: 1200, height: 860 } },
  dark: { colorScheme: "dark", viewport: { width: 1200, height: 860 } },
  phone: { colorScheme: "light", viewport: { width: 390, height: 844 } },
} as const;

if (!executablePath) throw new Error("There is no Chromium here: set CHROMIUM to the path of one.");
const folder = await mkdtemp(path.join(tmpdir(), "hebb-screenshots-"));
const browser = await launch();
try {
  await buildSite(folder);
  await mkdir(to, { recursive: true });
  const server = await serve(folder);
  for (const [look, options] of Object.entries(looks)) {
    const context = await browser.newContext({ ...options, deviceScaleFactor: 1 });
    const page = await context.newPage();
    await page.goto(addressOf(server));
    const take = (name: string) => page.screenshot({ path: path.join(to, `${name}-${look}.png`) });
    await page.getByRole("heading", { name: /Newest verdicts/ }).waitFor();
    await take("papers");
    await go(page, "/paper/lottery-ticket");
    const figure = page.locator(".plot-figure").first();
    await figure.locator("svg").first().waitFor();
    await figure.scrollIntoViewIfNeeded();
    await figure.evaluate((element) => element.scrollIntoView({ block: "center" }));
    await take("paper");
    for (const seeds of ["1", "2"]) {
      await go(page, "/paper/lottery-ticket?to=run");
      await page.getByRole("textbox", { name: "Seeds" }).fill(seeds);
      await page.getByRole("button", { name: "Run in this tab" }).click();
      if (seeds === "2") {
        await page.getByTestId("live-chart").locator("svg").last().waitFor({ timeout: 120_000 });
        await page.waitForTimeout(2500);
        await take("running");
      }
      await page.getByText("Verdict of this run").waitFor({ timeout: 240_000 });
    }
    await go(page, "/runs");
    const rows = page.getByTestId("runs").locator("tbody tr");
    await rows.nth(1).waitFor();
    await take("runs");
    for (const i of [0, 1]) await rows.nth(i).getByRole("checkbox").check();
    await page
      .locator(".runs-selection")
      .getByText(/^Compare/)
      .click();
    await page.locator(".plot-figure svg").first().waitFor();
    await page.waitForTimeout(500);
    await take("compare");
    await context.close();
  }
  server.close();
} finally {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
}

async function go(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
  await page.waitForTimeout(300);
}
