import { leakyRelu } from "../engine/composites/activations.js";
import { segmentSoftmax, segmentSum } from "../engine/composites/segments.js";
import { mean } from "../engine/composites/statistics.js";
import type { DType } from "../engine/dtype.js";
import { add, mul } from "../engine/primitives/elementwise.js";
import { gather } from "../engine/primitives/indexing.js";
import { matmul } from "../engine/primitives/matmul.js";
import { sum } from "../engine/primitives/reduce.js";
import { expandDims, reshape } from "../engine/primitives/structure.js";
import { splitList } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";
import { type Activation, activationOf } from "./activations.js";
import { dropout } from "./dropout.js";
import { filled } from "./filled.js";
import type { GraphModel } from "./gcn.js";
import { endpoints, type Graph, withSelfLoops } from "./graph.js";
import { glorotUniform, linearFan } from "./initializers.js";
import type { Training } from "./model.js";

export interface GatParams {
  /** [in, heads size]. */
  readonly w: Tensor;
  /** How much each feature says as a source, [heads, size]. */
  readonly source: Tensor;
  /** How much each feature says as a target, [heads, size]. */
  readonly target: Tensor;
  /** [heads size], or [size] when heads are averaged. */
  readonly b: Tensor;
}

export interface GatConvOptions {
  /** Default 1. */
  readonly heads?: number;
  /** Heads side by side ("concat") or their mean. Default "concat". */
  readonly merge?: "concat" | "mean";
  /** Share of the attention weights that is dropped in training. Default 0. */
  readonly dropout?: number;
  readonly dtype?: DType;
}

/**
 * Graph attention (Veličković et al., 2018): each node sums the transformed features of its neighbours and itself,
 * weighted by the softmax over them of leakyRelu(a_s' W x_source + a_t' W x_target), with slope 0.2: [N, in] to [N,
 * heads size], or [N, size] for the mean of the heads. Weights of edges are not read.
 */
export function gatConv(inputs: number, size: number, options: GatConvOptions = {}): GraphModel<GatParams> {
  const { heads = 1, merge = "concat", dropout: rate = 0, dtype = "float32" } = options;
  return {
    init(key) {
      const [a, b, c] = splitList(key, 3);
      return {
        w: glorotUniform(a, [inputs, heads * size], linearFan(inputs, heads * size), dtype),
        source: glorotUniform(b, [heads, size], linearFan(size, 1), dtype),
        target: glorotUniform(c, [heads, size], linearFan(size, 1), dtype),
        b: filled([merge === "concat" ? heads * size : size], 0, dtype),
      };
    },
    apply(params, graph, { key } = {}) {
      const { source, target } = endpoints(withSelfLoops(graph));
      const nodes = graph.x.shape[0];
      const h = reshape(matmul(graph.x, params.w), [nodes, heads, size]);
      const say = (a: Tensor) => sum(mul(h, a), -1);
      const scores = add(gather(say(params.source), source), gather(say(params.target), target));
      const weights = segmentSoftmax(leakyRelu(scores, 0.2), target, nodes);
      const kept = key ? dropout(key, weights, rate) : weights;
      const y = segmentSum(mul(gather(h, source), expandDims(kept, -1)), target, nodes);
      return add(merge === "concat" ? reshape(y, [nodes, heads * size]) : mean(y, 1), params.b);
    },
  };
}

export interface GatOptions {
  /** Features of a node, size of a head in each hidden layer, outputs: `[1433, 8, 7]`. */
  readonly sizes: readonly number[];
  /** Heads of each layer; the last layer takes their mean. Default 8, and 1 in the last. */
  readonly heads?: readonly number[];
  /** Between layers. Default "elu". */
  readonly activation?: Activation;
  /** Share of each layer's input and attention weights that is dropped in training. Default 0. */
  readonly dropout?: number;
  readonly dtype?: DType;
}

/** A graph attention network (Veličković et al., 2018): a graph to outputs for each of its nodes, [N, sizes.at(-1)]. */
export function gat(options: GatOptions): GraphModel<{ readonly layers: readonly GatParams[] }> {
  const { sizes, activation = "elu", dropout: rate = 0, dtype } = options;
  const last = sizes.length - 2;
  const heads = options.heads ?? sizes.slice(1).map((_, i) => (i === last ? 1 : 8));
  const f = activationOf(activation);
  const layers = sizes.slice(1).map((size, i) =>
    gatConv(sizes[i] * (i === 0 ? 1 : heads[i - 1]), size, {
      heads: heads[i],
      merge: i === last ? "mean" : "concat",
      dropout: rate,
      dtype,
    }),
  );
  return {
    init(key) {
      const keys = splitList(key, layers.length);
      return { layers: layers.map((layer, i) => layer.init(keys[i])) };
    },
    apply(params, graph: Graph, { key }: Training = {}) {
      const keys = key ? splitList(key, 2 * layers.length) : [];
      return layers.reduce((h, layer, i) => {
        const active = i === 0 ? h : f(h);
        const x = key ? dropout(keys[2 * i], active, rate) : active;
        return layer.apply(params.layers[i], { ...graph, x }, { key: keys[2 * i + 1] });
      }, graph.x);
    },
  };
}
