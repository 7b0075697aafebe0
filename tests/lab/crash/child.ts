import { memoryCache } from "../../../src/lab/cache.js";
import type { CheckpointPace } from "../../../src/lab/checkpoint.js";
import { runStudy } from "../../../src/lab/runner.js";
import { type Fault, injectFault } from "./faults.js";
import { studyOf } from "./study.js";

/** What a process is told to do, as JSON in its only argument. */
export interface Life {
  readonly slug: string;
  readonly out: string;
  readonly resume?: string;
  readonly checkpoint: CheckpointPace;
  readonly fault?: Fault;
}

/** What a process tells: that it begins, that a unit goes on from a checkpoint, how it ended. */
export type News = { readonly type: "begin" | "continued" } | { readonly type: "end"; readonly status: string };

const { slug, out, resume, checkpoint, fault } = JSON.parse(process.argv[2]) as Life;
const study = await studyOf(slug);
const tell = (news: News) => process.send!(news);
if (fault) injectFault(fault);
tell({ type: "begin" });
const record = await runStudy(study, {
  out,
  resume,
  checkpoint,
  cache: memoryCache(),
  onEvent: (event) => event.type === "unit" && event.state === "continued" && tell({ type: "continued" }),
}).catch((error) => ({ status: `thrown: ${error.message}` }));
tell({ type: "end", status: record.status });
process.disconnect();
