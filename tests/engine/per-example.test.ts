import { expect, it } from "vitest";
import { normalise } from "../../src/engine/compile.js";
import { placeholder } from "../../src/engine/core.js";
import {
  conv,
  grad,
  matmul,
  mul,
  relu,
  reshape,
  square,
  sum,
  type Tensor,
  tanh,
  treeLeaves,
  vmap,
} from "../../src/engine/index.js";
import { assertClose, checkGradients, fill, numbers, onEachBackend, values } from "./helpers.js";

type Params = { k1: Tensor; k2: Tensor; w: Tensor };
const params: Params = {
  k1: fill({ shape: [8, 1, 3, 3] }, 1),
  k2: fill({ shape: [4, 8, 3, 3] }, 2),
  w: fill({ shape: [36, 5] }, 3),
};
/** One image [1, 7, 7]. */
const network = (p: Params, x: Tensor): Tensor => {
  const h = tanh(conv(reshape(x, [1, 1, 7, 7]), p.k1));
  return sum(square(matmul(reshape(relu(conv(h, p.k2)), [1, 36]), p.w)));
};

onEachBackend("gradients of single examples", () => {
  const images = fill({ shape: [3, 1, 7, 7] }, 4);

  it("of a convolutional network are those of a loop", async () => {
    const all = await values(vmap(grad(network), { inAxes: [null, 0] })(params, images));
    for (let e = 0; e < 3; e++) {
      const one = await values(grad(network)(params, images.slice([e], [e + 1]).reshape(1, 7, 7)));
      one.forEach((g, i) => {
        assertClose(all[i].slice(e * g.length, (e + 1) * g.length), g, 1e-12, `example ${e}, leaf ${i}`);
      });
    }
  });

  it("have norms, whose own gradient is right too", async () => {
    const squared = (p: Params, x: Tensor) =>
      treeLeaves(grad(network)(p, x))
        .map((g) => sum(square(g)))
        .reduce((a, b) => a.add(b));
    const gradients = await values(vmap(grad(network), { inAxes: [null, 0] })(params, images));
    const expected = [0, 1, 2].map((e) => {
      const parts = gradients.flatMap((g) => g.slice((e * g.length) / 3, ((e + 1) * g.length) / 3));
      return parts.reduce((s, v) => s + v * v, 0);
    });
    assertClose(await numbers(vmap(squared, { inAxes: [null, 0] })(params, images)), expected, 1e-12, "norms");
    const dense = (w: Tensor, x: Tensor) => sum(square(grad((v: Tensor) => sum(tanh(matmul(x, v))))(w)));
    await checkGradients((w, x) => dense(w, x), [fill({ shape: [4, 5] }, 5), fill({ shape: [2, 4] }, 6)]);
  });
});

it("norms of dense layers' gradients are found without the gradients", () => {
  const w = placeholder({ shape: [20, 30], dtype: "float32" });
  const x = placeholder({ shape: [16, 20], dtype: "float32" });
  const loss = (v: Tensor, one: Tensor) => sum(tanh(matmul(one, v)));
  const norms = vmap((v: Tensor, one: Tensor) => sum(square(grad(loss)(v, one))), { inAxes: [null, 0] })(w, x);
  const largest = Math.max(...normalise([norms], [w, x]).order.map((t) => t.size));
  expect(largest).toBe(20 * 30);
});

it("a square that is not of a product, or not wholly summed, is left as it is", async () => {
  const [a, b] = [fill({ shape: [3, 1] }, 1), fill({ shape: [1, 4] }, 2)];
  const product = matmul(a, b);
  const full = (await numbers(product)).map((v) => v * v);
  const rows = [0, 1, 2].map((i) => full.slice(4 * i, 4 * i + 4).reduce((s, v) => s + v, 0));
  assertClose(await numbers(sum(mul(product, product), 1)), rows, 1e-14, "rows");
  assertClose(await numbers(sum(mul(product, product))), [full.reduce((s, v) => s + v, 0)], 1e-14, "all");
  expect((await numbers(sum(mul(product, product), [0, 1], { keepDims: true }))).length).toBe(1);
});
