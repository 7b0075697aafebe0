import { type DType, isFloat } from "../dtype.js";
import { HebbError, ShapeError } from "../errors.js";
import { asTensor } from "../literals.js";
import { add, mul } from "../primitives/elementwise.js";
import { cast, stopGradient } from "../primitives/structure.js";
import { broadcastShapes, type Shape, sameShape, show } from "../shape.js";
import { type Operand, Tensor } from "../tensor.js";

export interface Options {
  readonly dtype?: DType;
}

export function checkKey(operation: string, k: Tensor): void {
  if (k instanceof Tensor && k.dtype === "uint32" && sameShape(k.shape, [2])) return;
  throw new ShapeError(
    operation,
    `a key is uint32[2], got ${k instanceof Tensor ? `${k.dtype}${show(k.shape)}` : k}; make one with key(seed) and vary it with split or foldIn`,
  );
}

/** What every draw of floats asks of its arguments. */
export function checkDraw(operation: string, k: Tensor, shape: Shape, dtype: DType = "float32"): void {
  checkKey(operation, k);
  if (shape.some((n) => !Number.isSafeInteger(n) || n < 0))
    throw new ShapeError(operation, `there is no shape ${show(shape)}; sizes are whole numbers from 0`);
  if (!isFloat(dtype)) throw new ShapeError(operation, `draws floats, not ${dtype}; convert with cast()`);
}

/** Parameters that are tensors have values only later, so that only plain numbers can be refused. */
export function checkPositive(operation: string, name: string, value: Operand): void {
  if (typeof value === "number" && !(value > 0 && value < Number.POSITIVE_INFINITY))
    throw new HebbError(`${operation}: ${name} must be positive and finite, got ${value}.`);
}

export function checkProbability(operation: string, p: Operand): void {
  if (typeof p === "number" && !(p >= 0 && p <= 1))
    throw new HebbError(`${operation}: a probability lies between 0 and 1, got ${p}.`);
}

function checkFits(operation: string, parameter: Shape, shape: Shape): void {
  if (sameShape(broadcastShapes(operation, parameter, shape), shape)) return;
  throw new ShapeError(operation, `a parameter of shape ${show(parameter)} does not broadcast to ${show(shape)}`);
}

/** A parameter through which no gradient flows, in float64 and fit for draws of the given shape. */
export function parameter(operation: string, value: Operand, shape: Shape): Tensor {
  const t = asTensor(value, "float64");
  checkFits(operation, t.shape, shape);
  return stopGradient(cast(t, "float64"));
}

/** A parameter through which gradients flow, in the dtype of the draws `z` and fit for them. */
export function fitted(operation: string, value: Operand, z: Tensor): Operand {
  if (!(value instanceof Tensor)) return value;
  checkFits(operation, value.shape, z.shape);
  return cast(value, z.dtype);
}

/** loc + scale z, as `dtype`: gradients reach `loc` and `scale`. */
export const affine = (operation: string, z: Tensor, loc: Operand, scale: Operand, dtype: DType): Tensor =>
  cast(add(mul(z, fitted(operation, scale, z)), fitted(operation, loc, z)), dtype);

/** The dtype to compute in where float16 has too few bits. */
export const inner = (dtype: DType): "float32" | "float64" => (dtype === "float64" ? dtype : "float32");
