import { type DType, dtypes, type NDArray } from "../../dtype.js";
import { HebbError, ShapeError } from "../../errors.js";
import { hostRandom } from "../../random/host.js";
import { realise } from "../../run.js";
import { show } from "../../shape.js";
import { fromValue, Tensor } from "../../tensor.js";
import { flattenTree, treeKey, unflattenTree } from "../../tree.js";

/** A linear map on trees of tensors: v to A v. It may be a compiled function, or build a graph. */
export type LinearMap<T> = (v: T) => T | Promise<T>;

export type Vector = Float64Array;

/** The space of trees like a given one, as vectors of all their numbers. */
export interface VectorSpace<T> {
  readonly size: number;
  toVector(tree: T): Promise<Vector>;
  toTree(v: Vector): T;
  /** `map` on vectors. */
  onVectors(map: LinearMap<T>): (v: Vector) => Promise<Vector>;
}

/** `operation` names the caller in errors: `HebbError` when trees differ in structure, `ShapeError` when in shape. */
export function vectorSpace<T>(operation: string, like: T): VectorSpace<T> {
  const { leaves, def, paths } = flattenTree(like);
  const specs = leaves.map((leaf, i) => {
    const where = paths[i] ? ` at "${paths[i]}"` : "";
    if (!(leaf instanceof Tensor))
      throw new HebbError(`${operation}: the tree holds a ${typeof leaf}${where}, not a tensor.`);
    const { shape, dtype, size } = leaf;
    if (dtype !== "float32" && dtype !== "float64")
      throw new ShapeError(operation, `the tensor${where} has dtype ${dtype}; float32 or float64 is needed`);
    return { shape, dtype: dtype as DType, size, where };
  });
  const size = specs.reduce((n, s) => n + s.size, 0);
  const toVector = async (tree: T): Promise<Vector> => {
    const flat = flattenTree(tree);
    if (treeKey(flat.def) !== treeKey(def))
      throw new HebbError(`${operation}: a tree has another structure than the vectors.`);
    const tensors = flat.leaves as Tensor[];
    tensors.forEach((t, i) => {
      if (!(t instanceof Tensor) || t.shape.join() !== specs[i].shape.join())
        throw new ShapeError(
          operation,
          `shape ${show(t.shape)}${specs[i].where}, where vectors have ${show(specs[i].shape)}`,
        );
    });
    const out = new Float64Array(size);
    let at = 0;
    for (const { data } of await realise(tensors)) {
      out.set(data as Float64Array, at);
      at += data.length;
    }
    return out;
  };
  const toTree = (v: Vector): T => {
    let at = 0;
    return unflattenTree(
      def,
      specs.map(({ shape, dtype, size: n }) => {
        const data = new dtypes[dtype].array(n) as Float64Array;
        data.set(v.subarray(at, at + n));
        at += n;
        return fromValue({ data, shape, dtype } satisfies NDArray);
      }),
    );
  };
  return { size, toVector, toTree, onVectors: (map) => async (v) => toVector(await map(toTree(v))) };
}

export function dot(x: Vector, y: Vector): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

export const length = (x: Vector): number => Math.sqrt(dot(x, x));

/** x += factor y. */
export function addScaled(x: Vector, factor: number, y: Vector): void {
  for (let i = 0; i < x.length; i++) x[i] += factor * y[i];
}

/** Takes its components along orthonormal vectors out of x; twice, because once is not enough in rounded arithmetic. */
export function orthogonalise(x: Vector, basis: readonly Vector[]): void {
  for (let pass = 0; pass < 2; pass++) for (const q of basis) addScaled(x, -dot(x, q), q);
}

/** A random unit vector, uniform on the sphere. */
export function randomDirection(size: number, seed: number, stream = 0): Vector {
  const random = hostRandom(seed, stream);
  const v = Float64Array.from({ length: size }, () => random.normal());
  const factor = 1 / length(v);
  return v.map((x) => x * factor);
}
