import type { BroughtOptions, Job, JobEvent, Place, RunFile, RunItem, StartRequest, UserData } from "../contract.js";

const away =
  "The server does not answer: it may have been closed. What it has finished is kept; start `hebb lab` again and reload this page.";

/** Whether the page came from `hebb lab`, which says so in the page. */
export const hasServer = (): boolean => document.querySelector('meta[name="hebb-server"]') !== null;

/** Runs on the server that served the page. */
export function serverPlace(base = "api"): Place {
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    let response: Response;
    try {
      response = await fetch(new URL(`${base}/${path}`, document.baseURI), init);
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new Error(away);
    }
    if (response.ok) return response;
    const said = (await response.json().catch(() => undefined)) as { error?: string } | undefined;
    throw new Error(said?.error ?? `The server refused the request (status ${response.status}).`);
  };
  const get = async <T>(path: string): Promise<T> => (await ask(path)).json() as Promise<T>;
  const post = (path: string, body: unknown = {}): Promise<Response> =>
    ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const runs = (run: string, what: string) => `runs/${encodeURIComponent(run)}/${what}`;

  return {
    kind: "server",
    label: "the server",
    device: () => get("device"),
    runs: () => get<RunItem[]>("runs"),
    record: (run) => get(runs(run, "record")),
    metrics: (run) => get(runs(run, "metrics")),
    log: async (run) => (await ask(runs(run, "log"))).text(),
    files: (run) => get<RunFile[]>(runs(run, "files")),
    file: async (run, name) => (await ask(runs(run, `file?name=${encodeURIComponent(name)}`))).blob(),
    async tag(run, tags) {
      await ask(runs(run, "tags"), {
        method: "PUT",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ tags }),
      });
    },
    async remove(list) {
      await post("runs/remove", { runs: list });
    },
    async restore(list) {
      await post("runs/restore", { runs: list });
    },
    usage: () => get("usage"),
    async emptyBin() {
      await post("bin/empty");
    },
    start: async (request: StartRequest) => (await post("jobs", request)).json() as Promise<Job>,
    jobs: () => get<Job[]>("jobs"),
    watch: (job, onEvent, { from = 0, signal } = {}) => watch(ask, job, onEvent, from, signal),
    async cancel(job) {
      await post(`jobs/${encodeURIComponent(job)}/cancel`);
    },
    data: () => get<UserData[]>("data"),
    async addData(name: string, files: readonly File[], options?: BroughtOptions) {
      const form = new FormData();
      form.set("name", name);
      if (options) form.set("options", JSON.stringify(options));
      for (const file of files) form.append("files", file, file.name);
      return (await ask("data", { method: "POST", body: form })).json() as Promise<UserData>;
    },
    async removeData(name) {
      await ask(`data/${encodeURIComponent(name)}`, { method: "DELETE" });
    },
  };
}

/** A lost connection is tried again this often, and so many times without an event in between. */
const again = { milliseconds: 1000, times: 20 };

async function watch(
  ask: (path: string, init?: RequestInit) => Promise<Response>,
  job: string,
  onEvent: (event: JobEvent) => void,
  from: number,
  signal?: AbortSignal,
): Promise<void> {
  let next = from;
  let tries = 0;
  while (!signal?.aborted) {
    let ended = false;
    try {
      const response = await ask(`jobs/${encodeURIComponent(job)}/events?from=${next}`, { signal });
      for await (const line of linesOf(response.body!)) {
        if (line === "") continue;
        const event = JSON.parse(line) as JobEvent;
        tries = 0;
        next = event.at + 1;
        onEvent(event);
        ended = event.event.type === "job" && !["waiting", "running"].includes(event.event.job.state);
      }
      // The server ends the stream when the job has ended.
      if (ended) return;
      throw new Error(away);
    } catch (error) {
      if (signal?.aborted) return;
      if (++tries > again.times || (error as Error).message !== away) {
        // A stream that breaks off in its middle says nothing that a person could use.
        throw error instanceof SyntaxError || error instanceof TypeError ? new Error(away) : error;
      }
      await new Promise((resolve) => setTimeout(resolve, again.milliseconds));
    }
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let rest = "";
  for (;;) {
    let part: ReadableStreamReadResult<string>;
    try {
      part = await reader.read();
    } catch {
      throw new Error(away);
    }
    if (part.done) break;
    const lines = (rest + part.value).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  // What was cut off comes again when the watching goes on.
}
