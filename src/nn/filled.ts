import { type DType, dtypes } from "../engine/dtype.js";
import { sizeOf } from "../engine/shape.js";
import { fromValue, hostData, type Tensor } from "../engine/tensor.js";

/** A parameter of one value, held as a value from the start: there is nothing to compute or to compile. */
export function filled(shape: readonly number[], value: number, dtype: DType): Tensor {
  const size = sizeOf(shape);
  const data = value === 0 ? new dtypes[dtype].array(size) : hostData(new Array(size).fill(value), dtype);
  return fromValue({ data, shape, dtype });
}
