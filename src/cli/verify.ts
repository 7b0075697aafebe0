import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { RunStore } from "../lab/store.js";
import type { Deviation, Verification } from "../lab/verify.js";
import { interrupted, interruptSignal } from "./interrupt.js";
import { type Io, styled } from "./io.js";
import { type Lab, packageRoot, studyOf } from "./lab.js";
import { Machine, ofOneRun } from "./machine.js";
import { openNamed } from "./named-runs.js";
import { Progress } from "./terminal.js";
import { UsageError } from "./usage.js";

export interface VerifyCommandOptions {
  readonly tolerance: string;
  readonly out: string;
  readonly json?: boolean;
}

/** `hebb verify`: repeats a run; the exit status is 1 when something else came out. */
export async function verify(io: Io, lab: Lab, id: string, options: VerifyCommandOptions): Promise<number> {
  const tolerance = Number(options.tolerance);
  if (options.tolerance.trim() === "" || !(tolerance >= 0)) {
    throw new UsageError(
      `--tolerance takes a number from 0, for example --tolerance 1e-4, not '${options.tolerance}'.`,
    );
  }
  const folder = await openNamed(new RunStore(resolve(io.cwd, options.out)), id, io.cwd);
  const { slug, environment } = await folder.readRecord();
  const study = await studyOf(lab, slug);
  const [{ verifyRun }, { commitOf }, { setBackend }] = await Promise.all([
    import("../lab/verify.js"),
    import("./commit.js"),
    import("../engine/runtime/index.js"),
  ]);
  // The number of threads decides in which order sums are taken.
  setBackend("node", { threads: environment.threads });
  const out = await mkdtemp(join(tmpdir(), "hebb-verify-"));
  const progress = new Progress(io.stderr, { title: slug, quiet: options.json && !io.stderr.isTTY });
  const { signal, release } = interruptSignal(io);
  const ticket = await new Machine().take(ofOneRun(environment.threads));
  try {
    const verification = await verifyRun(study, folder, {
      out,
      tolerance,
      signal,
      environment: { ...(await commitOf(packageRoot())), threads: environment.threads },
      onEvent: (event) => {
        if (event.type === "log") progress.log(event.message);
        else if (event.type === "progress") progress.update(event.done, event.total, event.label);
      },
    }).finally(() => progress.end());
    if (!verification) return interrupted;
    if (options.json) io.stdout.write(`${JSON.stringify(verification)}\n`);
    else print(io, verification);
    return verification.result === "different" ? 1 : 0;
  } finally {
    await ticket.release();
    release();
    await rm(out, { recursive: true, force: true });
  }
}

function print(io: Io, { result, largest, tolerance, compared, first, warnings }: Verification): void {
  for (const warning of warnings) io.stderr.write(`${styled(io, io.stderr, "yellow", warning)}\n`);
  const tone = result === "different" ? "red" : "green";
  const size = largest === 0 ? "" : `; largest relative difference ${largest.toExponential(1)}, tolerance ${tolerance}`;
  io.stdout.write(`${styled(io, io.stdout, tone, result)} (${compared} numbers compared${size})\n`);
  if (first) io.stdout.write(`First: ${described(first)}\n`);
}

function described({ arm, seed, setting, measure, metric, step, recorded, repeated }: Deviation): string {
  const place = [`arm ${arm}`, `seed ${seed}`, ...Object.entries(setting).map(([name, value]) => `${name} ${value}`)];
  const what = measure === undefined ? `metric ${metric}, step ${step}` : `measure ${measure}`;
  const value = (number: number | undefined) => number ?? "nothing";
  return `${[...place, what].join(", ")}: ${value(recorded)} recorded, ${value(repeated)} repeated`;
}
