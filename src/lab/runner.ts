import { HebbError, nearest } from "../engine/errors.js";
import { diskCache, type ModelCache } from "./cache.js";
import { CheckpointFiles, type CheckpointPace } from "./checkpoint.js";
import { describeEnvironment } from "./environment.js";
import type { RunEvent } from "./events.js";
import { canonicalJson, toJson } from "./json.js";
import { lockRun } from "./lock.js";
import { CostMeter } from "./meter.js";
import type { Environment, RunRecord } from "./record.js";
import { Recorder } from "./recorder.js";
import { type RunFolder, RunStore } from "./store.js";
import type { Condition, Judgement, Row, Scale, Study } from "./study.js";

/** At most this often the record on disk follows a run that is under way. */
const saveMilliseconds = 2000;

/** No run has more seeds: a slip of the keyboard must not take all memory. */
const mostSeeds = 10_000;

export interface RunOptions<Options = unknown> {
  /** Default: smoke. */
  readonly scale?: Scale;
  /** The seeds, or how many: the first of the scale's list, counted on where it is too short. */
  readonly seeds?: number | readonly number[];
  readonly device?: string;
  /** The directory that holds run folders. Default: `runs`. */
  readonly out?: string;
  /** Stops the run cleanly; it can be resumed. */
  readonly signal?: AbortSignal;
  /** The id of a run to continue. Scale, seeds and options are then that run's. */
  readonly resume?: string;
  readonly onEvent?: (event: RunEvent) => void;
  /** Replaces some of the scale's options. */
  readonly options?: Partial<Options>;
  /** Default: models in files under the cache directory. */
  readonly cache?: ModelCache;
  /** How often the state within a unit is kept. Default: a second apart at least, below 2 % of the run's time. */
  readonly checkpoint?: CheckpointPace;
  /** What the caller knows of the environment beyond what the platform tells, such as the commit. */
  readonly environment?: Partial<Environment>;
}

/**
 * Runs a study and leaves a run folder. The record that comes back says how it ended: `done` with a judgement, `stopped`
 * (resumable) after an abort, or `failed` with the reason; an `error` event carries the error itself. Everything that
 * was recorded up to then is kept. Throws only if the run cannot start: unknown scale or option, unwritable folder, or a
 * run to resume that another process is writing.
 */
export async function runStudy<Options>(study: Study<Options>, options: RunOptions<Options> = {}): Promise<RunRecord> {
  const store = new RunStore(options.out);
  const log = (message: string) => options.onEvent?.({ type: "log", message });
  const environment = { ...(await describeEnvironment()), ...options.environment };
  const opened =
    options.resume === undefined
      ? await start(study, options, store, environment)
      : await reopen(study, options, store, environment, log);
  const release = await lockRun(opened.folder.path);
  try {
    if (options.resume === undefined) await opened.folder.writeEnvironment(opened.record);
    return await carryOut(study, options, opened);
  } finally {
    await release();
  }
}

async function carryOut<Options>(
  study: Study<Options>,
  options: RunOptions<Options>,
  { folder, record: initial }: Opened,
): Promise<RunRecord> {
  const emit = options.onEvent ?? (() => {});
  const log = (message: string) => emit({ type: "log", message });
  const finished = await folder.rewind(log);
  const checkpoints = new CheckpointFiles(folder.path, options.checkpoint, log);
  const meter = new CostMeter();
  const signal = options.signal ?? new AbortController().signal;
  let saved = performance.now();
  const recorder = new Recorder({
    study,
    folder,
    meter,
    signal,
    finished,
    interrupted: await checkpoints.read(),
    checkpoints,
    emit,
    onUnit: async () => {
      if (performance.now() - saved < saveMilliseconds) return;
      await folder.writeRecord(current("running"));
      saved = performance.now();
    },
  });
  const current = (status: RunRecord["status"], outcome: Pick<RunRecord, "judgement" | "error"> = {}): RunRecord => {
    const cost = meter.snapshot();
    return { ...initial, status, seconds: cost.seconds, rows: [...recorder.rows], cost, ...outcome };
  };

  await folder.writeRecord(current("running"));
  emit({ type: "start", record: initial, folder: folder.path });
  let record: RunRecord;
  try {
    await study.run({
      scale: initial.scale,
      options: initial.options as Options,
      seeds: initial.seeds,
      device: initial.device,
      signal,
      cache: options.cache ?? diskCache({ log }),
      meter,
      record: (row) => recorder.record(row),
      metric: (point) => recorder.metric(point),
      unit: (name, work) => recorder.unit(name, work),
      checkpoint: recorder.checkpoint,
      progress: (done, total, label) => emit({ type: "progress", done, total, label }),
      log,
    });
    await recorder.flush();
    record = current("done", { judgement: judge(study, recorder.rows, initial.scale) });
  } catch (error) {
    // A second error, as from a full disk, must not hide the first.
    await recorder.flush().catch((second) => log(`Metrics could not be written: ${second.message}`));
    if (signal.aborted) {
      record = current("stopped", { error: `Stopped before the end; \`resume\` with ${initial.id} continues it.` });
    } else {
      emit({ type: "error", error });
      record = current("failed", { error: error instanceof Error ? error.message : String(error) });
    }
  }
  // A run that is said to have ended must be whole, whatever happens to the machine next.
  await folder.flush().catch((error) => log(`The run is not on disk yet: ${error.message}`));
  if (record.status === "done") await checkpoints.remove();
  await folder.writeRecord(record);
  emit({ type: "end", record });
  return record;
}

interface Opened {
  readonly folder: RunFolder;
  readonly record: RunRecord;
}

async function start<Options>(
  study: Study<Options>,
  { scale = "smoke", seeds, device = "cpu", options }: RunOptions<Options>,
  store: RunStore,
  environment: Environment,
): Promise<Opened> {
  const info = study.scales[scale];
  if (!info) {
    throw new HebbError(`"${study.slug}" has no scale "${scale}"; it has ${Object.keys(study.scales).join(", ")}.`);
  }
  const merged = mergeOptions(study.slug, info.options, options);
  const chosen = chooseSeeds(info.seeds, seeds);
  const started = new Date();
  const folder = await store.create(study.slug, scale, started);
  const record: RunRecord = {
    version: 1,
    id: folder.id,
    slug: study.slug,
    scale,
    seeds: chosen,
    options: merged,
    device,
    status: "running",
    started: started.toISOString(),
    seconds: 0,
    environment,
    arms: study.arms,
    measures: study.measures,
    rows: [],
    cost: { forwardExamples: 0, backwardExamples: 0, macs: 0, seconds: 0 },
  };
  return { folder, record };
}

async function reopen<Options>(
  study: Study<Options>,
  { resume = "", scale, seeds, device, options }: RunOptions<Options>,
  store: RunStore,
  environment: Environment,
  log: (message: string) => void,
): Promise<Opened> {
  const folder = await store.open(resume);
  const { judgement, error, ...record } = await folder.readRecord();
  const refuse = (what: string): never => {
    throw new HebbError(`Run ${record.id} cannot be resumed: ${what}.`);
  };
  if (record.slug !== study.slug) refuse(`it is a run of "${record.slug}", not of "${study.slug}"`);
  if (record.status === "done") refuse("it is finished");
  if (scale !== undefined && scale !== record.scale) refuse(`it runs at scale "${record.scale}"`);
  if (device !== undefined && device !== record.device) refuse(`it runs on "${record.device}"`);
  const same = (a: unknown, b: unknown) => canonicalJson(a) === canonicalJson(b);
  const info = study.scales[record.scale] ?? refuse(`the study has no scale "${record.scale}" any more`);
  if (seeds !== undefined && !same(chooseSeeds(info.seeds, seeds), record.seeds)) {
    refuse(`its seeds are ${record.seeds.join(", ")}`);
  }
  if (options !== undefined && !same(mergeOptions(study.slug, info.options, options), record.options)) {
    refuse("its options are others");
  }
  const before = record.environment;
  if (before.hebb !== environment.hebb || before.commit !== environment.commit) {
    log("The run was started by another version of the program: its parts may not fit together.");
  }
  await folder.checkWritable();
  return { folder, record };
}

/** The options of a scale with some of them replaced. Throws on a name that is none of theirs. */
export function mergeOptions<Options>(slug: string, defaults: Options, changes: Partial<Options> = {}): unknown {
  const known = Object.keys(defaults ?? {});
  for (const name of Object.keys(changes)) {
    if (known.includes(name)) continue;
    const guess = nearest(name, known);
    throw new HebbError(`"${slug}" has no option "${name}".${guess ? ` Did you mean "${guess}"?` : ""}`);
  }
  return toJson({ ...defaults, ...changes }, "options");
}

/** The seeds wanted: a list as it is, or so many of the scale's own, counted on where these are too few. */
export function chooseSeeds(listed: readonly number[], wanted: number | readonly number[] = listed): readonly number[] {
  if (typeof wanted !== "number") return wanted;
  if (!Number.isInteger(wanted) || wanted < 1)
    throw new HebbError(`The number of seeds must be a positive whole number, got ${wanted}.`);
  if (wanted > mostSeeds) throw new HebbError(`A run takes at most ${mostSeeds} seeds, not ${wanted}.`);
  const next = Math.max(-1, ...listed) + 1;
  return Array.from({ length: wanted }, (_, i) => listed[i] ?? next + i - listed.length);
}

function judge(study: Study, rows: readonly Row[], scale: Scale): Judgement {
  let judgement: Judgement;
  try {
    judgement = study.judge([...rows], scale);
  } catch (error) {
    throw new HebbError(`The verdict could not be reached: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  return {
    ...judgement,
    conditions: judgement.conditions.map(withoutInfinity),
    ...(judgement.side ? { side: judgement.side.map(withoutInfinity) } : {}),
  };
}

/** JSON has neither NaN nor infinity; the sentence of the condition says what happened. */
function withoutInfinity({ estimate, interval, ...condition }: Condition): Condition {
  return {
    ...condition,
    ...(Number.isFinite(estimate) ? { estimate } : {}),
    ...(interval?.every(Number.isFinite) ? { interval } : {}),
  };
}
