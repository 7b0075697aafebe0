import { z } from "zod";
import { platform } from "#platform";
import { HebbError, nearest } from "../engine/errors.js";
import { canonicalJson } from "./json.js";
import type { Job } from "./queue/queue.js";
import { nameSchema, parseChecked } from "./schema.js";
import { RunFolder } from "./store.js";
import type { Scale, Study } from "./study.js";

export type Configuration = Job["options"];

/** What a sweep runs, as `plan.json` keeps it. */
export interface SweepPlan {
  readonly version: 1;
  readonly id: string;
  readonly slug: string;
  readonly scale: Scale;
  readonly configurations: readonly Configuration[];
  readonly seeds: readonly number[];
  /** The sources of the program that planned it. */
  readonly code: string;
  readonly started: string;
}

const planSchema: z.ZodType<SweepPlan> = z.object({
  version: z.literal(1),
  id: nameSchema,
  slug: z.string(),
  scale: z.enum(["smoke", "standard", "full"]),
  configurations: z.array(z.record(z.string(), z.union([z.number(), z.string(), z.boolean()]))),
  seeds: z.array(z.number()),
  code: z.string(),
  started: z.string(),
});

/** No sweep has more: a product grows fast. */
const mostConfigurations = 2000;
const mostJobs = 100_000;

/**
 * The product of lists of values: `{ a: [1, 2], b: [3] }` gives `{ a: 1, b: 3 }` and `{ a: 2, b: 3 }`. Throws when there
 * would be too many.
 */
export function configurationsOf(grid: ReadonlyMap<string, readonly Configuration[string][]>): Configuration[] {
  checkCount(
    [...grid.values()].reduce((count, values) => count * values.length, 1),
    mostConfigurations,
    "configurations",
  );
  let product: Configuration[] = [{}];
  for (const [name, values] of grid) {
    product = product.flatMap((configuration) => values.map((value) => ({ ...configuration, [name]: value })));
  }
  return product;
}

function checkCount(count: number, most: number, what: string): void {
  if (count > most) throw new HebbError(`A sweep has at most ${most} ${what}, and this would have ${count}.`);
}

/** A configuration for a person: `rounds 3, tuned true`. */
export const describe = (configuration: Configuration): string =>
  Object.entries(configuration)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ") || "as the scale says";

/** The jobs of a sweep, by configuration and seed, in the order in which they are started. */
export interface PlannedJob {
  readonly job: Job;
  readonly configuration: number;
}

/**
 * The jobs of a plan: every configuration gets its first seed before any gets its second. A job of changed sources
 * belongs to its sweep alone, as nothing else tells these sources from other changes.
 */
export async function jobsOf(plan: SweepPlan, study: Study): Promise<PlannedJob[]> {
  const { id, slug, scale, configurations, seeds, code } = plan;
  checkCount(configurations.length * seeds.length, mostJobs, "jobs");
  const defaults = study.scales[scale]?.options;
  const jobs: PlannedJob[] = [];
  for (const seed of seeds) {
    for (const [configuration, options] of configurations.entries()) {
      const identity = {
        slug,
        scale,
        options: { ...defaults, ...options },
        seed,
        code,
        sweep: isChanged(code) ? id : "",
      };
      const hash = await platform.sha256(new TextEncoder().encode(canonicalJson(identity)));
      jobs.push({
        job: { id: `${slug}-${scale}-${hash.slice(0, 16)}`, slug, scale, options, seed, code },
        configuration,
      });
    }
  }
  return jobs;
}

/** The name of sources that differ from their commit, or of one that does not. */
export const codeName = (base: string, changed: boolean): string => (changed ? `${base}-changed` : base);

const isChanged = (code: string): boolean => code.endsWith("-changed");

/** The sweeps whose runs are under `root`: `<root>/sweeps/<id>/`. */
export class SweepStore {
  constructor(readonly root: string) {}

  path(id: string): string {
    return `${this.root}/sweeps/${id}`;
  }

  async write(plan: SweepPlan): Promise<void> {
    await platform.mkdirp(this.path(plan.id));
    await platform.writeFileAtomic(`${this.path(plan.id)}/plan.json`, `${JSON.stringify(plan, null, 1)}\n`);
  }

  /** The plan of a sweep. An unknown id gives the nearest known one in the error. */
  async read(id: string): Promise<SweepPlan> {
    const file = `${this.path(id)}/plan.json`;
    if (!(await platform.exists(file))) {
      const folder = `${this.root}/sweeps`;
      const known = nearest(id, (await platform.exists(folder)) ? await platform.listDir(folder) : []);
      throw new HebbError(`There is no sweep "${id}" in ${this.root}.${known ? ` Did you mean ${known}?` : ""}`);
    }
    const plan = parseChecked(planSchema, new TextDecoder().decode(await platform.readFile(file)), file);
    if (plan.id !== id) throw new HebbError(`${file} is the plan of another sweep, ${plan.id}.`);
    return plan;
  }
}

/** The run folder of a job, which is there once the job is finished. */
export const resultOf = (root: string, job: Job): RunFolder => new RunFolder(job.id, `${root}/${job.id}`);

/** Whether a job is finished. */
export const hasResult = (root: string, job: Job): Promise<boolean> =>
  platform.exists(`${resultOf(root, job).path}/run.json`);

/** `<slug>-<scale>-<yyyymmdd>-<hhmmss>-<4 random>`, like a run's. */
export function sweepId(slug: string, scale: Scale, started: Date): string {
  const time = started.toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
  return `${slug}-${scale}-${time}-${crypto.randomUUID().slice(0, 4)}`;
}
