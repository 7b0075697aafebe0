import type { z } from "zod";
import { platform } from "#platform";
import { HebbError, nearest } from "../engine/errors.js";
import { isLocked } from "./lock.js";
import type { RunRecord, RunStatus, UnitRecord } from "./record.js";
import { metricSchema, parseChecked, runSchema, unitSchema } from "./schema.js";
import { checkSeal, isSealed, seal } from "./seal.js";
import type { MetricPoint, Scale } from "./study.js";

/**
 * The folder of one run: `run.json` (the record), `environment.json` (what it takes to repeat the run), `metrics.jsonl`
 * (curves), `units.jsonl` (finished units, for resuming), `checkpoint-*.safetensors` (the unit under way) and what
 * reports add (`report.html`, `figures/`). The record, and each line of metrics and units, ends with a checksum: reading
 * throws where one does not fit.
 */
export class RunFolder {
  constructor(
    readonly id: string,
    readonly path: string,
  ) {}

  async readRecord(): Promise<RunRecord> {
    return parseSealed(runSchema, await readText(`${this.path}/run.json`), `${this.path}/run.json`);
  }

  /** How the run stands whose record says `status`: a run that is `running` is `interrupted` once its writer is gone. */
  async statusNow({ status }: Pick<RunRecord, "status">): Promise<RunStatus> {
    return status === "running" && !(await isLocked(this.path)) ? "interrupted" : status;
  }

  /** Replaces the record in one step: a reader or a crash sees the old one or the new one. */
  writeRecord(record: RunRecord): Promise<void> {
    return platform.writeFileAtomic(`${this.path}/run.json`, `${seal(JSON.stringify(record, null, 1))}\n`);
  }

  /** Writes down, once, what the run was started with and on: versions, processor, threads, commit; scale, seeds, options. */
  writeEnvironment({ slug, scale, seeds, options, device, environment, started }: RunRecord): Promise<void> {
    const content = { slug, scale, seeds, options, device, started, ...environment };
    return platform.writeFileAtomic(`${this.path}/environment.json`, `${JSON.stringify(content, null, 1)}\n`);
  }

  readMetrics(): Promise<MetricPoint[]> {
    return readLines(`${this.path}/metrics.jsonl`, metricSchema);
  }

  appendMetrics(points: readonly MetricPoint[]): Promise<void> {
    return platform.appendFile(`${this.path}/metrics.jsonl`, lines(points));
  }

  readUnits(): Promise<UnitRecord[]> {
    return readLines(`${this.path}/units.jsonl`, unitSchema);
  }

  appendUnit(unit: UnitRecord): Promise<void> {
    return platform.appendFile(`${this.path}/units.jsonl`, lines([unit]));
  }

  /**
   * Makes the folder ready to be continued: units whose lines are damaged or cut off go, to be done again, and so do files
   * cut off while they were written, and the metrics, which come back with the units.
   */
  async rewind(log: (message: string) => void = () => {}): Promise<UnitRecord[]> {
    for (const name of await platform.listDir(this.path)) {
      if (/^\..*\.tmp$/.test(name)) await platform.remove(`${this.path}/${name}`);
    }
    const units = await readLines(`${this.path}/units.jsonl`, unitSchema, ({ message }) =>
      log(`A finished unit is done again. ${message}`),
    );
    await platform.writeFileAtomic(`${this.path}/units.jsonl`, lines(units));
    await platform.writeFileAtomic(`${this.path}/metrics.jsonl`, "");
    return units;
  }

  /** Brings what was appended to disk: until then a power cut can still take it. */
  async flush(): Promise<void> {
    for (const name of ["metrics.jsonl", "units.jsonl"]) await platform.flush(`${this.path}/${name}`);
  }

  /** Writes about a megabyte and removes it: a run that cannot keep its results must not start. */
  async checkWritable(): Promise<void> {
    const probe = `${this.path}/.probe`;
    try {
      await platform.mkdirp(this.path);
      await platform.writeFileAtomic(probe, new Uint8Array(2 ** 20));
    } catch (error) {
      throw new HebbError(
        `The run cannot start because its folder ${this.path} cannot be written. ${(error as Error).message} Make room, or choose another place for runs.`,
        { cause: error },
      );
    } finally {
      await platform.remove(probe).catch(() => {});
    }
  }
}

/** The runs under one directory. */
export class RunStore {
  constructor(readonly root = "runs") {}

  /** Makes the folder of a new run. Throws, before anything is trained, when the folder or the disk cannot take it. */
  async create(slug: string, scale: Scale, started: Date): Promise<RunFolder> {
    let id: string;
    do id = runId(slug, scale, started);
    while (await platform.exists(`${this.root}/${id}`));
    const folder = new RunFolder(id, `${this.root}/${id}`);
    try {
      await folder.checkWritable();
    } catch (error) {
      await platform.remove(folder.path).catch(() => {});
      throw error;
    }
    return folder;
  }

  /** The folder of a run, by id or by path. An unknown id gives the nearest known one in the error. */
  async open(idOrPath: string): Promise<RunFolder> {
    const name = idOrPath.replace(/\/run\.json$/, "").replace(/\/+$/, "");
    for (const path of [`${this.root}/${name}`, name]) {
      if (await platform.exists(`${path}/run.json`)) return new RunFolder(name.split("/").at(-1)!, path);
    }
    const known = nearest(name, await this.#names());
    throw new HebbError(`There is no run "${idOrPath}" in ${this.root}.${known ? ` Did you mean ${known}?` : ""}`);
  }

  async #names(): Promise<string[]> {
    return (await platform.exists(this.root)) ? platform.listDir(this.root) : [];
  }
}

/** `<slug>-<scale>-<yyyymmdd>-<hhmmss>-<4 random>`, in UTC: sorts by time within a study, and never collides in practice. */
function runId(slug: string, scale: Scale, started: Date): string {
  const [day, time] = started.toISOString().slice(0, 19).replaceAll(/[-:]/g, "").split("T");
  const random = Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => (byte % 36).toString(36)).join("");
  return `${slug}-${scale}-${day}-${time}-${random}`;
}

const lines = (items: readonly object[]): string => items.map((item) => `${seal(JSON.stringify(item))}\n`).join("");

const readText = async (path: string): Promise<string> => new TextDecoder().decode(await platform.readFile(path));

function parseSealed<T>(schema: z.ZodType<T>, text: string, what: string): T {
  checkSeal(text, what);
  return parseChecked(schema, text, what);
}

/**
 * The lines of a JSONL file; `onDamage` is told of those that it is better to go on without. Writing may have been cut
 * off, so a last line that does not end is left out.
 */
async function readLines<T>(
  path: string,
  schema: z.ZodType<T>,
  onDamage = (error: Error): void => {
    throw error;
  },
): Promise<T[]> {
  if (!(await platform.exists(path))) return [];
  const text = await readText(path);
  const lines = text.split("\n");
  if (!isSealed(lines.at(-1)!)) lines.pop();
  const items: T[] = [];
  for (const [i, line] of lines.entries()) {
    try {
      items.push(parseSealed(schema, line, `${path}, line ${i + 1},`));
    } catch (error) {
      onDamage(error as Error);
    }
  }
  return items;
}
