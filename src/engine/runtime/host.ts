import type { Body } from "../control/body.js";
import type { NDArray } from "../dtype.js";

/** What an operation that computes on the host may ask of the runtime. */
export interface HostTools {
  /**
   * The product of two matrices (rank 2, one float dtype) on the backend in force, for products that are too large for a
   * loop; either operand may be read transposed.
   */
  matmul(a: NDArray, b: NDArray, options?: { transposeA?: boolean; transposeB?: boolean }): Promise<NDArray>;
  /** The outputs of a body for these arguments. */
  evaluate(body: Body, args: readonly NDArray[]): Promise<NDArray[]>;
}
