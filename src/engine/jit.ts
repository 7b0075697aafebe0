import { normalise } from "./compile.js";
import { placeholder, type Spec } from "./core.js";
import type { NDArray, TypedArray } from "./dtype.js";
import { HebbError } from "./errors.js";
import { asData, type Data, isData } from "./feed.js";
import { findNonFinite } from "./inspect/nonfinite.js";
import { compileGraph, type Program, realise, spread } from "./run.js";
import type { Backend, DeviceValue } from "./runtime/backend.js";
import { getBackend, isOn, onBackend } from "./runtime/index.js";
import type { Shape } from "./shape.js";
import { fromValue, Tensor } from "./tensor.js";
import { flattenTree, isTreeLeaf, type TreeDef, treeKeys, unflattenTree } from "./tree.js";

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
  /** The leaves that the caller gives away, and the results that may be written into their buffers. */
  readonly gifts: readonly { readonly leaf: number; readonly result?: number }[];
  /** Buffers given away by earlier calls, for each result. */
  readonly spare: (DeviceValue | undefined)[];
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
  const name = options.name || f.name || "the function";
  const donate = new Set(options.donate ?? []);

  const trace = async (backend: Backend, raw: readonly unknown[], data: readonly unknown[]): Promise<Entry> => {
    const { def, paths } = flattenTree(raw);
    const args: Tensor[] = [];
    const traced = data.map((leaf) => {
      if (!isData(leaf)) return leaf;
      const t = placeholder(leaf);
      args.push(t);
      return t;
    });
    const output = f(...(unflattenTree(def, traced) as A));
    if (output instanceof Promise)
      throw new HebbError(`jit: ${name} is asynchronous; it must build its graph without awaiting.`);
    const flat = flattenTree(output);
    const tensors = flat.leaves.filter((l): l is Tensor => l instanceof Tensor);
    const graph = normalise(tensors, args);
    const program = await compileGraph(backend, graph, args);
    let at = 0;
    const slots = new Map<string, number[]>();
    graph.outputs.forEach((t, i) => {
      slots.set(specKey(t), [...(slots.get(specKey(t)) ?? []), i]);
    });
    const isDonated = (path: string) => donate.has(Number(/^\[(\d+)\]/.exec(path)?.[1]));
    const given = data.flatMap((leaf, i) => (isData(leaf) && isDonated(paths[i]) ? [{ leaf, i }] : []));
    return {
      program,
      backend,
      captures: graph.captures,
      places: graph.places,
      def: flat.def,
      leaves: flat.leaves.map((l) => (l instanceof Tensor ? { result: at++ } : { constant: l })),
      gifts: given.map(({ leaf, i }) => ({ leaf: i, result: slots.get(specKey(leaf))?.shift() })),
      spare: [],
    };
  };

  const call = async (...raw: unknown[]): Promise<R> => {
    const backend = await getBackend();
    const { found, leaves, key } = readArguments(raw);
    if (options.debug) {
      const culprit = await findNonFinite(f, ...(unflattenTree(flattenTree(raw).def, leaves) as any));
      if (culprit) throw new HebbError(`jit: ${name}: ${culprit.message}`);
    }
    const place = `${identity(backend)}${key}`;
    let pending = entries.get(place);
    if (!pending) {
      pending = trace(backend, raw, leaves);
      entries.set(place, pending);
      pending.catch(() => entries.delete(place));
    }
    const entry = await pending;
    const data = leaves.filter(isData);
    const lazy = data.filter((l): l is Tensor => l instanceof Tensor && l.value === undefined);
    if (lazy.length > 0) await realise(lazy);
    const { program, captures, places } = entry;
    const held = [...program.uses.map((i) => valueHeld(data[i])), ...captures.map((t) => t.value!)];
    const values = held.every((v) => isOn(backend, v))
      ? (held as DeviceValue[])
      : await Promise.all(held.map((v) => onBackend(backend, v)));
    const owned = givenBuffers(entry, found, values);
    const own = await program.executable.run(values, entry.spare.splice(0), owned);
    const results = await spread(backend, own, places);
    giveAway(entry, found, own, name);
    return unflattenTree(
      entry.def,
      entry.leaves.map((l) => ("result" in l ? fromValue(results[l.result]) : l.constant)),
    );
  };
  return Object.defineProperty(call, "compilations", { get: () => entries.size }) as unknown as Jitted<A, R>;
}

const shapeKeys = new WeakMap<Shape, string>();
/** Equal for equal shapes and dtypes. The results of a training step have the same shape objects each time. */
function specKey({ dtype, shape }: Spec): string {
  let key = shapeKeys.get(shape);
  if (key === undefined) shapeKeys.set(shape, (key = `[${shape}]`));
  return dtype + key;
}

/**
 * The leaves of a call's arguments, in the order of `flattenTree`, and what a compilation depends on. Called at each step of
 * a training loop, so it builds neither structures nor paths.
 */
function readArguments(raw: readonly unknown[]): { found: unknown[]; leaves: unknown[]; key: string } {
  const found: unknown[] = [];
  const leaves: unknown[] = [];
  // Names the path of what does not belong in a tree.
  const refuse = (): never => flattenTree(raw) as never;
  const walk = (node: unknown): string => {
    if (isTreeLeaf(node)) {
      const leaf = asData(node);
      found.push(node);
      leaves.push(leaf);
      return isData(leaf) ? specKey(leaf) : constantKey(leaf, () => flattenTree(raw).paths[found.length - 1]);
    }
    let key = Array.isArray(node) ? "[" : "{";
    if (Array.isArray(node)) for (const item of node) key += `${walk(item)},`;
    else for (const k of treeKeys(node as object) ?? refuse()) key += `${JSON.stringify(k)}:${walk((node as any)[k])},`;
    return `${key}]`;
  };
  const key = walk(raw);
  return { found, leaves, key };
}

/** What the donated tensors hold and nothing else among the program's inputs; undefined without any. */
function givenBuffers(
  { gifts, backend }: Entry,
  leaves: readonly unknown[],
  inputs: readonly DeviceValue[],
): Set<DeviceValue> | undefined {
  if (gifts.length === 0) return undefined;
  const given = new Set<DeviceValue>();
  for (const { leaf } of gifts) {
    const tensor = leaves[leaf];
    if (tensor instanceof Tensor && tensor.value && isOn(backend, tensor.value)) given.add(tensor.value);
  }
  const seen = new Set<DeviceValue>();
  for (const value of inputs) {
    if (seen.has(value)) given.delete(value);
    seen.add(value);
  }
  return given;
}

/**
 * The donated tensors' buffers, where they do not hold results already, become spare buffers for results of the same shape;
 * the tensors are used up.
 */
function giveAway(
  { gifts, backend, spare }: Entry,
  leaves: readonly unknown[],
  results: readonly DeviceValue[],
  name: string,
): void {
  const taken = new Set(results);
  const given = new Set<unknown>();
  for (const { leaf: i, result } of gifts) {
    const leaf = leaves[i];
    if (!(leaf instanceof Tensor) || given.has(leaf)) continue;
    given.add(leaf);
    const { value } = leaf;
    if (result !== undefined && value && isOn(backend, value) && !taken.has(value)) spare[result] ??= value;
    leaf.dispose(`This tensor was donated to ${name} and cannot be used again; keep the result of that call instead.`);
  }
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

function constantKey(value: unknown, path: () => string): string {
  if (value === null || ["string", "boolean", "undefined", "bigint"].includes(typeof value))
    return `${typeof value}:${JSON.stringify(String(value))}`;
  throw new HebbError(
    `jit: argument ${path()} is a ${typeof value}; pass tensors, numbers, strings or booleans, or close over it.`,
  );
}
