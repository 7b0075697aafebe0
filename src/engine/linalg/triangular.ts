import { tril, triu } from "../composites/matrices.js";
import { type Spec, sameDType } from "../core.js";
import { ShapeError } from "../errors.js";
import { neg } from "../primitives/elementwise.js";
import { matmul } from "../primitives/matmul.js";
import { expandDims, squeeze } from "../primitives/structure.js";
import { show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { copy } from "./host/matrix.js";
import { solveTriangularInPlace, type Triangle } from "./host/triangular.js";
import { alignLead, matrixPrimitive, squareSize } from "./primitive.js";

export const triangularPrimitive = matrixPrimitive<Triangle & Record<string, boolean>>({
  name: "solveTriangular",
  infer: (inputs) => inferSolve("solveTriangular", inputs),
  async compute([a, b], attrs, product) {
    const x = copy(b);
    await solveTriangularInPlace(a, x, attrs, product);
    return [x.data];
  },
  grad([g], { inputs: [a], outputs: [x], attrs, needs }) {
    const { lower, transpose, unitDiagonal } = attrs;
    const gb = apply(a, g!, { ...attrs, transpose: !transpose });
    if (!needs[0]) return [undefined, gb];
    const [left, right] = transpose ? [x, gb] : [gb, x];
    const full = neg(matmul(left, right, { transposeB: true }));
    const offset = unitDiagonal ? 1 : 0;
    return [lower ? tril(full, -offset) : triu(full, offset), gb];
  },
});

const apply = (a: Tensor, b: Tensor, attrs: Triangle): Tensor => triangularPrimitive.apply([a, b], { ...attrs })[0];

/** The shape rule of x in a x = b. */
export function inferSolve(name: string, inputs: readonly Spec[]): readonly Spec[] {
  sameDType(name, inputs);
  const [a, b] = inputs;
  const n = squareSize(name, a);
  if (b.shape[b.shape.length - 2] !== n)
    throw new ShapeError(
      name,
      `shapes ${show(a.shape)} and ${show(b.shape)} do not fit: ${n} unknowns, but ${b.shape[b.shape.length - 2]} equations`,
    );
  return [b];
}

/** Calls `solver` on matrices of equal leading axes; a vector `b` is one column. */
export function withColumns(name: string, a: Tensor, b: Tensor, solver: (a: Tensor, b: Tensor) => Tensor): Tensor {
  if (a.rank < 2) throw new ShapeError(name, `needs a matrix in the last two axes, got shape ${show(a.shape)}`);
  if (b.rank === 0) throw new ShapeError(name, "the right-hand side has no axis");
  const [left, right] = alignLead(name, [a, b.rank === 1 ? expandDims(b, -1) : b]);
  const x = solver(left, right);
  return b.rank === 1 ? squeeze(x, -1) : x;
}

export interface TriangularOptions {
  /** Which triangle of the matrix counts; the other is not read. Default true. */
  readonly lower?: boolean;
  /** Solves with the transposed matrix. */
  readonly transpose?: boolean;
  /** Takes the diagonal as ones, whatever stands there. */
  readonly unitDiagonal?: boolean;
}

/**
 * The solution x of a x = b (or a' x = b) for triangular matrices.
 *
 * `a` has shape [..., n, n]; `b` is a vector [n] or has shape [..., n, k]. Axes before the last two broadcast. Throws
 * `ShapeError` when shapes do not fit, `HebbError` when an element of the diagonal is 0.
 */
export const solveTriangular = (
  a: Tensor,
  b: Tensor,
  { lower = true, transpose = false, unitDiagonal = false }: TriangularOptions = {},
): Tensor => withColumns("solveTriangular", a, b, (l, r) => apply(l, r, { lower, transpose, unitDiagonal }));
