import type { NDArray } from "../../engine/dtype.js";
import { isFloat } from "../../engine/dtype.js";
import { HebbError } from "../../engine/errors.js";
import { oneLine, quote } from "../../engine/quote.js";
import { sameShape, show } from "../../engine/shape.js";
import { fromValue, Tensor } from "../../engine/tensor.js";
import { flattenTree, type Tree } from "../../engine/tree.js";
import { treeFromPaths } from "../trees.js";
import { asTensor, type Value } from "./algebra.js";
import { Call } from "./call.js";
import { type ModelInfo, type NodeInfo, readModel, type ValueInfo } from "./model.js";
import { operatorOf, settingsOf } from "./operators/index.js";
import type { ExternalData } from "./tensors.js";

export interface FromOnnxOptions {
  /** The files beside the model that hold its weights, by the name that the model gives them. */
  readonly externalData?: ExternalData;
  /**
   * Which float initializers are parameters. Default: all but scalars and what a node reads as a setting, such as the
   * running statistics of BatchNormalization and the bounds of Clip; all, in a file that `toOnnx` wrote.
   */
  readonly trainable?: (name: string) => boolean;
  /** What errors call the model. Default `"ONNX"`. */
  readonly name?: string;
}

/** An ONNX model as a pure function and its parameters. */
export interface OnnxModel<P = Tree, Y = Tensor> {
  /**
   * The outputs for these inputs, by name or in the model's order: `apply(params, { image })` or `apply(params, image)`.
   * One output is a tensor; several are an object by name.
   */
  apply(params: P, inputs: Readonly<Record<string, Tensor>>): Y;
  apply(params: P, ...inputs: Tensor[]): Y;
  /** The float initializers, as a tree after their names. */
  readonly params: P;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/**
 * Reads an ONNX file into a function that can be differentiated, mapped, compiled, trained and written back with `toOnnx`.
 *
 * Float initializers that are `trainable` are its parameters: a tree after their names (`conv1.weight` nests). Everything
 * else is constant. Sizes that the model leaves open are those of the inputs. The result is the model in inference: Dropout
 * does nothing.
 *
 * Throws `HebbError` when the bytes are not a sound ONNX model, when weights lie in other files that are not given, and
 * when the model uses operators that are not supported (the message lists them). `apply` throws `HebbError` that names the
 * input or the node at which something does not fit.
 */
export function fromOnnx<P = Tree, Y = Tensor>(bytes: Uint8Array, options: FromOnnxOptions = {}): OnnxModel<P, Y> {
  const { externalData = {}, name: what = "ONNX" } = options;
  const model = readModel(bytes, externalData, what);
  checkOperators(model.nodes, what);
  const trainable = options.trainable ?? trainableByDefault(model);
  const weights: [string, NDArray][] = [];
  const constants = new Map<string, Value>();
  for (const [name, array] of model.initializers) {
    if (isFloat(array.dtype) && trainable(name)) weights.push([name, array]);
    else constants.set(name, array);
  }
  const params = treeFromPaths(weights.map(([name, array]) => [name, fromValue(array)] as const));
  return {
    params: params as P,
    inputs: model.inputs,
    outputs: model.outputs,
    apply(given: P, ...inputs: unknown[]) {
      const values = new Map(constants);
      for (const [name, value] of bindParams(given, weights, what)) values.set(name, value);
      for (const [name, value] of bindInputs(model.inputs, inputs, what)) values.set(name, value);
      for (const node of model.nodes) run(node, values, model, what);
      const results = model.outputs.map(({ name }) => [name, asTensor(read(name, values, what))] as const);
      return (results.length === 1 ? results[0][1] : Object.fromEntries(results)) as Y;
    },
  };
}

/** Files do not say what is learned. Exporters write plain numbers as scalars; `toOnnx` writes them as nodes. */
function trainableByDefault({ producer, nodes, initializers }: ModelInfo): (name: string) => boolean {
  if (producer === "hebb") return () => true;
  const settings = new Set(nodes.flatMap(settingsOf));
  return (name) => !settings.has(name) && initializers.get(name)!.shape.length > 0;
}

function checkOperators(nodes: readonly NodeInfo[], what: string): void {
  const missing = nodes.filter((node) => !operatorOf(node));
  if (missing.length === 0) return;
  const [{ op, domain, label }] = missing;
  const others = [...new Set(missing.map((node) => node.op))].filter((other) => other !== op);
  throw new HebbError(
    `${what}: the operator ${oneLine(op)} of domain ${quote(domain || "ai.onnx")} (${label}) is not supported${others.length > 0 ? `, nor are ${oneLine(others.slice(0, 20).join(", "))}` : ""}.`,
  );
}

function run(node: NodeInfo, values: Map<string, Value>, { opset }: ModelInfo, what: string): void {
  const inputs = node.inputs.map((name) => (name === "" ? undefined : read(name, values, what)));
  let results: readonly Value[];
  try {
    const result = operatorOf(node)!(new Call(inputs, node.attributes, opset, node.outputs));
    results = Array.isArray(result) ? result : [result as Value];
  } catch (error) {
    throw new HebbError(`${what}: ${node.label}: ${oneLine((error as Error).message)}`, { cause: error });
  }
  node.outputs.forEach((name, i) => {
    if (name !== "" && results[i]) values.set(name, results[i]);
  });
}

/** What a name stands for; only some operators' further outputs, such as the indices of MaxPool, are not there. */
function read(name: string, values: ReadonlyMap<string, Value>, what: string): Value {
  const value = values.get(name);
  if (!value)
    throw new HebbError(`${what}: ${quote(name)} is needed, but it is an output that its operator does not support.`);
  return value;
}

const asked = ({ dtype, shape }: ValueInfo): string => `${dtype}${shape ? `[${shape.join(", ")}]` : " of any shape"}`;
const found = ({ dtype, shape }: Tensor): string => `${dtype}${show(shape)}`;

function bindParams(
  params: unknown,
  weights: readonly (readonly [string, NDArray])[],
  what: string,
): [string, Tensor][] {
  const { leaves, paths } = flattenTree(params);
  const given = new Map(paths.map((path, i) => [path, leaves[i]]));
  return weights.map(([name, { shape, dtype }]) => {
    const value = given.get(name);
    if (!(value instanceof Tensor)) throw new HebbError(`${what}: the parameters hold no tensor ${quote(name)}.`);
    if (value.dtype !== dtype || !sameShape(value.shape, shape))
      throw new HebbError(
        `${what}: the parameter ${quote(name)} is ${found(value)}, but must be ${dtype}${show(shape)}.`,
      );
    return [name, value];
  });
}

function bindInputs(infos: readonly ValueInfo[], given: readonly unknown[], what: string): [string, Tensor][] {
  const [first] = given;
  const byName = given.length === 1 && !(first instanceof Tensor) && typeof first === "object" && first !== null;
  const names = infos.map(({ name }) => name);
  if (byName) {
    const unknown = Object.keys(first).find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw new HebbError(
        `${what}: there is no input "${unknown}"; the model takes ${names.map((n) => `"${n}"`).join(", ")}.`,
      );
  } else if (given.length > infos.length) {
    throw new HebbError(
      `${what}: ${given.length} inputs were given, but the model takes ${infos.length}: ${names.join(", ")}.`,
    );
  }
  const sizes = new Map<string, { size: number; input: string }>();
  return infos.map((info, i) => {
    const value = byName ? (first as Record<string, unknown>)[info.name] : given[i];
    if (!(value instanceof Tensor))
      throw new HebbError(
        `${what}: the input ${quote(info.name)} (${asked(info)}) ${value === undefined ? "is missing" : "must be a tensor"}.`,
      );
    checkInput(info, value, sizes, what);
    return [info.name, value];
  });
}

/** Sizes with a name are the caller's choice, but one name means one size. */
function checkInput(
  info: ValueInfo,
  value: Tensor,
  sizes: Map<string, { size: number; input: string }>,
  what: string,
): void {
  const { name, dtype, shape } = info;
  const fits =
    !shape || (value.rank === shape.length && shape.every((n, i) => typeof n === "string" || n === value.shape[i]));
  if (value.dtype !== dtype || !fits)
    throw new HebbError(`${what}: the input ${quote(name)} is ${found(value)}, but the model takes ${asked(info)}.`);
  shape?.forEach((size, i) => {
    if (typeof size === "number" || size === "?") return;
    const before = sizes.get(size);
    if (before && before.size !== value.shape[i])
      throw new HebbError(
        `${what}: the size ${quote(size)} is ${before.size} in the input ${quote(before.input)}, but ${value.shape[i]} in ${quote(name)}.`,
      );
    sizes.set(size, { size: value.shape[i], input: name });
  });
}
