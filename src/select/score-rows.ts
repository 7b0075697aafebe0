import { type Feed, gather, HebbError, jit, type NDArray, type Tensor, treeLeaves, treeMap } from "../engine/index.js";

/** A number for each example, as a graph: `(params, x, y) => el2n(model, params, x, y)`. */
export type Score<P> = (params: P, x: Tensor, y: Tensor) => Tensor;

export interface ScoreRowsOptions {
  /** Examples in one call. Default 512. */
  readonly block?: number;
  readonly signal?: AbortSignal;
}

export interface ScoreNetworksOptions extends ScoreRowsOptions {
  /** The scores of the first networks, where an earlier call was interrupted. */
  readonly from?: readonly Float32Array[];
  /** Called after each network with the scores so far: the place to keep them. */
  readonly onNetwork?: (scores: readonly Float32Array[]) => void | Promise<void>;
}

interface Examples {
  readonly x: NDArray;
  readonly y: NDArray;
}

/**
 * A score of every example of a data set, block by block: `const s = await scoreRows((p, x, y) => el2n(model, p, x, y),
 * params, train)`; result [n]. The score must treat examples one by one, since a block is no more than a part of them.
 *
 * Throws `HebbError` when the score is not one number for each example; rethrows the reason of `signal`.
 */
export async function scoreRows<P>(
  score: Score<P>,
  params: P,
  data: Examples,
  options: ScoreRowsOptions = {},
): Promise<Float32Array> {
  const compiled = jit(checked(score), { name: "score" });
  return overBlocks(data, options, (x, y) => compiled(params as Feed<P>, x as any, y as any));
}

/**
 * The scores of several networks, [n] for each: `params` is a stacked tree, whose leaves have one entry per network on
 * their first axis. Errors as in `scoreRows`.
 */
export async function scoreNetworks<P>(
  score: Score<P>,
  params: P,
  data: Examples,
  { from = [], onNetwork, ...options }: ScoreNetworksOptions = {},
): Promise<Float32Array[]> {
  const count = treeLeaves(params)[0]?.shape[0] ?? 0;
  const one = checked(score);
  // One network at a time: the gradients of GraNd for all of them at once would not fit.
  const compiled = jit(
    (stacked: P, network: Tensor, x: Tensor, y: Tensor) =>
      one(treeMap((leaf: Tensor) => gather(leaf, network, 0), stacked) as P, x, y),
    { name: "score" },
  );
  const all = [...from];
  for (let s = all.length; s < count; s++) {
    const network: NDArray = { data: Int32Array.of(s), shape: [], dtype: "int32" };
    all.push(
      await overBlocks(data, options, (x, y) => compiled(params as Feed<P>, network as any, x as any, y as any)),
    );
    await onNetwork?.(all);
  }
  return all;
}

const checked =
  <P>(score: Score<P>): Score<P> =>
  (params, x, y) => {
    const values = score(params, x, y);
    if (values.rank !== 1 || values.shape[0] !== x.shape[0])
      throw new HebbError(`scoreRows: the score of ${x.shape[0]} examples has the shape [${values.shape}].`);
    return values;
  };

async function overBlocks(
  { x, y }: Examples,
  { block = 512, signal }: ScoreRowsOptions,
  score: (x: NDArray, y: NDArray) => Promise<Tensor>,
): Promise<Float32Array> {
  const n = x.shape[0];
  const scores = new Float32Array(n);
  for (let start = 0; start < n; start += block) {
    signal?.throwIfAborted();
    const end = Math.min(start + block, n);
    scores.set((await (await score(rows(x, start, end), rows(y, start, end))).data()) as Float32Array, start);
  }
  return scores;
}

/** Rows `start` to `end` of an array, without a copy. */
function rows({ data, shape, dtype }: NDArray, start: number, end: number): NDArray {
  const width = data.length / shape[0];
  return { data: data.subarray(start * width, end * width), shape: [end - start, ...shape.slice(1)], dtype };
}
