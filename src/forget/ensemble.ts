import { HebbError, moveAxis, type NDArray, sum, type Tensor, treeLeaves, vmap } from "../engine/index.js";
import { type Examples, type LabelledBatch, outputsOf, type UnlearnProblem } from "./problem.js";

/**
 * Many models of one kind as one problem, so that one run of a method unlearns each of them: for measures that compare
 * distributions over models, such as `klom`.
 *
 * `problem` is that of one model, but its `params` are stacked (`initMany`, `trainMany` of `hebb/nn`). What comes back is a
 * problem of outputs [b, models, ...], labels [n, models] and, for each row, the sum of the models' losses, whose gradient is
 * each model's own. So a method trains each model as if alone, provided that it takes means over rows only and its optimiser
 * goes by elements (SGD and Adam do; clipping by the global norm does not). All models see the same batches. Throws
 * `HebbError` when the parameters are not stacked.
 */
export function ensembleProblem<P>(problem: UnlearnProblem<P>): UnlearnProblem<P> {
  const { params, apply, perExampleLoss, forget, retain, val, seed } = problem;
  const models = treeLeaves(params)[0]?.shape[0];
  if (models === undefined || treeLeaves(params).some((leaf) => leaf.shape[0] !== models))
    throw new HebbError("ensembleProblem: the leaves of params must all have the models on their first axis.");
  const stack = <T extends Examples | undefined>(rows: T): T =>
    rows?.y ? { ...rows, y: repeated(rows.y, models) } : rows;
  return {
    params,
    apply: (p, x) => moveAxis(vmap((one: P) => outputsOf(apply(one, x)).out)(p), 0, 1),
    ...(perExampleLoss
      ? {
          perExampleLoss: (p: P, { x, y }: LabelledBatch): Tensor =>
            sum(vmap((one: P, labels: Tensor) => perExampleLoss(one, { x, y: labels }), { inAxes: [0, 1] })(p, y), 0),
        }
      : {}),
    forget: stack(forget),
    ...(retain ? { retain: stack(retain) } : {}),
    ...(val ? { val: stack(val) } : {}),
    seed,
  };
}

/** Labels of one model, [n, ...], as those of several, [n, models, ...]. */
function repeated({ data, shape, dtype }: NDArray, models: number): NDArray {
  const [n, ...rest] = shape;
  const width = data.length / n;
  const out = new (data.constructor as new (length: number) => Int32Array)(data.length * models);
  for (let i = 0; i < n * models; i++) {
    const row = Math.floor(i / models);
    out.set((data as Int32Array).subarray(row * width, (row + 1) * width), i * width);
  }
  return { data: out, shape: [n, models, ...rest], dtype };
}
