import { flattenTree, type HostRandom, type NDArray, type Tensor } from "../engine/index.js";
import type { WeightMask } from "../nn/index.js";
import { checkAlike, fromHost, type HostTree, sameShape, toHost } from "./host.js";

/** Says which tensors are never pruned; `shape` is that of one model, also where several are stacked. */
export type Exclude = (path: string, shape: readonly number[]) => boolean;

/** Biases and the scales and shifts of normalisation layers: all tensors of rank 0 or 1. */
export const biasesAndNorms: Exclude = (_path, shape) => shape.length < 2;

/** The mask under which all weights live. */
export function fullMask<P>(params: P, exclude: Exclude = biasesAndNorms): WeightMask<P> {
  const { leaves, paths, def } = flattenTree(params);
  const masks = (leaves as (Tensor | NDArray)[]).map(({ shape }, i) =>
    exclude(paths[i], shape) ? prunesNothing : ones(shape),
  );
  return fromHost(def, masks);
}

/** How many weights of a tensor live. */
export interface TensorDensity {
  readonly alive: number;
  readonly total: number;
  readonly density: number;
}

/** The share of living weights among the prunable ones, in all and by tensor. */
export interface Density extends TensorDensity {
  readonly tensors: Readonly<Record<string, TensorDensity>>;
}

/** Counts the weights that live under a mask. A mask that prunes nothing prunable has density 1. */
export async function maskDensity(mask: unknown): Promise<Density> {
  const { leaves, paths } = await toHost(mask, "maskDensity");
  const tensors: Record<string, TensorDensity> = {};
  leaves.forEach((leaf, i) => {
    if (leaf.shape.length > 0) tensors[paths[i]] = share(countAlive(leaf), leaf.data.length);
  });
  const sum = (key: "alive" | "total") => Object.values(tensors).reduce((n, t) => n + t[key], 0);
  return { ...share(sum("alive"), sum("total")), tensors };
}

/**
 * A mask with as many living weights in every tensor as `mask` has, at places drawn uniformly: the control that keeps the
 * layerwise densities of a ticket and gives up its structure.
 */
export async function randomMaskLike<P>(mask: WeightMask<P>, random: HostRandom): Promise<WeightMask<P>> {
  const { leaves, def } = await toHost(mask, "randomMaskLike");
  return fromHost(
    def,
    leaves.map((leaf) => {
      if (leaf.shape.length === 0) return leaf;
      const data = new Float32Array(leaf.data.length);
      const order = random.permutation(data.length);
      for (let i = 0, alive = countAlive(leaf); i < alive; i++) data[order[i]] = 1;
      return { ...leaf, data };
    }),
  );
}

/** Throws `HebbError` naming the path at which a mask does not belong to these parameters. */
export const checkMask = (what: string, params: HostTree, mask: HostTree, stacked = false): void =>
  checkAlike(what, params, mask, (w, m) => m.length === (stacked ? 1 : 0) || sameShape(w, m));

/** The mask of a tensor that is never pruned. */
const prunesNothing: NDArray = { data: Float32Array.of(1), shape: [], dtype: "float32" };

const ones = (shape: readonly number[]): NDArray => ({
  data: new Float32Array(shape.reduce((n, length) => n * length, 1)).fill(1),
  shape,
  dtype: "float32",
});

export const countAlive = (mask: NDArray): number => {
  let alive = 0;
  for (const m of mask.data as Float32Array) if (m !== 0) alive++;
  return alive;
};

const share = (alive: number, total: number): TensorDensity => ({
  alive,
  total,
  density: total > 0 ? alive / total : 1,
});
