import { describe, expect, it } from "vitest";
import { fromArrays, rotateImages } from "../../src/data/index.js";

const images = (data: ArrayLike<number>, shape: number[]) =>
  fromArrays({ data: Float32Array.from(data), shape, dtype: "float32" }, new Array<number>(shape[0]).fill(0));
const close = (actual: ArrayLike<number>, expected: readonly number[]) =>
  expected.forEach((value, i) => {
    expect(actual[i]).toBeCloseTo(value, 6);
  });

describe("rotateImages", () => {
  const square = [1, 2, 3, 4, 5, 6, 7, 8, 9];

  it("turns by right angles without loss, each image by its own, counter-clockwise", () => {
    const turned = rotateImages(images([...square, ...square, ...square], [3, 3, 3]), [0, 90, 180]);
    close(turned.x.data as Float32Array, [...square, ...[3, 6, 9, 2, 5, 8, 1, 4, 7], ...[9, 8, 7, 6, 5, 4, 3, 2, 1]]);
    expect(turned.x.shape).toEqual([3, 3, 3]);
  });

  it("turns about the middle of an even image, and every channel alike", () => {
    const turned = rotateImages(images([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 2]), [90]);
    close(turned.x.data as Float32Array, [2, 4, 1, 3, 6, 8, 5, 7]);
  });

  it("interpolates, and fills with 0 from outside", () => {
    // At 45 degrees the corners come from beyond the image: 1.41 pixels from the middle, the edge is 1 away.
    const [corner, , , , middle] = Array.from(
      rotateImages(images(new Array(9).fill(1), [1, 3, 3]), [45]).x.data as Float32Array,
    );
    expect(middle).toBeCloseTo(1, 6);
    expect(corner).toBeCloseTo(2 - Math.SQRT2, 6);
  });

  it("takes images only, with a finite angle for each", () => {
    expect(() => rotateImages(images(square, [1, 9]), [0])).toThrow("shape [1,9], expected images");
    expect(() => rotateImages(images(square, [1, 3, 3]), [0, 1])).toThrow("has 1 images, but there are 2 angles");
    expect(() => rotateImages(images(square, [1, 3, 3]), [Number.NaN])).toThrow("an angle is NaN");
  });
});
