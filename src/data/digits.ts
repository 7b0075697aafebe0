import { assetBytes } from "#platform";
import type { Dataset, TrainTest } from "./dataset.js";
import { fromArrays, split } from "./dataset.js";
import { parseIdx } from "./idx.js";
import { scaledPixels } from "./pixels.js";

export const digitsInfo = {
  name: "digits",
  licence: "CC BY 4.0",
  source:
    "E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits (test part), UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49",
} as const;

const greatestPixel = 16;

/**
 * The 8x8 handwritten digits, shipped in the package: 1,797 examples of ten classes, `x` float32 `[1797, 64]` in
 * [0, 1], or the original whole numbers 0 to 16 with `raw: true`.
 *
 * Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits" (its test part), UCI Machine Learning
 * Repository, 1998; CC BY 4.0.
 */
export async function digits(options: { readonly raw?: boolean } = {}): Promise<Dataset> {
  const [images, labels] = await Promise.all(
    ["digits-images.idx.gz", "digits-labels.idx.gz"].map(async (file) => parseIdx(await assetBytes(file), file)),
  );
  const pixels = scaledPixels(images, options.raw ? 1 : greatestPixel);
  return fromArrays({ ...pixels, shape: [images.shape[0], 64] }, labels.data as Uint8Array, {
    ...digitsInfo,
    classes: 10,
  });
}

/** The digits in [0, 1], split by a fixed permutation, `hostRandom(0)`, into 1,400 to train on and 397 to test. */
export async function digits8(): Promise<TrainTest> {
  return split(await digits(), { train: 1400, test: 397 }, { seed: 0 });
}
