import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { main } from "../../src/cli/program.js";
import { version } from "../../src/lab/version.js";
import { hebb, world } from "./world.js";

it("list shows slug, family, status, verdict and title, and says what to do next", async () => {
  const io = world();
  expect(await hebb(io, "list")).toBe(0);
  expect(io.out().split("\n").slice(0, 3)).toEqual([
    "slug        family    status     verdict  title",
    "tiny-claim  compress  available  -        A Tiny Claim",
    "far-claim   forget    planned    -        A Claim Not Yet Studied",
  ]);
  expect(io.err()).toBe("");
});

it("list --family --json gives that family as one JSON array", async () => {
  const io = world();
  expect(await hebb(io, "list --family forget --json")).toBe(0);
  expect(JSON.parse(io.out())).toEqual([
    {
      slug: "far-claim",
      family: "forget",
      title: "A Claim Not Yet Studied",
      year: 2021,
      status: "planned",
      verdict: null,
    },
  ]);
});

it("list and show tell the verdict of the project's ledger after a standard run with --ledger", async () => {
  const io = world();
  expect(await hebb(io, "run tiny-claim --scale standard --ledger")).toBe(0);
  expect(io.out()).toContain("ledger/tiny-claim.json");
  const later = world({ cwd: io.cwd });
  await hebb(later, "list --json");
  expect(JSON.parse(later.out())[0]).toMatchObject({ slug: "tiny-claim", verdict: "replicated" });
  const shown = world({ cwd: io.cwd });
  await hebb(shown, "show tiny-claim");
  expect(shown.out()).toMatch(/Verdict in the ledger\n {2}replicated: All conditions hold/);
});

it("list names the ledger file that it cannot read", async () => {
  const io = world();
  mkdirSync(join(io.cwd, "ledger"));
  writeFileSync(join(io.cwd, "ledger", "tiny-claim.json"), "{");
  expect(await hebb(io, "list")).toBe(1);
  expect(io.err()).toContain("ledger/tiny-claim.json is not JSON");
});

it("list fits a terminal's width and shows no colours under NO_COLOR", async () => {
  const io = world({ tty: true });
  await hebb(io, "list");
  expect(io.out()).toContain("\u001b[");
  const plain = world({ tty: true, env: { NO_COLOR: "1" } });
  await hebb(plain, "list");
  expect(plain.out()).not.toContain("\u001b[");
});

it("show tells claim, criterion, arms, scales and library functions", async () => {
  const io = world();
  expect(await hebb(io, "show tiny-claim")).toBe(0);
  for (const part of [
    "A Tiny Claim (2020)",
    "The <new> arm is better",
    "New minus old, paired by seed",
    "new: the method",
    "smoke: two rounds, no training, 0 s (2 seeds)",
    "tiny (hebb/tiny)",
    "accuracy: accuracy (%), higher is better",
    "none yet",
  ]) {
    expect(io.out()).toContain(part);
  }
});

it("show tells the claim of a paper that is only planned", async () => {
  const io = world();
  expect(await hebb(io, "show far-claim")).toBe(0);
  expect(io.out()).toContain("planned: no study yet");
  expect(io.out()).toContain("Far beats near.");
});

it("show --json gives one object", async () => {
  const io = world();
  expect(await hebb(io, "show tiny-claim --json")).toBe(0);
  expect(JSON.parse(io.out())).toMatchObject({
    slug: "tiny-claim",
    status: "available",
    arms: { new: "the method" },
    offers: ["tiny (hebb/tiny)"],
  });
});

it("--version prints the version, help and no command print the commands", async () => {
  const io = world();
  expect(await hebb(io, "--version")).toBe(0);
  expect(io.out()).toBe(`${version}\n`);
  for (const line of ["help", "", "--help"]) {
    const asked = world();
    expect(await hebb(asked, line)).toBe(0);
    expect(asked.out()).toContain("run [options] <slug...>");
  }
});

it("the built-in catalogue is listed whole", async () => {
  const io = world();
  expect(await main(["list", "--json"], io)).toBe(0);
  expect(JSON.parse(io.out())).toHaveLength(154);
});
