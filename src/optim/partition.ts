import { HebbError, nearest } from "../engine/errors.js";
import { flattenTree, treeMap, unflattenTree } from "../engine/tree.js";
import type { Optimizer } from "./optimizer.js";
import { type Prefix, resolvePrefix } from "./prefix.js";

/**
 * Which optimiser each parameter has, by its name in `optimizers`: labels are one name, a tree of names in which one may
 * stand for a whole subtree, or a function of a parameter's path (such as `layers[0].w`) and tensor. Without labels, the
 * parameters' own first keys are the names. The state holds one state for each name.
 *
 * `partition({ head: adam({ learningRate: 1e-3 }), body: sgd({ learningRate: 0.01 }) })`, or by rank,
 * `partition({ matrix, vector }, (_path, p) => (p.rank > 1 ? "matrix" : "vector"))`; `freeze()` is the optimiser of a
 * part that stays.
 *
 * Throws `HebbError` naming the first parameter without a label, or with one that is no optimiser's name.
 */
export function partition<K extends string>(
  optimizers: Readonly<Record<K, Optimizer>>,
  labels: Prefix<K> = (path) => /^[^.[]*/.exec(path)![0] as K,
): Optimizer<Readonly<Record<K, any>>> {
  const names = Object.keys(optimizers).sort() as K[];
  const places = (params: unknown): ReadonlyMap<K, number[]> => {
    const { paths } = flattenTree(params);
    const groups = new Map(names.map((name) => [name, [] as number[]]));
    resolvePrefix<K>(labels, params, (x): x is K => typeof x === "string", "partition: there is no label").forEach(
      (name, i) => {
        const group = groups.get(name);
        if (!group) throw new HebbError(unknownLabel(paths[i], name, names));
        group.push(i);
      },
    );
    return groups;
  };
  const pick = (tree: unknown, at: readonly number[]) => {
    const { leaves } = flattenTree(tree);
    return at.map((i) => leaves[i]);
  };
  return {
    init(params) {
      const states = [...places(params)].map(([name, at]) => [name, optimizers[name].init(pick(params, at))]);
      return Object.fromEntries(states) as Record<K, unknown>;
    },
    update(grads, state, params) {
      // Checks that the structures agree.
      const { def, leaves } = flattenTree(treeMap((g, _p) => g, grads, params));
      const updates = [...leaves];
      const states = [...places(params)].map(([name, at]) => {
        const [own, next] = optimizers[name].update(pick(grads, at), state[name], pick(params, at));
        at.forEach((i, k) => {
          updates[i] = own[k];
        });
        return [name, next];
      });
      return [unflattenTree(def, updates), Object.fromEntries(states) as Record<K, unknown>];
    },
  };
}

function unknownLabel(path: string, label: string, names: readonly string[]): string {
  const near = nearest(label, names);
  const there = names.map((name) => `"${name}"`).join(" and ");
  return `partition: the parameter "${path}" asks for the optimiser "${label}", but there ${names.length === 1 ? "is" : "are"} only ${there}${near === undefined ? "." : `; did you mean "${near}"?`}`;
}
