import { resolve } from "node:path";
import { consume } from "../lab/queue/consume.js";
import { type BudgetOptions, budgetOf } from "./budget.js";
import { interrupted, interruptSignal } from "./interrupt.js";
import type { Io } from "./io.js";
import { JobProcesses } from "./job-processes.js";
import { Machine } from "./machine.js";
import { codeHere, defaultWorkerName, heartbeatOf, leaseOf, redisUrl, sharedQueue } from "./queue.js";
import { UsageError } from "./usage.js";

export interface WorkerCommandOptions extends BudgetOptions {
  readonly redis?: string;
  readonly out: string;
  readonly name?: string;
  readonly lease?: string;
}

/** `hebb worker`: takes jobs of sweeps from a queue in Redis, until Ctrl-C. */
export async function worker(io: Io, options: WorkerCommandOptions): Promise<number> {
  if (options.redis === undefined) {
    throw new UsageError("'hebb worker' needs a queue, for example --redis redis://host:6379.");
  }
  const url = redisUrl(options.redis);
  const lease = leaseOf(options.lease);
  const { parallel, ...budget } = budgetOf({ ...options, parallel: options.parallel ?? "1" }, 1);
  const name = options.name ?? defaultWorkerName();
  const log = (message: string) => io.stderr.write(`${name}: ${message}\n`);
  const code = await codeHere();
  const { signal, release } = interruptSignal(io);
  const queue = await sharedQueue({ url, code, worker: name, leaseMilliseconds: lease, log, signal });
  const processes = new JobProcesses({
    ...budget,
    out: resolve(io.cwd, options.out),
    machine: new Machine({ log }),
    onWait: () => log("waits until other programs on this machine leave room"),
  });
  log(`waits for jobs of sweeps at ${code}`);
  try {
    await consume({
      queue,
      parallel,
      execute: (job, signal) => processes.execute(job, signal),
      admit: () => processes.admit(),
      isFinished: async () => false,
      signal,
      heartbeatMilliseconds: heartbeatOf(lease),
      onEvent: (event) => {
        if (event.type === "started") log(`started ${event.job.id}`);
        else if (event.type === "failed")
          log(`${event.job.id} failed: ${event.error}${event.again ? "; once more" : ""}`);
        else log(`${event.type} ${event.job.id}`);
      },
    });
    return interrupted;
  } finally {
    await processes.close();
    await queue.close();
    release();
  }
}
