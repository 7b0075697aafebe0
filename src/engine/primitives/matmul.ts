import { apply, type Primitive, sameDType } from "../core.js";
import { isFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import type { Emitter } from "../onnx/emitter.js";
import { broadcastShapes, type Shape, show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { alignForBatch } from "./batching.js";
import { sumTo } from "./reduce.js";
import { asRows, reshape, zeros } from "./structure.js";

type MatmulAttrs = { transposeA: boolean; transposeB: boolean };

const flipped = (shape: Shape, flip: boolean): Shape =>
  flip ? [...shape.slice(0, -2), shape[shape.length - 1], shape[shape.length - 2]] : shape;

/** Products of the last two axes, over broadcast leading axes; either operand may be read transposed. */
export const matmulPrimitive: Primitive<MatmulAttrs> = {
  name: "matmul",
  infer(inputs, { transposeA, transposeB }) {
    const dtype = sameDType("matmul", inputs);
    if (dtype === "uint8" || dtype === "bool")
      throw new ShapeError("matmul", `not defined for dtype ${dtype}; convert with cast()`);
    const [a, b] = [flipped(inputs[0].shape, transposeA), flipped(inputs[1].shape, transposeB)];
    const [m, k] = a.slice(-2);
    const [k2, n] = b.slice(-2);
    if (k !== k2) {
      const read = (i: number, t: boolean) => `${show(inputs[i].shape)}${t ? " (read transposed)" : ""}`;
      throw new ShapeError(
        "matmul",
        `shapes ${read(0, transposeA)} and ${read(1, transposeB)} do not fit: inner sizes ${k} and ${k2} differ`,
      );
    }
    return { shape: [...broadcastShapes("matmul", a.slice(0, -2), b.slice(0, -2)), m, n], dtype };
  },
  grad(g, { inputs: [a, b], attrs: { transposeA: ta, transposeB: tb }, needs }) {
    const da = () => (ta ? product(b, g, tb, true) : product(g, b, false, !tb));
    const db = () => (tb ? product(g, a, true, ta) : product(a, g, !ta, false));
    return [
      needs[0] ? sumTo(da(), a.shape) : undefined,
      needs[1] ? (gradB(a, b, g, ta, tb) ?? sumTo(db(), b.shape)) : undefined,
    ];
  },
  batch(inputs, batched, attrs) {
    const [a, b] = alignForBatch(inputs, batched);
    return product(a, b, attrs.transposeA, attrs.transposeB);
  },
  // A sum of no products: ONNX Runtime's WASM build leaves such a result unwritten.
  lower([a, b], { transposeA, transposeB }) {
    if (a.shape[a.rank - (transposeA ? 2 : 1)] !== 0) return undefined;
    const { shape, dtype } = matmulPrimitive.infer([a, b], { transposeA, transposeB });
    return zeros(shape, dtype);
  },
  emit(e, [a, b], { attrs: { transposeA, transposeB }, inputs: [sa, sb], dtype }) {
    if (!isFloat(dtype) || dtype === "float64" || e.portable) {
      const swap = (name: string, shape: Shape) => {
        const order = shape.map((_, i) => i);
        order.push(...order.splice(-2).reverse());
        return e.node("Transpose", [name], { perm: order });
      };
      if (isFloat(dtype) && (transposeA || transposeB) && sa.shape.length === 2 && sb.shape.length === 2) {
        return e.node("Gemm", [a, b], { transA: Number(transposeA), transB: Number(transposeB) });
      }
      return e.node("MatMul", [transposeA ? swap(a, sa.shape) : a, transposeB ? swap(b, sb.shape) : b]);
    }
    if (!transposeA && !transposeB) return e.node("MatMul", [a, b]);
    if (transposeA && !transposeB && wantsCopy(sa.shape, sb.shape))
      return e.node("MatMul", [transposed(e, a, sa.shape), b]);
    return e.node("FusedMatMul", [a, b], { transA: Number(transposeA), transB: Number(transposeB) }, "com.microsoft");
  },
};

/**
 * The runtime's product transposes A anew for each 128 columns of B: where these are many, or A is small beside them, one
 * transposed copy for all is faster.
 */
function wantsCopy(a: Shape, b: Shape): boolean {
  const [[k, m], [, n]] = [a, b];
  return a.length === 2 && b.length === 2 && k * m * n >= 2 ** 22 && n >= Math.min(m, 192);
}

/** A transposed copy; the third axis keeps the runtime from joining it with the product again. */
const transposed = (e: Emitter, name: string, [rows, columns]: Shape): string => {
  const deep = e.node("Reshape", [name, e.ints([rows, columns, 1])]);
  return e.node("Reshape", [e.node("Transpose", [deep], { perm: [1, 0, 2] }), e.ints([columns, rows])]);
};

/**
 * The gradient of a 2-D operand shared by all leading axes is one long product over them all; without this it would be
 * a stack of small products, summed.
 */
function gradB(a: Tensor, b: Tensor, g: Tensor, ta: boolean, tb: boolean): Tensor | undefined {
  if (b.rank !== 2 || a.rank === 2 || ta || a.rank !== g.rank) return undefined;
  return tb ? product(asRows(g), asRows(a), true, false) : product(asRows(a), asRows(g), true, false);
}

function product(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  // One 2-D product is faster than a stack of them against the same right-hand side.
  if (a.rank > 2 && b.rank === 2 && !transposeA && a.shape[a.rank - 1] === b.shape[transposeB ? 1 : 0]) {
    const flat = apply(matmulPrimitive, [asRows(a), b], { transposeA, transposeB });
    return reshape(flat, a.shape.with(-1, flat.shape[1]));
  }
  return apply(matmulPrimitive, [a, b], { transposeA, transposeB });
}

/**
 * Matrix product over the last two axes with broadcast leading axes; vectors are read as a row on the left and as a
 * column on the right. `transposeA` and `transposeB` read an operand with its last two axes exchanged, at no cost.
 */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false }: { transposeA?: boolean; transposeB?: boolean } = {},
): Tensor {
  if (a.rank === 0 || b.rank === 0)
    throw new ShapeError("matmul", `shapes ${show(a.shape)} and ${show(b.shape)}: needs at least one axis each`);
  if ((a.rank === 1 && transposeA) || (b.rank === 1 && transposeB))
    throw new ShapeError("matmul", "a vector cannot be transposed");
  const left = a.rank === 1 ? reshape(a, [1, a.shape[0]]) : a;
  const right = b.rank === 1 ? reshape(b, [b.shape[0], 1]) : b;
  let out = product(left, right, transposeA, transposeB);
  if (b.rank === 1) out = reshape(out, out.shape.slice(0, -1));
  if (a.rank === 1)
    out = reshape(out, b.rank === 1 ? out.shape.slice(0, -1) : [...out.shape.slice(0, -2), out.shape[out.rank - 1]]);
  return out;
}

/** The inner product of the last axis of `a` with the last axis of `b`, for vectors the scalar product. */
export const dot = (a: Tensor, b: Tensor): Tensor => matmul(a, b, { transposeB: b.rank > 1 });

export const matmulPrimitives: readonly Primitive[] = [matmulPrimitive];
