import { HebbError, type NDArray } from "../engine/index.js";
import type { WeightMask } from "../nn/index.js";
import { fromHost, type HostTree, toHost } from "./host.js";
import { checkMask, type Exclude, fullMask } from "./mask.js";

/** Whether weights compete within their own tensor or with those of all tensors that are pruned at the same rate. */
export type PruneScope = "layer" | "global";

/** A number for all prunable tensors, or one for each path such as `layers[0].w`. */
export type PerTensor = number | ((path: string) => number);

export interface MagnitudeOptions<P> {
  /** The mask so far; only its living weights are counted and compared. By default all weights live. */
  readonly alive?: WeightMask<P>;
  /** Tensors that are never pruned, when `alive` does not say so already. Default: biases and normalisation. */
  readonly exclude?: Exclude;
}

/**
 * Keeps the largest weights: of the a weights still alive in a tensor (with scope `global`: in all tensors with the same
 * `keep` together), the round(keep * a) with the largest |w| stay alive.
 *
 * The count is exact: among equal magnitudes the later index stays, in the order of the tree. Source: Han, Pool, Tran and
 * Dally (2015); as a step of the lottery ticket procedure, Frankle and Carbin (2019), section 2.
 *
 * Throws `HebbError` when `keep` is outside [0, 1], `alive` does not fit the parameters, or a weight is not finite.
 */
export async function magnitudeMask<P>(
  params: P,
  keep: PerTensor,
  scope: PruneScope = "layer",
  options: MagnitudeOptions<P> = {},
): Promise<WeightMask<P>> {
  return keepLargest("magnitudeMask", params, keep, scope, (alive, share) => Math.round(alive * share), options);
}

/**
 * Prunes in one pass to the density that `rounds` rounds of iterative pruning reach, weight for weight as many: the
 * one-shot control of Frankle and Carbin (2019), section 2. Options and errors as in `magnitudeMask`, except that `keep` is
 * the share that one round keeps.
 */
export async function oneShotMask<P>(
  params: P,
  keep: PerTensor,
  rounds: number,
  scope: PruneScope = "layer",
  options: MagnitudeOptions<P> = {},
): Promise<WeightMask<P>> {
  const count = (alive: number, share: number) => survivors(alive, share, rounds);
  return keepLargest("oneShotMask", params, keep, scope, count, options);
}

/** How many of `count` weights live after `rounds` rounds that each keep the share `keep` of the living, rounded. */
export function survivors(count: number, keep: number, rounds: number): number {
  let alive = count;
  for (let r = 0; r < rounds; r++) alive = Math.round(alive * keep);
  return alive;
}

async function keepLargest<P>(
  what: string,
  params: P,
  keep: PerTensor,
  scope: PruneScope,
  count: (alive: number, keep: number) => number,
  { exclude, alive = fullMask(params, exclude) }: MagnitudeOptions<P>,
): Promise<WeightMask<P>> {
  const [weights, masks] = await Promise.all([toHost(params, what), toHost(alive, what)]);
  checkMask(what, weights, masks);
  const result = [...masks.leaves];
  for (const [share, tensors] of pools(what, masks, keep, scope)) {
    const pool = tensors.map((i) => ({ of: i, magnitudes: magnitudes(what, weights, i), mask: masks.leaves[i] }));
    for (const { of, data } of keepInPool(pool, (living) => count(living, share))) {
      result[of] = { ...masks.leaves[of], data };
    }
  }
  return fromHost(masks.def, result);
}

/** Groups of tensors whose weights compete, each with the share to keep. */
function pools(what: string, masks: HostTree, keep: PerTensor, scope: PruneScope): [number, number[]][] {
  const byShare = new Map<number, number[]>();
  const separate: [number, number[]][] = [];
  masks.leaves.forEach((mask, i) => {
    if (mask.shape.length === 0) return;
    const share = typeof keep === "number" ? keep : keep(masks.paths[i]);
    if (!(share >= 0 && share <= 1)) {
      throw new HebbError(`${what}: the share to keep of "${masks.paths[i]}" must lie in [0, 1], got ${share}.`);
    }
    if (scope === "layer") separate.push([share, [i]]);
    else byShare.set(share, [...(byShare.get(share) ?? []), i]);
  });
  return scope === "layer" ? separate : [...byShare];
}

function magnitudes(what: string, { leaves, paths }: HostTree, i: number): Float64Array {
  const { data, dtype } = leaves[i];
  if (dtype !== "float32" && dtype !== "float64") {
    throw new HebbError(`${what}: "${paths[i]}" is ${dtype}; magnitudes are compared in float32 or float64.`);
  }
  const sizes = Float64Array.from(data as Float32Array, Math.abs);
  const bad = sizes.findIndex((size) => !Number.isFinite(size));
  if (bad >= 0) throw new HebbError(`${what}: weight ${bad} of "${paths[i]}" is ${data[bad]}, so it cannot be ranked.`);
  return sizes;
}

interface Competitor {
  /** Which leaf of the tree. */
  readonly of: number;
  readonly magnitudes: Float64Array;
  readonly mask: NDArray;
}

function keepInPool(
  pool: readonly Competitor[],
  count: (alive: number) => number,
): { of: number; data: Float32Array }[] {
  const living = pool.map(({ magnitudes, mask }) => magnitudes.filter((_, i) => mask.data[i] !== 0));
  const sorted = joined(living).sort();
  const removed = sorted.length - count(sorted.length);
  const threshold = removed > 0 ? sorted[removed - 1] : -1;
  // All below the threshold go; of those that equal it, the first by index, until the count is met.
  let tied = removed;
  for (let i = 0; i < removed && sorted[i] < threshold; i++) tied--;
  return pool.map(({ of, magnitudes, mask }) => ({
    of,
    data: Float32Array.from(mask.data as Float32Array, (m, i) => {
      if (m === 0 || magnitudes[i] < threshold) return 0;
      return magnitudes[i] === threshold && tied-- > 0 ? 0 : 1;
    }),
  }));
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
