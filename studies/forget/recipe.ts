import { platform } from "#platform";
import { type NDArray, type Tensor, tensor, treeLeaves, treeMap } from "../../src/engine/index.js";
import type { Labelled } from "../../src/forget/index.js";
import type { Json, ModelCache } from "../../src/lab/index.js";

/** How the models of a track are trained: the original, the gold models, and any other on rows of the same kind. */
export interface Recipe<P> {
  /** All that decides the outcome besides rows and seed: architecture, optimiser, schedule. */
  readonly key: Json;
  /** Examples pushed forward and backward by one training on so many rows. */
  passes(rows: number): number;
  train(data: Labelled, seed: number, signal?: AbortSignal): Promise<P>;
}

/** Training by a recipe, kept by content: the same rows and seed are never trained on twice, whoever asks. */
export const cachedTraining =
  <P>(recipe: Recipe<P>, cache: ModelCache, signal?: AbortSignal) =>
  async (data: Labelled, seed: number): Promise<P> => {
    const config = { recipe: recipe.key, rows: await rowsHash(data), seed };
    const kept = await cache.get(config, async () => toHost(await recipe.train(data, seed, signal)));
    return treeMap((leaf: NDArray) => tensor(leaf), kept) as P;
  };

/** What tells a set of rows from every other: a hash of its inputs and labels, in their order. */
export const rowsHash = ({ x, y }: Labelled): Promise<string> => arraysHash([x, y]);

/** What tells a model from every other of its kind: a hash of its parameters. */
export const paramsHash = async (params: unknown): Promise<string> =>
  arraysHash(await Promise.all(treeLeaves(params).map((leaf) => leaf.array())));

async function arraysHash(arrays: readonly NDArray[]): Promise<string> {
  const hashes = await Promise.all(
    arrays.map(({ data }) => platform.sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))),
  );
  const shapes = arrays.map(({ shape }) => shape);
  return platform.sha256(new TextEncoder().encode(JSON.stringify([...shapes, hashes])));
}

/** A tree of tensors as host arrays, which a cache can keep. */
export async function toHost(tree: unknown): Promise<unknown> {
  const pending: Promise<unknown>[] = [];
  const arrays = new Map<Tensor, NDArray>();
  treeMap((leaf: Tensor) => {
    pending.push(leaf.array().then((array) => arrays.set(leaf, array)));
    return leaf;
  }, tree);
  await Promise.all(pending);
  return treeMap((leaf: Tensor) => arrays.get(leaf) as unknown as NDArray, tree);
}
