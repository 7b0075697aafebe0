import { partPrimitive, placeholder, topological } from "./core.js";
import { HebbError, ShapeError } from "./errors.js";
import { moveAxis } from "./primitives/batching.js";
import { broadcastTo } from "./primitives/structure.js";
import { normalAxis, show } from "./shape.js";
import { Tensor } from "./tensor.js";
import { flattenTree, unflattenTree } from "./tree.js";

/** An axis for all tensors of a tree (null: none), or an object or array with one for each of its parts. */
export type AxisTree = number | null | readonly AxisTree[] | { readonly [key: string]: AxisTree };

export interface VmapOptions {
  /**
   * For each argument, the axis to map over; null for an argument shared by all examples; a tree where the parts of an
   * argument differ: `{ inAxes: [{ x: 0, y: null }, 1] }`. Default: 0 for all.
   */
  readonly inAxes?: number | readonly AxisTree[];
  /** Where the mapped axis stands in the outputs, alike. Default 0. */
  readonly outAxes?: AxisTree;
  /** The number of examples, needed only when every argument is shared. */
  readonly size?: number;
}

/**
 * Maps a function written for one example over an axis of its arguments, as one graph: `vmap(grad(loss), { inAxes:
 * [null, 0, 0] })(params, x, y)` gives per-example gradients. Throws `ShapeError` when mapped axes differ in size.
 */
export function vmap<A extends any[], R>(f: (...args: A) => R, options: VmapOptions = {}): (...args: any[]) => R {
  const { inAxes = 0, outAxes = 0 } = options;
  return (...args) => {
    if (typeof inAxes !== "number" && inAxes.length !== args.length) {
      throw new HebbError(`vmap: inAxes has ${inAxes.length} entries for ${args.length} arguments.`);
    }
    const mapped = new Map<Tensor, Tensor>();
    let size = options.size;
    const inner = args.map((arg, n) => {
      const { leaves, def, paths } = flattenTree(arg);
      const axes = leafAxes(typeof inAxes === "number" ? inAxes : inAxes[n], arg, `inAxes of argument ${n}`);
      return unflattenTree(
        def,
        leaves.map((leaf, i) => {
          const axis = axes[i];
          if (!(leaf instanceof Tensor) || axis === null) return leaf;
          const name = `argument ${n}${paths[i] ? ` at "${paths[i]}"` : ""}`;
          const at = normalAxis(`vmap (${name})`, axis, leaf.shape);
          if (size !== undefined && leaf.shape[at] !== size) {
            throw new ShapeError(
              "vmap",
              `${name} of shape ${show(leaf.shape)} has ${leaf.shape[at]} examples on axis ${at}, others have ${size}`,
            );
          }
          size = leaf.shape[at];
          const one = placeholder({ shape: leaf.shape.filter((_, k) => k !== at), dtype: leaf.dtype });
          mapped.set(one, moveAxis(leaf, at, 0));
          return one;
        }),
      );
    });
    if (size === undefined)
      throw new HebbError("vmap: no argument is mapped, so the number of examples is unknown; give { size }.");
    const output = f(...(inner as A));
    const { leaves, def } = flattenTree(output);
    const axes = leafAxes(outAxes, output, "outAxes");
    const many = batchGraph(
      leaves.filter((l): l is Tensor => l instanceof Tensor),
      mapped,
      size,
    );
    return unflattenTree(
      def,
      leaves.map((leaf, i) => {
        if (!(leaf instanceof Tensor)) return leaf;
        const axis = axes[i];
        const out = many.get(leaf);
        if (axis === null) {
          if (out) throw new HebbError("vmap: an output with outAxes null differs between examples.");
          return leaf;
        }
        const all = out ?? broadcastTo(leaf, [size!, ...leaf.shape]);
        return moveAxis(all, 0, normalAxis("vmap (outAxes)", axis, all.shape));
      }),
    );
  };
}

/** The axis of each leaf of a tree. */
function leafAxes(axes: AxisTree, tree: unknown, name: string): (number | null)[] {
  if (typeof axes === "number" || axes === null) return flattenTree(tree).leaves.map(() => axes);
  if (tree === null || typeof tree !== "object" || tree instanceof Tensor)
    throw new HebbError(`vmap: ${name} has parts where there is only one tensor.`);
  // In the order of flattenTree.
  const keys = Object.keys(tree);
  return (Array.isArray(tree) ? keys : keys.sort()).flatMap((key) => {
    const own = (axes as any)[key];
    if (own === undefined) throw new HebbError(`vmap: ${name} gives no axis for "${key}"; null means shared.`);
    return leafAxes(own, (tree as any)[key], `${name} at "${key}"`);
  });
}

/** What depends on `mapped`, rebuilt with a leading axis of `size` examples. */
export function batchGraph(
  outputs: readonly Tensor[],
  mapped: ReadonlyMap<Tensor, Tensor>,
  size: number,
): Map<Tensor, Tensor> {
  const many = new Map(mapped);
  const bundles = new Map<Tensor, readonly Tensor[]>();
  for (const t of topological(outputs, (x) => !mapped.has(x))) {
    const { primitive, inputs, attrs } = t.node;
    if (many.has(t)) continue;
    if (primitive === partPrimitive) {
      const results = bundles.get(inputs[0]);
      if (results) many.set(t, results[attrs.index]);
      continue;
    }
    const batched = inputs.map((i) => many.has(i));
    if (!batched.includes(true)) continue;
    const operands = inputs.map((i) => many.get(i) ?? i);
    if (primitive.many?.batch) bundles.set(t, primitive.many.batch(operands, batched, attrs, size));
    else if (primitive.batch) many.set(t, primitive.batch(operands, batched, attrs, size));
    else {
      throw new HebbError(
        `vmap met the operation "${primitive.name}", which has no batching rule; call it outside vmap.`,
      );
    }
  }
  return many;
}
