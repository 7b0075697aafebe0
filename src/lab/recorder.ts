import { HebbError, nearest } from "../engine/errors.js";
import type { CheckpointFiles, UnitCheckpoint } from "./checkpoint.js";
import type { RunEvent } from "./events.js";
import { canonicalJson, toJson } from "./json.js";
import type { CostMeter } from "./meter.js";
import { NonFiniteError } from "./non-finite.js";
import type { Cost, UnitRecord } from "./record.js";
import type { RunFolder } from "./store.js";
import type { Checkpoint, MetricPoint, Row, Study } from "./study.js";

/** Metrics wait at most this long before they are on disk. */
const flushMilliseconds = 1000;

export interface RecorderOptions {
  readonly study: Pick<Study, "arms" | "measures">;
  readonly folder: RunFolder;
  readonly meter: CostMeter;
  readonly signal: AbortSignal;
  /** The units that an earlier part of the run finished. */
  readonly finished: readonly UnitRecord[];
  /** The unit in whose middle an earlier part of the run ended. */
  readonly interrupted?: UnitCheckpoint;
  readonly checkpoints: CheckpointFiles;
  readonly emit: (event: RunEvent) => void;
  /** Called whenever a unit has been kept. */
  readonly onUnit: () => Promise<void>;
}

interface UnitUnderWay {
  readonly name: string;
  readonly firstRow: number;
  readonly metrics: MetricPoint[];
  /** What the run had cost before the unit. */
  readonly before: Cost;
  readonly state?: unknown;
}

/** Takes what a study records, checks it, and brings it into the run folder. */
export class Recorder {
  readonly rows: Row[] = [];
  readonly #options: RecorderOptions;
  readonly #finished: Map<string, UnitRecord>;
  readonly #names = new Set<string>();
  readonly #measured = new Set<string>();
  #unit?: UnitUnderWay;
  #waiting: MetricPoint[] = [];
  #timer?: ReturnType<typeof setTimeout>;
  #writing: Promise<void> = Promise.resolve();
  #failure?: { readonly error: unknown };

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#finished = new Map(options.finished.map((unit) => [unit.name, unit]));
  }

  record(row: Row): void {
    const { study, emit } = this.#options;
    const { arm, seed, setting, measures } = row;
    declared("arm", arm, study.arms);
    NonFiniteError.check(measures, { arm, seed, setting });
    for (const name of Object.keys(measures)) {
      declared("measure", name, study.measures);
      const cell = canonicalJson([arm, seed, setting ?? {}, name]);
      if (this.#measured.has(cell)) throw new HebbError(`The result ${cell} was recorded twice.`);
      this.#measured.add(cell);
    }
    // A copy, so that what was recorded stays what it was.
    const kept = toJson(row, "row") as unknown as Row;
    this.rows.push(kept);
    emit({ type: "row", row: kept });
  }

  metric(point: MetricPoint): void {
    const { arm, seed, step, setting } = point;
    NonFiniteError.check(point.values, { arm, seed, step, setting });
    const kept = toJson(point, "metric") as unknown as MetricPoint;
    this.#unit?.metrics.push(kept);
    this.#waiting.push(kept);
    this.#timer ??= setTimeout(() => this.#write(), flushMilliseconds);
    this.#options.emit({ type: "metric", point: kept });
  }

  async unit<T>(name: string, work: () => Promise<T>): Promise<T> {
    const { folder, meter, signal, interrupted, emit, onUnit } = this.#options;
    if (this.#unit)
      throw new HebbError(`Unit "${name}" was started inside unit "${this.#unit.name}"; units run one after another.`);
    if (this.#names.has(name))
      throw new HebbError(`Unit "${name}" was run twice; each unit of a study has its own name.`);
    this.#names.add(name);
    const done = this.#finished.get(name);
    if (done) {
      this.#replay(done);
      emit({ type: "unit", name, state: "restored" });
      return done.value as T;
    }
    signal.throwIfAborted();
    const from = interrupted?.name === name ? interrupted : undefined;
    emit({ type: "unit", name, state: from ? "continued" : "started" });
    const unit: UnitUnderWay = {
      name,
      firstRow: this.rows.length,
      metrics: [],
      before: meter.snapshot(),
      state: from?.state,
    };
    this.#unit = unit;
    try {
      if (from) this.#replay(from);
      const result = await work();
      // The same value whether the unit ran now or in an earlier part of the run.
      const value = result === undefined ? undefined : toJson(result, `the value of unit "${name}"`);
      await this.flush();
      await folder.appendUnit({ name, value, ...this.#recorded(unit) });
      emit({ type: "unit", name, state: "finished" });
      await onUnit();
      return value as T;
    } finally {
      this.#unit = undefined;
    }
  }

  readonly checkpoint: Checkpoint = {
    restore: <State>() => this.#unit?.state as State | undefined,
    save: async (state) => {
      const unit = this.#unit;
      if (!unit)
        throw new HebbError("checkpoint.save was called outside of a unit, where there is nothing to go on with.");
      await this.#options.checkpoints.offer(() => ({ name: unit.name, ...this.#recorded(unit), state: state() }));
    },
  };

  #recorded({ firstRow, metrics, before }: UnitUnderWay) {
    return { rows: this.rows.slice(firstRow), metrics: [...metrics], cost: this.#options.meter.since(before) };
  }

  /** Records once more what an earlier part of the run recorded. */
  #replay({ rows, metrics, cost }: Pick<UnitRecord, "rows" | "metrics" | "cost">): void {
    for (const row of rows) this.record(row);
    for (const point of metrics) this.metric(point);
    this.#options.meter.add(cost);
  }

  /** Brings all metrics to disk; throws if that failed now or before. */
  async flush(): Promise<void> {
    this.#write();
    await this.#writing;
    if (this.#failure) throw this.#failure.error;
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const points = this.#waiting;
    this.#waiting = [];
    this.#writing = this.#writing
      // After a failure the last line may be cut off, and nothing must follow it.
      .then(() => (this.#failure ? undefined : this.#options.folder.appendMetrics(points)))
      .catch((error) => {
        this.#failure ??= { error };
      });
  }
}

function declared(kind: "arm" | "measure", name: string, known: Readonly<Record<string, unknown>>): void {
  if (Object.hasOwn(known, name)) return;
  const guess = nearest(name, Object.keys(known));
  throw new HebbError(`The study declares no ${kind} "${name}".${guess ? ` Did it mean "${guess}"?` : ""}`);
}
