import { create, toBinary } from "@bufbuild/protobuf";
import { emitModel, normalise, valueInfo } from "../../engine/compile.js";
import { placeholder } from "../../engine/core.js";
import type { NDArray } from "../../engine/dtype.js";
import { HebbError } from "../../engine/errors.js";
import { tensorProto } from "../../engine/onnx/emitter.js";
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
} from "../../engine/onnx/onnx_pb.js";
import { realise } from "../../engine/run.js";
import { fromValue, isNDArray, Tensor } from "../../engine/tensor.js";
import { flattenTree, treeEntries, unflattenTree } from "../../engine/tree.js";
import { checkName } from "../names.js";

export interface ToOnnxOptions {
  /** Names of the inputs, in the order of the tensors in `example`. */
  readonly inputs?: readonly string[];
  /** Names of the outputs, in the order of the tensors that the function returns. */
  readonly outputs?: readonly string[];
  /** Only operators of the ONNX standard, so that any runtime can read the file. Default true. */
  readonly portable?: boolean;
  /** Texts to keep in the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What is given for each argument of a function: its own type with tensors or host arrays at the leaves. */
type Example<T> = T extends Tensor ? Tensor | NDArray : T extends object ? { [K in keyof T]: Example<T[K]> } : T;

/** The largest file that the format allows. */
const largest = 2 ** 31 - 1;

/**
 * A function of parameters and inputs as the bytes of an ONNX file, which ONNX Runtime and others run as it is:
 * `await toOnnx(model.apply, params, [x])`.
 *
 * Parameters become initializers under their paths, such as `layers[0].w`; everything else that is known is a `Constant`
 * node. `example` holds the other arguments; of its tensors only shapes and dtypes count, and shapes are fixed in the file.
 * A tensor argument is called `input` (`input0`, `input1`, ... when there are several arguments), a tensor within an object
 * after its path, and so are outputs, with `output`; `inputs` and `outputs` give other names.
 *
 * Throws `HebbError` when a name is used twice, when an operation has no standard form (unless `portable` is false) or runs
 * on the host, and when the file would be larger than 2 GiB.
 */
export async function toOnnx<P, A extends unknown[]>(
  f: (params: P, ...inputs: A) => unknown,
  params: P,
  example: { [K in keyof A]: Example<A[K]> },
  options: ToOnnxOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const own = hold(params);
  const others = (example as readonly unknown[]).map(hold);
  const output = f(own.tree as P, ...(others.map(({ tree }) => tree) as A));
  if (output instanceof Promise)
    throw new HebbError("toOnnx: the function is asynchronous; it must build its graph without awaiting.");
  const results = treeEntries(output).map(([path, tensor]) => ({ name: nameAt("output", path), tensor }));
  if (results.length === 0) throw new HebbError("toOnnx: the function returns no tensor.");
  const inputs = others.flatMap(({ held }, i) =>
    held.map(({ path, tensor }) => ({ name: nameAt(others.length > 1 ? `input${i}` : "input", path), tensor })),
  );
  const paramNames = own.held.map(({ path }) => path || "params");
  const inputNames = chosen("inputs", options.inputs, inputs);
  const outputNames = chosen("outputs", options.outputs, results);
  const argNames = [...paramNames, ...inputNames];
  checkNames([...argNames, ...outputNames]);

  const args = [...own.held, ...inputs].map(({ tensor }) => tensor);
  const graph = normalise(
    results.map(({ tensor }) => tensor),
    args,
  );
  const weights = await realise(own.held.map(({ given }) => (given instanceof Tensor ? given : fromValue(given))));
  const captures = await realise(graph.captures);
  const size = [...weights, ...captures].reduce((sum, { data }) => sum + data.byteLength, 0);
  if (size > largest) throw new HebbError(`toOnnx: ${size} bytes of values do not fit into one ONNX file (2 GiB).`);

  const { portable = true } = options;
  const { model, signature, used } = emitModel(graph, args, { portable });
  const foreign = model.opsetImport.find(({ domain }) => domain !== "");
  if (portable && foreign) {
    throw new HebbError(
      `toOnnx: the function needs operators of the domain "${foreign.domain}", which not every runtime has; pass portable: false to write them.`,
    );
  }
  const inner = model.graph!;
  const captured = graph.captures.map((t, i) => tensorProto(signature.inputs[used.indexOf(t)].name, captures[i]));
  const constants = [...captured, ...inner.initializer].map(constantNode);
  const external = new Map(
    used.flatMap((t, i) => (args.includes(t) ? [[signature.inputs[i].name, argNames[args.indexOf(t)]]] : [])),
  );
  // A result that is asked for twice is copied, to have two names.
  const copies: NodeProto[] = [];
  graph.places.forEach((place, i) => {
    let { name } = inner.output[place];
    if (external.has(name)) {
      copies.push(create(NodeProtoSchema, { opType: "Identity", input: [name], output: [(name = `copy${i}`)] }));
    }
    external.set(name, outputNames[i]);
  });
  dropUnread(inner);
  inner.node = [...constants, ...inner.node, ...copies];
  rename(inner, external, new Set([...argNames, ...outputNames]));
  inner.initializer = weights.map((array, i) => tensorProto(paramNames[i], array));
  inner.input = inputs.map(({ tensor }, i) => valueInfo(inputNames[i], tensor));
  inner.output = results.map(({ tensor }, i) => valueInfo(outputNames[i], tensor));
  model.metadataProps = Object.entries(options.metadata ?? {}).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
  return toBinary(ModelProtoSchema, model);
}

interface Held {
  readonly path: string;
  /** What stood there. */
  readonly given: Tensor | NDArray;
  /** The placeholder that stands there now. */
  readonly tensor: Tensor;
}

/** A tree with placeholders in the places of its tensors and arrays. */
function hold(tree: unknown): { tree: unknown; held: Held[] } {
  const { leaves, def, paths } = flattenTree(tree);
  const held: Held[] = [];
  const replaced = leaves.map((given, i) => {
    if (!(given instanceof Tensor) && !isNDArray(given)) return given;
    const tensor = placeholder(given);
    held.push({ path: paths[i], given, tensor });
    return tensor;
  });
  return { tree: unflattenTree(def, replaced), held };
}

/** A place in an object is a name of its own; a place in a list needs that of the list. */
const nameAt = (root: string, path: string): string => (path === "" || path.startsWith("[") ? root + path : path);

function chosen(
  kind: string,
  given: readonly string[] | undefined,
  found: readonly { readonly name: string }[],
): readonly string[] {
  const names = found.map(({ name }) => name);
  if (given && given.length !== names.length)
    throw new HebbError(
      `toOnnx: ${kind} gives ${given.length} names for ${names.length} tensors (${names.join(", ")}).`,
    );
  return given ?? names;
}

function checkNames(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    checkName(name, "toOnnx");
    if (name === "" || seen.has(name))
      throw new HebbError(
        `toOnnx: the name "${name}" ${name === "" ? "is empty" : "is used twice"}; choose names with inputs and outputs.`,
      );
    seen.add(name);
  }
}

const constantNode = (value: TensorProto): NodeProto =>
  create(NodeProtoSchema, {
    opType: "Constant",
    output: [value.name],
    attribute: [create(AttributeProtoSchema, { name: "value", type: AttributeType.TENSOR, t: { ...value, name: "" } })],
  });

/** Leaves out a node's last results where nothing reads them: its kernel would compute them, too. */
function dropUnread(graph: GraphProto): void {
  const read = new Set<string>();
  const collect = ({ node, output }: GraphProto): void => {
    for (const { name } of output) read.add(name);
    for (const { input, attribute } of node) {
      for (const name of input) read.add(name);
      for (const { g } of attribute) if (g) collect(g);
    }
  };
  collect(graph);
  for (const node of graph.node) {
    const last = node.output.findLastIndex((name) => read.has(name));
    node.output = node.output.slice(0, last + 1);
  }
}

/** Gives what is seen from outside its names, and makes way for them, also in graphs within nodes. */
function rename(graph: GraphProto, external: ReadonlyMap<string, string>, taken: ReadonlySet<string>): void {
  const now = (name: string): string => {
    const outer = external.get(name);
    if (outer !== undefined || name === "") return outer ?? name;
    let own = name;
    while (taken.has(own)) own += "_";
    return own;
  };
  for (const node of graph.node) {
    node.input = node.input.map(now);
    node.output = node.output.map(now);
    for (const { g } of node.attribute) if (g) rename(g, external, taken);
  }
  for (const named of [...graph.input, ...graph.output, ...graph.initializer]) named.name = now(named.name);
}
