import { applyMany, placeholder } from "../core.js";
import { reshape } from "../primitives/structure.js";
import { serial, Tensor } from "../tensor.js";
import { flattenTree, unflattenTree } from "../tree.js";
import { closeOver } from "./body.js";
import { scanPrimitive } from "./scan.js";

/**
 * `f`, whose gradient stores nothing but its inputs and computes the rest again (rematerialisation; Chen et al., 2016):
 * less memory for one more forward pass. Tensors that `f` closes over count as inputs.
 */
export function checkpoint<A extends any[], R>(f: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    // A scan of one step: what is computed inside a step's graph is freed when the step ends.
    const { leaves, def } = flattenTree(args);
    const since = serial();
    const given = leaves.filter((l): l is Tensor => l instanceof Tensor);
    const params = given.map(placeholder);
    let at = 0;
    const traced = leaves.map((l) => (l instanceof Tensor ? params[at++] : l));
    const out = flattenTree(f(...unflattenTree(def, traced)));
    const outputs = out.leaves.filter((l): l is Tensor => l instanceof Tensor);
    const { consts, body } = closeOver(params, outputs, since);
    const inputs = [...consts, ...given];
    const results = applyMany(scanPrimitive, inputs, {
      body,
      consts: inputs.length,
      carries: 0,
      length: 1,
      reverse: false,
      checkpoint: true,
    });
    at = 0;
    return unflattenTree(
      out.def,
      out.leaves.map((l) => {
        if (!(l instanceof Tensor)) return l;
        const result = results[at++];
        return reshape(result, result.shape.slice(1));
      }),
    );
  };
}
