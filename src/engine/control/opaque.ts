import { applyMany, bundleSpec, type Primitive, type Spec } from "../core.js";
import { dtypes, type NDArray } from "../dtype.js";
import { HebbError } from "../errors.js";
import { sameShape, show, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** A function on host arrays; it may be asynchronous. */
export type HostFunction = (
  ...inputs: NDArray[]
) => NDArray | readonly NDArray[] | Promise<NDArray | readonly NDArray[]>;

export interface OpaqueOptions {
  /** Shape and dtype of the result, or of each result; a function of the inputs' where they vary. */
  readonly output: Spec | readonly Spec[] | ((...inputs: Spec[]) => Spec | readonly Spec[]);
  /** A name for error messages. Default: the function's own. */
  readonly name?: string;
}

interface OpaqueAttrs extends Record<string, any> {
  readonly fn: HostFunction;
  readonly id: number;
  readonly name: string;
  readonly specs: readonly Spec[];
  /** The inputs that have a leading axis of examples, for each `vmap` around. */
  readonly mapped: readonly { readonly size: number; readonly batched: readonly boolean[] }[];
}

let ids = 0;

const opaquePrimitive: Primitive<OpaqueAttrs> = {
  name: "opaque",
  infer: () => bundleSpec,
  key: ({ id, specs, mapped }) => JSON.stringify([id, specs, mapped]),
  many: {
    infer: (_inputs, { specs, mapped }) =>
      specs.map(({ shape, dtype }) => ({ shape: [...mapped.map((m) => m.size).reverse(), ...shape], dtype })),
    grad(_gs, { attrs: { name } }) {
      throw new HebbError(
        `grad met the opaque function ${name}, which has no gradient: give it one with customGradient, or cut it off with stopGradient.`,
      );
    },
    batch: (inputs, batched, attrs, size) =>
      applyMany(opaquePrimitive, inputs, { ...attrs, mapped: [...attrs.mapped, { size, batched }] }),
    host: (inputs, attrs) => callMapped(inputs, attrs, attrs.mapped.length),
  },
};

export const opaquePrimitives: readonly Primitive[] = [opaquePrimitive];

/** Calls the function for each example of the outer `depth` axes. */
async function callMapped(inputs: readonly NDArray[], attrs: OpaqueAttrs, depth: number): Promise<NDArray[]> {
  if (depth === 0) return call(inputs, attrs);
  const { size, batched } = attrs.mapped[depth - 1];
  const each: NDArray[][] = [];
  for (let i = 0; i < size; i++) {
    each.push(
      await callMapped(
        inputs.map((t, k) => (batched[k] ? example(t, i) : t)),
        attrs,
        depth - 1,
      ),
    );
  }
  const inner = attrs.mapped.slice(0, depth - 1).map((m) => m.size);
  return attrs.specs.map(({ shape, dtype }, k) => {
    const full = [size, ...inner.reverse(), ...shape];
    const data = new dtypes[dtype].array(sizeOf(full));
    each.forEach((results, i) => {
      data.set(results[k].data as any, i * results[k].data.length);
    });
    return { data, shape: full, dtype };
  });
}

async function call(inputs: readonly NDArray[], { fn, name, specs }: OpaqueAttrs): Promise<NDArray[]> {
  const returned = await fn(...inputs);
  const results = (Array.isArray(returned) ? returned : [returned]) as NDArray[];
  if (results.length !== specs.length)
    throw new HebbError(
      `The opaque function ${name} returned ${results.length} results where ${specs.length} were declared.`,
    );
  return results.map((r, i) => {
    const { shape, dtype } = specs[i];
    if (r?.dtype !== dtype || !sameShape(r.shape, shape) || r.data.length !== sizeOf(shape)) {
      const got = r?.shape ? `${r.dtype}${show(r.shape)} with ${r.data.length} numbers` : typeof r;
      throw new HebbError(`The opaque function ${name} returned ${got} where ${dtype}${show(shape)} was declared.`);
    }
    // A copy: the function may write to its array again.
    return { data: r.data.slice(), shape, dtype };
  });
}

const example = ({ data, shape, dtype }: NDArray, i: number): NDArray => {
  const size = sizeOf(shape.slice(1));
  return { data: data.subarray(i * size, (i + 1) * size), shape: shape.slice(1), dtype };
};

/**
 * A function of host arrays as an operation: a simulator, a measurement, an algorithm of your own. It runs between two
 * parts of the compiled graph, each time with the values at hand; it may be asynchronous. Under `vmap` it is called once
 * for each example. It has no gradient: asking for one is an error that names it (`customGradient` around it gives one).
 *
 * Results are one tensor, or a list where `output` is a list. Throws `HebbError` when what comes back is not as declared.
 */
export function opaque(fn: HostFunction, options: OpaqueOptions & { output: Spec }): (...inputs: Tensor[]) => Tensor;
export function opaque(
  fn: HostFunction,
  options: OpaqueOptions & { output: readonly Spec[] },
): (...inputs: Tensor[]) => Tensor[];
export function opaque(fn: HostFunction, options: OpaqueOptions): (...inputs: Tensor[]) => any;
export function opaque(fn: HostFunction, { output, name = fn.name || "given" }: OpaqueOptions) {
  const id = ids++;
  return (...inputs: Tensor[]) => {
    const declared = typeof output === "function" ? output(...inputs) : output;
    const specs = (Array.isArray(declared) ? declared : [declared]) as Spec[];
    const results = applyMany(opaquePrimitive, inputs, {
      fn,
      id,
      name,
      specs: specs.map(({ shape, dtype }) => ({ shape: [...shape], dtype })),
      mapped: [],
    });
    return Array.isArray(declared) ? results : results[0];
  };
}
