import { add, div, norm, sqrt, square, sub, sum, type Tensor, treeLeaves, treeMap } from "../engine/index.js";

/** How far training has gone from where it began. All are scalars; 0 means not at all. */
export interface Laziness {
  /** `|w - w0| / |w0|` over all parameters together. */
  readonly relMove: Tensor;
}

/** With a kernel, also how much that changed. */
export interface KernelLaziness extends Laziness {
  /** `|K(w) - K(w0)|_F / |K(w0)|_F`. */
  readonly kernelMove: Tensor;
}

/**
 * How lazy training has been: the relative movement of the parameters and, given `kernel` (for example
 * `(w) => ntk(model, w, x)`), of the tangent kernel. Lazy training moves neither; rich training moves the kernel.
 *
 * `params` and `params0` are trees of one structure; throws `HebbError` otherwise.
 *
 * Source: Chizat, Oyallon, Bach, "On lazy training in differentiable programming", 2019, section 1; Kumar et al., 2024,
 * section 3.
 */
export function laziness<P>(params: P, params0: P): Laziness;
export function laziness<P>(params: P, params0: P, kernel: (params: P) => Tensor): KernelLaziness;
export function laziness<P>(params: P, params0: P, kernel?: (params: P) => Tensor): Laziness | KernelLaziness {
  const move = treeMap((w: Tensor, w0: Tensor) => sub(w, w0), params, params0);
  const relMove = div(treeNorm(move), treeNorm(params0));
  if (!kernel) return { relMove };
  const start = kernel(params0);
  return { relMove, kernelMove: div(norm(sub(kernel(params), start)), norm(start)) };
}

const treeNorm = (tree: unknown): Tensor =>
  sqrt(
    treeLeaves(tree)
      .map((leaf) => sum(square(leaf)))
      .reduce(add),
  );
