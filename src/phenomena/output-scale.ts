import { mul, type Operand, sub, Tensor } from "../engine/index.js";
import type { Model } from "./model.js";

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
): Model<Centred<P>> | Model<P> {
  if (centre === false) return { init: (key) => model.init(key), apply: (w, x) => mul(model.apply(w, x), alpha) };
  if (centre !== true) {
    const origin = frozen(centre as P);
    return {
      init: (key) => model.init(key),
      apply: (w, x) => mul(sub(model.apply(w, x), model.apply(origin, x)), alpha),
    };
  }
  return {
    init: (key) => {
      const initial = model.init(key);
      return { current: initial, initial };
    },
    apply: ({ current, initial }, x) => mul(sub(model.apply(current, x), model.apply(frozen(initial), x)), alpha),
  };
}

const frozen = <P>(params: P): P => treeMap((leaf) => stopGradient(leaf as Tensor), params) as P;

/**
 * The learning rate that goes with `outputScaled(model, alpha)`: `lr / alpha^2`.
 *
 * The centred output moves at the speed lr * alpha^2 * K under a step of size lr (K is the tangent kernel of the model
 * itself), so dividing by alpha^2 keeps the speed in function space equal for every alpha.
 */
export function scaledLr(lr: number, alpha: number): number;
export function scaledLr(lr: Operand, alpha: Operand): Tensor;
export function scaledLr(lr: Operand, alpha: Operand): number | Tensor {
  if (typeof lr === "number" && typeof alpha === "number") return lr / alpha ** 2;
  return div(lr, square(alpha));
}
