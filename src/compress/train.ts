import { type Feed, HebbError, jit, type NDArray, type Tensor, valueAndGrad } from "../engine/index.js";
import { applyMask, type WeightMask } from "../nn/index.js";
import { applyUpdates, type Optimizer } from "../optim/index.js";
import { toHost } from "./host.js";
import { checkMask } from "./mask.js";

/** A step of masked training: new parameters, new optimiser state, and the loss before the step. */
export type MaskedStep<P, S> = (params: P, state: S, mask: WeightMask<P>, x: Tensor, y: Tensor) => [P, S, Tensor];

/**
 * One optimiser step under a mask, as a pure function to `jit`, `vmap` or unroll:
 *
 *     g = m ⊙ grad loss(theta);  theta <- m ⊙ (theta + update(g))
 *
 * Masking the update keeps dead weights at 0 whatever momentum or weight decay add; masking the gradient keeps their
 * moments at 0 too, so that a second moment says nothing of weights that are gone. `params` must start masked.
 *
 * `loss(outputs, y)` gives a scalar. Source: Frankle and Carbin (2019); errors as in `applyMask`.
 */
export function maskedStep<P, S>(
  apply: (params: P, x: Tensor) => Tensor,
  loss: (outputs: Tensor, y: Tensor) => Tensor,
  optimizer: Optimizer<S>,
): MaskedStep<P, S> {
  const lossAndGrad = valueAndGrad((params: P, x: Tensor, y: Tensor) => loss(apply(params, x), y));
  return (params, state, mask, x, y) => {
    const [value, grads] = lossAndGrad(params, x, y) as unknown as [Tensor, P];
    const [updates, next] = optimizer.update(applyMask(grads, mask), state, params);
    return [applyMask(applyUpdates(params, updates), mask), next, value];
  };
}

export interface TrainMaskedOptions {
  /** Inputs and targets of one step each. */
  readonly batches: Iterable<{ readonly x: Tensor | NDArray; readonly y: Tensor | NDArray }>;
  /** Stops after so many steps, or at the end of `batches`. */
  readonly steps?: number;
  readonly signal?: AbortSignal;
}

export interface MaskedProgress<P, S> {
  /** Steps done. */
  readonly step: number;
  /** The training loss before this step. */
  readonly loss: number;
  readonly params: P;
  readonly state: S;
}

/**
 * Trains under a mask from `params` and a fresh optimiser state, yielding after each step; dead weights stay exactly 0,
 * and so do their optimiser moments (see `maskedStep`).
 *
 * `for await (const { step, loss, params } of trainMasked(apply, loss, ticketInit, mask, adam(), { batches })) …`
 *
 * Throws `HebbError` when the mask does not belong to the parameters, and when the loss is not finite (the message names
 * the step); the signal's reason on abort.
 */
export async function* trainMasked<P, S>(
  apply: (params: P, x: Tensor) => Tensor,
  loss: (outputs: Tensor, y: Tensor) => Tensor,
  params: P,
  mask: WeightMask<P>,
  optimizer: Optimizer<S>,
  { batches, steps = Number.POSITIVE_INFINITY, signal }: TrainMaskedOptions,
): AsyncGenerator<MaskedProgress<P, S>, void, undefined> {
  const [weights, masks] = await Promise.all([toHost(params, "trainMasked"), toHost(mask, "trainMasked: mask")]);
  checkMask("trainMasked", weights, masks);
  const start = jit((p: P, m: WeightMask<P>): [P, S] => {
    const masked = applyMask(p, m);
    return [masked, optimizer.init(masked)];
  });
  const advance = jit(maskedStep(apply, loss, optimizer));
  let [theta, state] = await start(params as Feed<P>, mask as Feed<P>);
  let step = 0;
  for (const { x, y } of batches) {
    if (step >= steps) return;
    signal?.throwIfAborted();
    let value: Tensor;
    [theta, state, value] = await advance(theta as Feed<P>, state as Feed<S>, mask as Feed<P>, x, y);
    step++;
    const before = await value.item();
    if (!Number.isFinite(before)) throw new HebbError(`trainMasked: the loss became ${before} at step ${step}.`);
    yield { step, loss: before, params: theta, state };
  }
}
