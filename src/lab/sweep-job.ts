import { rename } from "node:fs/promises";
import { platform } from "#platform";
import { HebbError } from "../engine/errors.js";
import type { Outcome } from "./queue/consume.js";
import type { Job } from "./queue/queue.js";
import type { RunRecord } from "./record.js";
import { type RunOptions, runStudy } from "./runner.js";
import { RunFolder } from "./store.js";
import type { Study } from "./study.js";
import { hasResult, resultOf } from "./sweep.js";

export interface JobOptions extends Pick<RunOptions, "signal" | "onEvent" | "environment" | "cache"> {
  /** The folder of runs, which all workers share. */
  readonly out: string;
}

/**
 * Runs a job in a folder of its own, and gives that folder its final name when it is finished: so a result is whole, is
 * there once, and is never overwritten, however many workers had the job. What a process left that died on this machine
 * is continued. Throws when the study fails.
 */
export async function runJob(study: Study, job: Job, { out, ...options }: JobOptions): Promise<Outcome> {
  if (await hasResult(out, job)) return "done";
  const workshop = await openWorkshop(out, job);
  try {
    const left = await existingRun(workshop);
    const record =
      left?.record.status === "done" ? left.record : await runIn(workshop, study, job, left?.folder, options);
    if (record.status !== "done") return "stopped";
    await publish(left?.folder ?? new RunFolder(record.id, `${workshop}/${record.id}`), record, out, job);
    return "done";
  } catch (error) {
    // Another worker may have finished the job, and have cleared this folder away.
    if (await hasResult(out, job)) return "done";
    throw error;
  }
}

async function runIn(
  workshop: string,
  study: Study,
  job: Job,
  left: RunFolder | undefined,
  options: Omit<JobOptions, "out">,
): Promise<RunRecord> {
  let failure: unknown;
  const record = await runStudy(withoutNeedOfVerdict(study), {
    ...options,
    out: workshop,
    ...(left ? { resume: left.id } : { scale: job.scale, seeds: [job.seed], options: job.options }),
    onEvent: (event) => {
      if (event.type === "error") failure = event.error;
      options.onEvent?.(event);
    },
  });
  if (record.status === "failed") throw failure;
  return record;
}

/** Where jobs are worked on, one folder for each job and process. */
const workshops = (out: string): string => `${out}/sweeps/unfinished`;

/** What an earlier process left of a job. */
interface Left {
  readonly folder: RunFolder;
  readonly record: RunRecord;
}

/**
 * This process's folder for a job: that of a process of this machine that is gone, if there is one. Its name says whose
 * it is, so that taking it over is one step, and nobody takes it from the living.
 */
async function openWorkshop(out: string, job: Job): Promise<string> {
  const { host, pid, birth = "" } = await platform.processIdentity();
  const own = `${workshops(out)}/${[job.id, encodeURIComponent(host), pid, birth].join("~")}`;
  await platform.mkdirp(workshops(out));
  for (const name of await workshopsOf(out, job)) {
    const [, host, pid, birth] = name.split("~");
    const owner = { host: decodeURIComponent(host), pid: Number(pid), birth: birth || undefined, started: "" };
    if ((await platform.processRuns(owner)) !== false) continue;
    try {
      await rename(`${workshops(out)}/${name}`, own);
      return own;
    } catch {
      // Another process was faster.
    }
  }
  await platform.mkdirp(own);
  return own;
}

const workshopsOf = async (out: string, job: Job): Promise<string[]> =>
  (await platform.listDir(workshops(out))).filter((name) => name.startsWith(`${job.id}~`));

/** The run that is in a workshop, if its record can be read. */
async function existingRun(workshop: string): Promise<Left | undefined> {
  for (const name of await platform.listDir(workshop)) {
    const folder = new RunFolder(name, `${workshop}/${name}`);
    const record = await folder.readRecord().catch(() => undefined);
    if (record) return { folder, record };
  }
  return undefined;
}

/** Gives a finished run its final name. */
async function publish(folder: RunFolder, record: RunRecord, out: string, job: Job): Promise<void> {
  await folder.writeRecord({ ...record, id: job.id });
  try {
    // Fails when the name is taken: a folder that is not empty is never replaced.
    await rename(folder.path, resultOf(out, job).path);
  } catch (error) {
    if (!(await hasResult(out, job))) {
      throw new HebbError(`The result of ${job.id} cannot be put into ${out}: ${(error as Error).message}.`, {
        cause: error,
      });
    }
  }
  for (const name of await workshopsOf(out, job)) await platform.remove(`${workshops(out)}/${name}`);
}

/** One seed alone may be too little to judge by, which is no failure here: a sweep compares measures. */
const withoutNeedOfVerdict = (study: Study): Study => ({
  ...study,
  judge(rows, scale) {
    try {
      return study.judge(rows, scale);
    } catch (error) {
      return { verdict: "invalid", reason: `One seed gives no verdict. ${(error as Error).message}`, conditions: [] };
    }
  },
});
