import {
  add,
  arange,
  div,
  expandDims,
  grad,
  HebbError,
  matmul,
  mean,
  mul,
  norm,
  oneHot,
  reshape,
  ShapeError,
  sub,
  sum,
  type Tensor,
  transpose,
  treeLeaves,
  vmap,
} from "../engine/index.js";
import type { Model } from "../nn/model.js";

export interface NtkOptions {
  /**
   * What becomes of the pairs of outputs of a model with C outputs: `"mean"` (default) averages the C kernels of an
   * output with itself, [P1, P2]; `"full"` keeps every pair, [P1, P2, C, C]. A model with one output gives [P1, P2].
   */
  readonly outputs?: "mean" | "full";
}

/**
 * The tangent kernel of a model at `params`: `K(x, x') = <df(x)/dw, df(x')/dw>`, summed over all parameters.
 *
 * `x1` [P1, ...] and `x2` [P2, ...] (default: x1) are batches of inputs. The Jacobians are formed, so memory grows as
 * (P1 + P2) * C * (number of parameters). The model must treat examples independently (no batch statistics).
 *
 * Throws `ShapeError` unless the outputs have shape [B] or [B, C], `HebbError` when no parameter is a tensor.
 *
 * Source: Jacot, Gabriel, Hongler, "Neural tangent kernel: convergence and generalization in neural networks", 2018,
 * section 4.
 */
export function ntk<P>(model: Model<P>, params: P, x1: Tensor, x2: Tensor = x1, options: NtkOptions = {}): Tensor {
  const left = jacobians(model, params, x1);
  const right = x2 === x1 ? left : jacobians(model, params, x2);
  if (left.length === 0) throw new HebbError("ntk: the parameters hold no tensors.");
  const outputs = left[0].shape[1];
  const full = options.outputs === "full" && model.apply(params, x1).rank === 2;
  const kernel = left
    .map((a, i) => {
      const b = right[i];
      const rows = (j: Tensor) =>
        full
          ? reshape(j, [j.shape[0] * outputs, j.size / (j.shape[0] * outputs)])
          : reshape(j, [j.shape[0], j.size / j.shape[0]]);
      return matmul(rows(a), rows(b), { transposeB: true });
    })
    .reduce(add);
  if (!full) return mul(kernel, 1 / outputs);
  return transpose(reshape(kernel, [x1.shape[0], outputs, x2.shape[0], outputs]), [0, 2, 1, 3]);
}

/** For each parameter, the derivatives of every output of every example: [P, C, ...shape of the parameter]. */
function jacobians<P>(model: Model<P>, params: P, x: Tensor): Tensor[] {
  const out = model.apply(params, x);
  if (out.rank !== 1 && out.rank !== 2) {
    throw new ShapeError(
      "ntk",
      `the model must give outputs of shape [B] or [B, C], but it gave [${out.shape.join(", ")}]`,
    );
  }
  const choices = out.rank === 1 ? 1 : out.shape[1];
  const picks = oneHot(arange(choices), choices, out.dtype);
  const one = (example: Tensor, pick: Tensor) =>
    treeLeaves(grad((w: P) => sum(mul(reshape(model.apply(w, expandDims(example, 0)), [choices]), pick)))(params));
  const eachOutput = vmap(one, { inAxes: [null, 0] });
  return vmap((example: Tensor) => eachOutput(example, picks))(x);
}

export interface AlignmentOptions {
  /** Remove the mean from the kernel's rows and columns and from `y` first, so that a constant function counts nothing. */
  readonly centre?: boolean;
}

/**
 * How well a kernel is aligned with a task: `y' K y / (|K|_F |y|^2)`, between 0 and 1 for a kernel; 1 when K = y y'.
 *
 * `kernel` is [P, P], `y` [P] or [P, C] (then `tr(Y' K Y) / (|K|_F |Y Y'|_F)`); the result is a scalar. Throws
 * `ShapeError` when the sizes do not fit.
 *
 * Source: Cristianini et al., "On kernel-target alignment", 2001; centred: Cortes, Mohri, Rostamizadeh, "Algorithms for
 * learning kernels based on centered alignment", 2012, section 2.2.
 */
export function kernelTaskAlignment(kernel: Tensor, y: Tensor, { centre = false }: AlignmentOptions = {}): Tensor {
  const size = kernel.shape[0];
  if (kernel.rank !== 2 || kernel.shape[1] !== size || y.shape[0] !== size || y.rank > 2) {
    throw new ShapeError(
      "kernelTaskAlignment",
      `a kernel [P, P] with targets [P] or [P, C] is needed, got [${kernel.shape.join(", ")}] and [${y.shape.join(", ")}]`,
    );
  }
  let targets = y.rank === 1 ? expandDims(y, 1) : y;
  let k = kernel;
  if (centre) {
    targets = sub(targets, mean(targets, 0, { keepDims: true }));
    k = sub(k, mean(k, 0, { keepDims: true }));
    k = sub(k, mean(k, 1, { keepDims: true }));
  }
  const fit = sum(mul(matmul(k, targets), targets));
  return div(fit, mul(norm(k), norm(matmul(targets, targets, { transposeA: true }))));
}
