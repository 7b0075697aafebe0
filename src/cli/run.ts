import { join, relative, resolve } from "node:path";
import type { RunRecord } from "../lab/record.js";
import type { RunFolder } from "../lab/store.js";
import type { Scale, Study } from "../lab/study.js";
import { explain } from "./explain.js";
import { interrupted, interruptSignal } from "./interrupt.js";
import { type Io, styled } from "./io.js";
import { type Lab, packageRoot, paperOf, studyOf } from "./lab.js";
import { Machine, ofOneRun } from "./machine.js";
import { Progress } from "./terminal.js";
import { oneOf, positiveInteger, UsageError } from "./usage.js";

export interface RunCommandOptions {
  readonly scale?: string;
  readonly seeds?: string;
  readonly device: string;
  readonly threads?: string;
  readonly out: string;
  readonly json?: boolean;
  readonly resume?: string;
  readonly ledger?: boolean;
}

interface Plan {
  readonly scale?: Scale;
  readonly seeds?: number;
  readonly device: "cpu";
  readonly threads?: number;
  readonly out: string;
  readonly json: boolean;
  readonly resume?: string;
  readonly ledger: boolean;
}

/** `hebb run`: runs studies one after another; the exit status says whether something broke, never what the verdict was. */
export async function run(io: Io, lab: Lab, slugs: readonly string[], options: RunCommandOptions): Promise<number> {
  const plan = check(options, slugs);
  const studies: Study[] = [];
  for (const slug of slugs) {
    const study = await studyOf(lab, slug);
    if (plan.scale && !study.scales[plan.scale]) {
      const scales = Object.keys(study.scales).join(", ");
      throw new UsageError(`'${slug}' has no scale '${plan.scale}'; it has ${scales}.`);
    }
    studies.push(study);
  }

  if (plan.threads) (await import("../engine/runtime/index.js")).setBackend("node", { threads: plan.threads });
  const { signal, release } = interruptSignal(io);
  const ticket = await new Machine().take(ofOneRun(plan.threads));
  try {
    let status = 0;
    for (const study of studies) {
      // What breaks in one study says nothing about the next.
      const ended = await runOne(io, lab, study, plan, signal).catch((error) => explain(io, error));
      if (ended === interrupted) return interrupted;
      status = Math.max(status, ended);
    }
    return status;
  } finally {
    await ticket.release();
    release();
  }
}

function check(options: RunCommandOptions, slugs: readonly string[]): Plan {
  const scale = options.scale === undefined ? undefined : oneOf("scale", options.scale, ["smoke", "standard", "full"]);
  if (options.resume !== undefined && slugs.length > 1) {
    throw new UsageError("--resume continues one run, so it goes with one slug.");
  }
  if (options.ledger && options.resume === undefined && scale !== "standard") {
    throw new UsageError("--ledger goes with --scale standard: only standard runs give verdicts that count.");
  }
  return {
    scale,
    seeds: options.seeds === undefined ? undefined : positiveInteger("--seeds", options.seeds),
    device: oneOf("device", options.device, ["cpu"]),
    threads: options.threads === undefined ? undefined : positiveInteger("--threads", options.threads),
    out: options.out,
    json: options.json ?? false,
    resume: options.resume,
    ledger: options.ledger ?? false,
  };
}

async function runOne(io: Io, lab: Lab, study: Study, plan: Plan, signal: AbortSignal): Promise<number> {
  const [{ runStudy }, { interruptedRun }, { RunStore }, { commitOf }] = await Promise.all([
    import("../lab/runner.js"),
    import("../lab/interrupted.js"),
    import("../lab/store.js"),
    import("./commit.js"),
  ]);
  const out = resolve(io.cwd, plan.out);
  const environment = { ...(await commitOf(packageRoot())), ...(plan.threads ? { threads: plan.threads } : {}) };
  const progress = new Progress(io.stderr, { title: study.slug, quiet: plan.json && !io.stderr.isTTY });
  const left = plan.resume === undefined ? await interruptedRun(study, { ...plan, environment, out }) : undefined;
  if (left !== undefined) progress.log(`goes on with ${left}, which was interrupted`);
  const resume = plan.resume ?? left;
  let failure: unknown;
  const record = await runStudy(study, {
    scale: plan.scale,
    seeds: plan.seeds,
    ...(resume === undefined ? { device: plan.device } : { resume }),
    out,
    signal,
    environment,
    onEvent: (event) => {
      if (event.type === "log") progress.log(event.message);
      else if (event.type === "progress") progress.update(event.done, event.total, event.label);
      else if (event.type === "error") failure = event.error;
      else if (event.type === "start") progress.log(startLine(event.record));
    },
  }).finally(() => progress.end());

  const folder = await new RunStore(out).open(resume ?? record.id);
  if (record.status === "stopped") {
    const place = plan.out === "runs" ? "" : ` --out ${plan.out}`;
    io.stderr.write(`Stopped; this continues it: hebb run ${study.slug} --resume ${record.id}${place}\n`);
    return interrupted;
  }
  if (record.status === "failed") {
    io.stderr.write(`What was measured until then is kept in ${shown(io, folder.path)}\n`);
    throw failure;
  }
  await present(io, lab, study, plan, record, folder);
  if (plan.ledger) {
    const { Ledger } = await import("../lab/ledger.js");
    await new Ledger(join(io.cwd, "ledger")).write(record, study, await folder.readMetrics());
    if (!plan.json) io.stdout.write(`Ledger  ${join("ledger", `${study.slug}.json`)}\n`);
  }
  return 0;
}

/** Draws figures and report, and prints what came out. */
async function present(
  io: Io,
  lab: Lab,
  study: Study,
  plan: Plan,
  record: RunRecord,
  folder: RunFolder,
): Promise<void> {
  const { publish } = await import("./publish.js");
  const paper = paperOf(lab, study.slug);
  const where = shown(io, folder.path);
  const report = shown(io, await publish(folder, record, study, paper));
  if (plan.json) {
    io.stdout.write(`${JSON.stringify(await summary(record, where))}\n`);
    return;
  }
  const { printResults } = await import("./results.js");
  const { duration } = await import("../lab/numbers.js");
  io.stdout.write(`${styled(io, io.stdout, "bold", `${paper.title} (${study.slug}, ${record.scale} scale)`)}\n`);
  printResults(io, record);
  io.stdout.write(`\nTime    ${duration(record.seconds)}\nRun     ${where}\nReport  ${report}\n`);
}

/** A path as the user would type it. */
const shown = (io: Io, path: string): string => relative(io.cwd, path) || ".";

const startLine = ({ id, scale, seeds }: RunRecord): string =>
  `${scale} scale, ${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")}, run ${id}`;

/** What `--json` prints. */
async function summary({ slug, scale, seeds, judgement, rows, measures, seconds }: RunRecord, run: string) {
  const { summarise } = await import("../lab/table.js");
  const { verdict, reason } = judgement!;
  return { slug, scale, seeds, verdict, reason, arms: summarise(rows), measures, seconds, run };
}
