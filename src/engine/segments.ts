import { type Graph, partOf } from "./compile.js";
import { needsHost } from "./control/body.js";
import { literalPrimitive, partPrimitive } from "./core.js";
import type { NDArray } from "./dtype.js";
import type { Backend, DeviceValue, Executable } from "./runtime/backend.js";
import type { HostTools } from "./runtime/host.js";
import type { Tensor } from "./tensor.js";

/** What runs between two computations on the host. */
interface Segment {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly executable: Executable;
}

/**
 * Compiles a graph in which some operations compute on the host: it is cut into segments, such that what a host
 * operation needs is computed in its segment or before, and what needs its results in a later one.
 */
export async function cutAtHost(
  backend: Backend,
  graph: Graph,
  used: readonly Tensor[],
  compile: (part: Graph, inputs: readonly Tensor[]) => Promise<Executable>,
  tools: HostTools,
): Promise<Executable> {
  const given = new Set(used);
  const level = new Map<Tensor, number>();
  const isHost = new Set(graph.order.filter(needsHost));
  const isLiteral = (t: Tensor) => t.node.primitive === literalPrimitive;
  for (const t of graph.order) {
    const { inputs } = t.node;
    level.set(t, Math.max(0, ...inputs.map((i) => level.get(i)! + (isHost.has(i) ? 1 : 0))));
  }
  const isHostResult = (t: Tensor) => t.node.primitive === partPrimitive && isHost.has(t.node.inputs[0]);
  const depth = Math.max(0, ...level.values());
  // Read now: a tensor that is computed later drops its node.
  const results = new Map<Tensor, { part: Tensor; index: number }[]>();
  for (const part of graph.order) {
    if (!isHostResult(part)) continue;
    const [bundle] = part.node.inputs;
    results.set(bundle, [...(results.get(bundle) ?? []), { part, index: part.node.attrs.index }]);
  }
  const literals = new Map<Tensor, NDArray>(graph.order.filter(isLiteral).map((t) => [t, t.node.attrs.array]));

  const nodes: Tensor[][] = Array.from({ length: depth + 1 }, () => []);
  for (const t of graph.order) {
    if (!given.has(t) && !isHost.has(t) && !isHostResult(t) && !isLiteral(t)) nodes[level.get(t)!].push(t);
  }
  /** What leaves its segment: for the host, for a later segment, or for good. */
  const leaves = new Set<Tensor>(graph.outputs);
  for (const t of graph.order) {
    for (const i of t.node.inputs) if (isHost.has(t) || level.get(i)! < level.get(t)!) leaves.add(i);
  }
  const segments = await Promise.all(
    nodes.map(async (own, k): Promise<Segment | undefined> => {
      const inside = new Set(own);
      const wanted = new Set(own.flatMap((t) => t.node.inputs.filter((i) => !inside.has(i))));
      const constants = [...wanted, ...(k === 0 ? graph.outputs : [])].filter(isLiteral);
      const inputs = [...wanted].filter((t) => !isLiteral(t));
      const outputs = [...own, ...(k === 0 ? constants.filter((t) => graph.outputs.includes(t)) : [])].filter((t) =>
        leaves.has(t),
      );
      if (outputs.length === 0) return undefined;
      const part = partOf([...inputs, ...new Set(constants), ...own], outputs);
      return { inputs, outputs, executable: await compile(part, inputs) };
    }),
  );

  return {
    async run(values) {
      const known = new Map<Tensor, DeviceValue>(used.map((t, i) => [t, values[i]]));
      for (let k = 0; k <= depth; k++) {
        const segment = segments[k];
        if (segment) {
          const out = await segment.executable.run(segment.inputs.map((t) => known.get(t)!));
          segment.outputs.forEach((t, i) => {
            known.set(t, out[i]);
          });
        }
        for (const t of graph.order) {
          if (!isHost.has(t) || level.get(t) !== k) continue;
          const { primitive, inputs, attrs } = t.node;
          const read = async (i: Tensor): Promise<NDArray> =>
            (literals.has(i) ? backend.write(literals.get(i)!) : known.get(i)!).read();
          const arrays = await primitive.many!.host!(await Promise.all(inputs.map(read)), attrs, tools);
          for (const { part, index } of results.get(t) ?? []) known.set(part, backend.write(arrays[index]));
        }
      }
      // An argument that is also a result is copied: the caller may give the one away and keep the other.
      return Promise.all(
        graph.outputs.map(async (t) => (given.has(t) ? backend.write(await known.get(t)!.read()) : known.get(t)!)),
      );
    },
    dispose() {
      for (const segment of segments) segment?.executable.dispose();
    },
  };
}
