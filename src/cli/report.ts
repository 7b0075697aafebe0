import { relative, resolve } from "node:path";
import { RunStore } from "../lab/store.js";
import type { Io } from "./io.js";
import { type Lab, paperOf, studyOf } from "./lab.js";
import { openNamed } from "./named-runs.js";

export interface ReportOptions {
  readonly out: string;
  readonly json?: boolean;
}

/** `hebb report`: draws the figures and writes the report of each run again, from the files of the run. */
export async function report(io: Io, lab: Lab, runs: readonly string[], { out, json }: ReportOptions): Promise<void> {
  const { publish } = await import("./publish.js");
  const store = new RunStore(resolve(io.cwd, out));
  const made: { readonly run: string; readonly report: string }[] = [];
  for (const run of runs) {
    const folder = await openNamed(store, run, io.cwd);
    const record = await folder.readRecord();
    const path = await publish(folder, record, await studyOf(lab, record.slug), paperOf(lab, record.slug));
    made.push({ run: folder.id, report: relative(io.cwd, path) });
    if (!json) io.stdout.write(`${relative(io.cwd, path)}\n`);
  }
  if (json) io.stdout.write(`${JSON.stringify(made)}\n`);
}
