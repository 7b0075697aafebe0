import { arrayKey, type DType, type NDArray } from "./dtype.js";
import { HebbError, ShapeError } from "./errors.js";
import type { Emitter } from "./onnx/emitter.js";
import type { HostTools } from "./runtime/host.js";
import type { Shape } from "./shape.js";
import { Tensor } from "./tensor.js";

/** What is known of a tensor before it has a value. */
export interface Spec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** The static arguments of an operation: JSON-like values, except in the few primitives that say how they are keyed. */
export type Attrs = Readonly<Record<string, any>>;

export interface GradContext<A extends Attrs> {
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  readonly attrs: A;
  /** Which inputs need a gradient; a rule may skip the others. */
  readonly needs: readonly boolean[];
}

/**
 * One operation of the closed table. Gradient and batching rules are written in terms of other operations, so that
 * every transform composes with every other.
 */
export interface Primitive<A extends Attrs = any> {
  readonly name: string;
  /** The shape and dtype rule; throws `ShapeError`. */
  infer(inputs: readonly Spec[], attrs: A): Spec;
  /**
   * Gradients of the inputs, given the gradient `g` of the output. `"none"`: the derivative is zero everywhere (or the
   * output is discrete), so nothing flows back.
   */
  readonly grad?: "none" | ((g: Tensor, context: GradContext<A>) => readonly (Tensor | undefined)[]);
  /**
   * The operation over a leading axis of `size` examples. `batched[i]` says whether input i has that axis; the result
   * must have it.
   */
  readonly batch?: (inputs: readonly Tensor[], batched: readonly boolean[], attrs: A, size: number) => Tensor;
  /** The same function in terms of other primitives, where the runtime has no kernel for these inputs. */
  readonly lower?: (inputs: readonly Tensor[], attrs: A) => Tensor | undefined;
  /** Writes the ONNX nodes and returns the name of the output. */
  readonly emit?: (e: Emitter, inputs: readonly string[], node: EmitNode<A>) => string;
  /** What identifies `attrs` in structural hashes; JSON when absent. */
  readonly key?: (attrs: A) => string;
  /** The rules of an operation with several results; `infer`, `grad`, `batch`, `lower` and `emit` have no part in it. */
  readonly many?: ManyRules<A>;
}

export interface ManyGradContext<A extends Attrs> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attrs: A;
  readonly needs: readonly boolean[];
}

/** The rules of an operation with several results: as in `Primitive`, with lists in place of single results. */
export interface ManyRules<A extends Attrs = any> {
  infer(inputs: readonly Spec[], attrs: A): readonly Spec[];
  /** `gs[i]` is undefined where nothing depends on result i. */
  readonly grad?:
    | "none"
    | ((gs: readonly (Tensor | undefined)[], context: ManyGradContext<A>) => readonly (Tensor | undefined)[]);
  readonly batch?: (
    inputs: readonly Tensor[],
    batched: readonly boolean[],
    attrs: A,
    size: number,
  ) => readonly Tensor[];
  readonly emit?: (e: Emitter, inputs: readonly string[], node: Omit<EmitNode<A>, keyof Spec>) => readonly string[];
  /** Computes the results on the host, between two parts of the compiled graph. Takes precedence over `emit`. */
  readonly host?: (inputs: readonly NDArray[], attrs: A, tools: HostTools) => Promise<readonly NDArray[]>;
  /** Whether `host` is needed, for operations that have both; always, when absent. */
  readonly needsHost?: (attrs: A) => boolean;
}

export interface EmitNode<A extends Attrs> extends Spec {
  readonly inputs: readonly Spec[];
  readonly attrs: A;
}

/** How a tensor came to be: an operation on other tensors, or a leaf. */
export interface Node {
  readonly primitive: Primitive;
  readonly inputs: readonly Tensor[];
  readonly attrs: Attrs;
}

/** What debugging tools set to hear of each tensor as its operation is applied, or is built again on other inputs. */
export const hooks: { applied?: (tensor: Tensor) => void; rebuilt?: (from: Tensor, to: Tensor) => void } = {};

/** Applies a primitive: checks shapes now, computes later. */
export function apply<A extends Attrs>(primitive: Primitive<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  const { shape, dtype } = primitive.infer(inputs, attrs);
  const out = new Tensor({ primitive, inputs, attrs }, shape, dtype);
  hooks.applied?.(out);
  return out;
}

/**
 * Applies a primitive of several results. Its node stands in the graph as one tensor without a value of its own, the
 * bundle, from which `part` nodes take the results.
 */
export function applyMany<A extends Attrs>(primitive: Primitive<A>, inputs: readonly Tensor[], attrs: A): Tensor[] {
  const bundle = new Tensor({ primitive, inputs, attrs }, bundleSpec.shape, bundleSpec.dtype);
  hooks.applied?.(bundle);
  return partsOf(bundle);
}

/** Result `index` of a bundle. Transforms treat it together with the bundle. */
export const partPrimitive: Primitive<Spec & { index: number }> = {
  name: "part",
  infer: (_inputs, { shape, dtype }) => ({ shape, dtype }),
};

/** The results of a bundle. */
export function partsOf(bundle: Tensor): Tensor[] {
  const { primitive, inputs, attrs } = bundle.node;
  return primitive
    .many!.infer(inputs, attrs)
    .map(({ shape, dtype }, index) => apply(partPrimitive, [bundle], { index, shape, dtype }));
}

/** The shape rule of primitives of several results: that of a bundle. */
export const bundleSpec: Spec = { shape: [], dtype: "float32" };

/** All inputs must have one dtype, which is returned. */
export function sameDType(operation: string, inputs: readonly Spec[]): DType {
  const dtype = inputs[0].dtype;
  for (const input of inputs) {
    if (input.dtype !== dtype) {
      throw new ShapeError(
        operation,
        `dtypes ${inputs.map((s) => `${s.dtype}[${s.shape.join(", ")}]`).join(" and ")} differ; convert one with cast()`,
      );
    }
  }
  return dtype;
}

const leafOnly = (name: string) => (): never => {
  throw new HebbError(`${name} is a leaf and cannot be applied.`);
};

/** A tensor whose value is known, on the host or on the device (`tensor.value`). */
export const valuePrimitive: Primitive = { name: "value", infer: leafOnly("value") };
/** A placeholder: an argument of the function being traced. */
export const inputPrimitive: Primitive = { name: "input", infer: leafOnly("input") };
/** A small constant that belongs to the graph itself. */
export const literalPrimitive: Primitive<{ array: NDArray }> = {
  name: "literal",
  infer: leafOnly("literal"),
  key: ({ array }) => arrayKey(array),
  emit: (e, _inputs, { attrs }) => e.constant(attrs.array),
};

const leaves: readonly Primitive[] = [valuePrimitive, inputPrimitive, literalPrimitive];
export const isLeaf = (node: Node): boolean => leaves.includes(node.primitive);

/** A fresh placeholder. */
export const placeholder = (spec: Spec): Tensor =>
  new Tensor({ primitive: inputPrimitive, inputs: [], attrs: {} }, spec.shape, spec.dtype);

/** Tensors that `outputs` depend on, inputs before users, each once; `enter` may prune. Iterative: graphs are deep. */
export function topological(outputs: readonly Tensor[], enter: (t: Tensor) => boolean = () => true): Tensor[] {
  const order: Tensor[] = [];
  const state = new Map<Tensor, number>();
  for (const root of outputs) {
    const stack: Tensor[] = [root];
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const seen = state.get(top);
      if (seen === 2) {
        stack.pop();
        continue;
      }
      if (seen === 1 || !enter(top)) {
        state.set(top, 2);
        order.push(top);
        stack.pop();
        continue;
      }
      state.set(top, 1);
      const { inputs } = top.node;
      for (let i = inputs.length - 1; i >= 0; i--) if (!state.has(inputs[i])) stack.push(inputs[i]);
    }
  }
  return order;
}
