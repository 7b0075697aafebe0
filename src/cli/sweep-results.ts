import { duration } from "../lab/numbers.js";
import type { RunRecord } from "../lab/record.js";
import type { Row, Study } from "../lab/study.js";
import { type Configuration, type PlannedJob, resultOf, type SweepPlan } from "../lab/sweep.js";
import { summarise } from "../lab/table.js";
import { columns } from "./format.js";
import type { Io } from "./io.js";
import { printResults } from "./results.js";

export interface JobFailure {
  readonly options: Configuration;
  readonly seed: number;
  readonly error: string;
}

export interface SweepResults {
  readonly plan: SweepPlan;
  readonly study: Study;
  readonly jobs: readonly PlannedJob[];
  readonly failures: readonly JobFailure[];
  /** Where the runs are. */
  readonly out: string;
  /** The sweep's own folder, as the user would type it. */
  readonly folder: string;
  readonly json: boolean;
  readonly seconds: number;
}

/** What a sweep measured: configurations and arms by measures, with intervals over the seeds. */
export async function printSweep(io: Io, results: SweepResults): Promise<void> {
  const { plan, study, failures, folder, json, seconds } = results;
  const records = await recordsOf(results);
  if (json) {
    const { slug, scale, seeds } = plan;
    const configurations = plan.configurations.map((options, i) => {
      const own = records.filter(({ configuration }) => configuration === i).map(({ record }) => record);
      return { options, arms: summarise(own.flatMap(({ rows }) => rows)), runs: own.map(({ id }) => id) };
    });
    const { measures } = study;
    io.stdout.write(
      `${JSON.stringify({ slug, scale, seeds, configurations, measures, failures, seconds, sweep: folder })}\n`,
    );
    return;
  }
  if (records.length > 0) {
    const rows = records.flatMap(({ configuration, record }) => record.rows.map((row) => ({ configuration, row })));
    printResults(io, { ...records[0].record, rows: labelled(plan, rows), judgement: undefined });
  }
  io.stdout.write(
    `\n${columns([
      ["Time", duration(seconds)],
      ["Sweep", folder],
    ]).join("\n")}\n`,
  );
}

/** The records of the finished jobs, by configuration and then by seed. */
async function recordsOf({ jobs, out }: SweepResults): Promise<{ configuration: number; record: RunRecord }[]> {
  const records = await Promise.all(
    jobs.map(async ({ job, configuration }) => {
      const record = await resultOf(out, job)
        .readRecord()
        .catch(() => undefined);
      return record && { configuration, record };
    }),
  );
  return records.filter((entry) => entry !== undefined).sort((a, b) => a.configuration - b.configuration);
}

/** Rows with their configuration as a part of the setting, before what the study itself tells apart. */
function labelled(plan: SweepPlan, rows: readonly { configuration: number; row: Row }[]): Row[] {
  const taken = new Set(rows.flatMap(({ row }) => Object.keys(row.setting ?? {})));
  const named = plan.configurations.map((options) =>
    Object.fromEntries(
      Object.entries(options).map(([name, value]) => [
        taken.has(name) ? `${name} (option)` : name,
        typeof value === "boolean" ? String(value) : value,
      ]),
    ),
  );
  return rows.map(({ configuration, row }) => ({ ...row, setting: { ...named[configuration], ...row.setting } }));
}
