import { bidiagonalise, bidiagonalSvd } from "./bidiagonal.js";
import { jacobiSvd, type Singular } from "./jacobi.js";
import { assign, block, copy, identity, type Matrix, type Product, scale, transposed, unitScale } from "./matrix.js";
import { applyQ, qrFactor } from "./qr.js";
import { applyReflectors } from "./reflectors.js";
import { fixSigns } from "./signs.js";

const base = 24;

/**
 * a = u diag(s) v', values in descending order, with the signs of `fixSigns` for the columns of u: min(m, n) columns, or
 * square u and v with `full`.
 */
export async function singularValues(a: Matrix, full: boolean, product: Product): Promise<Singular> {
  const wide = a.rows < a.cols;
  const { u: long, s, v: short } = await tall(wide ? transposed(a) : copy(a), full, product);
  const [u, v] = wide ? [short, long] : [long, short];
  const k = s.length;
  const columns = (x: Matrix, from: number, to: number) => block(x, 0, from, x.rows, to - from);
  fixSigns(columns(u, 0, k), columns(v, 0, k));
  for (const rest of [u, v]) fixSigns(columns(rest, k, rest.cols));
  return { u, s, v };
}

async function tall(a: Matrix, full: boolean, product: Product): Promise<Singular> {
  const [m, n] = [a.rows, a.cols];
  const factor = unitScale(a);
  scale(a, factor);
  const descale = (s: Float64Array) => s.map((x) => x / factor);
  if (m === n) {
    const { u, s, v } = await square(a, product);
    return { u, s: descale(s), v };
  }
  const factored = await qrFactor(a, product);
  const inner = await square(factored.r, product);
  const u = identity(m, full ? m : n);
  assign(block(u, 0, 0, n, n), inner.u);
  await applyQ(factored, u, product);
  return { u, s: descale(inner.s), v: inner.v };
}

async function square(a: Matrix, product: Product): Promise<Singular> {
  if (a.rows <= base) return jacobiSvd(a, product);
  const { diagonal, offDiagonal, left, tauLeft, right, tauRight } = await bidiagonalise(a, product);
  const { u, s, v } = await bidiagonalSvd(diagonal, offDiagonal, product);
  await applyReflectors(left, tauLeft, 0, u, product);
  await applyReflectors(right, tauRight, 1, v, product);
  return { u, s, v };
}
