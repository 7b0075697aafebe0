import { HebbError, type NDArray } from "../engine/index.js";

/** Samples of a class from a seed's noise, [n, ...]: the same seed must mean the same noise for every model. */
export type Sampler<C> = (of: C, seed: number) => NDArray | Promise<NDArray>;

/**
 * How far samples moved between two models, for each class: the mean over seeds, samples and elements of (before - after)^2
 * between samples from the same noise. Unlike a distance between distributions it sees that each sample has changed.
 *
 * Throws `HebbError` when the two give samples of different shapes, or there are no seeds.
 */
export async function pairedDrift<C>(
  before: Sampler<C>,
  after: Sampler<C>,
  classes: readonly C[],
  seeds: readonly number[],
): Promise<number[]> {
  if (seeds.length === 0) throw new HebbError("pairedDrift: there are no seeds.");
  const drifts: number[] = [];
  for (const of of classes) {
    let sum = 0;
    for (const seed of seeds) sum += meanSquare(await before(of, seed), await after(of, seed));
    drifts.push(sum / seeds.length);
  }
  return drifts;
}

function meanSquare(a: NDArray, b: NDArray): number {
  if (`${a.shape}` !== `${b.shape}`)
    throw new HebbError(`pairedDrift: samples [${a.shape}] before and [${b.shape}] after differ in shape.`);
  const [x, y] = [a.data as Float32Array, b.data as Float32Array];
  return x.reduce((sum, value, i) => sum + (value - y[i]) ** 2, 0) / x.length;
}
