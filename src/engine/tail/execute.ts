import type { NDArray } from "../dtype.js";
import type { Backend, DeviceValue, Executable } from "../runtime/backend.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { encode, type Pointwise } from "./encode.js";
import type { Kernel, Split } from "./find.js";
import { bytesFor, laneSize, Room } from "./room.js";

/** The room for arrays that lie in none. */
let common: Room | undefined;

const compiled = new Map<string, Promise<WebAssembly.Module>>();
function compile(pointwise: Pointwise): Promise<WebAssembly.Module> {
  const bytes = encode(pointwise);
  const key = bytes.join();
  let module = compiled.get(key);
  if (!module) compiled.set(key, (module = WebAssembly.compile(bytes)));
  return module;
}

/** Computes `results` from arrays of the same length; a result may be one of the arrays. */
function pass(
  module: WebAssembly.Module,
  scalars: readonly number[],
  arrays: readonly Float32Array[],
  results: readonly Float32Array[],
): void {
  const all = [...arrays, ...results];
  const around = all.map(Room.around);
  const room = around.find(Boolean) ?? (common ??= new Room(0));
  room.scalars.set(scalars);
  const run = room.run(module);
  const outside = around.map((r) => r !== room);
  const addresses = all.map((array, i) => (outside[i] ? room.lanes[i] : array).byteOffset);
  const size = all[0].length;
  // Whole vectors: what is computed beyond the end belongs to nobody.
  const bytes = (length: number) => Math.ceil(length / 4) * 16;
  const part = outside.includes(true) ? laneSize : size;
  for (let from = 0; from < size; from += part) {
    const to = Math.min(from + part, size);
    arrays.forEach((array, i) => {
      if (outside[i]) room.lanes[i].set(array.subarray(from, to));
    });
    run(bytes(to - from), ...addresses.map((at, i) => (outside[i] ? at : at + 4 * from)));
    results.forEach((array, j) => {
      const i = arrays.length + j;
      if (outside[i]) array.set(room.lanes[i].subarray(0, to - from), from);
    });
  }
}

/**
 * Runs the head of a split graph in the runtime and then its kernels, which write over arguments that the caller gives
 * away. `used` are the program's arguments, `outputs` its results, in order.
 */
export async function tailed(
  backend: Backend,
  { head, kernels }: Split,
  used: readonly Tensor[],
  outputs: readonly Tensor[],
  compileHead: (inputs: readonly Tensor[]) => Promise<Executable>,
): Promise<Executable> {
  const place = new Map(used.map((t, i) => [t, i]));
  const present = new Set(head.order);
  const inputs = used.filter((t) => present.has(t));
  const executable = head.outputs.length === 0 ? undefined : await compileHead(inputs);
  const modules = await Promise.all(kernels.map(({ pointwise }) => compile(pointwise)));
  const readers = new Map<Tensor, number>();
  for (const t of kernels.flatMap(({ arrays }) => arrays)) readers.set(t, (readers.get(t) ?? 0) + 1);
  /** For each kernel the arguments that no other reads. */
  const mayOverwrite = kernels.map(({ arrays }) => arrays.filter((t) => place.has(t) && readers.get(t) === 1));
  const overwritable = mayOverwrite.flat();
  const headPlaces = inputs.map((t) => place.get(t)!);
  const resultPlace = new Map(outputs.map((t, i) => [t, i]));
  /** What the head computes for the kernels alone. */
  const passing = new Set(head.outputs.filter((t) => readers.has(t) && !resultPlace.has(t)));
  const moving = moves([...kernels.flatMap(({ results }) => results), ...passing]);

  return {
    async run(values, reuse = [], owned) {
      const known = new Map<Tensor, DeviceValue>(used.map((t, i) => [t, values[i]]));
      const array = (t: Tensor) => numbers(known.get(t)!);
      const room = owned && moving(overwritable.filter((t) => owned.has(known.get(t)!)).map(array));
      let left = pace;
      const take = ({ shape }: Pick<Tensor, "shape">) => {
        let found = room?.again(shape);
        if (!found && left > 0) {
          found = room?.take(shape);
          left -= bytesFor(shape);
        }
        return found && backend.write(found);
      };
      const lent = new Map<Tensor, DeviceValue>();
      try {
        if (executable) {
          for (const t of passing) {
            const offer = take(t);
            if (offer) lent.set(t, offer);
          }
          const found = await executable.run(
            headPlaces.map((i) => values[i]),
            head.outputs.map((t) => lent.get(t) ?? reuse[resultPlace.get(t) ?? -1]),
          );
          head.outputs.forEach((t, i) => {
            known.set(t, found[i]);
          });
        }
        const made = new Map<Tensor, DeviceValue>();
        kernels.forEach((kernel: Kernel, k) => {
          const given = owned
            ? mayOverwrite[k].map((t) => known.get(t)!).filter((v) => owned.has(v) && !v.readers)
            : [];
          const inRoom = given.filter((v) => Room.around(numbers(v)) === room);
          const free = given.filter((v) => !inRoom.includes(v));
          const targets = kernel.results.map((t) => {
            const target =
              inRoom.pop() ?? take(kernel) ?? free.pop() ?? reuse[resultPlace.get(t)!] ?? backend.write(empty(kernel));
            made.set(t, target);
            return numbers(target);
          });
          const scalars = kernel.scalars.map((t) => array(t)[0]);
          pass(modules[k], scalars, kernel.arrays.map(array), targets);
        });
        return outputs.map((t) => made.get(t) ?? known.get(t)!);
      } finally {
        for (const value of lent.values()) room!.give(value.array!);
      }
    },
    dispose() {
      executable?.dispose();
    },
  };
}

/** Fewer bytes are copied faster than they move. */
const fewestBytes = 2 ** 18;
/** Runs on arrays that lie elsewhere, before they move: a short loop would not gain. */
const patience = 3;
/** Bytes that move in one run: the places that they leave are free only when the collector has been there. */
const pace = 2 ** 25;
/** Where they keep coming from elsewhere, so many runs more until they move again. */
const restraint = 100;

/** Decides, from the arrays that a run may write over, in which room it has its results: none in the first runs. */
function moves(arrays: readonly Tensor[]): (given: readonly Float32Array[]) => Room | undefined {
  const bytes = arrays.reduce((sum, { shape }) => sum + bytesFor(shape), 0);
  let outside = 0;
  return (given) => {
    const around = given.map(Room.around);
    const room = around.find(Boolean);
    const together = room && around.every((r) => r === room);
    if (together) outside = 0;
    if (together || given.length === 0 || bytes < fewestBytes || ++outside <= patience) return room;
    outside = -restraint;
    return Room.of(bytes);
  };
}

const numbers = (value: DeviceValue) => value.array!.data as Float32Array;

const empty = ({ shape }: Kernel): NDArray => ({
  data: new Float32Array(sizeOf(shape)),
  shape,
  dtype: "float32",
});
