import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { platform } from "#platform";
import type { RunRecord } from "../record.js";
import type { MetricPoint, Row } from "../study.js";
import { tfRecord } from "./tfrecord.js";

/** Scalars of one step, as TensorBoard shows them. */
export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly time: number;
  /** A whole number. */
  readonly step: number;
  /** By tag. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** A TensorBoard event file (TFRecords of `Event` messages) with these scalars. */
export function eventFile(events: readonly ScalarEvent[]): Uint8Array {
  const first = new BinaryWriter()
    .tag(1, 1)
    .double(events[0]?.time ?? 0)
    .tag(3, 2)
    .string("brain.Event:2");
  const records = [first.finish(), ...events.map(encode)].map(tfRecord);
  const file = new Uint8Array(records.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const record of records) {
    file.set(record, at);
    at += record.length;
  }
  return file;
}

/**
 * The message `Event { double wall_time = 1; int64 step = 2; Summary summary = 5; }` with
 * `Summary { repeated Value value = 1; }` and `Value { string tag = 1; float simple_value = 2; }`.
 */
function encode({ time, step, scalars }: ScalarEvent): Uint8Array {
  const event = new BinaryWriter().tag(1, 1).double(time).tag(2, 0).int64(step).tag(5, 2).fork();
  for (const [tag, value] of Object.entries(scalars)) {
    event.tag(1, 2).fork().tag(1, 2).string(tag).tag(2, 5).float(value).join();
  }
  return event.join().finish();
}

/**
 * Writes a run into the log directory `to`, and returns the event files: one per arm, setting and seed, which TensorBoard
 * takes for runs of its own, with the points of curves by step and results, under `measures/`, at step 0. Steps are
 * rounded to whole numbers; values are stored in single precision.
 */
export async function exportTensorBoard(
  { id, started, rows }: RunRecord,
  metrics: readonly MetricPoint[],
  to: string,
): Promise<string[]> {
  const time = Date.parse(started) / 1000;
  const curves = new Map<string, ScalarEvent[]>();
  const add = (of: Pick<Row, "arm" | "seed" | "setting">, event: ScalarEvent) => {
    const name = directoryOf(of);
    const events = curves.get(name);
    if (events) events.push(event);
    else curves.set(name, [event]);
  };
  for (const point of metrics) add(point, { time, step: Math.round(point.step), scalars: point.values });
  for (const row of rows) {
    const scalars = Object.entries(row.measures).map(([name, value]) => [`measures/${name}`, value]);
    add(row, { time, step: 0, scalars: Object.fromEntries(scalars) });
  }
  const paths: string[] = [];
  for (const [name, events] of curves) {
    const directory = `${to}/${id}/${name}`;
    await platform.mkdirp(directory);
    const path = `${directory}/events.out.tfevents.${Math.floor(time)}.hebb`;
    await platform.writeFileAtomic(path, eventFile(events));
    paths.push(path);
  }
  return paths;
}

/** `new,round=2/seed-1`, of characters that all file systems take. */
function directoryOf({ arm, seed, setting = {} }: Pick<Row, "arm" | "seed" | "setting">): string {
  const parts = [arm, ...Object.entries(setting).map(([name, value]) => `${name}=${value}`)];
  const name = parts.join(",").replaceAll(/[^\w.,=+-]+/g, "_");
  // A name of dots alone would lead out of the folder.
  return `${name.replace(/^\.+$/, "_")}/seed-${seed}`;
}
