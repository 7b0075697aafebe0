import { type Eigen, jacobiEigen } from "./jacobi.js";
import { type Matrix, type Product, scale, symmetricPart, unitScale } from "./matrix.js";
import { applyReflectors } from "./reflectors.js";
import { fixSigns } from "./signs.js";
import { tridiagonalEigen, tridiagonalise } from "./tridiagonal.js";

const base = 24;

/** The eigendecomposition of (a + a') / 2, values in ascending order, with the signs of `fixSigns`. */
export async function symmetricEigen(a: Matrix, product: Product): Promise<Eigen> {
  const work = symmetricPart(a);
  const factor = unitScale(work);
  scale(work, factor);
  const { values, vectors } = await decompose(work, product);
  for (let i = 0; i < values.length; i++) values[i] /= factor;
  fixSigns(vectors);
  return { values, vectors };
}

async function decompose(a: Matrix, product: Product): Promise<Eigen> {
  if (a.rows <= base) return jacobiEigen(a);
  const { diagonal, offDiagonal, v, tau } = await tridiagonalise(a, product);
  const eigen = await tridiagonalEigen(diagonal, offDiagonal, product);
  await applyReflectors(v, tau, 1, eigen.vectors, product);
  return eigen;
}
