import {
  add,
  HebbError,
  mul,
  norm,
  random,
  stopGradient,
  type Tensor,
  tensor,
  treeMap,
  where,
} from "../engine/index.js";
import type { Labelled } from "./problem.js";
import type { Unlearner } from "./unlearn.js";
import { matrixAt, replaceAt, type ValueLocation } from "./value-vectors.js";
import type { UnlearnView } from "./view.js";

/** True at these value vectors of a matrix and false elsewhere: bool, broadcastable to it. */
function maskOf(matrix: Tensor, locations: readonly ValueLocation[]): Tensor {
  const [{ path, axis = 0 }] = locations;
  const count = matrix.shape[axis];
  const at = new Uint8Array(count);
  for (const { index } of locations) {
    if (!(Number.isInteger(index) && index >= 0 && index < count))
      throw new HebbError(`"${path}" has value vectors 0 to ${count - 1}, not ${index}.`);
    at[index] = 1;
  }
  return tensor({ data: at, shape: axis === 0 ? [count, 1] : [1, count], dtype: "bool" });
}

export interface NeedleOptions {
  /** Standard deviation of the noise. Default 0.1. */
  readonly sigma?: number;
  /** Counts `sigma` in lengths of the vector itself. Default false. */
  readonly relative?: boolean;
  /** Draws the noise. Default 0. */
  readonly seed?: number;
}

/**
 * Adds noise N(0, sigma^2 I) to one value vector, or to several, and leaves every other parameter as it is: the needle
 * (Hong et al., 2024). Throws `HebbError` when there is no such vector.
 */
export function needleAblate<P>(
  params: P,
  locations: ValueLocation | readonly ValueLocation[],
  { sigma = 0.1, relative = false, seed = 0 }: NeedleOptions = {},
): P {
  const byPath = new Map<string, ValueLocation[]>();
  for (const location of [locations].flat() as ValueLocation[])
    byPath.set(location.path, [...(byPath.get(location.path) ?? []), location]);
  return [...byPath].reduce((tree: P, [path, own], i) => {
    const matrix = matrixAt(params, path);
    const across = own[0].axis === 1 ? 0 : 1;
    const scale = relative ? mul(norm(matrix, across, { keepDims: true }), sigma) : sigma;
    const noise = mul(random.normal(random.foldIn(random.key(seed), i), matrix.shape), scale);
    return replaceAt(tree, path, where(maskOf(matrix, own), add(matrix, noise), matrix));
  }, params);
}

/**
 * A method that trains only the given value vectors, by the loss of `method`; no gradient reaches any other parameter, so
 * that these stay as they are to the bit. A location without an index stands for the whole matrix.
 *
 * `unlearn(needleUnlearn(npoUnlearn, [location]), problem, options)`. Throws `HebbError` when there is no such vector, and
 * with `weightDecay`, which would move the other parameters without a gradient.
 */
export function needleUnlearn<O extends object>(
  method: Unlearner<O>,
  locations: readonly (ValueLocation | Omit<ValueLocation, "index">)[],
): Unlearner<O> {
  const only = <P>(params: P): P => {
    const frozen = treeMap((t: Tensor) => stopGradient(t), params) as P;
    return locations.reduce((tree: P, location) => {
      const own = matrixAt(params, location.path);
      const free = "index" in location ? where(maskOf(own, [location]), own, matrixAt(tree, location.path)) : own;
      return replaceAt(tree, location.path, free);
    }, frozen);
  };
  return {
    ...method,
    name: `${method.name} on value vectors`,
    run<P>(view: UnlearnView<P>, options: O, session: Parameters<Unlearner["run"]>[2]) {
      if ((options as { weightDecay?: number }).weightDecay)
        throw new HebbError(
          `${method.name} on value vectors: leave weightDecay out, it would move all other parameters.`,
        );
      const narrow: UnlearnView<P> = Object.create(view, {
        apply: { value: (p: P, x: Tensor) => view.apply(only(p), x) },
        perExampleLoss: { get: () => (p: P, batch: any) => view.perExampleLoss(only(p), batch) },
      });
      return method.run(narrow, options, session);
    },
  };
}

/** Questions about a concept, and others. Use other questions to validate a vector than those that it was chosen by. */
export interface ConceptProbes {
  readonly concept: Labelled;
  readonly unrelated: Labelled;
}

/** How much noise on one value vector lowers the score of each question. */
export interface ConceptEffect {
  readonly concept: Float64Array;
  readonly unrelated: Float64Array;
}

/**
 * The causal test of a value vector: noise on it alone should lower the scores of a concept's questions much more than
 * those of others (Hong et al., 2024). `score(params, rows)` gives a number for each row, such as the probability of the
 * answer (see `rowScores`). Run it on another vector of equal strength as well, as a control. Throws `HebbError` when there
 * is no such vector.
 */
export async function validateConceptVector<P>(
  score: (params: P, rows: Labelled) => Promise<ArrayLike<number>>,
  params: P,
  location: ValueLocation,
  { concept, unrelated }: ConceptProbes,
  options: NeedleOptions = {},
): Promise<ConceptEffect> {
  const ablated = needleAblate(params, location, options);
  const drops = async (rows: Labelled) => {
    const [before, after] = [await score(params, rows), await score(ablated, rows)];
    return Float64Array.from(before, (value, i) => value - after[i]);
  };
  return { concept: await drops(concept), unrelated: await drops(unrelated) };
}
