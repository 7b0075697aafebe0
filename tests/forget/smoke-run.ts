import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { setBackend } from "../../src/engine/index.js";
import { type MetricPoint, memoryCache, type RunRecord, RunStore, runStudy, type Study } from "../../src/lab/index.js";

/** A study's run at smoke scale, made once before the tests of the group that this is called in. */
export function smokeRun(study: Study): { out: string; record: RunRecord; metrics: readonly MetricPoint[] } {
  const run = {} as ReturnType<typeof smokeRun>;
  beforeAll(async () => {
    await setBackend("node", { threads: 1 });
    run.out = await mkdtemp(join(tmpdir(), `hebb-${study.slug}-`));
    run.record = await runStudy(study, { scale: "smoke", out: run.out, cache: memoryCache() });
    run.metrics = await (await new RunStore(run.out).open(run.record.id)).readMetrics();
  }, 60_000);
  afterAll(() => rm(run.out, { recursive: true }));
  return run;
}
