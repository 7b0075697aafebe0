import type { Tensor } from "../engine/tensor.js";

export interface MomentsState {
  /** Steps taken, float32 scalar. */
  readonly step: Tensor;
  /** Moving average of the gradient, a tree like the parameters. */
  readonly first: unknown;
  /** Moving average of the size of the gradient: what size is, the method says. */
  readonly second: unknown;
}

export interface ScaleByMomentsOptions {
  /** Decay of the first moment. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment. Default 0.999. */
  readonly beta2?: number;
  /** Keeps the divisor from zero. */
  readonly epsilon?: number;
}
