import { type Spec, sameDType } from "../core.js";
import { type DType, isFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { asTensor } from "../literals.js";
import { alignForBatch } from "../primitives/batching.js";
import { mul } from "../primitives/elementwise.js";
import { sumTo } from "../primitives/reduce.js";
import { cast } from "../primitives/structure.js";
import { broadcastShapes } from "../shape.js";
import { type Operand, Tensor } from "../tensor.js";
import { type Composite, composite } from "./composite.js";

type None = Record<string, never>;

function floats(name: string, inputs: readonly Spec[]): DType {
  const dtype = sameDType(name, inputs);
  if (!isFloat(dtype)) throw new ShapeError(name, `not defined for dtype ${dtype}; convert with cast()`);
  return dtype;
}

/** float16 is computed in float32: its range is too small for the coefficients of approximations. */
function inRange(define: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[]): Tensor {
  if (inputs[0].dtype !== "float16") return define(...inputs);
  return cast(define(...inputs.map((x) => cast(x, "float32"))), "float16");
}

/** An element-wise function of one float that brings its derivative: `slope(x, y)` is dy/dx where y is the result. */
export function unary(
  name: string,
  define: (x: Tensor) => Tensor,
  slope: (x: Tensor, y: Tensor) => Tensor,
): (x: Tensor) => Tensor {
  const operation: Applied = composite<None>({
    name,
    infer: ([x]) => ({ shape: x.shape, dtype: floats(name, [x]) }),
    define: (inputs) => inRange(define, inputs),
    grad: (g, { inputs: [x], output }) => [mul(g, slope(x, output))],
    batch: (inputs) => operation.apply(inputs, {}),
  });
  return (x) => operation.apply([x], {});
}

type Slope = (a: Tensor, b: Tensor, y: Tensor) => Tensor;
type Applied = Composite<None> & { apply(inputs: readonly Tensor[], attrs: None): Tensor };

/** An element-wise function of two floats, with NumPy broadcasting, that brings its derivatives. */
export function binary(
  name: string,
  define: (a: Tensor, b: Tensor) => Tensor,
  left: Slope,
  right: Slope,
): (a: Operand, b: Operand) => Tensor {
  const operation: Applied = composite<None>({
    name,
    infer: (inputs) => ({
      shape: broadcastShapes(name, ...inputs.map((i) => i.shape)),
      dtype: floats(name, inputs),
    }),
    define: (inputs) => inRange(define, inputs),
    grad: (g, { inputs: [a, b], output, needs }) => [
      needs[0] ? sumTo(mul(g, left(a, b, output)), a.shape) : undefined,
      needs[1] ? sumTo(mul(g, right(a, b, output)), b.shape) : undefined,
    ],
    batch: (inputs, batched) => operation.apply(alignForBatch(inputs, batched), {}),
  });
  return (a, b) => {
    const dtype = a instanceof Tensor ? a.dtype : b instanceof Tensor ? b.dtype : "float32";
    return operation.apply([asTensor(a, dtype), asTensor(b, dtype)], {});
  };
}
