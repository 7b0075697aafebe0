import { magnitudeMask } from "../../src/compress/index.js";
import { type NDArray, tensor, treeMap } from "../../src/engine/index.js";
import { goldModels, maskedProblem, type PruneOptions, prune, scorecard, unlearn } from "../../src/forget/index.js";
import type { MlpParams } from "../../src/nn/index.js";
import { cachedTraining, rowsHash, toHost } from "./recipe.js";
import type { Scene, SceneOptions } from "./track.js";
import type { TrackC } from "./track-c.js";

/** How a pruned original is trained further on all of the data. */
export type Recovery = Omit<PruneOptions, "mask">;

/**
 * The scene of a sparse original: the dense one loses its smallest weights (over all weight matrices together) and is
 * trained further on all of the data under the mask. Its gold models are trained without the forget set under that mask.
 */
export async function sparseScene(
  track: TrackC,
  dense: Scene<MlpParams>,
  sparsity: number,
  recovery: Recovery,
  { cache, golds: count = 3, signal }: SceneOptions,
): Promise<Scene<MlpParams>> {
  if (sparsity === 0) return dense;
  const mask = await magnitudeMask(dense.problem.params, 1 - sparsity, "global");
  // What decides the mask: the dense original, and how much of it goes.
  const name = { sparsity, recipe: track.recipe.key, rows: await rowsHash(dense.train), seed: dense.seed };
  // Training under it goes through the retain set first and the forget set last, so these decide the order of batches.
  const key = { pruned: name, recovery, forget: await rowsHash(dense.problem.forget) };
  const kept = await cache.get(key, async () =>
    toHost((await unlearn(prune, dense.problem, { ...recovery, mask, signal }).run()).params),
  );
  const params = treeMap((leaf: NDArray) => tensor(leaf), kept) as MlpParams;
  const problem = {
    ...dense.problem,
    ...(await maskedProblem({ ...dense.problem, params }, mask)),
    trainFromScratch: cachedTraining(track.masked(mask, name), cache, signal),
  } as Scene<MlpParams>["problem"];
  const golds = await goldModels(problem, count);
  return { ...dense, problem, golds, card: await scorecard(problem, { golds, test: dense.test }) };
}
