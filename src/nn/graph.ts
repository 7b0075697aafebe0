import { segmentMax, segmentMean, segmentSum } from "../engine/composites/segments.js";
import { HebbError, ShapeError } from "../engine/errors.js";
import { add, equal, where } from "../engine/primitives/elementwise.js";
import { gather } from "../engine/primitives/indexing.js";
import { arange, broadcastTo, concat, full, reshape, sliceAxis } from "../engine/primitives/structure.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";

/** A directed graph; an undirected one lists each edge both ways. */
export interface Graph {
  /** Features of the nodes, [N, features]. */
  readonly x: Tensor;
  /** Source and target of each edge: int32 [2, E]. */
  readonly edges: Tensor;
  /** A weight for each edge, [E]; 1 by default. */
  readonly weights?: Tensor;
}

/** Several graphs as one that has no edges between them. */
export interface GraphBatch extends Graph {
  /** The graph that each node belongs to: int32 [N]. */
  readonly graphs: Tensor;
  /** How many graphs there are. */
  readonly count: number;
}

/** Sources and targets of the edges. Throws `ShapeError` unless the edges are [2, E]. */
export function endpoints({ edges }: Pick<Graph, "edges">): { source: Tensor; target: Tensor } {
  if (edges.rank !== 2 || edges.shape[0] !== 2) {
    throw new ShapeError("graph", `edges are [2, E], sources above targets, got ${show(edges.shape)}`);
  }
  const row = (i: number) => reshape(sliceAxis(edges, 0, i, i + 1), [edges.shape[1]]);
  return { source: row(0), target: row(1) };
}

/**
 * Joins graphs into one: nodes one graph after the other, edges renumbered. Weights are kept when any graph has them.
 * Throws `HebbError` for no graphs.
 */
export function batchGraphs(graphs: readonly Graph[]): GraphBatch {
  if (graphs.length === 0) throw new HebbError("batchGraphs: needs at least one graph.");
  let offset = 0;
  const edges: Tensor[] = [];
  const owners: Tensor[] = [];
  graphs.forEach((graph, i) => {
    const nodes = graph.x.shape[0];
    edges.push(add(graph.edges, offset));
    owners.push(full([nodes], i, "int32"));
    offset += nodes;
  });
  const weighted = graphs.some((graph) => graph.weights);
  const weightsOf = ({ x, edges: e, weights }: Graph) => weights ?? full([e.shape[1]], 1, x.dtype);
  return {
    x: concat(graphs.map((graph) => graph.x)),
    edges: concat(edges, 1),
    ...(weighted && { weights: concat(graphs.map(weightsOf)) }),
    graphs: concat(owners),
    count: graphs.length,
  };
}

/** How what belongs together is made one; the maximum of nothing counts as 0. */
export type Aggregate = "sum" | "mean" | "max";

const aggregates = {
  sum: segmentSum,
  mean: segmentMean,
  max(x: Tensor, ids: Tensor, count: number): Tensor {
    const y = segmentMax(x, ids, count);
    return where(equal(y, Number.NEGATIVE_INFINITY), 0, y);
  },
};

/** One vector for each graph of a batch, from those of its nodes: [N, ...] to [count, ...]. */
export const readout = (
  x: Tensor,
  { graphs, count }: Pick<GraphBatch, "graphs" | "count">,
  aggregate: Aggregate = "mean",
): Tensor => aggregates[aggregate](x, graphs, count);

/**
 * One round of message passing (Gilmer et al., 2017): what `message` makes of the source's and the target's rows of
 * each edge, [E, ...], aggregated at its target: [N, ...]. `edges` holds each edge's own number as int32 [E].
 */
export function passMessages(
  graph: Graph,
  message: (source: Tensor, target: Tensor, edges: Tensor) => Tensor,
  aggregate: Aggregate = "sum",
): Tensor {
  const { source, target } = endpoints(graph);
  const nodes = graph.x.shape[0];
  const messages = message(gather(graph.x, source), gather(graph.x, target), arange(source.size));
  return aggregates[aggregate](messages, target, nodes);
}

/** The graph with an edge of weight 1 from each node to itself. */
export function withSelfLoops(graph: Graph): Graph {
  const { x, edges, weights } = graph;
  const nodes = x.shape[0];
  const loops = broadcastTo(arange(nodes, edges.dtype), [2, nodes]);
  return {
    x,
    edges: concat([edges, loops], 1),
    ...(weights && { weights: concat([weights, full([nodes], 1, weights.dtype)]) }),
  };
}
