import { Body } from "../control/body.js";
import { isLeaf, literalPrimitive, partPrimitive, topological } from "../core.js";
import type { NDArray } from "../dtype.js";
import { show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { treeEntries } from "../tree.js";
import { arithmeticOf } from "./cost.js";
import { siteOf, withSites } from "./sites.js";
import { traceCall } from "./trace.js";

/** One operation of a graph, in words. */
interface Line {
  readonly name: string;
  readonly operation: string;
  readonly operands: readonly string[];
  readonly attributes: string;
  readonly type: string;
  readonly flops: number;
  readonly site?: string;
  /** Graphs that the operation holds. */
  readonly bodies: readonly Listing[];
}

interface Listing {
  /** Leaves, with their types. */
  readonly leaves: readonly (readonly [name: string, type: string])[];
  readonly lines: readonly Line[];
  readonly results: readonly (readonly [path: string, name: string])[];
}

/**
 * The graph that `f` builds for these arguments, as text: the arguments, then one line for each operation with its
 * operands, attributes, result, floating-point operations (see `costOf`) and the user's line. Instead of a function and
 * its arguments, a tree of tensors may be given.
 *
 * It is the graph as written: compilation merges duplicates and drops what has no use.
 */
export const printGraph = (f: ((...args: any[]) => unknown) | object, ...args: unknown[]): string =>
  text(listing(f, args)).join("\n");

/** The same graph as a Mermaid flowchart, which many Markdown viewers draw. */
export function mermaidGraph(f: ((...args: any[]) => unknown) | object, ...args: unknown[]): string {
  const { leaves, lines, results } = listing(f, args);
  const ids = new Map<string, string>();
  const box = (name: string, label: string) => {
    ids.set(name, `n${ids.size}`);
    return `  ${ids.get(name)}["${label.replaceAll('"', "'")}"]`;
  };
  const arrows = (to: string, from: readonly string[]) =>
    from.flatMap((name) => (ids.has(source(name)) ? [`  ${ids.get(source(name))} --> ${to}`] : []));
  return [
    "flowchart TD",
    ...leaves.map(([name, type]) => box(name, `${name}<br>${type}`)),
    ...lines.flatMap((l) => {
      const own = box(l.name, `${l.operation}${l.attributes && ` ${l.attributes}`}<br>${l.type}`);
      return [own, ...arrows(ids.get(l.name)!, l.operands)];
    }),
    ...results.flatMap(([path, name], i) => [`  r${i}(["${path || "result"}"])`, ...arrows(`r${i}`, [name])]),
  ].join("\n");
}

/** The node that an operand comes from: `%3` for its part `%3[1]`. */
const source = (name: string): string => /^%\d+/.exec(name)?.[0] ?? name;

function listing(f: ((...args: any[]) => unknown) | object, args: readonly unknown[]): Listing {
  if (typeof f !== "function") return list(treeEntries(f), new Map());
  const trace = withSites(() => traceCall("printGraph", f as (...args: any[]) => unknown, args));
  return list(trace.outputs, new Map(trace.args.map(([path, t]) => [t, `args${path}`])));
}

function list(outputs: readonly (readonly [path: string, tensor: Tensor])[], names: Map<Tensor, string>): Listing {
  const leaves: [string, string][] = [...names].map(([t, name]) => [name, typeOf(t)]);
  const lines: Line[] = [];
  for (const t of topological(outputs.map(([, tensor]) => tensor))) {
    if (names.has(t)) continue;
    const { primitive, inputs, attrs } = t.node;
    if (primitive === literalPrimitive) names.set(t, constant(attrs.array));
    else if (isLeaf(t.node)) {
      const name = `value${leaves.length + 1}`;
      names.set(t, name);
      leaves.push([name, typeOf(t)]);
    } else if (primitive.name === "alias") names.set(t, names.get(inputs[0])!);
    else if (primitive === partPrimitive) names.set(t, `${names.get(inputs[0])}[${attrs.index}]`);
    else {
      const name = `%${lines.length + 1}`;
      names.set(t, name);
      lines.push({
        name,
        operation: primitive.name,
        operands: inputs.map((i) => names.get(i)!),
        attributes: attributes(t),
        type: primitive.many ? primitive.many.infer(inputs, attrs).map(typeOf).join(", ") : typeOf(t),
        flops: arithmeticOf(t).flops,
        site: siteOf(t),
        bodies: Object.values(attrs).flatMap((a) => (a instanceof Body ? [listBody(a)] : [])),
      });
    }
  }
  return { leaves, lines, results: outputs.map(([path, t]) => [path, names.get(t)!]) };
}

const listBody = (body: Body): Listing =>
  list(
    body.outputs.map((t, i) => [`[${i}]`, t]),
    new Map(body.params.map((p, i) => [p, `in${i}`])),
  );

const typeOf = ({ dtype, shape }: Pick<Tensor, "dtype" | "shape">): string => `${dtype}${show(shape)}`;

const constant = ({ data, shape, dtype }: NDArray): string =>
  data.length === 1 && shape.length === 0 && dtype !== "float16" ? String(data[0]) : `constant ${dtype}${show(shape)}`;

/** The attributes that say more than the result's shape and dtype. */
function attributes({ node: { attrs }, shape, dtype }: Tensor): string {
  const told = Object.entries(attrs).filter(
    ([, v]) =>
      v !== false && v !== dtype && typeof v !== "function" && !(v instanceof Body) && String(v) !== String(shape),
  );
  return told.length > 0 ? `{${told.map(([k, v]) => `${k}: ${Array.isArray(v) ? show(v) : v}`).join(", ")}}` : "";
}

function text({ leaves, lines, results }: Listing): string[] {
  const calls = lines.map((l) => {
    const given = [...l.operands, ...(l.attributes ? [l.attributes] : [])];
    return `${l.name} = ${l.operation}(${given.join(", ")})`;
  });
  const width = Math.max(0, ...leaves.map(([name]) => name.length), ...calls.map((c) => Math.min(c.length, 60)));
  return [
    ...leaves.map(([name, type]) => `${name.padEnd(width)}  ${type}`),
    ...lines.flatMap((l, i) => [
      [calls[i].padEnd(width), l.type, l.flops > 0 ? `${l.flops} flops` : "", l.site ?? ""].filter(Boolean).join("  "),
      ...l.bodies.flatMap((b) => text(b).map((line) => `    ${line}`)),
    ]),
    `return ${results.map(([path, name]) => (path ? `${path}: ${name}` : name)).join(", ")}`,
  ];
}
