import { ShapeError } from "../errors.js";
import { equal, greaterEqual, lessEqual, mul, where } from "../primitives/elementwise.js";
import { sum } from "../primitives/reduce.js";
import { arange, cast, expandDims, pad, reshape, slice, transpose } from "../primitives/structure.js";
import { normalAxis, show } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** Compares column j with row i + offset for each element of a matrix. */
const compare = (relation: (j: Tensor, i: Tensor) => Tensor, rows: number, columns: number, offset: number): Tensor =>
  relation(arange(columns), reshape(arange(rows), [rows, 1]).add(offset));

function checkMatrix(operation: string, x: Tensor): void {
  if (x.rank < 2) throw new ShapeError(operation, `needs at least two axes, got shape ${show(x.shape)}`);
}

/** True on the diagonal number `offset` (0: the main one; positive: above it) and below: bool [rows, columns]. */
export const triangularMask = (rows: number, columns = rows, offset = 0): Tensor =>
  compare(lessEqual, rows, columns, offset);

/** The lower triangle of the last two axes: zeros above diagonal number `offset`. */
export function tril(x: Tensor, offset = 0): Tensor {
  checkMatrix("tril", x);
  return where(compare(lessEqual, x.shape[x.rank - 2], x.shape[x.rank - 1], offset), x, 0);
}
/** The upper triangle of the last two axes: zeros below diagonal number `offset`. */
export function triu(x: Tensor, offset = 0): Tensor {
  checkMatrix("triu", x);
  return where(compare(greaterEqual, x.shape[x.rank - 2], x.shape[x.rank - 1], offset), x, 0);
}

/** Ones on diagonal number `offset`, else zeros: [rows, columns]. */
export const eye = (
  rows: number,
  {
    columns = rows,
    offset = 0,
    dtype = "float32",
  }: { columns?: number; offset?: number; dtype?: Tensor["dtype"] } = {},
): Tensor => cast(compare(equal, rows, columns, offset), dtype);

/** Diagonal number `offset` of the matrices in two axes (by default the last two), as a new last axis. */
export function diagonal(
  x: Tensor,
  { offset = 0, axes = [-2, -1] }: { offset?: number; axes?: readonly [number, number] } = {},
): Tensor {
  checkMatrix("diagonal", x);
  const [a, b] = axes.map((axis) => normalAxis("diagonal", axis, x.shape));
  if (a === b) throw new ShapeError("diagonal", `axes [${axes}] name an axis twice`);
  const lead = x.shape.map((_, i) => i).filter((i) => i !== a && i !== b);
  const [rows, columns] = [x.shape[a], x.shape[b]];
  const count = Math.max(0, Math.min(rows + Math.min(offset, 0), columns - Math.max(offset, 0)));
  const flat = reshape(transpose(x, [...lead, a, b]), [...lead.map((i) => x.shape[i]), rows * columns]);
  const start = offset < 0 ? -offset * columns : offset;
  const rest = lead.map(() => 0);
  if (count === 0) return slice(flat, [...rest, 0], [...flat.shape.slice(0, -1), 0]);
  // Neighbours on a diagonal are one row and one column apart.
  return slice(
    flat,
    [...rest, start],
    [...flat.shape.slice(0, -1), start + (count - 1) * (columns + 1) + 1],
    [...rest.map(() => 1), columns + 1],
  );
}

/** The square matrices whose diagonals number `offset` are the last axis of `x`, zeros elsewhere. */
export function diag(x: Tensor, offset = 0): Tensor {
  if (x.rank === 0) throw new ShapeError("diag", "needs at least one axis, got shape []");
  const n = x.shape[x.rank - 1] + Math.abs(offset);
  const rest = x.shape.slice(0, -1).map(() => 0);
  // Read by columns: above the main diagonal the first `offset` columns are empty, below it the last ones.
  const columns = pad(x, [...rest, Math.max(offset, 0)], [...rest, Math.max(-offset, 0)]);
  return where(compare(equal, n, n, offset), expandDims(columns, -2), 0);
}

/** The sum of the diagonal of the last two axes. */
export const trace = (x: Tensor, options: { offset?: number } = {}): Tensor => sum(diagonal(x, options), -1);

/** The products of each element of `a` with each of `b`: [size of a, size of b]. */
export const outer = (a: Tensor, b: Tensor): Tensor => mul(reshape(a, [a.size, 1]), reshape(b, [1, b.size]));

/** The Kronecker product: each element of `a` replaced by its product with `b`; the smaller rank is filled with ones. */
export function kron(a: Tensor, b: Tensor): Tensor {
  const rank = Math.max(a.rank, b.rank);
  const filled = (t: Tensor): number[] => [...new Array(rank - t.rank).fill(1), ...t.shape];
  const [left, right] = [filled(a), filled(b)];
  const product = mul(
    reshape(
      a,
      left.flatMap((n) => [n, 1]),
    ),
    reshape(
      b,
      right.flatMap((n) => [1, n]),
    ),
  );
  return reshape(
    product,
    left.map((n, i) => n * right[i]),
  );
}
