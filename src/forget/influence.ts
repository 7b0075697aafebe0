import {
  add,
  div,
  expandDims,
  type Feed,
  grad,
  jit,
  mul,
  square,
  sub,
  sum,
  type Tensor,
  treeMap,
  vmap,
  zeros,
} from "../engine/index.js";
import { type RowBatch, rowBatches } from "./batches.js";
import { type LabelledBatch, rowCount } from "./problem.js";
import type { Unlearner } from "./unlearn.js";
import type { Update } from "./update.js";

export interface InfluenceOptions {
  /** How far to go along the step; 1 is the estimate itself. */
  readonly scale: number;
  /** Added to the diagonal of the curvature. */
  readonly damping: number;
  /** Rows of the retain set that the curvature is estimated from. */
  readonly samples: number;
  readonly batchSize: number;
}

/**
 * Influence unlearning (IU): one Newton step towards the optimum without the forget set,
 *
 *     theta + scale (diag F + damping)^-1 |F|/N (mean grad l(forget) - mean grad l(retain)),
 *
 * with the diagonal of the empirical Fisher information of the retain set, the mean of squared gradients of single rows, in
 * place of the Hessian. Source: Izzo et al., 2021, as a baseline of Jia et al., 2023 (which uses WoodFisher).
 */
export const influenceUnlearn: Unlearner<InfluenceOptions> = {
  name: "IU",
  defaults: { scale: 1, damping: 1e-3, samples: 512, batchSize: 32 },
  needs: () => ["labels", "perExampleLoss", "retain"],
  async *run(view, { scale, damping, samples, batchSize }, session) {
    const { params, perExampleLoss, forget, retain, seed } = view;
    type P = typeof params;
    const total = (p: P, batch: LabelledBatch) => sum(perExampleLoss(p, batch));
    const zero = treeMap((leaf: Tensor) => zeros(leaf.shape, leaf.dtype), params) as P;
    const gradients = summing<P>((batch) => [total(params, batch), grad(total)(params, batch) as P]);
    const rows = (set: typeof forget, size: number) => rowBatches(set, { batchSize: size, epochs: 1, seed });

    const ofForget = yield* session.descend("forget gradient", {
      params: zero,
      update: gradients,
      batches: rows(forget, 128),
    });
    const ofRetain = yield* session.descend("retain gradient", {
      params: zero,
      update: gradients,
      batches: rows(retain, 128),
    });
    const single = (x: Tensor, y: Tensor) =>
      treeMap((g: Tensor) => square(g), grad(total)(params, { x: expandDims(x, 0), y: expandDims(y, 0) })) as P;
    const squares = summing<P>((batch) => [
      total(params, batch),
      treeMap((g: Tensor) => sum(g, 0), vmap(single)(batch.x, batch.y)) as P,
    ]);
    const count = Math.min(samples, rowCount(retain));
    const batches = rowBatches(retain, { batchSize, steps: Math.ceil(count / batchSize), seed });
    const curvature = yield* session.descend("curvature", { params: zero, update: squares, batches });

    const [f, r] = [rowCount(forget), rowCount(retain)];
    const seen = Math.min(batches.length * batchSize, r);
    const step = jit((p: P, a: P, b: P, c: P) =>
      treeMap(
        (w: Tensor, onForget: Tensor, onRetain: Tensor, curved: Tensor) => {
          const away = mul(sub(div(onForget, f), div(onRetain, r)), f / (f + r));
          return add(w, mul(div(away, add(div(curved, seen), damping)), scale));
        },
        p,
        a,
        b,
        c,
      ),
    );
    return (await step(params as Feed<P>, ofForget as Feed<P>, ofRetain as Feed<P>, curvature as Feed<P>)) as P;
  },
};

/** Adds up, batch by batch, what `of` gives beside the batch's loss. */
const summing = <P>(
  of: (batch: RowBatch) => readonly [loss: Tensor, P],
): Update<P, Record<string, never>, RowBatch> => ({
  init: () => ({}),
  step(sums, state, batch) {
    const [loss, terms] = of(batch);
    return { params: treeMap((a: Tensor, b: Tensor) => add(a, b), sums, terms) as P, state, loss };
  },
});
