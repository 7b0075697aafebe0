import {
  type Feed,
  flattenTree,
  HebbError,
  jit,
  matmul,
  ShapeError,
  Tensor,
  topK,
  transpose,
  unflattenTree,
} from "../engine/index.js";

/**
 * A value vector: what one hidden unit of a transformer's MLP writes into the residual stream, out = sum_j act_j(x) v_j.
 */
export interface ValueLocation {
  /** The path of the MLP's output matrix in the parameter tree, such as `blocks[2].down.w`. */
  readonly path: string;
  /** The hidden unit. */
  readonly index: number;
  /** The axis of the hidden units: 0 for layers of `hebb/nn`, whose weights are [in, out]; 1 for [out, in]. Default 0. */
  readonly axis?: 0 | 1;
}

/** The matrix at a path of the parameters. Throws `HebbError` when there is none. */
export function matrixAt(params: unknown, path: string): Tensor {
  const { leaves, paths } = flattenTree(params);
  const found = leaves[paths.indexOf(path)];
  if (found instanceof Tensor && found.rank === 2) return found;
  throw new HebbError(`There is no matrix at "${path}" among the parameters.`);
}

/** The parameters with another tensor at `path`. */
export function replaceAt<P>(params: P, path: string, by: Tensor): P {
  const { leaves, def, paths } = flattenTree(params);
  return unflattenTree(
    def,
    leaves.map((leaf, i) => (paths[i] === path ? by : leaf)),
  );
}

/** The value vectors of an MLP, one a row: [hidden, width]. Throws `HebbError` when there is no matrix at `path`. */
export function mlpValueVectors(params: unknown, { path, axis = 0 }: Omit<ValueLocation, "index">): Tensor {
  const matrix = matrixAt(params, path);
  return axis === 0 ? matrix : transpose(matrix);
}

/**
 * What vectors say when read off by the unembedding alone: the `k` tokens with the largest logits E v, best first, int32
 * [..., k] for vectors [..., width] and E [vocabulary, width]. Throws `ShapeError` when E is the other way round.
 */
export function logitLensTopK(v: Tensor, unembedding: Tensor, k = 200): { tokens: Tensor; logits: Tensor } {
  const width = v.shape[v.rank - 1];
  if (unembedding.rank !== 2 || unembedding.shape[1] !== width) {
    throw new ShapeError(
      "logitLensTopK",
      `vectors of ${width} need an unembedding [vocabulary, ${width}], got [${unembedding.shape}]`,
    );
  }
  const { values, indices } = topK(matmul(v, unembedding, { transposeB: true }), Math.min(k, unembedding.shape[0]));
  return { tokens: indices, logits: values };
}

/** A value vector that promotes a concept. */
export interface ConceptVector extends ValueLocation {
  /** The share of its top tokens that are the concept's. */
  readonly share: number;
}

export interface FindConceptOptions {
  /** The output matrices to search. */
  readonly layers: readonly Omit<ValueLocation, "index">[];
  /** [vocabulary, width]. */
  readonly unembedding: Tensor;
  /** How many top tokens are looked at. Default 200. */
  readonly k?: number;
  /** The least share of them that must be the concept's. Default 0.5. */
  readonly minShare?: number;
  /** The share of each layer's vectors that promote their own top tokens least (by mean logit), left out. Default 0.3. */
  readonly discard?: number;
}

/**
 * Value vectors whose top tokens are dominated by a concept's (Hong et al., 2024), those with the highest share first and,
 * of equal ones, those that promote their top tokens most. They are candidates: see `validateConceptVector`. Throws `HebbError` and `ShapeError` as `mlpValueVectors` and
 * `logitLensTopK` do.
 */
export async function findConceptVectors(
  params: unknown,
  concept: Iterable<number>,
  { layers, unembedding, k = 200, minShare = 0.5, discard = 0.3 }: FindConceptOptions,
): Promise<ConceptVector[]> {
  const own = new Set(concept);
  const look = jit((v: Tensor, e: Tensor) => {
    const { tokens, logits } = logitLensTopK(v, e, k);
    return { tokens, strength: logits.mean(-1) };
  });
  const found: { vector: ConceptVector; strength: number }[] = [];
  for (const { path, axis } of layers) {
    const top = await look(mlpValueVectors(params, { path, axis }) as Feed<Tensor>, unembedding as Feed<Tensor>);
    const tokens = (await top.tokens.data()) as Int32Array;
    const strength = (await top.strength.data()) as Float32Array;
    const order = Array.from(strength, (_, i) => i).sort((a, b) => strength[a] - strength[b]);
    const each = tokens.length / strength.length;
    for (const index of order.slice(Math.floor(discard * order.length))) {
      const said = tokens.subarray(index * each, (index + 1) * each);
      const share = said.filter((token) => own.has(token)).length / each;
      if (share < minShare) continue;
      const vector = { path, index, ...(axis === undefined ? {} : { axis }), share };
      found.push({ vector, strength: strength[index] });
    }
  }
  return found.sort((a, b) => b.vector.share - a.vector.share || b.strength - a.strength).map(({ vector }) => vector);
}

/** How far unlearning moved one value vector. */
export interface IntrinsicScore {
  /** Cosine of the vector before and after: near 1 where the knowledge is still written there. */
  readonly cosine: number;
  /** Euclidean distance. */
  readonly l2: number;
  /** The top tokens before and after: size of the intersection over that of the union. */
  readonly jaccard: number;
  /** The share of the top tokens after that are the concept's; 0 when no concept is given. */
  readonly conceptShare: number;
}

/**
 * How far unlearning moved one value vector, not the whole matrix, in which one vector does not show (Hong et al., 2024).
 * `unembedding` is that of the model before, [vocabulary, width]. Throws `HebbError` when there is no such vector.
 */
export async function intrinsicScore(
  before: unknown,
  after: unknown,
  location: ValueLocation,
  unembedding: Tensor,
  { k = 200, concept = [] }: { readonly k?: number; readonly concept?: Iterable<number> } = {},
): Promise<IntrinsicScore> {
  const pick = (params: unknown) => {
    const all = mlpValueVectors(params, location);
    const { index, path } = location;
    if (!(index >= 0 && index < all.shape[0]))
      throw new HebbError(`intrinsicScore: "${path}" has value vectors 0 to ${all.shape[0] - 1}, not ${index}.`);
    return all.slice([index], [index + 1]).reshape(all.shape[1]);
  };
  const vectors = [pick(before), pick(after)];
  const [a, b] = await Promise.all(vectors.map(async (v) => Array.from(await v.data(), Number)));
  const [was, is] = await Promise.all(
    vectors.map(async (v) => new Set(Array.from(await logitLensTopK(v, unembedding, k).tokens.data(), Number))),
  );
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, v, i) => sum + v * y[i], 0);
  const both = [...was].filter((token) => is.has(token)).length;
  const own = new Set(concept);
  return {
    cosine: dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)),
    l2: Math.hypot(...a.map((v, i) => v - b[i])),
    jaccard: both / (was.size + is.size - both),
    conceptShare: [...is].filter((token) => own.has(token)).length / is.size,
  };
}
