import { tril, triu } from "../composites/matrices.js";
import type { Spec } from "../core.js";
import { HebbError } from "../errors.js";
import { add } from "../primitives/elementwise.js";
import { matmul } from "../primitives/matmul.js";
import { concat, sliceAxis, swapAxes } from "../primitives/structure.js";
import type { Tensor } from "../tensor.js";
import { copy } from "./host/matrix.js";
import { formQ, qrFactor } from "./host/qr.js";
import { matrixPrimitive } from "./primitive.js";
import { solveTriangular } from "./triangular.js";

export type QRMode = "reduced" | "complete";

/** Of matrices with at least as many rows as columns. */
export const qrPrimitive = matrixPrimitive<{ mode: QRMode }>({
  name: "qr",
  infer([a], { mode }): readonly Spec[] {
    const [m, n] = a.shape.slice(-2);
    const lead = a.shape.slice(0, -2);
    const cols = mode === "complete" ? m : n;
    return [
      { shape: [...lead, m, cols], dtype: a.dtype },
      { shape: [...lead, cols, n], dtype: a.dtype },
    ];
  },
  async compute([a], { mode }, product) {
    const factored = await qrFactor(copy(a), product);
    const cols = mode === "complete" ? a.rows : a.cols;
    const r = new Float64Array(cols * a.cols);
    r.set(factored.r.data);
    return [(await formQ(factored, cols, product)).data, r];
  },
  // (gQ + Q M) R'^-1, where M is symmetric with the lower triangle of R gR' - gQ' Q.
  grad([gq, gr], { inputs: [a], outputs: [q, r], attrs: { mode } }) {
    const [m, n] = a.shape.slice(-2);
    if (mode === "complete" && m > n) {
      throw new HebbError('qr: the complete factorisation of a tall matrix has no gradient; use the mode "reduced".');
    }
    const terms: Tensor[] = [];
    if (gr) terms.push(matmul(r, triu(gr), { transposeB: true }));
    if (gq) terms.push(matmul(gq, q, { transposeA: true }).neg());
    const inner = terms.reduce(add);
    const symmetric = add(tril(inner), swapAxes(tril(inner, -1), -1, -2));
    const turned = matmul(q, symmetric);
    const total = gq ? add(gq, turned) : turned;
    return [swapAxes(solveTriangular(r, swapAxes(total, -1, -2), { lower: false }), -1, -2)];
  },
});

/**
 * The QR factorisation a = q r of matrices [..., m, n] by Householder reflections: q has orthonormal columns, r is upper
 * triangular with a diagonal that is not negative, which makes both unique where a has full column rank.
 *
 * With k = min(m, n), q is [..., m, k] and r [..., k, n] in mode "reduced" (the default); q is square in mode "complete".
 * The gradient needs the first k columns to be independent, and mode "reduced" where m > n.
 */
export function qr(a: Tensor, { mode = "reduced" }: { mode?: QRMode } = {}): { q: Tensor; r: Tensor } {
  const [m, n] = a.shape.slice(-2);
  if (m >= n || a.rank < 2) {
    const [q, r] = qrPrimitive.apply([a], { mode });
    return { q, r };
  }
  const [q, left] = qrPrimitive.apply([sliceAxis(a, -1, 0, m)], { mode });
  const right = matmul(q, sliceAxis(a, -1, m, n), { transposeA: true });
  return { q, r: concat([left, right], -1) };
}
