import { HebbError, type NDArray } from "../engine/index.js";

export interface KlomOptions {
  /** Default 20. */
  readonly bins?: number;
  /** Margins beyond ±clip count as ±clip. Default 100. */
  readonly clip?: number;
  /** Added to every bin's share, so that an empty bin does not make the divergence infinite. Default 1e-5. */
  readonly eps?: number;
}

/**
 * How sure each of several models is of the label: phi = f_y - log sum_{c != y} exp f_c, in nats, so that
 * sigmoid(phi) is the label's probability. `logits` [models, n, classes], `labels` int32 [n]; result [models, n]. Throws
 * `HebbError` when shapes do not fit or a label is no class.
 */
export function labelMargins(logits: NDArray, labels: NDArray): NDArray {
  const [models, n, classes] = logits.shape;
  if (logits.shape.length !== 3 || labels.shape.length !== 1 || labels.shape[0] !== n)
    throw new HebbError(
      `labelMargins: logits must be [models, n, classes] and labels [n], got [${logits.shape}] and [${labels.shape}].`,
    );
  const bad = (labels.data as Int32Array).find((label) => !(label >= 0 && label < classes));
  if (bad !== undefined) throw new HebbError(`labelMargins: ${bad} is none of the classes 0 to ${classes - 1}.`);
  const values = logits.data as Float32Array;
  const data = new Float32Array(models * n);
  for (let i = 0; i < data.length; i++) {
    const label = Number(labels.data[i % n]);
    let most = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) if (c !== label) most = Math.max(most, values[i * classes + c]);
    let total = 0;
    for (let c = 0; c < classes; c++) if (c !== label) total += Math.exp(values[i * classes + c] - most);
    data[i] = values[i * classes + label] - most - Math.log(total);
  }
  return { data, shape: [models, n], dtype: "float32" };
}

/**
 * KLoM, the KL divergence of margins: for each row, how far the distribution of a number over unlearned models is from that
 * over models trained without the forget set, in nats. Both are histograms of `bins` equal bins over their pooled range
 * after clipping, `eps` is added to every share and the shares are normalised again, and
 *
 *     KLoM = sum_b p_b log(p_b / q_b),  p of the retrained models, q of the unlearned ones.
 *
 * `gold` [M, n] and `unlearned` [M', n] are margins (`labelMargins`); result [n]. The models must be independent, each
 * unlearned from an original of its own: one original unlearned many times has no spread. With few models the estimate is
 * biased upwards, so compare it with that of two groups of retrained models. Throws `HebbError` when the shapes do not fit,
 * there are no models or a margin is not a number.
 *
 * Source: Georgiev et al., "Attribute-to-Delete: Machine Unlearning via Datamodel Matching", 2024.
 */
export function klom(
  gold: NDArray,
  unlearned: NDArray,
  { bins = 20, clip = 100, eps = 1e-5 }: KlomOptions = {},
): Float64Array {
  const [models, n] = gold.shape;
  const others = unlearned.shape[0];
  if (gold.shape.length !== 2 || unlearned.shape.length !== 2 || unlearned.shape[1] !== n)
    throw new HebbError(`klom: margins must be [models, n] both, got [${gold.shape}] and [${unlearned.shape}].`);
  if (models === 0 || others === 0) throw new HebbError("klom: there are no models on one side.");
  const clipped = (margins: NDArray, row: number) =>
    Float64Array.from({ length: margins.shape[0] }, (_, model) => {
      const value = Number(margins.data[model * n + row]);
      if (Number.isNaN(value)) throw new HebbError(`klom: the margin of row ${row} of model ${model} is not a number.`);
      return Math.min(clip, Math.max(-clip, value));
    });
  return Float64Array.from({ length: n }, (_, row) => {
    const [a, b] = [clipped(gold, row), clipped(unlearned, row)];
    const low = Math.min(...a, ...b);
    const width = (Math.max(...a, ...b) - low) / bins;
    const shares = (values: Float64Array) => {
      const counts = new Float64Array(bins);
      // The greatest value belongs to the last bin; where all values are equal there is one bin.
      for (const value of values) counts[width > 0 ? Math.min(bins - 1, Math.floor((value - low) / width)) : 0]++;
      return counts.map((count) => (count / values.length + eps) / (1 + bins * eps));
    };
    const [p, q] = [shares(a), shares(b)];
    return p.reduce((sum, share, bin) => sum + share * Math.log(share / q[bin]), 0);
  });
}
