import { type DType, isFloat } from "./dtype.js";
import { ShapeError } from "./errors.js";
import { hostData, literal, type Operand, Tensor } from "./tensor.js";

/** `operand` as a tensor; a plain number or boolean becomes a scalar of `dtype`. */
export function asTensor(operand: Operand, dtype: DType): Tensor {
  if (operand instanceof Tensor) return operand;
  const value = Number(operand);
  if (!isFloat(dtype) && !Number.isInteger(value)) {
    throw new ShapeError(
      "scalar operand",
      `${value} is not a whole number, but its partner has dtype ${dtype}; cast() that to a float first`,
    );
  }
  return scalar(value, dtype);
}

export const scalar = (value: number, dtype: DType = "float32"): Tensor =>
  literal({ data: hostData([value], dtype), shape: [], dtype });

/** A small vector that belongs to the graph itself. */
export const vector = (values: readonly number[], dtype: DType): Tensor =>
  literal({ data: hostData(values, dtype), shape: [values.length], dtype });

/** The value of a scalar literal, if `t` is one: lets constructors drop `x + 0` and `x * 1`. */
export function literalValue(t: Tensor): number | undefined {
  const array = t.node.attrs.array;
  return t.rank === 0 && array && t.dtype !== "float16" ? Number(array.data[0]) : undefined;
}
