import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memoryCache } from "../../src/lab/cache.js";
import { crc32c } from "../../src/lab/crc32c.js";
import { exportMlflow } from "../../src/lab/export/mlflow.js";
import { eventFile, exportTensorBoard, type ScalarEvent } from "../../src/lab/export/tensorboard.js";
import { maskedCrc32c } from "../../src/lab/export/tfrecord.js";
import type { RunRecord } from "../../src/lab/record.js";
import { runStudy } from "../../src/lab/runner.js";
import { RunStore } from "../../src/lab/store.js";
import type { MetricPoint } from "../../src/lab/study.js";
import { tinyStudy } from "../tiny.js";

let out: string;
let record: RunRecord;
let metrics: MetricPoint[];
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "hebb-export-"));
  const { id } = await runStudy(tinyStudy, { out, cache: memoryCache(), environment: { commit: "abc" } });
  const folder = await new RunStore(out).open(id);
  record = await folder.readRecord();
  metrics = await folder.readMetrics();
});
afterAll(() => rm(out, { recursive: true, force: true }));

describe("CRC-32C", () => {
  it("has the values of RFC 3720", () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
  });

  it("is masked by rotating and adding", () => {
    expect(maskedCrc32c(new TextEncoder().encode("123456789"))).toBe(0x2507c60d + 0xa282ead8);
  });
});

/** The events of a file as TensorBoard reads it, with all checksums checked. */
function readEvents(file: Uint8Array) {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const events = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    expect(view.getUint32(at + 8, true)).toBe(maskedCrc32c(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(view.getUint32(at + 12 + length, true)).toBe(maskedCrc32c(data));
    events.push(readEvent(data));
    at += length + 16;
  }
  return events;
}

function readEvent(data: Uint8Array) {
  const reader = new BinaryReader(data);
  const event: { time?: number; step?: number; version?: string; scalars: Record<string, number> } = { scalars: {} };
  while (reader.pos < reader.len) {
    const [field] = reader.tag();
    if (field === 1) event.time = reader.double();
    else if (field === 2) event.step = Number(reader.int64());
    else if (field === 3) event.version = reader.string();
    else {
      const summary = new BinaryReader(reader.bytes());
      while (summary.pos < summary.len) {
        expect(summary.tag()[0]).toBe(1);
        const value = new BinaryReader(summary.bytes());
        expect(value.tag()[0]).toBe(1);
        const tag = value.string();
        expect(value.tag()[0]).toBe(2);
        event.scalars[tag] = value.float();
      }
    }
  }
  return event;
}

describe("TensorBoard", () => {
  it("event files hold the version and then the scalars of each step", () => {
    const events: ScalarEvent[] = [
      { time: 1.7e9, step: 0, scalars: { loss: 0.5, accuracy: 0.25 } },
      { time: 1.7e9 + 0.5, step: 2 ** 40, scalars: { "a/b": -3 } },
    ];
    expect(readEvents(eventFile(events))).toEqual([{ time: 1.7e9, version: "brain.Event:2", scalars: {} }, ...events]);
    expect(readEvents(eventFile([]))).toEqual([{ time: 0, version: "brain.Event:2", scalars: {} }]);
  });

  it("gets one directory per arm, setting and seed", async () => {
    const to = join(out, "logs");
    const paths = await exportTensorBoard(record, metrics, to);
    expect(await readdir(join(to, record.id))).toEqual([
      "new",
      "new,round=0",
      "new,round=1",
      "old",
      "old,round=0",
      "old,round=1",
    ]);
    expect(paths).toHaveLength(12);
    const read = async (directory: string) => {
      const path = paths.find((candidate) =>
        candidate.startsWith(`${to}/${record.id}/${directory}/events.out.tfevents.`),
      )!;
      return readEvents(await readFile(path)).slice(1);
    };
    const curve = await read("new/seed-2");
    expect(curve.map(({ step }) => step)).toEqual([0, 1]);
    expect(curve[1].scalars.accuracy).toBeCloseTo(93.2, 4);
    expect(curve[1].time).toBe(Date.parse(record.started) / 1000);
    const [result] = await read("old,round=1/seed-1");
    expect(result).toMatchObject({ step: 0, scalars: { "measures/steps": 90 } });
  });
});

/** A server that plays MLflow and keeps what it was sent. */
class Mlflow {
  readonly calls: { readonly method: string; readonly body: any }[] = [];
  /** Whether it refuses what is logged. */
  broken = false;
  /** The runs that were not deleted, with what was logged to them. */
  readonly runs = new Map<string, { readonly tags: { key: string; value: string }[]; metrics: number }>();
  readonly #experiments = new Set<string>();
  readonly #server: Server = createServer(async (request, response) => {
    const method = request.url!.replace("/api/2.0/mlflow/", "");
    const [status, answer] = this.#answer(method, await bodyOf(request));
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): Promise<unknown> {
    return new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(method: string, body: any): [number, object] {
    this.calls.push({ method, body });
    if (method === "experiments/create") {
      if (this.#experiments.has(body.name)) {
        return [
          400,
          { error_code: "RESOURCE_ALREADY_EXISTS", message: `Experiment(name=${body.name}) already exists.` },
        ];
      }
      this.#experiments.add(body.name);
      return [200, { experiment_id: "7" }];
    }
    if (method.startsWith("experiments/get-by-name?")) return [200, { experiment: { experiment_id: "7" } }];
    if (method === "runs/create") {
      const run_id = `r${this.calls.filter((call) => call.method === method).length}`;
      this.runs.set(run_id, { tags: [...body.tags], metrics: 0 });
      return [200, { run: { info: { run_id } } }];
    }
    if (method === "runs/search") {
      const [, key, value] = /^tags\.`([^`]+)` = '([^']+)'$/.exec(body.filter)!;
      const found = [...this.runs].filter(([, { tags }]) => tags.some((tag) => tag.key === key && tag.value === value));
      // A real server leaves an empty list out.
      return [
        200,
        found.length === 0 ? {} : { runs: found.map(([run_id, { tags }]) => ({ info: { run_id }, data: { tags } })) },
      ];
    }
    if (method === "runs/delete") return [this.runs.delete(body.run_id) ? 200 : 404, {}];
    if (method === "runs/set-tag") {
      this.runs.get(body.run_id)!.tags.push(body);
      return [200, {}];
    }
    const { metrics = [], params = [] } = body;
    if (this.broken) return [500, { message: "Out of order." }];
    this.runs.get(body.run_id)!.metrics += metrics.length;
    if (metrics.length > 1000 || params.length > 100)
      return [400, { error_code: "INVALID_PARAMETER_VALUE", message: "Too many." }];
    const wrong = [...metrics, ...params].find(({ key }: { key: string }) => !/^[\w\-. :/]+$/.test(key));
    return wrong ? [400, { message: `Invalid name ${wrong.key}` }] : [200, {}];
  }
}

async function bodyOf(request: IncomingMessage): Promise<any> {
  let text = "";
  for await (const part of request) text += part;
  return text === "" ? undefined : JSON.parse(text);
}

describe("MLflow", () => {
  it("gets experiment, run, params, metrics in portions of a thousand, and the end", async () => {
    const server = new Mlflow();
    const url = await server.start();
    try {
      const points = Array.from({ length: 2500 }, (_, step) => ({
        arm: "new",
        seed: 1,
        step,
        setting: { "p=": 2 },
        values: { loss: step },
      }));
      expect(await exportMlflow(record, points, `${url}/`)).toBe("r1");
      expect(await exportMlflow({ ...record, id: "other", status: "failed" }, [], url)).toBe("r2");
      expect(await exportMlflow({ ...record, id: "left", status: "running" }, [], url, "interrupted")).toBe("r3");
      const of = (method: string) => server.calls.filter((call) => call.method === method).map(({ body }) => body);
      expect(server.calls.map(({ method }) => method).slice(-8)).toEqual([
        "experiments/create",
        "experiments/get-by-name?experiment_name=tiny-claim",
        "runs/search",
        "runs/create",
        "runs/log-batch",
        "runs/log-batch",
        "runs/update",
        "runs/set-tag",
      ]);
      const [run] = of("runs/create");
      expect(run).toMatchObject({ experiment_id: "7", run_name: record.id, start_time: Date.parse(record.started) });
      expect(run.tags).toContainEqual({ key: "hebb.verdict", value: "replicated" });
      expect(run.tags).toContainEqual({ key: "mlflow.source.git.commit", value: "abc" });
      const [params, ...batches] = of("runs/log-batch");
      expect(params.params).toEqual([
        { key: "scale", value: "smoke" },
        { key: "seeds", value: "[1,2]" },
        { key: "device", value: "cpu" },
        { key: "options.rounds", value: "2" },
        { key: "options.pause", value: "0" },
      ]);
      expect(batches.slice(0, 3).map(({ metrics }) => metrics.length)).toEqual([1000, 1000, 516]);
      expect(batches[1].metrics[1]).toEqual({
        key: "loss/new/p_ 2/seed 1",
        value: 1001,
        step: 1001,
        timestamp: Date.parse(record.started),
      });
      expect(batches[2].metrics.at(-1)).toMatchObject({ key: "measures/steps/old/round 1/seed 2", value: 90, step: 0 });
      const [done, failed, killed] = of("runs/update");
      expect(done).toMatchObject({ run_id: "r1", status: "FINISHED" });
      expect(done.end_time).toBeGreaterThanOrEqual(run.start_time);
      expect([failed.status, killed.status]).toEqual(["FAILED", "KILLED"]);
    } finally {
      await server.stop();
    }
  });

  it("has one run of each, however often it is exported", async () => {
    const server = new Mlflow();
    const url = await server.start();
    const point = { arm: "new", seed: 1, step: 0, values: { loss: 1 } };
    try {
      expect(await exportMlflow(record, [point], url)).toBe("r1");
      const logged = server.runs.get("r1")!.metrics;
      expect(await exportMlflow(record, [point], url)).toBe("r1");
      expect(server.runs.get("r1")!.metrics).toBe(logged);
      expect(await exportMlflow({ ...record, id: "other" }, [point], url)).toBe("r2");

      // A run that went on is replaced, and so is one whose export was cut off.
      const longer = [point, { ...point, step: 1 }];
      expect(await exportMlflow(record, longer, url)).toBe("r3");
      expect([...server.runs.keys()]).toEqual(["r2", "r3"]);
      expect(server.runs.get("r3")!.metrics).toBe(logged + 1);
      server.broken = true;
      await expect(exportMlflow({ ...record, id: "third" }, longer, url)).rejects.toThrow(/Out of order/);
      server.broken = false;
      expect(await exportMlflow({ ...record, id: "third" }, longer, url)).toBe("r5");
      expect([...server.runs.keys()]).toEqual(["r2", "r3", "r5"]);
      expect(server.runs.get("r5")!.metrics).toBe(logged + 1);
    } finally {
      await server.stop();
    }
  });

  it("errors name the server and what it said", async () => {
    const server = createServer((request, response) => {
      if (request.url!.endsWith("experiments/create")) response.writeHead(403).end('{"message": "Not for you."}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(exportMlflow(record, [], url)).rejects.toThrow(
      `The MLflow server ${url} refused experiments/create: Not for you.`,
    );
    server.removeAllListeners("request").on("request", (_, response) => response.writeHead(200).end("<html>"));
    await expect(exportMlflow(record, [], url)).rejects.toThrow(
      `${url} does not answer as an MLflow server: status 200 for experiments/create.`,
    );
    await new Promise((resolve) => server.close(resolve));
    await expect(exportMlflow(record, [], url)).rejects.toThrow(
      new RegExp(`^The MLflow server ${url} cannot be reached: .+\\.$`),
    );
  });
});
