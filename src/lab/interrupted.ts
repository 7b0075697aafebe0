import { describeEnvironment } from "./environment.js";
import { listRuns } from "./index-of-runs.js";
import { canonicalJson } from "./json.js";
import { chooseSeeds, mergeOptions, type RunOptions } from "./runner.js";
import { RunStore } from "./store.js";
import type { Study } from "./study.js";

/**
 * The newest run that was interrupted, as by a crash, and that `runStudy` with these options would only repeat: the same
 * scale, seeds, options, device and environment. Undefined when there is none, or when the sources here differ from their
 * commit, so that nobody knows whether they are the same.
 */
export async function interruptedRun<Options>(
  study: Study<Options>,
  { scale = "smoke", seeds, device = "cpu", options, out, environment: known }: RunOptions<Options>,
): Promise<string | undefined> {
  const info = study.scales[scale];
  const environment = { ...(await describeEnvironment()), ...known };
  if (!info || environment.dirty) return undefined;
  const wanted = canonicalJson({
    seeds: chooseSeeds(info.seeds, seeds),
    options: mergeOptions(study.slug, info.options, options),
    device,
    environment,
  });
  const store = new RunStore(out);
  for (const run of await listRuns(store.root)) {
    if (run.status !== "interrupted" || run.slug !== study.slug || run.scale !== scale) continue;
    const record = await (await store.open(run.id)).readRecord();
    const found = canonicalJson({
      seeds: record.seeds,
      options: record.options,
      device: record.device,
      environment: record.environment,
    });
    if (found === wanted) return run.id;
  }
  return undefined;
}
