import { expect, it } from "vitest";
import { random } from "../../src/engine/index.js";
import * as nn from "../../src/nn/index.js";
import { initializerOf } from "../../src/nn/initializers.js";
import { numbers } from "./helpers.js";

const k = random.key(12);
const fan = { in: 3, out: 4 };

it("truncatedNormal is normal, scaled, and cut off", async () => {
  const x = await numbers(nn.truncatedNormal(0.5, 1)(k, [4000], fan, "float32"));
  expect(Math.max(...x.map(Math.abs))).toBeLessThanOrEqual(0.5);
  expect(Math.max(...x)).toBeGreaterThan(0.49);
  // The standard deviation of a standard normal number between -1 and 1 is 0.5396.
  expect(Math.sqrt(x.reduce((s, v) => s + v * v, 0) / 4000)).toBeCloseTo(0.5 * 0.5396, 2);
});

it("orthogonal makes the rows of a kernel orthonormal, and goes by its name", async () => {
  const kernel = nn.orthogonal(3)(k, [4, 2, 3, 3], fan, "float64").reshape(4, 18);
  const gram = await numbers(kernel.matmul(kernel.transpose()));
  gram.forEach((v, i) => {
    expect(v).toBeCloseTo(i % 5 === 0 ? 9 : 0, 12);
  });
  const named = await numbers(initializerOf("orthogonal")(k, [5, 2], fan, "float32"));
  expect(named).toEqual(await numbers(random.orthogonal(k, [5, 2])));
});
