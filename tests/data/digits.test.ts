import { expect, it } from "vitest";
import { digits, digits8, take } from "../../src/data/index.js";
import { hostRandom } from "../../src/engine/random/host.js";

const sum = (values: ArrayLike<number | bigint>) =>
  Array.from(values, Number).reduce((total, value) => total + value, 0);

it("ships the 1,797 digits unchanged", async () => {
  const { x, y, classes } = await digits({ raw: true });
  expect(x.shape).toEqual([1797, 64]);
  expect(x.dtype).toBe("float32");
  expect(classes).toBe(10);
  expect(sum(x.data)).toBe(561_718);
  // The counts that UCI states for the test part.
  const counts = new Array<number>(10).fill(0);
  for (const label of y.data) counts[Number(label)]++;
  expect(counts).toEqual([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
  expect([...x.data.subarray(0, 8)]).toEqual([0, 0, 5, 13, 9, 1, 0, 0]);
  expect([...y.data.subarray(0, 5)]).toEqual([0, 1, 2, 3, 4]);
});

it("scales them to [0, 1]", async () => {
  const { x } = await digits();
  const values = Array.from(x.data, Number);
  expect(Math.min(...values)).toBe(0);
  expect(Math.max(...values)).toBe(1);
  expect(values[3]).toBe(13 / 16);
});

it("splits them by the fixed permutation of seed 0", async () => {
  const order = hostRandom(0).permutation(1797);
  const { train, test } = await digits8();
  const all = await digits();
  expect(train).toEqual(take(all, order.subarray(0, 1400)));
  expect(test).toEqual(take(all, order.subarray(1400)));
  // Frozen: another split would change the results of every study on digits8.
  expect([...train.y.data.subarray(0, 12)]).toEqual([7, 5, 3, 3, 6, 3, 6, 8, 9, 9, 1, 5]);
  expect([...test.y.data.subarray(0, 12)]).toEqual([5, 1, 3, 6, 7, 5, 3, 6, 6, 7, 7, 6]);
});
