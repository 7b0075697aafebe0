import { Body } from "../control/body.js";
import { type ScanAttrs, scanPrimitive, sections } from "../control/scan.js";
import { applyMany, isLeaf, literalPrimitive, type Node, partPrimitive, topological } from "../core.js";
import { isFloat } from "../dtype.js";
import { equal, not, sub } from "../primitives/elementwise.js";
import { max, min, sum } from "../primitives/reduce.js";
import { cast, reshape, sliceAxis, stack } from "../primitives/structure.js";
import { realise } from "../run.js";
import { type Shape, show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { siteOf, withSites } from "./sites.js";
import { heldBy, traceCall } from "./trace.js";

/** Where numbers stopped being finite. */
export interface NonFinite {
  /** The operation, or "argument", "captured value" or "constant" when the numbers were there before. */
  readonly operation: string;
  readonly shape: Shape;
  /** How many of its numbers are NaN, and how many infinite. */
  readonly nan: number;
  readonly infinite: number;
  /** What it was given. */
  readonly inputs: readonly {
    /** An argument's path, or the name of the operation that it comes from. */
    readonly from: string;
    readonly shape: Shape;
    readonly least: number;
    readonly largest: number;
  }[];
  /** Inside of a scan: the step, counted from 0 along the sequences; of nested scans, the outer step first. */
  readonly steps: readonly number[];
  /** The user's line, where the engine can tell. */
  readonly site?: string;
  /** All of it in one sentence. */
  readonly message: string;
}

/**
 * Runs `f` and, when something that it returns is NaN or infinite, finds the first operation on the way there that made
 * such numbers of finite ones, also inside of scans; undefined when all results are finite. Arguments are taken as by
 * `jit`, and kept.
 *
 * The whole graph runs with a count for every operation, without the runtime's fusions, so it is several times slower than
 * a compiled call. Of conditionals and other loops only the whole is named.
 */
export async function findNonFinite<A extends any[]>(
  f: (...args: A) => unknown,
  ...args: { [K in keyof A]: unknown }
): Promise<NonFinite | undefined> {
  const trace = withSites(() => traceCall("findNonFinite", f, args, heldBy));
  return search({
    outputs: trace.outputs.map(([, t]) => t),
    names: new Map(trace.args.map(([path, t]) => [t, `args${path}`])),
    steps: [],
    measure: async (v) => Array.from((await realise([v]))[0].data, Number),
  });
}

/** A graph whose numbers can be looked at: the whole, or one step of a scan. */
interface Frame {
  readonly outputs: readonly Tensor[];
  readonly names: ReadonlyMap<Tensor, string>;
  readonly steps: readonly number[];
  /** The values of a vector of this graph. */
  measure(vector: Tensor): Promise<number[]>;
}

async function search(frame: Frame): Promise<NonFinite | undefined> {
  const floats = topological(frame.outputs).filter((t) => isFloat(t.dtype) && !t.node.primitive.many);
  if (floats.length === 0) return undefined;
  const counts = await frame.measure(stack(floats.map(notFinite)));
  const bad = new Map(floats.flatMap((t, i) => (counts[i] > 0 ? [[t, counts[i]]] : [])));
  // From the results back, as long as numbers are not finite; infinity that does no harm, as in a mask, is passed over.
  const guilty = new Set(frame.outputs.filter((t) => bad.has(t)));
  for (const t of guilty) for (const operand of operationOf(t).inputs) if (bad.has(operand)) guilty.add(operand);
  const first = floats.find((t) => guilty.has(t));
  if (!first) return undefined;
  const node = operationOf(first);
  const inner = node.primitive === scanPrimitive ? await search(await firstBadStep(frame, node)) : undefined;
  return inner ?? describe(frame, first, bad.get(first)!);
}

/** The operation that gives a tensor, also when it is one of several results. */
const operationOf = (t: Tensor): Node => (t.node.primitive === partPrimitive ? t.node.inputs[0].node : t.node);

/** x - x is 0 for finite numbers alone. */
const notFinite = (x: Tensor): Tensor => sum(not(equal(sub(x, x), 0)));

/** The first step of a scan that gives something that is not finite. */
async function firstBadStep(outer: Frame, { inputs, attrs }: Node): Promise<Frame> {
  const scan = attrs as ScanAttrs;
  const { params, outputs } = scan.body;
  /** `vector` of the body, at all steps: [length, n]. */
  const watch = (vector: Tensor): Tensor =>
    applyMany(scanPrimitive, inputs, { ...scan, body: new Body(params, [...outputs, vector]) })[outputs.length];
  const floats = outputs.filter((o) => isFloat(o.dtype));
  const counts = await outer.measure(sum(watch(stack(floats.map(notFinite))), 1));
  const step = scan.reverse ? counts.findLastIndex((n) => n > 0) : counts.findIndex((n) => n > 0);
  const own = sections(params, scan);
  return {
    outputs,
    names: new Map([
      ...own.consts.map((p) => [p, "a tensor from outside"] as const),
      ...own.carries.map((p) => [p, "the carry"] as const),
      ...own.xs.map((p) => [p, "the sequence"] as const),
    ]),
    steps: [...outer.steps, step],
    measure: (vector) => outer.measure(reshape(sliceAxis(watch(vector), 0, step, step + 1), vector.shape)),
  };
}

async function describe({ names, steps, measure }: Frame, t: Tensor, count: number): Promise<NonFinite> {
  const { primitive, inputs: given } = operationOf(t);
  const operands = given.filter((i) => i.size > 0);
  const double = (x: Tensor) => cast(x, "float64");
  const bounds = operands.map((i) => (i.dtype === "bool" ? cast(i, "int32") : i)).flatMap((i) => [min(i), max(i)]);
  const [nan, ...numbers] = await measure(stack([sum(not(equal(t, t))), ...bounds].map(double)));
  const inputs = operands.map((i, k) => ({
    from: names.get(i) ?? operationOf(i).primitive.name,
    shape: i.shape,
    least: numbers[2 * k],
    largest: numbers[2 * k + 1],
  }));
  const outside = names.has(t) ? "argument" : primitive === literalPrimitive ? "constant" : "captured value";
  const operation = isLeaf(t.node) ? outside : primitive.name;
  const site = siteOf(t);
  const infinite = count - nan;
  const made = [nan > 0 ? `${nan} NaN` : "", infinite > 0 ? `${infinite} infinite` : ""].filter(Boolean).join(" and ");
  const from = inputs.map((i) => `${i.from} ${show(i.shape)} from ${short(i.least)} to ${short(i.largest)}`);
  const when = steps.length > 0 ? ` in step ${steps.join(", ")} of scan` : "";
  const message = isLeaf(t.node)
    ? `${names.get(t) ?? `A ${outside} ${show(t.shape)}`} holds ${made} of ${t.size} numbers.`
    : `${operation}${site ? ` (${site})` : ""}${when} gave ${made} of ${t.size} numbers ${show(t.shape)}; it was given ${from.join(", and ")}.`;
  return { operation, shape: t.shape, nan, infinite, inputs, steps, site, message };
}

const short = (x: number): string => String(Number(x.toPrecision(4)));
