import { realpath } from "node:fs/promises";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { stream } from "hono/streaming";
import { z } from "zod";
import { broughtLimits } from "../data/brought-names.js";
import { HebbError } from "../engine/errors.js";
import { checkSizes, type Desk } from "../lab/desk.js";
import type { JobEvent } from "../lab/job.js";

const megabyte = 2 ** 20;

const requestSchema = z.strictObject({
  slug: z.string().max(100),
  scale: z.enum(["smoke", "standard", "full"]),
  seeds: z.union([z.int().min(1).max(1000), z.array(z.int().min(0)).min(1).max(1000)]).optional(),
  options: z.record(z.string().max(100), z.unknown()).optional(),
  resume: z.string().max(200).optional(),
});
const runsSchema = z.strictObject({ runs: z.array(z.string().max(200)).min(1).max(10_000) });
const tagsSchema = z.strictObject({ tags: z.array(z.string().max(200)).max(100) });

export interface ApiOptions {
  readonly desk: Desk;
  /** What runs compute on, in words. */
  readonly device: string;
  /** The folder of the runs: no file outside of it is sent. */
  readonly root: string;
}

/** What the pages ask of the server, as JSON; errors are `{ error: sentence }`. */
export function api({ desk, device, root }: ApiOptions): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    context.header("Cache-Control", "no-store");
  });
  app.use(
    "/data",
    bodyLimit({ maxSize: broughtLimits.bytes + megabyte, onError: (c) => c.json({ error: tooLarge }, 413) }),
  );
  app.use(async (context, next) =>
    context.req.path.endsWith("/data")
      ? next()
      : bodyLimit({ maxSize: megabyte, onError: (c) => c.json({ error: tooLarge }, 413) })(context, next),
  );
  app.onError((error, context) => {
    // What Hebb says is meant for people; anything else is a fault of ours, and its text may hold paths.
    if (error instanceof HebbError) return context.json({ error: error.message }, 400);
    return context.json(
      { error: `The server has met a fault of its own (${error.name}); other runs are not touched.` },
      500,
    );
  });

  app.get("/device", (c) => c.json({ about: device }));
  app.get("/runs", async (c) => c.json((await desk.runs()).map((run) => ({ ...run, place: "server" }))));
  app.get("/usage", async (c) => c.json(await desk.usage()));
  app.get("/runs/:run/record", async (c) => c.json(await desk.record(c.req.param("run"))));
  app.get("/runs/:run/metrics", async (c) => c.json(await desk.metrics(c.req.param("run"))));
  app.get("/runs/:run/log", async (c) => c.text(await desk.log(c.req.param("run"))));
  app.get("/runs/:run/files", async (c) => c.json(await desk.files(c.req.param("run"))));
  app.get("/runs/:run/file", async (c) => {
    const path = await desk.filePath(c.req.param("run"), c.req.query("name") ?? "");
    const [real, home] = await Promise.all([realpath(path), realpath(root)]);
    if (!real.startsWith(`${home}/`)) throw new HebbError("That file lies outside of the runs.");
    const bytes = await desk.file(c.req.param("run"), c.req.query("name")!);
    // A report is HTML that others may have made: it is saved, never shown with the rights of this page.
    return c.body(bytes as Uint8Array<ArrayBuffer>, 200, {
      "Content-Type": "application/octet-stream",
      "Content-Disposition": "attachment",
    });
  });
  app.put("/runs/:run/tags", async (c) => {
    await desk.tag(c.req.param("run"), (await body(c.req.raw, tagsSchema)).tags);
    return c.json({});
  });
  app.post("/runs/remove", async (c) => {
    await desk.remove((await body(c.req.raw, runsSchema)).runs);
    return c.json({});
  });
  app.post("/runs/restore", async (c) => {
    await desk.restore((await body(c.req.raw, runsSchema)).runs);
    return c.json({});
  });
  app.post("/bin/empty", async (c) => {
    await desk.emptyBin();
    return c.json({});
  });

  app.get("/jobs", async (c) => c.json(await desk.jobs()));
  app.post("/jobs", async (c) => c.json(await desk.start(await body(c.req.raw, requestSchema))));
  app.post("/jobs/:job/cancel", async (c) => {
    await desk.cancel(c.req.param("job"));
    return c.json({});
  });
  app.get("/jobs/:job/events", async (c) => {
    const job = c.req.param("job");
    // Before anything is sent, so that an unknown job is an error.
    await desk.job(job);
    const from = Math.max(0, Number.parseInt(c.req.query("from") ?? "0", 10) || 0);
    c.header("Content-Type", "application/x-ndjson");
    return stream(c, async (out) => {
      const gone = new AbortController();
      out.onAbort(() => gone.abort());
      let writing: Promise<unknown> = Promise.resolve();
      const send = (events: readonly JobEvent[]) => {
        writing = writing.then(() => out.write(`${events.map((event) => JSON.stringify(event)).join("\n")}\n`));
      };
      // An empty line now and then: whoever listens knows that the server is there.
      const beat = setInterval(() => {
        writing = writing.then(() => out.write("\n"));
      }, 5000);
      try {
        await desk.watch(job, send, { from, signal: gone.signal });
        await writing;
      } finally {
        clearInterval(beat);
      }
    });
  });

  app.get("/data", async (c) => c.json(await desk.data()));
  app.post("/data", async (c) => {
    const form = await c.req.raw.formData().catch(() => {
      throw new HebbError("The upload could not be read: its form is damaged.");
    });
    const files = form.getAll("files").filter((one): one is File => typeof one !== "string");
    checkSizes(files);
    const read = files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) }));
    const options = form.get("options");
    const parsed = typeof options === "string" ? json(options) : undefined;
    return c.json(await desk.addData(String(form.get("name") ?? ""), await Promise.all(read), parsed as never));
  });
  app.delete("/data/:name", async (c) => {
    await desk.removeData(c.req.param("name"));
    return c.json({});
  });
  app.all("*", (c) => c.json({ error: "The server has no such address." }, 404));
  return app;
}

const tooLarge = "That is more than the server takes in one request.";

async function body<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const checked = schema.safeParse(json(await request.text()));
  if (checked.success) return checked.data;
  const [{ path, message }] = checked.error.issues;
  throw new HebbError(`The request is not valid: ${path.join(".") || "it"}: ${message}.`);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HebbError("The request is not JSON.");
  }
}
