import { platform } from "#platform";
import type { BroughtOptions } from "../../../src/data/brought-names.js";
import { HebbError } from "../../../src/engine/errors.js";
import { quote } from "../../../src/engine/quote.js";
import type { JobEvent, StartRequest } from "../../../src/lab/job.js";
import { type JobRunner, Jobs, readLog } from "../../../src/lab/jobs.js";
import { filesBelow, Shelf } from "../../../src/lab/shelf.js";
import { RunStore } from "../../../src/lab/store.js";
import type { MetricPoint } from "../../../src/lab/study.js";
import { inBatches } from "./batches.js";
import type { CallTools } from "./calls.js";

/** Events go to the page together, at most so often. */
const eventsMilliseconds = 80;

/** What a tab's runs, jobs and data sets are asked for: the functions that the worker which keeps them serves. */
export function tabService(run: JobRunner, { root = "runs" }: { readonly root?: string } = {}) {
  const store = new RunStore(root);
  const shelf = new Shelf(root);
  const jobs = new Jobs(run, { root: `${root}/.jobs` });
  const brought = () => import("../../../src/data/brought.js");
  const filesOf = async (id: string) => {
    const { path } = await store.open(id);
    return filesBelow(path);
  };

  return {
    runs: async () => (await shelf.runs()).map((run) => ({ ...run, place: "tab" as const })),
    tag: async (_: CallTools, id: string, tags: readonly string[]) => shelf.tag(id, tags),
    remove: async (_: CallTools, ids: readonly string[]) => shelf.remove(ids),
    restore: async (_: CallTools, ids: readonly string[]) => shelf.restore(ids),
    usage: async () => shelf.usage(),
    emptyBin: async () => shelf.emptyBin(),

    record: async (_: CallTools, id: string) => (await store.open(id)).readRecord(),

    /** Sends the points in pieces. */
    metrics: async ({ send }: CallTools<readonly MetricPoint[]>, id: string) => {
      const pieces = inBatches<MetricPoint>(send, 0);
      pieces.add(await (await store.open(id)).readMetrics());
      await pieces.end();
    },

    log: async (_: CallTools, id: string) => readLog((await store.open(id)).path),

    files: (_: CallTools, id: string) => filesOf(id),

    file: async (_: CallTools, id: string, name: string) => {
      const { path } = await store.open(id);
      if (!(await filesBelow(path)).some((file) => file.name === name)) {
        throw new HebbError(`The run ${quote(id)} has no file ${quote(name)}.`);
      }
      return platform.readFile(`${path}/${name}`);
    },

    start: async (_: CallTools, request: StartRequest) => jobs.create(request),
    jobs: async () => jobs.list(),
    cancel: async (_: CallTools, id: string) => jobs.cancel(id),
    /** Sends the events in pieces. */
    watch: async ({ send, signal }: CallTools<readonly JobEvent[]>, id: string, from: number) => {
      const pieces = inBatches<JobEvent>(send, eventsMilliseconds);
      await jobs.watch(id, (events) => pieces.add(events), { from, signal });
      if (!signal.aborted) await pieces.end();
    },

    data: async () => (await brought()).listBrought(),
    addData: async (_: CallTools, name: string, files: readonly File[], options?: BroughtOptions) => {
      const { addBrought, broughtLimits } = await brought();
      const total = files.reduce((sum, { size }) => sum + size, 0);
      if (total > broughtLimits.bytes || files.length > broughtLimits.files) {
        throw new HebbError(
          `A data set has at most ${broughtLimits.files} files and ${broughtLimits.bytes / 2 ** 20} MiB in all; this one has ${files.length} files and ${Math.ceil(total / 2 ** 20)} MiB.`,
        );
      }
      const read = files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) }));
      return addBrought(name, await Promise.all(read), options);
    },
    removeData: async (_: CallTools, name: string) => (await brought()).removeBrought(name),
  };
}

export type TabService = ReturnType<typeof tabService>;
