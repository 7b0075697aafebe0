import { div, mul, type Operand, stopGradient, sub, type Tensor, treeMap } from "../engine/index.js";
import type { Model } from "../nn/model.js";

export interface OutputScaleOptions<P> {
  /**
   * The parameters w0 whose function is subtracted. `true` keeps a copy of the initial parameters beside the trained
   * ones; a tree is used as given; `false` subtracts nothing.
   */
  readonly centre?: boolean | P;
}

/** Parameters of a model centred on its own start: only `current` is trained, `initial` gets a gradient of zero. */
export interface Centred<P> {
  readonly current: P;
  readonly initial: P;
}

/**
 * A model with its output scaled: `alpha * (f(w, x) - f(w0, x))`. A large `alpha` makes training lazy (the parameters
 * hardly move and the network behaves as its linearisation), a small one makes it rich; train with
 * `scaledLr(lr, alpha)`, so that alpha does not also change the clock.
 *
 * Works for any model, of any input and output shape. With `centre: true` (the default) the new model's parameters are
 * `{ current, initial }`, and the output is exactly 0 at initialisation. The gradient of `initial` is zero; keep weight
 * decay away from it. With `centre: w0`, a tree, the parameters keep their form. Without centring (`centre: false`) a
 * large alpha only starts from a huge loss, which is another mechanism.
 *
 * Source: Chizat, Oyallon, Bach, "On lazy training in differentiable programming", 2019, section 1; as the switch of
 * grokking: Kumar, Bordelon, Gershman, Pehlevan, "Grokking as the transition from lazy to rich training dynamics",
 * 2024, section 3.
 */
export function outputScaled<P>(model: Model<P>, alpha: Operand, options?: { centre?: true }): Model<Centred<P>>;
export function outputScaled<P>(model: Model<P>, alpha: Operand, options: { centre: P | false }): Model<P>;
export function outputScaled<P>(
  model: Model<P>,
  alpha: Operand,
  { centre = true }: OutputScaleOptions<P> = {},
): Model<any> {
  if (centre === true) {
    const paired: Model<Centred<P>> = {
      // Two draws of one key: equal values in separate tensors, so that a training step may be given `current` to keep.
      init: (key) => ({ current: model.init(key), initial: model.init(key) }),
      apply: ({ current, initial }, x) => scaled(model, alpha, current, initial, x),
    };
    return paired;
  }
  const single: Model<P> = {
    init: (key) => model.init(key),
    apply: (params, x) =>
      centre === false ? mul(model.apply(params, x), alpha) : scaled(model, alpha, params, centre as P, x),
  };
  return single;
}

function scaled<P>(model: Model<P>, alpha: Operand, current: P, initial: P, x: Tensor): Tensor {
  const start = model.apply(treeMap((leaf: Tensor) => stopGradient(leaf), initial) as P, x);
  return mul(sub(model.apply(current, x), start), alpha);
}

/**
 * The learning rate that goes with `outputScaled(model, alpha)`: `lr / alpha^2`.
 *
 * The centred output moves at the speed lr * alpha^2 * K under a step of size lr (K is the tangent kernel of the model
 * itself), so dividing by alpha^2 keeps the speed in function space equal for every alpha.
 */
export function scaledLr(lr: number, alpha: number): number;
/** With tensors, a tensor of their dtype: one learning rate per lane under `vmap`. */
export function scaledLr(lr: Operand, alpha: Operand): Tensor;
export function scaledLr(lr: Operand, alpha: Operand): number | Tensor {
  if (typeof lr === "number" && typeof alpha === "number") return lr / alpha ** 2;
  return div(div(lr, alpha), alpha);
}
