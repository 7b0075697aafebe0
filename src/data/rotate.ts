import type { NDArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { type Dataset, hostValues, size } from "./dataset.js";

/**
 * Each image turned about its centre by its own angle, in degrees, counter-clockwise as the image is seen (rows from the
 * top): the inputs `[n, height, width]` or `[n, channels, height, width]` become float32 of the same shape.
 *
 * Each new pixel is interpolated bilinearly where it came from; what lies outside the image is 0, so corners turn out of
 * sight. Throws `HebbError` when the inputs are not images or there is not one finite angle for each.
 */
export function rotateImages(dataset: Dataset, degrees: ArrayLike<number>): Dataset {
  const { shape } = dataset.x;
  if (shape.length !== 3 && shape.length !== 4) {
    throw new HebbError(`rotateImages: ${dataset.name} has inputs of shape [${shape}], expected images.`);
  }
  const n = size(dataset);
  if (degrees.length !== n) {
    throw new HebbError(`rotateImages: ${dataset.name} has ${n} images, but there are ${degrees.length} angles.`);
  }
  const values = hostValues(dataset.x, dataset.name);
  const [height, width] = shape.slice(-2);
  const plane = height * width;
  const channels = shape.length === 4 ? shape[1] : 1;
  const data = new Float32Array(values.length);
  for (let image = 0, at = 0; image < n; image++) {
    const sample = sampler(degrees[image], height, width);
    for (let channel = 0; channel < channels; channel++, at += plane) {
      sample(values.subarray(at, at + plane), data.subarray(at, at + plane));
    }
  }
  const x: NDArray = { data, shape, dtype: "float32" };
  return { ...dataset, x };
}

/** Turns one plane of pixels into another. */
function sampler(degrees: number, height: number, width: number) {
  if (!Number.isFinite(degrees)) throw new HebbError(`rotateImages: an angle is ${degrees}.`);
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
  return (from: ArrayLike<number>, to: Float32Array): void => {
    const pixel = (y: number, x: number) => (y >= 0 && y < height && x >= 0 && x < width ? from[y * width + x] : 0);
    for (let row = 0, at = 0; row < height; row++) {
      for (let column = 0; column < width; column++, at++) {
        const [dy, dx] = [row - middleY, column - middleX];
        // Backwards, so that every new pixel is reached once; y points down.
        const x = middleX + cos * dx - sin * dy;
        const y = middleY + sin * dx + cos * dy;
        const [left, top] = [Math.floor(x), Math.floor(y)];
        const [right, low] = [x - left, y - top];
        const above = (1 - right) * pixel(top, left) + right * pixel(top, left + 1);
        const below = (1 - right) * pixel(top + 1, left) + right * pixel(top + 1, left + 1);
        to[at] = (1 - low) * above + low * below;
      }
    }
  };
}
