import { normalise } from "./compile.js";
import { placeholder } from "./core.js";
import type { NDArray, TypedArray } from "./dtype.js";
import { HebbError } from "./errors.js";
import { asData, type Data, isData } from "./feed.js";
import { findNonFinite } from "./inspect/nonfinite.js";
import { compileGraph, type Program, realise, spread } from "./run.js";
import type { Backend, DeviceValue } from "./runtime/backend.js";
import { getBackend, onBackend } from "./runtime/index.js";
import { fromValue, Tensor } from "./tensor.js";
import { flattenTree, type TreeDef, treeKey, unflattenTree } from "./tree.js";

export interface JitOptions {
  /**
   * Arguments (by position) that the caller gives away: their memory is reused for results, and using them after the
   * call is an error. Training loops donate parameters and optimiser state.
   */
  readonly donate?: readonly number[];
  /** A name for error messages. */
  readonly name?: string;
  /**
   * Looks for NaN and infinity before each call, and throws `HebbError` that names the operation which made the first one,
   * what it was given and the user's line. Slow: the function is traced and run a second time.
   */
  readonly debug?: boolean;
}

/** What may be passed where the function takes tensors: host arrays and numbers are fed as they are. */
export type Feed<T> = T extends Tensor
  ? Tensor | NDArray | TypedArray | number
  : T extends readonly unknown[]
    ? { [K in keyof T]: Feed<T[K]> }
    : T extends object
      ? { [K in keyof T]: Feed<T[K]> }
      : T;

export interface Jitted<A extends any[], R> {
  (...args: { [K in keyof A]: Feed<A[K]> }): Promise<R>;
  /** How many different shapes and structures it was compiled for so far. */
  readonly compilations: number;
}

interface Entry {
  readonly program: Program;
  readonly backend: Backend;
  readonly captures: readonly Tensor[];
  readonly places: readonly number[];
  readonly def: TreeDef;
  /** For each leaf of the output: which result it is, or a value that is not a tensor. */
  readonly leaves: readonly ({ readonly result: number } | { readonly constant: unknown })[];
  /** Buffers given away by earlier calls, for each result. */
  readonly spare: (DeviceValue | undefined)[][];
  readonly slots: ReadonlyMap<string, readonly number[]>;
}

/**
 * Compiles a function of trees of tensors: it is traced once for each combination of shapes, dtypes, tree structure and
 * non-tensor arguments, and then runs as one ONNX model. Results stay on the device until `data()` is called.
 *
 * Numbers, typed arrays and host arrays may be passed in place of tensors; a number becomes a float32 scalar, so that a
 * changing learning rate does not compile anew. Strings and booleans are compile-time constants.
 */
export function jit<A extends any[], R>(f: (...args: A) => R, options: JitOptions = {}): Jitted<A, R> {
  const entries = new Map<string, Promise<Entry>>();
  const donated = new Set(options.donate ?? []);

  const trace = async (backend: Backend, def: TreeDef, leaves: readonly unknown[]): Promise<Entry> => {
    const args: Tensor[] = [];
    const traced = leaves.map((leaf) => {
      if (!isData(leaf)) return leaf;
      const t = placeholder(leaf);
      args.push(t);
      return t;
    });
    const output = f(...(unflattenTree(def, traced) as A));
    if (output instanceof Promise)
      throw new HebbError(
        `jit: ${options.name ?? (f.name || "the function")} is asynchronous; it must build its graph without awaiting.`,
      );
    const flat = flattenTree(output);
    const tensors = flat.leaves.filter((l): l is Tensor => l instanceof Tensor);
    const graph = normalise(tensors, args);
    const program = await compileGraph(backend, graph, args);
    let at = 0;
    const slots = new Map<string, number[]>();
    graph.outputs.forEach((t, i) => {
      const key = `${t.dtype}[${t.shape}]`;
      slots.set(key, [...(slots.get(key) ?? []), i]);
    });
    return {
      program,
      backend,
      captures: graph.captures,
      places: graph.places,
      def: flat.def,
      leaves: flat.leaves.map((l) => (l instanceof Tensor ? { result: at++ } : { constant: l })),
      spare: graph.outputs.map(() => []),
      slots,
    };
  };

  const call = async (...raw: unknown[]): Promise<R> => {
    const backend = await getBackend();
    const { leaves: found, def, paths } = flattenTree(raw);
    const leaves = found.map(asData);
    if (options.debug) {
      const culprit = await findNonFinite(f, ...(unflattenTree(def, leaves) as any));
      if (culprit) throw new HebbError(`jit: ${options.name ?? (f.name || "the function")}: ${culprit.message}`);
    }
    const key = `${identity(backend)}${treeKey(def)}${leaves.map((l, i) => (isData(l) ? `${l.dtype}[${l.shape}]` : constantKey(l, paths[i]))).join()}`;
    let pending = entries.get(key);
    if (!pending) {
      pending = trace(backend, def, leaves);
      entries.set(key, pending);
      pending.catch(() => entries.delete(key));
    }
    const entry = await pending;
    const data = leaves.filter(isData);
    const lazy = data.filter((l): l is Tensor => l instanceof Tensor && l.value === undefined);
    if (lazy.length > 0) await realise(lazy);
    const values = await Promise.all([
      ...entry.program.uses.map((i) => onBackend(backend, valueHeld(data[i]))),
      ...entry.captures.map((t) => onBackend(backend, t.value!)),
    ]);
    const reuse = entry.spare.map((s) => s.pop());
    const results = await spread(backend, await entry.program.executable.run(values, reuse), entry.places);
    if (donated.size > 0) giveAway(entry, found, paths, donated, options.name ?? f.name);
    return unflattenTree(
      entry.def,
      entry.leaves.map((l) => ("result" in l ? fromValue(results[l.result]) : l.constant)),
    );
  };
  return Object.defineProperty(call, "compilations", { get: () => entries.size }) as unknown as Jitted<A, R>;
}

/** The donated tensors' buffers become spare buffers for results of the same shape; the tensors are used up. */
function giveAway(
  entry: Entry,
  leaves: readonly unknown[],
  paths: readonly string[],
  donated: ReadonlySet<number>,
  name: string,
): void {
  const turn = new Map<string, number>();
  const given = new Set<unknown>();
  leaves.forEach((leaf, i) => {
    const position = Number(/^\[(\d+)\]/.exec(paths[i])?.[1]);
    if (!(leaf instanceof Tensor) || !donated.has(position) || given.has(leaf)) return;
    given.add(leaf);
    const value = leaf.value;
    const key = `${leaf.dtype}[${leaf.shape}]`;
    const slots = entry.slots.get(key);
    if (value && "backend" in value && value.backend === entry.backend && slots) {
      const n = turn.get(key) ?? 0;
      turn.set(key, n + 1);
      if (n < slots.length && entry.spare[slots[n]].length === 0) entry.spare[slots[n]].push(value);
    }
    leaf.dispose(
      `This tensor was donated to ${name || "a compiled function"} and cannot be used again; keep the result of that call instead.`,
    );
  });
}

const identities = new WeakMap<Backend, number>();
let backends = 0;
/** A number for each backend object: what was compiled for one cannot run on another. */
function identity(backend: Backend): number {
  let id = identities.get(backend);
  if (id === undefined) identities.set(backend, (id = backends++));
  return id;
}

const valueHeld = (x: Data): NDArray | DeviceValue => (x instanceof Tensor ? x.value! : x);

function constantKey(value: unknown, path: string): string {
  if (value === null || ["string", "boolean", "undefined", "bigint"].includes(typeof value))
    return `${typeof value}:${JSON.stringify(String(value))}`;
  throw new HebbError(
    `jit: argument ${path} is a ${typeof value}; pass tensors, numbers, strings or booleans, or close over it.`,
  );
}
