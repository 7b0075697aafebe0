import type { BroughtOptions } from "../../../src/data/brought-names.js";
import { checkSizes, Desk } from "../../../src/lab/desk.js";
import type { JobEvent, StartRequest } from "../../../src/lab/job.js";
import type { JobRunner } from "../../../src/lab/jobs.js";
import type { MetricPoint } from "../../../src/lab/study.js";
import { inBatches } from "./batches.js";
import type { CallTools } from "./calls.js";

/** Events go to the page together, at most so often. */
const eventsMilliseconds = 80;

/** What a tab's runs, jobs and data sets are asked for: the functions that the worker which keeps them serves. */
export function tabService(run: JobRunner, { root = "runs" }: { readonly root?: string } = {}) {
  const desk = new Desk(run, { root });
  return {
    runs: async () => (await desk.runs()).map((one) => ({ ...one, place: "tab" as const })),
    tag: async (_: CallTools, id: string, tags: readonly string[]) => desk.tag(id, tags),
    remove: async (_: CallTools, ids: readonly string[]) => desk.remove(ids),
    restore: async (_: CallTools, ids: readonly string[]) => desk.restore(ids),
    usage: async () => desk.usage(),
    emptyBin: async () => desk.emptyBin(),
    record: async (_: CallTools, id: string) => desk.record(id),

    /** Sends the points in pieces. */
    metrics: async ({ send }: CallTools<readonly MetricPoint[]>, id: string) => {
      const pieces = inBatches<MetricPoint>(send, 0);
      pieces.add(await desk.metrics(id));
      await pieces.end();
    },

    log: async (_: CallTools, id: string) => desk.log(id),
    files: async (_: CallTools, id: string) => desk.files(id),
    file: async (_: CallTools, id: string, name: string) => desk.file(id, name),

    start: async (_: CallTools, request: StartRequest) => desk.start(request),
    jobs: async () => desk.jobs(),
    cancel: async (_: CallTools, id: string) => desk.cancel(id),
    /** Sends the events in pieces. */
    watch: async ({ send, signal }: CallTools<readonly JobEvent[]>, id: string, from: number) => {
      const pieces = inBatches<JobEvent>(send, eventsMilliseconds);
      await desk.watch(id, (events) => pieces.add(events), { from, signal });
      if (!signal.aborted) await pieces.end();
    },

    data: async () => desk.data(),
    addData: async (_: CallTools, name: string, files: readonly File[], options?: BroughtOptions) => {
      checkSizes(files);
      const read = files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) }));
      return desk.addData(name, await Promise.all(read), options);
    },
    removeData: async (_: CallTools, name: string) => desk.removeData(name),
  };
}

export type TabService = ReturnType<typeof tabService>;
