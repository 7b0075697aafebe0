import { expect, it } from "vitest";
import {
  add,
  div,
  exp,
  findNonFinite,
  grad,
  less,
  log,
  matmul,
  mul,
  norm,
  scan,
  softmax,
  sqrt,
  sub,
  sum,
  type Tensor,
  tensor,
  where,
  whileLoop,
  zeros,
} from "../../../src/engine/index.js";
import { onEachBackend } from "../helpers.js";

onEachBackend("findNonFinite", () => {
  it("finds nothing where all is finite", async () => {
    expect(await findNonFinite((x: Tensor) => exp(x), tensor([1, 2]))).toBeUndefined();
    expect(await findNonFinite((x: Tensor) => softmax(mul(x, 1000)), tensor([1, 2]))).toBeUndefined();
    expect(await findNonFinite(() => [])).toBeUndefined();
    expect(await findNonFinite((x: Tensor) => x, tensor([1], { dtype: "int32" }))).toBeUndefined();
  });

  it("names the first operation, what it was given, and the line", async () => {
    const f = (p: { x: Tensor }) => {
      const shifted = sub(p.x, 1);
      const logs = log(shifted);
      return sum(mul(exp(logs), 2));
    };
    const found = await findNonFinite(f, { x: tensor([[0, 1, 3]]) });
    expect(found).toMatchObject({
      operation: "log",
      shape: [1, 3],
      nan: 1,
      infinite: 1,
      inputs: [{ from: "sub", shape: [1, 3], least: -1, largest: 2 }],
    });
    expect(found!.site).toMatch(/nonfinite\.test\.ts:\d+:\d+$/);
    expect(found!.message).toMatch(
      /^log \(.*nonfinite\.test\.ts:\d+:\d+\) gave 1 NaN and 1 infinite of 3 numbers \[1, 3\]; it was given sub \[1, 3\] from -1 to 2\.$/,
    );
  });

  it("names arguments by their paths, and those that are not finite themselves", async () => {
    const division = await findNonFinite(
      (p: { a: Tensor }, b: Tensor) => div(p.a, b),
      { a: tensor([1, 2]) },
      tensor([1, 0]),
    );
    expect(division!.inputs.map((i) => i.from)).toEqual(["args[0].a", "args[1]"]);
    const argument = await findNonFinite((x: Tensor) => exp(x), tensor([1, Number.NaN, Number.POSITIVE_INFINITY]));
    expect(argument).toMatchObject({
      operation: "argument",
      message: "args[0] holds 1 NaN and 1 infinite of 3 numbers.",
    });
    const lost = tensor([Number.NEGATIVE_INFINITY]);
    expect((await findNonFinite((x: Tensor) => add(x, lost), tensor([1])))!.message).toBe(
      "A captured value [1] holds 1 infinite of 1 numbers.",
    );
  });

  it("passes over infinity that does no harm", async () => {
    const masked = (x: Tensor) => softmax(where(less(x, 1), x, Number.NEGATIVE_INFINITY));
    expect(await findNonFinite(masked, tensor([0, 2]))).toBeUndefined();
    const both = (x: Tensor) => add(masked(x), log(sub(x, 1)));
    expect(await findNonFinite(both, tensor([0, 2]))).toMatchObject({ operation: "log", nan: 1 });
    expect(await findNonFinite(masked, tensor([3, 2]))).toMatchObject({ operation: "constant", infinite: 1 });
  });

  it("finds what only the gradient makes", async () => {
    const f = (x: Tensor) => norm(x);
    expect(await findNonFinite(f, zeros([3]))).toBeUndefined();
    expect(await findNonFinite(grad(f), zeros([3]))).toMatchObject({ operation: "div", infinite: 1 });
    // The other branch of where: 0 times infinity.
    const safe = (x: Tensor) => sum(where(x.cast("bool"), sqrt(x), 0));
    expect(await findNonFinite(grad(safe), tensor([0, 4]))).toMatchObject({ operation: "div", nan: 1 });
  });

  it("sees overflow, in any float", async () => {
    const grow = (w: Tensor) => matmul(mul(w, 1e30), mul(w, 1e30));
    expect(await findNonFinite(grow, tensor([[1]]))).toMatchObject({ operation: "matmul", infinite: 1, steps: [] });
    expect(await findNonFinite(grow, tensor([[1]], { dtype: "float64" }))).toBeUndefined();
  });

  it("finds the step of a scan and the operation in it, forwards and backwards", async () => {
    const loop = (x: Tensor, reverse: boolean) =>
      scan((c: Tensor, d: Tensor) => [add(c, 1), log(sub(d, mul(c, 0)))], x, tensor([2, 3, -1, 4, 0]), { reverse });
    const found = await findNonFinite(loop, tensor([0]), false);
    expect(found).toMatchObject({
      operation: "log",
      steps: [2],
      nan: 1,
      infinite: 0,
      inputs: [{ least: -1, largest: -1 }],
    });
    expect(found!.message).toMatch(
      /in step 2 of scan gave 1 NaN of 1 numbers \[1\]; it was given sub \[1\] from -1 to -1\.$/,
    );
    expect(await findNonFinite(loop, tensor([0]), true)).toMatchObject({ operation: "log", steps: [4], infinite: 1 });
    const power = (x: Tensor) => scan((c: Tensor) => [mul(c, 1e10), null], x, null, { length: 5 })[0];
    expect(await findNonFinite(power, tensor(1))).toMatchObject({
      operation: "mul",
      steps: [3],
      inputs: [{ from: "the carry" }, { from: "literal" }],
    });
  });

  it("finds it in a scan of a scan", async () => {
    const inner = (c: Tensor, x: Tensor) => [sqrt(sub(c, x)), null] as const;
    const outer = (start: Tensor, xs: Tensor) =>
      scan((c: Tensor, row: Tensor) => [scan(inner, c, row)[0], c], start, xs)[0];
    const xs = tensor([
      [0, 0, 0],
      [0, 9, 0],
    ]);
    expect(await findNonFinite(outer, tensor(1), xs)).toMatchObject({ operation: "sqrt", steps: [1, 1], nan: 1 });
  });

  it("names conditionals and other loops as a whole", async () => {
    const loop = (x: Tensor) =>
      whileLoop(
        (c) => less(c, 1e38),
        (c) => mul(c, 1e20),
        x,
      );
    expect(await findNonFinite(loop, tensor(1))).toMatchObject({ operation: "whileLoop", infinite: 1 });
  });

  it("takes arguments as jit does", async () => {
    const f = (x: Tensor, rate: Tensor) => mul(x, log(rate));
    expect(await findNonFinite(f as any, Float32Array.of(1, 2), 0)).toMatchObject({ operation: "log", infinite: 1 });
  });
});
