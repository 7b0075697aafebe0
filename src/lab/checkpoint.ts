import { platform } from "#platform";
import { dtypeOf, dtypes, type NDArray, type TypedArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { oneLine } from "../engine/quote.js";
import { realise } from "../engine/run.js";
import { fromValue, isNDArray, Tensor } from "../engine/tensor.js";
import { treeLeaves } from "../engine/tree.js";
import { decodeSafetensors, encodeSafetensors } from "../interop/safetensors.js";
import { type Packed, packArrays, unpackArrays } from "./arrays.js";
import { isPlainObject, type Json } from "./json.js";
import type { UnitRecord } from "./record.js";
import { checked, unitSchema } from "./schema.js";
import { version } from "./version.js";

/** A unit that is under way: what it has recorded so far, and the state from which its work goes on. */
export interface UnitCheckpoint extends Omit<UnitRecord, "value"> {
  /** Plain objects and arrays with tensors, arrays, numbers (any, to the bit), strings, booleans and nulls. */
  readonly state: unknown;
}

/** How often a run writes checkpoints. */
export interface CheckpointPace {
  /** At least so many milliseconds lie between two writes. Default 1000. */
  readonly milliseconds?: number;
  /** The share of the run's time that writing may take: a write of c seconds goes with c / share without. Default 0.02. */
  readonly share?: number;
}

/**
 * The two checkpoint files of a run folder, which are written in turn: each write replaces the older of the two in one
 * step, so that there is always a whole one, and the one before it where the newest is damaged.
 */
export class CheckpointFiles {
  readonly #folder: string;
  readonly #milliseconds: number;
  readonly #share: number;
  readonly #log: (message: string) => void;
  readonly #started = performance.now();
  #number = 0;
  #next: number;
  /** Of the last write. */
  #cost?: number;
  #failing = false;

  constructor(
    folder: string,
    { milliseconds = 1000, share = 0.02 }: CheckpointPace = {},
    log: (message: string) => void = () => {},
  ) {
    this.#folder = folder;
    this.#milliseconds = milliseconds;
    this.#share = share;
    this.#log = log;
    this.#next = this.#started + milliseconds;
  }

  /** The newest whole checkpoint, if there is one. A file that is damaged is left aside, and the log says so. */
  async read(): Promise<UnitCheckpoint | undefined> {
    let newest: { readonly number: number; readonly unit: UnitCheckpoint } | undefined;
    for (const path of this.#paths()) {
      if (!(await platform.exists(path))) continue;
      try {
        const found = await decodeCheckpoint(await platform.readFile(path));
        if (!newest || found.number > newest.number) newest = found;
      } catch (error) {
        this.#log(`The checkpoint ${path} is left aside: ${(error as Error).message}`);
      }
    }
    this.#number = newest ? newest.number + 1 : 0;
    return newest?.unit;
  }

  /** Writes what `unit` gives, if it is time. */
  async offer(unit: () => UnitCheckpoint): Promise<void> {
    const now = performance.now();
    if (now < this.#next) return;
    const made = unit();
    // What a write costs is known after the first one, for which the run must have had the time as well.
    if (this.#cost === undefined) this.#next = this.#started + this.#pause(expectedCost(made.state));
    if (now >= this.#next) await this.write(made);
  }

  /** Replaces the older file. A run goes on where that fails, as on a full disk: it only would lose more if it ended now. */
  async write(unit: UnitCheckpoint): Promise<void> {
    const started = performance.now();
    const path = this.#paths()[this.#number % 2];
    const bytes = await encodeCheckpoint(this.#number, unit);
    try {
      await platform.writeFileAtomic(path, bytes);
      this.#number++;
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#log(`The run goes on without a checkpoint. ${(error as Error).message}`);
      this.#failing = true;
    }
    const ended = performance.now();
    this.#cost = ended - started;
    this.#next = ended + this.#pause(this.#cost);
  }

  /** The time without a write that goes with one of so many milliseconds. */
  #pause(cost: number): number {
    return Math.max(this.#milliseconds, cost / this.#share);
  }

  /** Removes both files: a run that is done has no use for them. */
  async remove(): Promise<void> {
    for (const path of this.#paths()) await platform.remove(path);
  }

  #paths(): [string, string] {
    return [`${this.#folder}/checkpoint-0.safetensors`, `${this.#folder}/checkpoint-1.safetensors`];
  }
}

/** Milliseconds that it takes to write a state, on the safe side: 50, and 10 more for each megabyte. */
function expectedCost(state: unknown): number {
  const bytes = treeLeaves(state).reduce((sum, t) => sum + t.size * dtypes[t.dtype].array.BYTES_PER_ELEMENT, 0);
  return 50 + bytes / 1e5;
}

/** The bytes of a checkpoint: a safetensors file whose header has the JSON part and the SHA-256 of all the rest. */
export async function encodeCheckpoint(number: number, unit: UnitCheckpoint): Promise<Uint8Array> {
  const { text, arrays } = await packState(unit);
  const metadata = { hebb: version, number: String(number), unit: text };
  const sha256 = await platform.sha256(encodeSafetensors(arrays, metadata));
  return encodeSafetensors(arrays, { ...metadata, sha256 });
}

/** Throws `HebbError` when a bit of the file is not as it was written, or another version of the library wrote it. */
export async function decodeCheckpoint(
  bytes: Uint8Array,
  what = "checkpoint",
): Promise<{ readonly number: number; readonly unit: UnitCheckpoint }> {
  const { tensors, metadata } = decodeSafetensors(bytes, what);
  const { sha256, ...rest } = metadata;
  if (sha256 !== (await platform.sha256(encodeSafetensors(tensors, rest))))
    throw new HebbError(`${what}: its content is not what was written.`);
  if (rest.hebb !== version)
    throw new HebbError(`${what}: it is of version ${oneLine(rest.hebb ?? "unknown")}, this is ${version}.`);
  if (!/^\d{1,15}$/.test(rest.number ?? "")) throw new HebbError(`${what}: it has no number.`);
  const whole = unpackArrays(rest.unit, tensors, what, (node, restore) => unpackLeaf(node, restore, what));
  const { state, ...recorded } = isPlainObject(whole) ? whole : {};
  return {
    number: Number(rest.number),
    unit: { ...checked(unitSchema, recorded, what), state },
  };
}

/** What stands for a leaf that is neither an `NDArray` nor JSON. */
const keys = { tensor: "$tensor", data: "$data", number: "$number" } as const;

async function packState(unit: UnitCheckpoint): Promise<Packed> {
  const tensors = treeLeaves(unit.state);
  const arrays = await realise(tensors);
  const values = new Map(tensors.map((tensor, i) => [tensor, arrays[i]]));
  return packArrays(unit, "checkpoint", (node, keep): Json | undefined => {
    if (node instanceof Tensor) return { [keys.tensor]: keep(values.get(node)!) };
    if (isTypedArray(node)) return { [keys.data]: keep({ data: node, shape: [node.length], dtype: dtypeOf(node) }) };
    if (typeof node === "number" && !survivesJson(node))
      return { [keys.number]: Object.is(node, -0) ? "-0" : `${node}` };
    const reserved = isPlainObject(node) && Object.values(keys).find((key) => key in node);
    if (reserved) throw new HebbError(`A checkpoint has the reserved key "${reserved}".`);
    return undefined;
  });
}

function unpackLeaf(node: Readonly<Record<string, unknown>>, restore: (node: Json) => unknown, what: string): unknown {
  const array = (key: string): NDArray => {
    const value = restore(node[key] as Json);
    if (isNDArray(value)) return value;
    throw new HebbError(`${what}: a "${key}" in it is no array.`);
  };
  if (keys.tensor in node) return fromValue(array(keys.tensor));
  if (keys.data in node) return array(keys.data).data;
  if (keys.number in node) return Number(node[keys.number]);
  return undefined;
}

const isTypedArray = (node: unknown): node is TypedArray => ArrayBuffer.isView(node) && !(node instanceof DataView);

const survivesJson = (value: number): boolean => Number.isFinite(value) && !Object.is(value, -0);
