import { relative, resolve } from "node:path";
import { consume, type JobEvent } from "../lab/queue/consume.js";
import { FolderQueue } from "../lab/queue/folder.js";
import type { JobQueue, JobStatus } from "../lab/queue/queue.js";
import type { Scale, Study } from "../lab/study.js";
import {
  configurationsOf,
  describe,
  jobsOf,
  type PlannedJob,
  type SweepPlan,
  SweepStore,
  sweepId,
} from "../lab/sweep.js";
import { type Budget, type BudgetOptions, budgetOf } from "./budget.js";
import { interrupted, interruptSignal } from "./interrupt.js";
import type { Io } from "./io.js";
import { JobProcesses } from "./job-processes.js";
import { type Lab, studyOf } from "./lab.js";
import { Machine } from "./machine.js";
import { codeHere, defaultWorkerName, heartbeatOf, leaseOf, redisUrl, sharedQueue } from "./queue.js";
import { parseGrid, parseSeeds } from "./sweep-grid.js";
import { type JobFailure, printSweep } from "./sweep-results.js";
import { SweepSurvey } from "./sweep-survey.js";
import { SweepView } from "./sweep-view.js";
import { oneOf, UsageError } from "./usage.js";

export interface SweepCommandOptions extends BudgetOptions {
  readonly scale?: string;
  readonly grid?: readonly string[];
  readonly seeds?: string;
  readonly out: string;
  readonly json?: boolean;
  readonly resume?: string;
  readonly redis?: string;
  readonly lease?: string;
}

/** How often the states of all jobs are looked up. */
const surveyMilliseconds = 1000;

/** `hebb sweep`: runs configurations of a study in parallel; the exit status says whether some failed. */
export async function sweep(io: Io, lab: Lab, slug: string, options: SweepCommandOptions): Promise<number> {
  const study = await studyOf(lab, slug);
  const url = options.redis === undefined ? undefined : redisUrl(options.redis);
  const lease = leaseOf(options.lease);
  const out = resolve(io.cwd, options.out);
  const store = new SweepStore(out);
  const code = await codeHere();
  const plan =
    options.resume === undefined ? newPlan(study, options, code) : await oldPlan(store, study, options, code);
  const jobs = await jobsOf(plan, study);
  // With workers elsewhere, `--parallel 0` leaves them all the work.
  const budget =
    url !== undefined && options.parallel === "0"
      ? { ...budgetOf({}, 1), parallel: 0 }
      : budgetOf(options, jobs.length);
  if (options.resume === undefined) await store.write(plan);

  const view = new SweepView(io.stderr, {
    title: slug,
    configurations: plan.configurations.map(describe),
    quiet: (options.json ?? false) && !io.stderr.isTTY,
  });
  view.log(`${plan.scale} scale, ${counted(jobs.length, "job")}, ${resources(budget)}, sweep ${plan.id}`);
  const { signal, release } = interruptSignal(io);
  const started = performance.now();
  let statuses: readonly JobStatus[];
  try {
    const mine = { worker: defaultWorkerName(), leaseMilliseconds: lease };
    const queue = url
      ? await sharedQueue({ ...mine, url, code, signal, log: (text) => view.log(text) })
      : new FolderQueue(`${store.path(plan.id)}/queue`, mine);
    statuses = await execute({ plan, jobs, queue, budget, out, lease, view, signal }).finally(() => queue.close());
  } finally {
    view.end();
    release();
  }
  const again = resumeCommand(plan, options);
  if (signal.aborted) {
    io.stderr.write(`Stopped; this continues it: ${again}\n`);
    return interrupted;
  }
  const failures = failuresOf(plan, jobs, statuses);
  const folder = relative(io.cwd, store.path(plan.id)) || ".";
  await printSweep(io, {
    plan,
    study,
    jobs,
    failures,
    out,
    folder,
    json: options.json ?? false,
    seconds: (performance.now() - started) / 1000,
  });
  if (failures.length === 0) return 0;
  for (const { options, seed, error } of failures)
    io.stderr.write(`Failed: ${describe(options)}, seed ${seed}: ${error}\n`);
  io.stderr.write(`This tries what failed again: ${again}\n`);
  return 1;
}

const resumeCommand = ({ slug, id }: SweepPlan, { out, redis }: SweepCommandOptions): string =>
  [`hebb sweep ${slug} --resume ${id}`, out === "runs" ? "" : ` --out ${out}`, redis ? ` --redis ${redis}` : ""].join(
    "",
  );

function failuresOf(plan: SweepPlan, jobs: readonly PlannedJob[], statuses: readonly JobStatus[]): JobFailure[] {
  const errors = new Map(statuses.flatMap(({ id, state, error = "" }) => (state === "failed" ? [[id, error]] : [])));
  return jobs
    .filter(({ job }) => errors.has(job.id))
    .map(({ job, configuration }) => {
      return { options: plan.configurations[configuration], seed: job.seed, error: errors.get(job.id)! };
    });
}

function newPlan(
  study: Study,
  { scale: name = "smoke", grid = [], seeds }: SweepCommandOptions,
  code: string,
): SweepPlan {
  const { slug } = study;
  const scale: Scale = oneOf("scale", name, ["smoke", "standard", "full"]);
  const info = study.scales[scale];
  if (!info) {
    throw new UsageError(`'${slug}' has no scale '${scale}'; it has ${Object.keys(study.scales).join(", ")}.`);
  }
  const started = new Date();
  return {
    version: 1,
    id: sweepId(slug, scale, started),
    slug,
    scale,
    configurations: configurationsOf(parseGrid(slug, info.options ?? {}, grid)),
    seeds: parseSeeds(info.seeds, seeds),
    code,
    started: started.toISOString(),
  };
}

async function oldPlan(
  store: SweepStore,
  study: Study,
  { resume = "", scale, grid, seeds }: SweepCommandOptions,
  code: string,
): Promise<SweepPlan> {
  for (const [name, value] of Object.entries({ scale, grid, seeds })) {
    if (value !== undefined) throw new UsageError(`--resume continues a sweep as it was planned; leave out --${name}.`);
  }
  const plan = await store.read(resume);
  if (plan.slug !== study.slug) throw new UsageError(`Sweep ${plan.id} is of '${plan.slug}', not of '${study.slug}'.`);
  if (plan.code !== code) {
    throw new UsageError(
      `Sweep ${plan.id} was started at ${plan.code}, but this program is ${code}: their results would not fit together.`,
    );
  }
  return plan;
}

interface Execution {
  readonly plan: SweepPlan;
  readonly jobs: readonly PlannedJob[];
  readonly queue: JobQueue;
  readonly budget: Budget;
  readonly out: string;
  readonly lease: number;
  readonly view: SweepView;
  readonly signal: AbortSignal;
}

/** Sees to it that every job ends, here or on another worker; how they stand comes back. */
async function execute({
  plan,
  jobs,
  queue,
  budget,
  out,
  lease,
  view,
  signal,
}: Execution): Promise<readonly JobStatus[]> {
  const shares = new Map<string, number>();
  const survey = new SweepSurvey(jobs, queue, out);
  const show = () =>
    view.show(
      survey.statuses.map(({ id, state, worker }, i) => ({
        configuration: jobs[i].configuration,
        state,
        share: shares.get(id),
        worker,
      })),
    );
  const label = ({ job: { id } }: JobEvent) => {
    const { job, configuration } = jobs.find((planned) => planned.job.id === id)!;
    return `${describe(plan.configurations[configuration])}, seed ${job.seed}`;
  };
  const processes = new JobProcesses({
    ...budget,
    out,
    machine: new Machine({ log: (message) => view.log(message) }),
    onWait: () => view.log("waits until other programs on this machine leave room"),
    onProgress: (job, share) => shares.set(job.id, share),
  });
  const timer = setInterval(() => {
    survey.look().then(show, () => {});
  }, surveyMilliseconds);
  try {
    await queue.add(jobs.map(({ job }) => job));
    await survey.look();
    show();
    await consume({
      queue,
      // Even without a process of its own it waits for the others.
      parallel: Math.max(1, budget.parallel),
      execute: (job, signal) => processes.execute(job, signal),
      admit: async () => (budget.parallel > 0 ? processes.admit() : undefined),
      isFinished: () => survey.isFinished(),
      signal,
      heartbeatMilliseconds: heartbeatOf(lease),
      onEvent: (event) => {
        if (event.type === "started") shares.set(event.job.id, 0);
        else shares.delete(event.job.id);
        if (event.type === "done") view.log(`${label(event)}: done`);
        if (event.type === "failed") view.log(`${label(event)}: ${event.error}${event.again ? "; once more" : ""}`);
      },
    });
    return survey.statuses;
  } catch (error) {
    if (signal.aborted) return survey.statuses;
    throw error;
  } finally {
    clearInterval(timer);
    await processes.close();
  }
}

const counted = (count: number, one: string, several = `${one}s`): string => `${count} ${count === 1 ? one : several}`;

const resources = ({ parallel, threads }: Budget): string =>
  parallel === 0
    ? "all for other workers"
    : `${counted(parallel, "process", "processes")} of ${counted(threads, "thread")}`;
