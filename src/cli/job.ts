import { HebbError } from "../engine/errors.js";
import { commitOf } from "./commit.js";
import type { FromJob, ToJob } from "./job-processes.js";
import { type Lab, packageRoot, studyOf } from "./lab.js";
import { codeHere } from "./queue.js";
import { UsageError } from "./usage.js";

/** How often a job tells how much memory it uses. */
const reportMilliseconds = 500;

/** Once nobody watches, a job may stop cleanly for so long. */
const orphanMilliseconds = 5000;

/** `hebb job`: runs one job of a sweep for the process that started it, and speaks with it through their channel. */
export async function job(lab: Lab): Promise<number> {
  if (!process.send) throw new UsageError("'hebb job' is started by 'hebb sweep' and 'hebb worker', not by hand.");
  const tell = (message: FromJob) => process.connected && process.send!(message, undefined, undefined, () => {});
  const abort = new AbortController();
  // Ctrl-C in a terminal reaches this process too; the one that started it says what to do.
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => {});
  process.on("disconnect", () => {
    abort.abort();
    setTimeout(() => process.exit(1), orphanMilliseconds).unref();
  });
  const { job, out, threads } = await new Promise<Extract<ToJob, { type: "start" }>>((resolve) => {
    process.on("message", (message: ToJob) => (message.type === "start" ? resolve(message) : abort.abort()));
  });
  const report = setInterval(() => tell({ type: "memory", bytes: process.memoryUsage.rss() }), reportMilliseconds);
  try {
    const code = await codeHere();
    if (code !== job.code) {
      throw new HebbError(`the job is for ${job.code}, but the program has become ${code} since it was started`);
    }
    (await import("../engine/runtime/index.js")).setBackend("node", { threads });
    const { runJob } = await import("../lab/sweep-job.js");
    const outcome = await runJob(await studyOf(lab, job.slug), job, {
      out,
      signal: abort.signal,
      environment: { ...(await commitOf(packageRoot())), threads },
      onEvent: (event) => {
        if (event.type === "progress") tell({ type: "progress", share: event.done / event.total });
      },
    });
    tell({ type: "end", outcome });
    return 0;
  } catch (error) {
    tell({ type: "end", error: error instanceof Error ? error.message : String(error) });
    return 1;
  } finally {
    clearInterval(report);
    if (process.connected) process.disconnect();
  }
}
