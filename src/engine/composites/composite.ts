import { backward } from "../autodiff.js";
import { type Attrs, apply, type EmitNode, type Primitive, placeholder } from "../core.js";
import type { Emitter } from "../onnx/emitter.js";
import { alias } from "../primitives/structure.js";
import type { Tensor } from "../tensor.js";
import { vmap } from "../vmap.js";

interface Definition<A extends Attrs> {
  readonly name: string;
  /** The plain definition, in operations: the reference for shape, gradient, batching and tests. */
  define(inputs: readonly Tensor[], attrs: A): Tensor;
  /** The shape and dtype rule, where tracing the definition for it would be long. */
  infer?: Primitive<A>["infer"];
  /** The runtime's own kernel; returns undefined where it has none for these inputs. */
  emit?(e: Emitter, inputs: readonly string[], node: EmitNode<A>): string | undefined;
  /** Whether `emit` can serve these inputs (for instance: float32 only). */
  serves?(inputs: readonly { dtype: string; shape: readonly number[] }[], attrs: A): boolean;
  /** A gradient that is cheaper than the definition's own. */
  grad?: Primitive<A>["grad"];
  /** A batching rule that keeps the fused form. */
  batch?: Primitive<A>["batch"];
}

/** An operation that carries its plain definition with it. */
export interface Composite<A extends Attrs = any> extends Primitive<A> {
  define(inputs: readonly Tensor[], attrs: A): Tensor;
}

/**
 * An operation made of others for which the runtime may have a faster kernel. Everything that the definition does not
 * override follows from its plain form.
 */
export function composite<A extends Attrs>(
  definition: Definition<A>,
): Composite<A> & { apply(inputs: readonly Tensor[], attrs: A): Tensor } {
  const { name, define, serves = () => definition.emit !== undefined } = definition;
  const primitive: Composite<A> = {
    name,
    define,
    infer:
      definition.infer ??
      ((specs, attrs) =>
        define(
          specs.map((s) => ("node" in s ? (s as Tensor) : placeholder(s))),
          attrs,
        )),
    grad:
      definition.grad ??
      ((g, { inputs, attrs, needs }) => {
        // Handles of their own: two inputs may be one tensor, and one may have been computed from another.
        const handles = inputs.map(alias);
        const wanted = handles.filter((_, i) => needs[i]);
        const shares = backward([define(handles, attrs)], [g], wanted);
        return handles.map((h, i) => (needs[i] ? shares[wanted.indexOf(h)] : undefined));
      }),
    batch:
      definition.batch ??
      ((inputs, batched, attrs, size) =>
        vmap((...one: Tensor[]) => define(one, attrs), { inAxes: batched.map((b) => (b ? 0 : null)), size })(
          ...inputs,
        )),
    lower: (inputs, attrs) => (serves(inputs, attrs) ? undefined : define(inputs, attrs)),
    emit: definition.emit as Primitive<A>["emit"],
  };
  return { ...primitive, apply: (inputs, attrs) => apply(primitive, inputs, attrs) };
}
