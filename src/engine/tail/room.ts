import type { NDArray } from "../dtype.js";
import { type Shape, sizeOf } from "../shape.js";
import { limits, scalarBytes } from "./encode.js";

/** Numbers of an array from elsewhere that are copied in or out at a time. */
export const laneSize = 4096;
const laneBytes = 4 * laneSize;
const ownBytes = scalarBytes + limits.arrays * laneBytes;
const pageBytes = 65536;

/** Bytes that an array takes: whole cache lines, so that a kernel may write whole vectors. */
export const bytesFor = (shape: Shape): number => Math.ceil((4 * sizeOf(shape)) / 64) * 64;

type Run = (bytes: number, ...addresses: number[]) => void;

/** Memory in which kernels compute: arrays that lie in it they read and write where they are, others they copy in parts. */
export class Room {
  readonly scalars: Float32Array;
  /** Where arrays from elsewhere are copied to: touched, and so really there, only where there are any. */
  readonly lanes: readonly Float32Array[];
  readonly #memory: WebAssembly.Memory;
  readonly #runs = new Map<WebAssembly.Module, Run>();
  readonly #spare = new Map<string, NDArray[]>();
  #end = ownBytes;

  /** For arrays of so many bytes together. Throws where there is no such memory. */
  constructor(bytes: number) {
    const pages = Math.ceil((ownBytes + bytes) / pageBytes);
    // Without growth, for that would take the memory from under the arrays.
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.#memory = memory;
    rooms.set(memory.buffer, this);
    const at = (byte: number, length: number) => new Float32Array(memory.buffer, byte, length);
    this.scalars = at(0, limits.scalars);
    this.lanes = Array.from({ length: limits.arrays }, (_, i) => at(scalarBytes + i * laneBytes, laneSize));
  }

  /** Undefined where there is no such memory. */
  static of(bytes: number): Room | undefined {
    try {
      return new Room(bytes);
    } catch {
      return undefined;
    }
  }

  /** The room that an array lies in. */
  static around({ buffer }: Float32Array): Room | undefined {
    return rooms.get(buffer);
  }

  /** A new array; undefined where the room is full. */
  take(shape: Shape): NDArray | undefined {
    const at = this.#end;
    if (at + bytesFor(shape) > this.#memory.buffer.byteLength) return undefined;
    this.#end += bytesFor(shape);
    return { data: new Float32Array(this.#memory.buffer, at, sizeOf(shape)), shape, dtype: "float32" };
  }

  /** An array that was given back, if there is one of this shape. Its numbers are arbitrary. */
  again(shape: Shape): NDArray | undefined {
    return this.#spare.get(`${shape}`)?.pop();
  }

  /** Gives back what was taken. */
  give(array: NDArray): void {
    const key = `${array.shape}`;
    const spare = this.#spare.get(key);
    if (spare) spare.push(array);
    else this.#spare.set(key, [array]);
  }

  run(module: WebAssembly.Module): Run {
    let run = this.#runs.get(module);
    if (!run) {
      const { exports } = new WebAssembly.Instance(module, { host: { memory: this.#memory } });
      this.#runs.set(module, (run = exports.run as Run));
    }
    return run;
  }
}

// Whoever holds an array holds its buffer, and so the room around it.
const rooms = new WeakMap<ArrayBufferLike, Room>();
