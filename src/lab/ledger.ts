import { z } from "zod";
import { platform } from "#platform";
import { HebbError } from "../engine/errors.js";
import { curvePoints, curvesOf, curvesSchema } from "./curves.js";
import { canonicalJson } from "./json.js";
import type { Cost, Environment, RunRecord } from "./record.js";
import { costSchema, environmentSchema, judgementSchema, parseChecked } from "./schema.js";
import type { Judgement, MetricPoint, Study } from "./study.js";
import { summarise, type TableLine } from "./table.js";

/** What a run at `standard` scale measured: one file per study, committed with the code. */
export interface LedgerEntry {
  readonly version: 1;
  readonly slug: string;
  /** The id of the run. */
  readonly run: string;
  /** When it started (ISO 8601). */
  readonly date: string;
  readonly seeds: readonly number[];
  readonly options: unknown;
  readonly device: string;
  readonly seconds: number;
  readonly cost: Cost;
  readonly environment: Environment;
  readonly judgement: Judgement;
  readonly notes: readonly string[];
  /** Means, intervals and the values of all seeds; `tableRows` turns them into rows that can be judged again. */
  readonly table: readonly TableLine[];
}

const cell = z.object({
  mean: z.number(),
  low: z.number().optional(),
  high: z.number().optional(),
  n: z.number(),
  seeds: z.array(z.number()),
  values: z.array(z.number()),
});

const ledgerSchema: z.ZodType<LedgerEntry> = z.object({
  version: z.literal(1),
  slug: z.string(),
  run: z.string(),
  date: z.string(),
  seeds: z.array(z.number()),
  options: z.unknown(),
  device: z.string(),
  seconds: z.number(),
  cost: costSchema,
  environment: environmentSchema,
  judgement: judgementSchema,
  notes: z.array(z.string()),
  table: z.array(
    z.object({
      arm: z.string(),
      setting: z.record(z.string(), z.union([z.number(), z.string()])),
      measures: z.record(z.string(), cell),
    }),
  ),
});

/** The verdicts that count, as files in one directory, and the curves of their runs under `curves/`. */
export class Ledger {
  constructor(readonly dir = "ledger") {}

  /**
   * Enters a finished run with its curves. Only a whole run counts: at `standard` scale, with all the study's seeds and its own options.
   * Throws, saying what is missing, for any other.
   */
  async write(record: RunRecord, study: Study, metrics: readonly MetricPoint[] = []): Promise<LedgerEntry> {
    const { id, slug, scale, seeds, options, device, seconds, cost, environment, judgement } = record;
    const refuse = (why: string): never => {
      throw new HebbError(`Run ${id} cannot enter the ledger: ${why}.`);
    };
    const standard = study.scales.standard ?? refuse("the study has no scale standard");
    if (slug !== study.slug) refuse(`it is a run of "${slug}"`);
    if (scale !== "standard") refuse(`its scale is ${scale}, and only standard runs give verdicts`);
    if (record.status !== "done" || !judgement) return refuse(`it is ${record.status}`);
    const missing = standard.seeds.filter((seed) => !seeds.includes(seed));
    if (missing.length > 0) refuse(`it lacks the seeds ${missing.join(", ")}`);
    if (canonicalJson(options) !== canonicalJson(standard.options)) refuse("its options are not those of the study");
    const entry: LedgerEntry = {
      version: 1,
      slug,
      run: id,
      date: record.started,
      seeds,
      options,
      device,
      seconds,
      cost,
      environment,
      judgement,
      notes: study.notes ?? [],
      table: summarise(record.rows),
    };
    await platform.mkdirp(`${this.dir}/curves`);
    // First, so that an entry never stands beside the curves of an older run.
    await platform.remove(this.#curves(slug));
    if (metrics.length > 0) {
      await platform.writeFileAtomic(this.#curves(slug), `${JSON.stringify(curvesOf(id, metrics))}\n`);
    }
    await platform.writeFileAtomic(`${this.dir}/${slug}.json`, compact(entry));
    return entry;
  }

  /** The entry of a study, or undefined when it has none. */
  async read(slug: string): Promise<LedgerEntry | undefined> {
    const path = `${this.dir}/${slug}.json`;
    if (!(await platform.exists(path))) return undefined;
    return parseChecked(ledgerSchema, new TextDecoder().decode(await platform.readFile(path)), path);
  }

  /** The curves of the run that an entry is from, thinned; empty when the study has none, or none were kept. */
  async readCurves(slug: string): Promise<MetricPoint[]> {
    const path = this.#curves(slug);
    if (!(await platform.exists(path))) return [];
    const curves = parseChecked(curvesSchema, new TextDecoder().decode(await platform.readFile(path)), path);
    return curves.run === (await this.read(slug))?.run ? curvePoints(curves) : [];
  }

  #curves(slug: string): string {
    return `${this.dir}/curves/${slug}.json`;
  }

  /** All entries, by slug. */
  async readAll(): Promise<Map<string, LedgerEntry>> {
    const entries = new Map<string, LedgerEntry>();
    if (!(await platform.exists(this.dir))) return entries;
    for (const name of await platform.listDir(this.dir)) {
      if (!name.endsWith(".json")) continue;
      const slug = name.slice(0, -".json".length);
      entries.set(slug, (await this.read(slug))!);
    }
    return entries;
  }
}

/** Indented JSON with lists of numbers on one line, so that a change of a result is a change of a line. */
const compact = (entry: LedgerEntry): string =>
  `${JSON.stringify(entry, null, 1).replaceAll(/\[\n[\s\d.,eE+-]*\]/g, (list) => list.replaceAll(/\s+/g, ""))}\n`;
