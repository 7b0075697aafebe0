import { type Graph, normalise } from "../compile.js";
import { applyMany, partPrimitive, placeholder } from "../core.js";
import type { Tensor } from "../tensor.js";
import { Body, bodyGraph, dependents, substitute } from "./body.js";
import { type ScanAttrs, scanPrimitive, sections } from "./scan.js";

type Replacement = ReadonlyMap<Tensor, Tensor>;

/**
 * What can be saved among the scans of a normal form, as replacements of their results; undefined when nothing can.
 * Scans that go through the same carries become one (a gradient's forward scan and the original), results and carries
 * that nobody uses go.
 */
export function simplifyScans(graph: Graph): Replacement | undefined {
  const scans = graph.order.filter((t) => t.node.primitive === scanPrimitive);
  if (scans.length === 0) return undefined;
  const parts = new Map<Tensor, Tensor[]>(scans.map((s) => [s, []]));
  for (const t of graph.order) if (t.node.primitive === partPrimitive) parts.get(t.node.inputs[0])?.push(t);
  return mergeTwins(graph, scans, parts) ?? prune(scans, parts);
}

const attrsOf = (scan: Tensor): ScanAttrs => scan.node.attrs as ScanAttrs;
const index = (part: Tensor): number => part.node.attrs.index;

function mergeTwins(
  graph: Graph,
  scans: readonly Tensor[],
  parts: ReadonlyMap<Tensor, readonly Tensor[]>,
): Replacement | undefined {
  if (scans.length < 2) return undefined;
  const ids = new Map(graph.order.map((t, i) => [t, i]));
  const first = new Map<string, Tensor>();
  for (const scan of scans) {
    const key = trajectory(scan, ids);
    const twin = first.get(key);
    if (!twin) first.set(key, scan);
    else if (!dependents([scan], [twin]).has(scan)) return merge(twin, scan, parts);
  }
  return undefined;
}

/** Equal keys: the same carries at each step. */
function trajectory(scan: Tensor, ids: ReadonlyMap<Tensor, number>): string {
  const { inputs } = scan.node;
  const attrs = attrsOf(scan);
  const own = inputs.map((t) => ids.get(t));
  const shared = `${attrs.length}${attrs.reverse}${attrs.checkpoint}`;
  if (attrs.carries === 0) return `${shared}:${own}`;
  const labels = own.map((id, i) =>
    i < attrs.consts ? `c${id}` : i < attrs.consts + attrs.carries ? `s${i - attrs.consts}:${id}` : `x${id}`,
  );
  const { hash, places } = normalise(attrs.body.outputs.slice(0, attrs.carries), attrs.body.params, labels);
  // The hash leaves out initial carries that no next carry reads; results may.
  return `${shared}:${sections(own, attrs).carries}:${hash}@${places}`;
}

function merge(a: Tensor, b: Tensor, parts: ReadonlyMap<Tensor, readonly Tensor[]>): Replacement {
  const [first, second] = [attrsOf(a), attrsOf(b)];
  const [left, right] = [sections(a.node.inputs, first), sections(b.node.inputs, second)];
  const [mine, theirs] = [sections(first.body.params, first), sections(second.body.params, second)];
  const place = new Map<Tensor, Tensor>(theirs.carries.map((p, i) => [p, mine.carries[i]]));
  /** The union of two lists of inputs, with the parameters that stand for them. */
  const join = (
    inputs: readonly Tensor[],
    params: readonly Tensor[],
    others: readonly Tensor[],
    otherParams: readonly Tensor[],
  ) => {
    const all = { inputs: [...inputs], params: [...params] };
    others.forEach((t, i) => {
      const at = all.inputs.indexOf(t);
      const param = at < 0 ? placeholder(otherParams[i]) : all.params[at];
      if (at < 0) {
        all.inputs.push(t);
        all.params.push(param);
      }
      place.set(otherParams[i], param);
    });
    return all;
  };
  const consts = join(left.consts, mine.consts, right.consts, theirs.consts);
  const xs = join(left.xs, mine.xs, right.xs, theirs.xs);
  const added = substitute(second.body.outputs.slice(second.carries), place);
  const body = new Body([...consts.params, ...mine.carries, ...xs.params], [...first.body.outputs, ...added]);
  const results = applyMany(scanPrimitive, [...consts.inputs, ...left.carries, ...xs.inputs], {
    ...first,
    body,
    consts: consts.inputs.length,
  });
  const now = new Map<Tensor, Tensor>();
  for (const p of parts.get(a)!) now.set(p, results[index(p)]);
  const shift = first.body.outputs.length - second.carries;
  for (const p of parts.get(b)!) now.set(p, results[index(p) < second.carries ? index(p) : index(p) + shift]);
  return now;
}

/** Drops what nobody uses, and all but the first of equal results. */
function prune(scans: readonly Tensor[], parts: ReadonlyMap<Tensor, readonly Tensor[]>): Replacement | undefined {
  const now = new Map<Tensor, Tensor>();
  for (const scan of scans) {
    const attrs = attrsOf(scan);
    const { body, carries } = attrs;
    const { places } = bodyGraph(body);
    const params = sections(body.params, attrs);
    /** The first sequence of results with these values. */
    const original = (i: number) => (i < carries ? i : places.findIndex((p, k) => k >= carries && p === places[i]));
    const live = new Set(parts.get(scan)!.map((p) => original(index(p))));
    const reach = params.carries.map((p) => dependents(body.outputs, [p]));
    for (let before = -1; before < live.size; ) {
      before = live.size;
      for (const out of [...live]) {
        reach.forEach((r, i) => {
          if (r.has(body.outputs[out])) live.add(i);
        });
      }
    }
    const kept = body.outputs.map((_, i) => i).filter((i) => live.has(i));
    const outputs = kept.map((i) => body.outputs[i]);
    const isUsed = (p: Tensor) => dependents(outputs, [p]).size > 1 || outputs.includes(p);
    const use = body.params.map((p, i) =>
      i >= attrs.consts && i < attrs.consts + carries ? live.has(i - attrs.consts) : isUsed(p),
    );
    if (kept.length === body.outputs.length && !use.includes(false)) continue;
    const results = applyMany(
      scanPrimitive,
      scan.node.inputs.filter((_, i) => use[i]),
      {
        ...attrs,
        body: new Body(
          body.params.filter((_, i) => use[i]),
          outputs,
        ),
        consts: use.slice(0, attrs.consts).filter(Boolean).length,
        carries: kept.filter((i) => i < carries).length,
      },
    );
    for (const p of parts.get(scan)!) now.set(p, results[kept.indexOf(original(index(p)))]);
  }
  return now.size > 0 ? now : undefined;
}
