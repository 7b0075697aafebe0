import { type Feed, jit } from "../engine/index.js";
import { applyMask, type WeightMask } from "../nn/index.js";
import { meanLoss, optimizerOf, type TrainingOptions } from "./baselines.js";
import { rowBatches } from "./batches.js";
import type { UnlearnProblem } from "./problem.js";
import { joinRows } from "./rows.js";
import type { Unlearner } from "./unlearn.js";
import { gradientUpdate } from "./update.js";
import { type Need, type UnlearnView, viewOf } from "./view.js";

/**
 * The same problem for the living weights alone: parameters are masked, and so is whatever the model or its loss is given.
 * Gradients of dead weights are then exactly 0, so that no optimiser moves them and no moment holds anything of them,
 * whatever method runs. `trainFromScratch` stays as it is: gold models of a sparse model must be trained under the mask too.
 */
export async function maskedProblem<P>(problem: UnlearnProblem<P>, mask: WeightMask<P>): Promise<UnlearnProblem<P>> {
  const { params, apply, perExampleLoss } = problem;
  const masked = jit((p: P, m: P) => applyMask(p, m), { name: "mask" });
  return {
    ...problem,
    params: await masked(params as Feed<P>, mask as Feed<P>),
    apply: (p, x) => apply(applyMask(p, mask), x),
    ...(perExampleLoss ? { perExampleLoss: (p, batch) => perExampleLoss(applyMask(p, mask), batch) } : {}),
  };
}

export interface PruneOptions extends TrainingOptions {
  /**
   * Which weights live: `await magnitudeMask(params, 0.05, "global")` of `hebb/compress` keeps the largest 5 % of all
   * weight matrices together, and biases (OMP); `synflowMask` and `iterativeMagnitudePrune` beside it give others.
   */
  readonly mask: unknown;
}

/**
 * Makes a dense model sparse before anything is to be forgotten: weights outside the mask become 0, and the others are
 * trained on all of the data, forget set and retain set, while the mask holds. One-shot magnitude pruning (OMP) is this with
 * a mask of the largest weights.
 */
export const prune: Unlearner<PruneOptions> = {
  name: "prune",
  defaults: { mask: undefined, learningRate: 0.01, optimizer: "sgd", batchSize: 128, epochs: 10 },
  needs: () => ["labels", "perExampleLoss", "retain"],
  async *run(view, options, session) {
    const sparse = await maskedProblem(problemOf(view, ["perExampleLoss"]), options.mask as typeof view.params);
    return yield* session.descend("prune", {
      params: sparse.params,
      update: gradientUpdate(meanLoss(sparse), optimizerOf(options)),
      batches: rowBatches(joinRows("training set", view.retain, view.forget), { ...options, seed: view.seed }),
    });
  },
};

/**
 * Prune first, then unlearn: `prune`, and then a method that works on the living weights alone. Pruning is counted in the
 * cost. Where it happened long before anyone asks for deletion, run the two one after the other: `unlearn(prune, ...)`, and
 * the method on `maskedProblem({ ...problem, params }, mask)`.
 *
 * Source: Jia et al., "Model Sparsity Can Simplify Machine Unlearning", 2023, section 3.
 */
export const pruneThenUnlearn = <O extends object>(
  then: Unlearner<O>,
  pruning: Partial<PruneOptions> & Pick<PruneOptions, "mask">,
): Unlearner<O> => ({
  name: `prune, then ${then.name}`,
  defaults: then.defaults,
  needs: (options) => [...new Set([...prune.needs(prune.defaults), ...then.needs(options)])],
  async *run(view, options, session) {
    const params = yield* prune.run(view, { ...prune.defaults, ...pruning }, session);
    const needs = then.needs(options);
    const sparse = await maskedProblem({ ...problemOf(view, needs), params }, pruning.mask as typeof params);
    return yield* then.run(viewOf(then.name, sparse, needs), options, session);
  },
});

/** The part of a view that a method with these needs may see, as a problem. */
function problemOf<P>(view: UnlearnView<P>, needs: readonly Need[]): UnlearnProblem<P> {
  const { params, apply, forget, seed } = view;
  const asked = (["perExampleLoss", "retain", "val", "init", "trainFromScratch"] as const).filter((name) =>
    needs.includes(name),
  );
  return { params, apply, forget, seed, ...Object.fromEntries(asked.map((name) => [name, view[name]])) };
}
