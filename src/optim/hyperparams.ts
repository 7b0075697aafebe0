import { fromValue, type Tensor } from "../engine/tensor.js";
import type { Optimizer } from "./optimizer.js";

export interface HyperparamsState<K extends string> {
  /** float32 scalars, to be replaced by whoever wants to. */
  readonly hyperparams: Readonly<Record<K, Tensor>>;
  readonly inner: any;
}

/**
 * An optimiser whose hyperparameters stand in its state, as scalars: change them between steps, and nothing is compiled
 * anew; stack them, and `vmap` trains each model with its own.
 *
 * `const optimizer = injectHyperparams(({ rate }) => adam({ learningRate: rate }), { rate: 1e-3 })`, and later
 * `state = { ...state, hyperparams: { rate: tensor(1e-4) } }`. Every option that takes a schedule takes such a scalar.
 */
export function injectHyperparams<K extends string>(
  make: (hyperparams: Readonly<Record<K, Tensor>>) => Optimizer,
  values: Readonly<Record<K, number>>,
): Optimizer<HyperparamsState<K>> {
  const start = () =>
    Object.fromEntries(
      Object.entries<number>(values).map(([name, value]) => [
        name,
        fromValue({ data: Float32Array.of(value), shape: [], dtype: "float32" }),
      ]),
    ) as Record<K, Tensor>;
  return {
    init(params) {
      const hyperparams = start();
      return { hyperparams, inner: make(hyperparams).init(params) };
    },
    update(grads, { hyperparams, inner }, params) {
      const [updates, next] = make(hyperparams).update(grads, inner, params);
      return [updates, { hyperparams, inner: next }];
    },
  };
}
