import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { crashTest } from "./crash/harness.js";

it("runs that are killed, and whose checkpoints are damaged, end as if they had not been", async () => {
  const out = await mkdtemp(join(tmpdir(), "hebb-crash-"));
  const found = await crashTest({ kills: 6, full: 0, seed: 1, slug: "crash", out });
  expect(found.atRandom + found.inWrites).toBe(6);
  expect(found.runs).toBeGreaterThan(0);
  await rm(out, { recursive: true });
  // More than ten processes, one after the other.
}, 600_000);
