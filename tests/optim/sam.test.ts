import { expect, test } from "vitest";
import { grad, type Tensor, tensor } from "../../src/engine/index.js";
import { trainStep } from "../../src/nn/index.js";
import { sam, sgd } from "../../src/optim/index.js";
import { assertClose, numbers, values } from "../engine/helpers.js";

const float64 = { dtype: "float64" } as const;
const params = { a: tensor([1, -2], float64), b: tensor([[0.5]], float64) };
type Params = typeof params;
/** A quartic, whose gradient is (4 a^3, 12 b^3). */
const loss = (p: Params, scale: Tensor | number = 1) => p.a.pow(4).sum().add(p.b.pow(4).sum().mul(3)).mul(scale);
const gradientAt = (a: readonly number[], b: number) => [4 * a[0] ** 3, 4 * a[1] ** 3, 12 * b ** 3];

const norm = (v: readonly number[]) => Math.hypot(...v);

test("the gradient is that at the worst point of the neighbourhood, in one norm over the tree", async () => {
  const g = gradientAt([1, -2], 0.5);
  const [x, y, z] = g.map((v, i) => [1, -2, 0.5][i] + (0.1 * v) / norm(g));
  const found = grad((p: Params) => sam(loss, { rho: 0.1 })(p))(params);
  assertClose((await values(found)).flat(), gradientAt([x, y], z), 1e-12, "sam");
  const worst = sam(loss, { rho: 0.1 })(params);
  expect(await worst.item()).toBeCloseTo(x ** 4 + y ** 4 + 3 * z ** 4, 10);
});

test("adaptive: the neighbourhood follows the weights' sizes", async () => {
  const g = gradientAt([1, -2], 0.5);
  const sizes = [1.01, 2.01, 0.51];
  const length = norm(g.map((v, i) => v * sizes[i]));
  const [x, y, z] = g.map((v, i) => [1, -2, 0.5][i] + (0.5 * v * sizes[i] ** 2) / length);
  const found = grad((p: Params) => sam(loss, { adaptive: true })(p))(params);
  assertClose((await values(found)).flat(), gradientAt([x, y], z), 1e-12, "asam");
});

test("nothing moves at a stationary point, and the radius must be positive", async () => {
  const flat = { a: tensor([0, 0], float64), b: tensor([[0]], float64) };
  expect(await values(grad((p: Params) => sam(loss)(p))(flat))).toEqual([[0, 0], [0]]);
  expect(() => sam(loss, { rho: 0 })).toThrow("sam: rho must be above 0, got 0.");
});

test("goes wherever a loss goes", async () => {
  const optimizer = sgd({ learningRate: 0.01 });
  const step = trainStep(sam(loss, { rho: 0.1 }), optimizer, { donate: false });
  const after = await step(params, optimizer.init(params), tensor(2, float64));
  const g = gradientAt([1, -2], 0.5);
  const [x, y, z] = g.map((v, i) => [1, -2, 0.5][i] + (0.1 * v) / norm(g));
  const expected = gradientAt([x, y], z).map((v, i) => [1, -2, 0.5][i] - 0.02 * v);
  assertClose([...(await numbers(after.params.a)), ...(await numbers(after.params.b))], expected, 1e-12, "step");
});
