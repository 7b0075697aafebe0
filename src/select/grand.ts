import {
  add,
  concat,
  flattenTree,
  grad,
  HebbError,
  matmul,
  reshape,
  sliceAxis,
  sqrt,
  sum,
  Tensor,
  unflattenTree,
  vmap,
} from "../engine/index.js";
import { type Classifier, checkLabels } from "./el2n.js";

export interface GrandOptions {
  /**
   * Which parameters the gradient is taken for: all, those of the last entry of `layers` (where models of `hebb/nn` keep
   * the layer that gives the logits), or those whose path (`layers[1].w`) passes a test. Default "all".
   */
  readonly params?: "all" | "lastLayer" | ((path: string) => boolean);
  /** How many examples' gradients are held at once: each takes as much memory as the parameters. Default 16. */
  readonly chunk?: number;
}

/**
 * GraNd, the length of each example's own loss gradient: how far one step on that example alone would move the network.
 *
 *     GraNd_i = ‖∇_θ loss(f(x_i; θ), y_i)‖₂
 *
 * `x` [n, ...], integer labels `y` [n]; result [n]. One gradient per example, by `vmap` of `grad`: the norm of a batch's
 * mean gradient is something else. `loss(logits [1, classes], y [1])` gives one number, such as `crossEntropy`; leave
 * weight decay out of it, and use a model in evaluation mode. It builds a graph (chunk after chunk, so memory stays
 * bounded), which `scoreRows` runs over a data set.
 *
 * Throws `ShapeError` for labels that do not fit or a loss of several numbers, and `HebbError` for a bad `chunk` or when
 * `params` selects nothing. The derivative of GraNd itself is infinite where a gradient is 0.
 *
 * Source: Paul, Ganguli, Dziugaite, "Deep Learning on a Data Diet", 2021, definition 2.1; at initialisation it failed to
 * replicate and follows the norm of the input: Kirsch, "Does 'Deep Learning on a Data Diet' reproduce?", 2023.
 */
export function grand<P>(
  model: Classifier<P>,
  loss: (logits: Tensor, y: Tensor) => Tensor,
  params: P,
  x: Tensor,
  y: Tensor,
  { params: part = "all", chunk = 16 }: GrandOptions = {},
): Tensor {
  checkLabels("grand", x, y);
  if (!Number.isInteger(chunk) || chunk < 1)
    throw new HebbError(`grand: chunk must be a whole number of at least 1, got ${chunk}.`);
  const { chosen, rebuild } = choose(params, part);
  const lossOfOne = (weights: readonly Tensor[], xi: Tensor, yi: Tensor): Tensor => {
    const logits = model.apply(rebuild(weights), reshape(xi, [1, ...xi.shape]));
    // A loss of one example may come as [] or as [1]; anything else fails here, by name.
    return reshape(loss(logits, reshape(yi, [1])), []);
  };
  const gradients = vmap(grad(lossOfOne), { inAxes: [null, 0, 0] });
  const norms: Tensor[] = [];
  for (let start = 0; start < x.shape[0]; start += chunk) {
    const end = Math.min(start + chunk, x.shape[0]);
    const each = gradients(chosen, sliceAxis(x, 0, start, end), sliceAxis(y, 0, start, end)) as readonly Tensor[];
    norms.push(sqrt(each.map(squaredNorms).reduce((a, b) => add(a, b))));
  }
  return norms.length === 1 ? norms[0] : concat(norms);
}

/** ‖g_i‖² of each row of [n, ...]: as a product of the row with itself, which never writes out the squares. */
function squaredNorms(g: Tensor): Tensor {
  const n = g.shape[0];
  const rows = reshape(g, [n, 1, g.size / n]);
  return sum(matmul(rows, rows, { transposeB: true }), [1, 2]);
}

/** The tensors to differentiate for, and the whole tree around new values of them. */
function choose<P>(params: P, part: NonNullable<GrandOptions["params"]>) {
  const { leaves, paths, def } = flattenTree(params);
  const wanted = typeof part === "function" ? part : part === "all" ? () => true : inLastLayer(params);
  const positions = leaves.flatMap((leaf, i) => (leaf instanceof Tensor && wanted(paths[i]) ? [i] : []));
  if (positions.length === 0)
    throw new HebbError(`grand: \`params\` selects none of the parameters ${paths.join(", ")}.`);
  return {
    chosen: positions.map((i) => leaves[i] as Tensor),
    rebuild: (weights: readonly Tensor[]): P => {
      const all = [...leaves];
      positions.forEach((i, k) => {
        all[i] = weights[k];
      });
      return unflattenTree(def, all) as P;
    },
  };
}

function inLastLayer(params: unknown): (path: string) => boolean {
  const layers = (params as { layers?: unknown } | null)?.layers;
  if (!Array.isArray(layers) || layers.length === 0) {
    throw new HebbError(
      'grand: params "lastLayer" needs a tree with a list `layers`; say which tensors with a function of their path.',
    );
  }
  const last = `layers[${layers.length - 1}]`;
  return (path) => path === last || path.startsWith(`${last}.`) || path.startsWith(`${last}[`);
}
