import type { NDArray } from "../dtype.js";
import type { Backend, DeviceValue, Executable } from "../runtime/backend.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { encode, laneBytes, limits, type Pointwise, pages, scalarBytes } from "./encode.js";
import type { Kernel, Split } from "./find.js";

const lane = laneBytes / 4;

/** The one memory in which kernels compute, block by block. */
let own: { memory: WebAssembly.Memory; scalars: Float32Array; lanes: readonly Float32Array[] } | undefined;
function room() {
  if (own) return own;
  const memory = new WebAssembly.Memory({ initial: pages });
  const at = (byte: number, length: number) => new Float32Array(memory.buffer, byte, length);
  own = {
    memory,
    scalars: at(0, limits.scalars),
    lanes: Array.from({ length: limits.lanes }, (_, i) => at(scalarBytes + i * laneBytes, lane)),
  };
  return own;
}

const compiled = new Map<string, Promise<(bytes: number) => void>>();
function compile(pointwise: Pointwise): Promise<(bytes: number) => void> {
  const module = encode(pointwise);
  const key = module.join();
  let run = compiled.get(key);
  if (!run) {
    run = WebAssembly.instantiate(module, { host: { memory: room().memory } }).then(
      ({ instance }) => instance.exports.run as (bytes: number) => void,
    );
    compiled.set(key, run);
  }
  return run;
}

/** Computes `results` from arrays of the same length; a result may be one of the arrays. */
function pass(
  run: (bytes: number) => void,
  scalars: readonly number[],
  arrays: readonly Float32Array[],
  results: readonly Float32Array[],
): void {
  const { scalars: first, lanes } = room();
  first.set(scalars);
  const size = results[0].length;
  for (let from = 0; from < size; from += lane) {
    const to = Math.min(from + lane, size);
    for (let i = 0; i < arrays.length; i++) lanes[i].set(arrays[i].subarray(from, to));
    // Whole vectors: what is computed beyond the end is not copied back.
    run(Math.ceil((to - from) / 4) * 16);
    for (let i = 0; i < results.length; i++) {
      const found = lanes[arrays.length + i];
      results[i].set(to - from === lane ? found : found.subarray(0, to - from), from);
    }
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
  const runs = await Promise.all(kernels.map(({ pointwise }) => compile(pointwise)));
  const readers = new Map<Tensor, number>();
  for (const t of kernels.flatMap(({ arrays }) => arrays)) readers.set(t, (readers.get(t) ?? 0) + 1);
  /** For each kernel the arguments that no other reads. */
  const mayOverwrite = kernels.map(({ arrays }) => arrays.filter((t) => place.has(t) && readers.get(t) === 1));
  const headPlaces = inputs.map((t) => place.get(t)!);
  const resultPlace = new Map(outputs.map((t, i) => [t, i]));

  return {
    async run(values, reuse = [], owned) {
      const known = new Map<Tensor, DeviceValue>(used.map((t, i) => [t, values[i]]));
      if (executable) {
        const offers = head.outputs.map((t) => reuse[resultPlace.get(t) ?? -1]);
        const found = await executable.run(
          headPlaces.map((i) => values[i]),
          offers,
        );
        head.outputs.forEach((t, i) => {
          known.set(t, found[i]);
        });
      }
      const array = (t: Tensor) => known.get(t)!.array!.data as Float32Array;
      const made = new Map<Tensor, DeviceValue>();
      kernels.forEach((kernel: Kernel, k) => {
        const free = owned ? mayOverwrite[k].map((t) => known.get(t)!).filter((v) => owned.has(v) && !v.readers) : [];
        const targets = kernel.results.map((t) => {
          const target = free.pop() ?? reuse[resultPlace.get(t)!] ?? backend.write(empty(kernel));
          made.set(t, target);
          return target.array!.data as Float32Array;
        });
        const scalars = kernel.scalars.map((t) => array(t)[0]);
        pass(runs[k], scalars, kernel.arrays.map(array), targets);
      });
      return outputs.map((t) => made.get(t) ?? known.get(t)!);
    },
    dispose() {
      executable?.dispose();
    },
  };
}

const empty = ({ shape }: Kernel): NDArray => ({
  data: new Float32Array(sizeOf(shape)),
  shape,
  dtype: "float32",
});
