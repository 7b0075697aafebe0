import { segmentSum } from "../engine/composites/segments.js";
import type { DType } from "../engine/dtype.js";
import { add, mul, pow } from "../engine/primitives/elementwise.js";
import { gather } from "../engine/primitives/indexing.js";
import { matmul } from "../engine/primitives/matmul.js";
import { expandDims, full } from "../engine/primitives/structure.js";
import { splitList } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";
import { type Activation, activationOf } from "./activations.js";
import { dropout } from "./dropout.js";
import { endpoints, type Graph, withSelfLoops } from "./graph.js";
import { type LayerOptions, type LinearParams, linear } from "./linear.js";
import type { Model, Training } from "./model.js";

/**
 * Graph convolution (Kipf and Welling, 2017): D^-1/2 (A + I) D^-1/2 X W + b, with A[target, source] the edges' weights
 * and D the sums of its rows and 1: [N, in] to [N, out].
 */
export function gcnConv(inputs: number, outputs: number, options: LayerOptions = {}): Model<LinearParams, Graph> {
  const layer = linear(inputs, outputs, { init: "glorotUniform", ...options });
  return {
    init: layer.init,
    apply({ w, b }, graph) {
      const { x, edges, weights } = withSelfLoops(graph);
      const { source, target } = endpoints({ edges });
      const nodes = x.shape[0];
      const each = weights ?? full(source.shape, 1, x.dtype);
      const scale = pow(segmentSum(each, target, nodes), -0.5);
      const share = mul(mul(each, gather(scale, source)), gather(scale, target));
      const h = matmul(x, w);
      const y = segmentSum(mul(gather(h, source), expandDims(share, -1)), target, nodes);
      return b ? add(y, b) : y;
    },
  };
}

export interface GcnParams {
  readonly layers: readonly LinearParams[];
}

export interface GcnOptions {
  /** Features of a node, hidden units of each layer, outputs: `[1433, 16, 7]`. */
  readonly sizes: readonly number[];
  /** Between layers. Default "relu". */
  readonly activation?: Activation;
  /** Share of each layer's input that is dropped in training. Default 0. */
  readonly dropout?: number;
  readonly dtype?: DType;
}

export interface GraphModel<P> extends Model<P, Graph> {
  apply(params: P, graph: Graph, options?: Training): Tensor;
}

/**
 * A graph convolutional network (Kipf and Welling, 2017): a graph to outputs for each of its nodes, [N, sizes.at(-1)].
 */
export function gcn(options: GcnOptions): GraphModel<GcnParams> {
  const { sizes, activation = "relu", dropout: rate = 0, dtype } = options;
  const f = activationOf(activation);
  const layers = sizes.slice(1).map((size, i) => gcnConv(sizes[i], size, { dtype }));
  return {
    init(key) {
      const keys = splitList(key, layers.length);
      return { layers: layers.map((layer, i) => layer.init(keys[i])) };
    },
    apply(params, graph, { key } = {}) {
      const keys = key ? splitList(key, layers.length) : [];
      return layers.reduce((h, layer, i) => {
        const active = i === 0 ? h : f(h);
        const x = key ? dropout(keys[i], active, rate) : active;
        return layer.apply(params.layers[i], { ...graph, x });
      }, graph.x);
    },
  };
}
