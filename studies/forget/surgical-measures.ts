import { concat, type NDArray, type Tensor, tensor } from "../../src/engine/index.js";
import { pairedDrift } from "../../src/forget/index.js";
import { mean, pearson } from "../../src/lab/index.js";
import { frechetDistance } from "../../src/nn/index.js";
import { type DenoiserParams, digitCount, pixels } from "./digit-denoiser.js";
import { look } from "./digit-judge.js";
import type { Erasure } from "./surgical-arms.js";
import { conditionsOf, noiseOf, type TrackG, withoutDigit } from "./track-g.js";

/** How many samples each measure takes. */
export interface SampleCounts {
  /** Under the erased label, at each check. */
  readonly check: number;
  /** Of each other label, at each check: for the curve alone. */
  readonly curve: number;
  /** Under the erased label, of each other label, and without a label, at the end. */
  readonly final: number;
}

/** The greatest share of samples under the erased label that may still show it, in percent. */
export const erasedLimit = 15;

/** Noise is drawn anew for the checks and for the final measures, so that what was chosen by does not judge. */
const noiseSeeds = { check: 1, final: 2 } as const;

/** What one run of an arm is measured with: the original's samples are drawn once. */
export async function surgicalMeasures(
  track: TrackG,
  original: DenoiserParams,
  { erase, replace }: Erasure,
  counts: SampleCounts,
  seed: number,
) {
  const others = Array.from({ length: digitCount }, (_, digit) => digit).filter((digit) => digit !== erase);
  const repeat = (digit: number, count: number): number[] => new Array(count).fill(digit);

  /** Samples under the erased label and under each other one, from the same noise for every model. */
  const layout = (when: keyof typeof noiseSeeds, erased: number, other: number) => {
    const labels = [...repeat(erase, erased), ...others.flatMap((digit) => repeat(digit, other))];
    const noise = noiseOf(1000 * seed + noiseSeeds[when], labels.length);
    const place = (digit: number) =>
      digit === erase
        ? [0, erased]
        : [erased + others.indexOf(digit) * other, erased + (others.indexOf(digit) + 1) * other];
    return { labels, noise, part: (all: NDArray, digit: number) => rowsOf(all, place(digit)) };
  };
  const check = layout("check", counts.check, counts.curve);
  const final = layout("final", counts.final, counts.final);
  const drawAll = async (at: typeof check, params: DenoiserParams) =>
    track.draw(params, await at.noise, conditionsOf(at.labels));
  const own = rowsOf(await final.noise, [0, counts.final]);
  const mixed = conditionsOf(repeat(erase, counts.final), { digit: replace, share: 0.2 });
  const before = {
    check: await drawAll(check, original),
    final: await drawAll(final, original),
    free: await track.draw(original, own, null),
  };
  const real = await featuresOf(track, withoutDigit(track.train, erase).x);

  const driftOfOthers = async (at: typeof check, was: NDArray, is: NDArray) =>
    mean(
      await pairedDrift(
        (digit: number) => at.part(was, digit),
        (digit: number) => at.part(is, digit),
        others,
        [seed],
      ),
    );

  return {
    /** How far erasing has come, and what it has cost the other digits so far. */
    async check(params: DenoiserParams) {
      const now = await drawAll(check, params);
      return {
        erasedRate: share(await digitsOf(track, check.part(now, erase)), erase),
        drift: await driftOfOthers(check, before.check, now),
      };
    },

    /** All measures. `free` looks at samples without a label in place of those under the erased one. */
    async final(params: DenoiserParams, { free = false }: { free?: boolean } = {}) {
      const now = await drawAll(final, params);
      const unlabelled = await track.draw(params, own, null);
      const erased = free ? unlabelled : final.part(now, erase);
      const shown = await digitsOf(track, erased);
      const right = await Promise.all(
        others.map(async (digit) => share(await digitsOf(track, final.part(now, digit)), digit)),
      );
      const features = await Promise.all(others.map((digit) => featuresOf(track, final.part(now, digit))));
      return {
        erasedRate: share(shown, erase),
        replacedRate: share(shown, replace),
        mixedRate: share(await digitsOf(track, await track.draw(params, own, mixed)), erase),
        otherAccuracy: mean(right),
        drift: await driftOfOthers(final, before.final, now),
        nullDrift: mean(
          await pairedDrift(
            () => before.free,
            () => unlabelled,
            ["none"],
            [seed],
          ),
        ),
        layout: layoutCorrelation(final.part(before.final, erase), erased),
        frechet: await frechetDistance(concat(features, 0), real).item(),
      };
    },

    /** The first sample under each label, the erased one among them, by label. */
    async pictures(params: DenoiserParams): Promise<readonly NDArray[]> {
      const now = await drawAll(check, params);
      return Array.from({ length: digitCount }, (_, digit) => rowsOf(check.part(now, digit), [0, 1]));
    },
  };
}

export type SurgicalMeasures = Awaited<ReturnType<typeof surgicalMeasures>>;

const rowsOf = ({ data, dtype }: NDArray, [from, to]: readonly number[]): NDArray => ({
  data: (data as Float32Array).slice(from * pixels, to * pixels),
  shape: [to - from, pixels],
  dtype,
});

const digitsOf = async ({ judge }: TrackG, x: NDArray): Promise<number[]> =>
  Array.from((await ((await look(judge as any, x)).digits as Tensor).data()) as Int32Array);

const featuresOf = async ({ judge }: TrackG, x: NDArray): Promise<Tensor> =>
  tensor(await ((await look(judge as any, x)).features as Tensor).array());

/** How many are `digit`, in percent. */
const share = (digits: readonly number[], digit: number): number =>
  (100 * digits.filter((shown) => shown === digit).length) / digits.length;

/**
 * The correlation of two samples' pictures at a quarter of the resolution in each direction (means of 2x2 pixels: 4x4), mean
 * over pairs. A picture of one shade has no layout: its correlation counts as 0.
 */
export function layoutCorrelation(before: NDArray, after: NDArray): number {
  const correlations = Array.from({ length: before.shape[0] }, (_, i) => {
    const [a, b] = [before, after].map((samples) =>
      pooled((samples.data as Float32Array).subarray(i * 64, (i + 1) * 64)),
    );
    const correlation = pearson(a, b);
    return Number.isNaN(correlation) ? 0 : correlation;
  });
  return mean(correlations);
}

/** 8x8 pixels as means of 2x2: 16 numbers. */
function pooled(picture: Float32Array): number[] {
  return Array.from({ length: 16 }, (_, cell) => {
    const corner = 16 * Math.floor(cell / 4) + 2 * (cell % 4);
    return (picture[corner] + picture[corner + 1] + picture[corner + 8] + picture[corner + 9]) / 4;
  });
}
