import { HebbError } from "../../../src/engine/errors.js";
import { setBackend } from "../../../src/engine/runtime/index.js";
import { wasmBackend } from "../../../src/engine/runtime/wasm.js";
import { checkRequest } from "../../../src/lab/controls.js";
import type { StartRequest } from "../../../src/lab/job.js";
import { runStudy } from "../../../src/lab/runner.js";
import type { Study } from "../../../src/lab/study.js";
import { provide } from "../../../src/platform/browser-parts.js";
import { processIdentity } from "../../../src/platform/web-locks.js";
import { studies } from "../../../studies/index.js";
import { builtAsset } from "./assets.js";
import { breathing } from "./breathing.js";
import { filesBehind } from "./files.js";
import type { FromCompute, PlainEvent, ToCompute } from "./messages.js";
import { inWords } from "./words.js";

// A worker that runs one study and then is ended by whoever made it, which gives its memory back.

/** Events are sent together, at most so often. */
const batchMilliseconds = 50;

const stop = new AbortController();
const send = (message: FromCompute) => postMessage(message);

let batch: PlainEvent[] = [];
let sent = performance.now();
let timer: ReturnType<typeof setTimeout> | undefined;

function flush(): void {
  clearTimeout(timer);
  timer = undefined;
  if (batch.length > 0) send({ type: "events", events: batch });
  batch = [];
  sent = performance.now();
}

function tell(event: PlainEvent): void {
  // Of the steps of a loop only the last one counts.
  if (event.type === "progress" && batch.at(-1)?.type === "progress") batch.pop();
  batch.push(event);
  if (performance.now() - sent >= batchMilliseconds) flush();
  else timer ??= setTimeout(flush, batchMilliseconds);
}

addEventListener("message", ({ data }: MessageEvent<ToCompute>) => {
  if (data.type === "stop") stop.abort(new HebbError("The run was stopped."));
  else void carryOut(data);
});

async function carryOut({ request, out, threads, files }: Extract<ToCompute, { type: "run" }>): Promise<void> {
  try {
    provide({ assets: builtAsset, ...(files && { files: filesBehind(files) }) });
    tell({ type: "log", message: "loading the runtime and the study" });
    setBackend(breathing(await wasmBackend({ threads })));
    const study = await load(request);
    if (request.resume === undefined) checkRequest(study, request);
    const { slug: _, resume, ...fresh } = request;
    const record = await runStudy(study, {
      ...(resume === undefined ? (fresh as object) : { resume }),
      out,
      signal: stop.signal,
      environment: { threads, onnxruntime: (await import("onnxruntime-web/wasm")).env.versions.web },
      onEvent: (event) => tell(event.type === "error" ? { type: "error", error: inWords(event.error).message } : event),
    });
    flush();
    send({ type: "end", record });
  } catch (error) {
    flush();
    send({ type: "refused", error: inWords(error).message });
  }
}

/** The study asked for; what breaks in it is said in words. */
async function load({ slug }: StartRequest): Promise<Study> {
  if (!Object.hasOwn(studies, slug)) throw new HebbError(`There is no study "${slug}" here.`);
  const { default: study } = await studies[slug]();
  return { ...study, run: (context) => study.run(context).catch((error) => Promise.reject(inWords(error))) };
}

// So that whoever made this worker learns of its end even where the browser does not say.
processIdentity().then(
  (identity) => send({ type: "ready", identity }),
  (error) => send({ type: "refused", error: inWords(error).message }),
);
