import { HebbError, type HostRandom, type NDArray } from "../engine/index.js";
import { checkAlike, fromHost, type HostTree, toHost } from "./host.js";

/**
 * Parameters drawn afresh from the distribution that `params` were initialised from: the control that keeps a ticket's
 * structure and gives up its initial values.
 *
 * With `init`, the function that drew `params` from a seed, this is `init` at a seed taken from `random`. Without it, the
 * values of each tensor are permuted at random: for weights that were drawn independently from one distribution per
 * tensor (Glorot, He, constants), this has exactly the distribution of a fresh draw. Give `init` for any other scheme,
 * such as orthogonal matrices.
 *
 * Source: Frankle and Carbin (2019), random reinitialisation. Throws `HebbError` when `init` gives another structure, or
 * the very same weights: a reinitialisation from the same seed is no control.
 */
export async function reinitLike<P>(
  params: P,
  random: HostRandom,
  init?: (seed: number) => P | Promise<P>,
): Promise<P> {
  const before = await toHost(params, "reinitLike");
  if (!init) return fromHost(before.def, before.leaves.map(permuted(random)));
  const after = await toHost(await init(random.uint32()), "reinitLike");
  checkAlike("reinitLike", before, after);
  if (sameDraw(before, after)) {
    throw new HebbError(
      "reinitLike: init gave the same weights again; it must depend on the seed that it is called with.",
    );
  }
  return fromHost(after.def, after.leaves);
}

const permuted =
  (random: HostRandom) =>
  ({ data, ...leaf }: NDArray): NDArray => {
    const order = random.permutation(data.length);
    return { ...leaf, data: (data as Float32Array).map((_, i) => (data as Float32Array)[order[i]]) };
  };

/** Whether a tensor that is no constant came out the same. */
const sameDraw = (a: HostTree, b: HostTree): boolean =>
  a.leaves.some(({ data }, i) => {
    const varies = data.some((x) => x !== data[0]);
    return varies && data.every((x, k) => x === b.leaves[i].data[k]);
  });
