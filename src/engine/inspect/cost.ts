import { normalise } from "../compile.js";
import type { Composite } from "../composites/composite.js";
import { bodiesOf, bodyGraph } from "../control/body.js";
import { isLeaf, literalPrimitive, type Primitive, partPrimitive, placeholder, type Spec } from "../core.js";
import { dtypes, isFloat } from "../dtype.js";
import { elementwisePrimitives } from "../primitives/elementwise.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { traceCall } from "./trace.js";

/** Arithmetic of one operation, or of several. */
export interface Arithmetic {
  /** Multiply-additions of matrix products and convolutions. */
  readonly macs: number;
  /** Floating-point operations: two for each multiply-addition, and those of everything else. */
  readonly flops: number;
}

/** What all operations of one name cost together. */
export interface OperationCost extends Arithmetic {
  readonly operation: string;
  readonly count: number;
  /** Bytes read and written. */
  readonly bytes: number;
}

/** What one call of a function costs, by counting. */
export interface Cost extends Arithmetic {
  /** By name, most flops first, then most bytes. `console.table` shows it. */
  readonly operations: readonly OperationCost[];
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** The most bytes of results that are alive at one time. */
  readonly peakBytes: number;
  /** Numbers in the tensors of the first argument, and their bytes. */
  readonly parameters: number;
  readonly parameterBytes: number;
  /** Names of operations for which there is no rule; their arithmetic is missing. */
  readonly uncounted: readonly string[];
}

/**
 * Counts what one call of `f` computes, moves and holds, without running it. What is counted is the compiled graph: after
 * duplicates and unused parts are gone and missing kernels are expressed by others.
 *
 * - `macs`: m n k for a matrix product [m, k] [k, n], once for each leading index; for a convolution the size of the
 *   result times that of the part of the kernel that one number of it reads (padding counts), and the same for its
 *   gradients.
 * - `flops`: 2 macs, plus: one for each element of the result of an element-wise operation with a float operand,
 *   whichever function it is (comparisons and selections too); n - 1 for each sum, maximum or running sum of n floats; one
 *   for each float that is scattered. Integers, casts, copies, indexing and sorting count nothing. A composite counts as
 *   its definition does, also where the runtime has a kernel for it.
 * - `bytesRead`, `bytesWritten`: every operation reads each of its inputs and writes its results once, in full; `reshape`
 *   moves nothing, and constants of the graph are not counted.
 * - `peakBytes`: operations run in the order of the graph; each result exists from its operation to its last use, or to the
 *   end if it is returned. Arguments, captured tensors and constants are not counted; `reshape` shares the memory of its
 *   input, and nothing works in place.
 * - A scan counts its body once for each step. Other loops count one step, and conditionals every branch.
 *
 * Arguments are taken as by `jit`; their values are not used.
 */
export function costOf<A extends any[]>(f: (...args: A) => unknown, ...args: { [K in keyof A]: unknown }): Cost {
  const trace = traceCall("costOf", f, args);
  const graph = normalise(
    trace.outputs.map(([, t]) => t),
    trace.args.map(([, t]) => t),
  );
  const totals = new Map<string, Mutable<OperationCost>>();
  const traffic = { read: 0, written: 0 };
  const uncounted = new Set<string>();
  const add = (t: Tensor, times: number) => {
    const { primitive, attrs } = t.node;
    if (isLeaf(t.node) || primitive === partPrimitive) return;
    const bodies = bodiesOf(attrs);
    for (const body of bodies) {
      for (const inner of bodyGraph(body).order) add(inner, times * stepsOf(t));
    }
    const own = bodies.length > 0 ? nothing : arithmeticOf(t, (name) => uncounted.add(name));
    const moves = bodies.length > 0 || isReshape(primitive) ? { read: 0, written: 0 } : movedBy(t);
    const row = totals.get(primitive.name) ?? { operation: primitive.name, count: 0, macs: 0, flops: 0, bytes: 0 };
    row.count += times;
    row.macs += times * own.macs;
    row.flops += times * own.flops;
    row.bytes += times * (moves.read + moves.written);
    traffic.read += times * moves.read;
    traffic.written += times * moves.written;
    totals.set(primitive.name, row);
  };
  for (const t of graph.order) add(t, 1);
  const operations = [...totals.values()].sort((a, b) => b.flops - a.flops || b.bytes - a.bytes);
  const parameters = trace.args.flatMap(([path, t]) => (path.startsWith("[0]") ? [t] : []));
  return {
    macs: operations.reduce((n, o) => n + o.macs, 0),
    flops: operations.reduce((n, o) => n + o.flops, 0),
    operations,
    bytesRead: traffic.read,
    bytesWritten: traffic.written,
    peakBytes: peak(graph.order, graph.outputs),
    parameters: parameters.reduce((n, t) => n + t.size, 0),
    parameterBytes: total(parameters),
    uncounted: [...uncounted].sort(),
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const nothing: Arithmetic = { macs: 0, flops: 0 };
const products = (macs: number): Arithmetic => ({ macs, flops: 2 * macs });
const plain = (flops: number): Arithmetic => ({ macs: 0, flops });
/** n - 1 for each result that n numbers are folded into. */
const folded = (t: Tensor): Arithmetic => plain(t.node.inputs[0].size - t.size);
/** The size of a result times the part of a kernel [o, c, ...window] that one number of it is the product with. */
const convolved = (places: number, kernel: readonly number[]): Arithmetic => products(places * sizeOf(kernel.slice(1)));

const elementwise = new Set(elementwisePrimitives.map((p) => p.name));
const free = new Set(
  "customGradient cast reshape transpose broadcastTo slice pad concat stopGradient alias iota gather takeAlongAxis argsort argmax maxPoolIndices".split(
    " ",
  ),
);

/** Arithmetic of the operations that are neither element-wise nor free, for floats. */
const rules: Readonly<Record<string, (t: Tensor) => Arithmetic>> = {
  matmul(t) {
    const [a] = t.node.inputs;
    return products(t.size * a.shape[a.rank - (t.node.attrs.transposeA ? 2 : 1)]);
  },
  conv: (t) => convolved(t.size, t.node.inputs[1].shape),
  convInput: ({ node: { inputs } }) => convolved(inputs[0].size, inputs[1].shape),
  convKernel: (t) => convolved(t.node.inputs[1].size, t.shape),
  sum: folded,
  max: folded,
  cumsum: (t) => plain(t.size - t.size / Math.max(t.shape[t.node.attrs.axis], 1)),
  maxPool: (t) => plain(t.size * (sizeOf(t.node.attrs.kernel) - 1)),
  scatterAdd: (t) => plain(t.node.inputs[0].size),
  putAlongAxis: (t) => plain(t.node.inputs[0].size),
};

/** The arithmetic of the operation that gives `t`; `miss` hears of one without a rule. */
export function arithmeticOf(t: Tensor, miss: (name: string) => void = () => {}): Arithmetic {
  const { primitive, inputs, attrs } = t.node;
  const { name } = primitive;
  if (isLeaf(t.node) || free.has(name) || !inputs.some((i) => isFloat(i.dtype))) return nothing;
  if (elementwise.has(name)) return plain(t.size);
  if (Object.hasOwn(rules, name)) return rules[name](t);
  if ("define" in primitive) {
    const params = inputs.map(placeholder);
    const { order } = normalise([(primitive as Composite).define(params, attrs)], params);
    return order.map((inner) => arithmeticOf(inner, miss)).reduce(together, nothing);
  }
  miss(name);
  return nothing;
}

const together = (a: Arithmetic, b: Arithmetic): Arithmetic => ({ macs: a.macs + b.macs, flops: a.flops + b.flops });

const isReshape = (primitive: Primitive): boolean => primitive.name === "reshape";

/** How often the bodies of a node run. */
const stepsOf = (t: Tensor): number => t.node.attrs.length ?? 1;

const bytesOf = ({ shape, dtype }: Spec): number => sizeOf(shape) * dtypes[dtype].array.BYTES_PER_ELEMENT;
const resultsOf = (t: Tensor): readonly Spec[] => t.node.primitive.many?.infer(t.node.inputs, t.node.attrs) ?? [t];
const total = (specs: readonly Spec[]): number => specs.reduce((n, s) => n + bytesOf(s), 0);

const movedBy = (t: Tensor): { read: number; written: number } => ({
  read: total(t.node.inputs.filter((i) => i.node.primitive !== literalPrimitive)),
  written: total(resultsOf(t)),
});

/** The largest sum of bytes of results that are alive together, by the order of the graph. */
function peak(order: readonly Tensor[], outputs: readonly Tensor[]): number {
  /** The result whose memory a tensor is in. */
  const owner = new Map<Tensor, Tensor>();
  const lastUse = new Map<Tensor, number>();
  order.forEach((t, at) => {
    const { primitive, inputs } = t.node;
    owner.set(t, isReshape(primitive) || primitive === partPrimitive ? owner.get(inputs[0])! : t);
    for (const used of [t, ...inputs]) lastUse.set(owner.get(used)!, at);
  });
  for (const t of outputs) lastUse.set(owner.get(t)!, order.length);
  const ending = new Map<number, Tensor[]>();
  for (const [t, at] of lastUse) ending.set(at, [...(ending.get(at) ?? []), t]);
  const held = (t: Tensor) => (isLeaf(t.node) ? 0 : total(resultsOf(t)));
  let alive = 0;
  let most = 0;
  order.forEach((t, at) => {
    if (owner.get(t) === t) alive += held(t);
    const inside = bodiesOf(t.node.attrs).map((b) => peak(bodyGraph(b).order, bodyGraph(b).outputs));
    most = Math.max(most, alive + Math.max(0, ...inside));
    for (const done of ending.get(at) ?? []) alive -= held(done);
  });
  return most;
}
