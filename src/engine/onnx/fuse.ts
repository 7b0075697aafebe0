import { literalValue } from "../literals.js";
import { addPrimitive, mulPrimitive, subPrimitive } from "../primitives/elementwise.js";
import { matmulPrimitive } from "../primitives/matmul.js";
import { reshapePrimitive } from "../primitives/structure.js";
import { sameShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import type { Emitter } from "./emitter.js";

/** A node that stands for several tensors: itself and others that only it uses. */
export interface Fused {
  readonly inputs: readonly Tensor[];
  emit(e: Emitter, inputs: readonly string[]): string;
}

/**
 * Sums with a matrix product, beta C + alpha A B, which the runtime computes in one pass: a step of gradient descent, a
 * running average of gradients; also of vectors, where the product is a row. Returns what to emit for the sums, and the tensors that then need no node. What is
 * `given` comes from outside.
 */
export function fuseGemm(
  order: readonly Tensor[],
  outputs: readonly Tensor[],
  given: ReadonlyMap<Tensor, unknown>,
): { fused: ReadonlyMap<Tensor, Fused>; absorbed: ReadonlySet<Tensor> } {
  const own = order.filter((t) => !given.has(t));
  const uses = new Map(own.map((t) => [t, 0]));
  const use = (t: Tensor) => uses.has(t) && uses.set(t, uses.get(t)! + 1);
  for (const t of own) t.node.inputs.forEach(use);
  outputs.forEach(use);
  const fused = new Map<Tensor, Fused>();
  const absorbed = new Set<Tensor>();
  for (const t of own) {
    const { primitive } = t.node;
    const sign = primitive === addPrimitive ? 1 : primitive === subPrimitive ? -1 : 0;
    if (sign === 0 || t.rank < 1 || t.rank > 2 || (t.dtype !== "float32" && t.dtype !== "float64")) continue;
    const sides = t.node.inputs.map((x) => scaled(x, uses));
    const products = sides.map((side) => productOf(side.of, uses));
    const place = [1, 0].find((i) => products[i] && sides.every(({ of }) => sameShape(of.shape, t.shape)));
    if (place === undefined) continue;
    const matrix = products[place]!;
    const [product, rest] = [sides[place], sides[1 - place]];
    const alpha = product.by * (place === 1 ? sign : 1);
    const beta = rest.by * (place === 0 ? sign : 1);
    // The node's factors are float32.
    if (t.dtype === "float64" && [alpha, beta].some((v) => Math.fround(v) !== v)) continue;
    for (const x of [matrix, product.of, ...product.through, ...rest.through]) absorbed.add(x);
    const { transposeA, transposeB } = matrix.node.attrs;
    fused.set(t, {
      inputs: [...matrix.node.inputs, rest.of],
      emit(e, inputs) {
        const sum = e.node("Gemm", inputs, { alpha, beta, transA: Number(transposeA), transB: Number(transposeB) });
        return t.rank === 2 ? sum : e.node("Reshape", [sum, e.ints(t.shape)]);
      },
    });
  }
  return { fused, absorbed };
}

/**
 * `t` as a number times a tensor, seen through a multiplication that nobody else uses. Not 0, for which the runtime does
 * not read the tensor: NaN times 0 is NaN.
 */
function scaled(t: Tensor, uses: ReadonlyMap<Tensor, number>): { of: Tensor; by: number; through: Tensor[] } {
  if (t.node.primitive === mulPrimitive && uses.get(t) === 1) {
    const [a, b] = t.node.inputs;
    for (const [factor, of] of [
      [a, b],
      [b, a],
    ]) {
      const by = literalValue(factor);
      if (by !== undefined && by !== 0 && sameShape(of.shape, t.shape)) return { of, by, through: [t] };
    }
  }
  return { of: t, by: 1, through: [] };
}

/** The matrix product that `t` is, or is the only row of, if nobody else uses it. */
function productOf(t: Tensor, uses: ReadonlyMap<Tensor, number>): Tensor | undefined {
  if (uses.get(t) !== 1) return undefined;
  const { primitive, inputs } = t.node;
  if (t.rank === 1 && primitive === reshapePrimitive && inputs[0].rank === 2 && inputs[0].shape[0] === 1) {
    return productOf(inputs[0], uses);
  }
  return t.rank === 2 && primitive === matmulPrimitive && inputs.every((i) => i.rank === 2) ? t : undefined;
}
