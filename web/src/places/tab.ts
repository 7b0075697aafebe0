import type { MetricPoint } from "../../../src/lab/study.js";
import type { JobEvent, Place } from "../contract.js";
import { keeper, obstacle } from "./keeper.js";

/** Runs in this browser: in workers, on files that only this site can see. */
export function tabPlace(): Place {
  /** Where this page can keep nothing, there is nothing. */
  const orNothing = async <T>(list: () => Promise<readonly T[]>): Promise<readonly T[]> => (obstacle() ? [] : list());
  const reached = async () => {
    const why = obstacle();
    if (why) throw new Error(why);
    return keeper();
  };
  return {
    kind: "tab",
    label: "this browser",
    async device() {
      const why = obstacle();
      return why ? { about: "nothing", warning: why } : (await keeper()).call("device", []);
    },
    runs: () => orNothing(async () => (await keeper()).call("runs", [])),
    record: async (run) => (await reached()).call("record", [run]),
    async metrics(run) {
      const points: MetricPoint[] = [];
      const onPart = (piece: readonly MetricPoint[]) => {
        for (const point of piece) points.push(point);
      };
      await (await reached()).call("metrics", [run], { onPart });
      return points;
    },
    log: async (run) => (await reached()).call("log", [run]),
    files: async (run) => (await reached()).call("files", [run]),
    async file(run, name) {
      const bytes = await (await reached()).call("file", [run, name]);
      return new Blob([bytes as Uint8Array<ArrayBuffer>], { type: typeOf(name) });
    },
    tag: async (run, tags) => (await reached()).call("tag", [run, tags]),
    remove: async (runs) => (await reached()).call("remove", [runs]),
    restore: async (runs) => (await reached()).call("restore", [runs]),
    usage: async () => (obstacle() ? { runs: 0, bin: 0 } : (await keeper()).call("usage", [])),
    emptyBin: async () => (await reached()).call("emptyBin", []),
    async start(request) {
      const caller = await reached();
      // Asks the browser not to clear the runs away when its disk gets full; it may refuse.
      void navigator.storage?.persist?.().catch(() => false);
      return caller.call("start", [request]);
    },
    jobs: () => orNothing(async () => (await keeper()).call("jobs", [])),
    async watch(job, onEvent, { from = 0, signal } = {}) {
      const onPart = (events: readonly JobEvent[]) => {
        for (const event of events) if (!signal?.aborted) onEvent(event);
      };
      await (await reached()).call("watch", [job, from], { onPart, signal });
    },
    cancel: async (job) => (await reached()).call("cancel", [job]),
    data: () => orNothing(async () => (await keeper()).call("data", [])),
    addData: async (name, files, options) => (await reached()).call("addData", [name, files, options]),
    removeData: async (name) => (await reached()).call("removeData", [name]),
  };
}

const types: Readonly<Record<string, string>> = {
  json: "application/json",
  jsonl: "application/jsonl",
  txt: "text/plain",
  html: "text/html",
  svg: "image/svg+xml",
  png: "image/png",
};

const typeOf = (name: string): string => types[name.split(".").at(-1) ?? ""] ?? "application/octet-stream";
