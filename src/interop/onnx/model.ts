import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { DType, NDArray } from "../../engine/dtype.js";
import { HebbError } from "../../engine/errors.js";
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type ValueInfoProto,
} from "../../engine/onnx/onnx_pb.js";
import { oneLine, quote } from "../../engine/quote.js";
import { checkName } from "../names.js";
import { Attributes } from "./attributes.js";
import { dtypeOfOnnx, type ExternalData, readTensor } from "./tensors.js";

/** An input or an output of a model. */
export interface ValueInfo {
  readonly name: string;
  readonly dtype: DType;
  /** Sizes; a name (`"batch"`) where the size is the caller's choice, `"?"` where it has no name. Absent when unknown. */
  readonly shape?: readonly (number | string)[];
}

/** One operation of a model. */
export interface NodeInfo {
  readonly op: string;
  /** `""` for the standard operators. */
  readonly domain: string;
  /** What errors call it. */
  readonly label: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** What is in an ONNX file, checked: every name is defined once, before it is used. */
export interface ModelInfo {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers: ReadonlyMap<string, NDArray>;
  readonly nodes: readonly NodeInfo[];
  /** The version of the standard operators. */
  readonly opset: number;
  /** The program that wrote the file. */
  readonly producer: string;
}

/** Below 7, operators broadcast by attributes; above the last we cannot know what changed. */
const opsets = { first: 7, last: 28 };

/** Graphs lie within nodes, and nodes within graphs, but not deeper than this. */
const deepest = 100;

/** Reads and checks an ONNX file; `what` names it in errors. */
export function readModel(bytes: Uint8Array, external: ExternalData, what: string): ModelInfo {
  const fail = (problem: string): never => {
    throw new HebbError(`${what}: ${oneLine(problem)}.`);
  };
  const { graph, opsetImport, functions, producerName } = parse(bytes, fail);
  if (!graph || opsetImport.length === 0) return fail("this is not an ONNX model: it has no graph or no operator set");
  const opset = Number(opsetImport.find(({ domain }) => isStandard(domain))?.version ?? opsets.last);
  if (!(opset >= opsets.first && opset <= opsets.last))
    fail(`operator set ${opset} is not supported; export with one between ${opsets.first} and ${opsets.last}`);
  if (functions.length > 0)
    fail(`the model defines functions of its own (${quote(functions[0].name)}); export it with them inlined`);
  if (graph.sparseInitializer.length > 0) fail("sparse initializers are not supported");

  const initializers = new Map<string, NDArray>();
  for (const proto of graph.initializer) {
    const name = proto.name;
    checkName(name, what);
    if (initializers.has(name)) fail(`the initializer ${quote(name)} occurs twice`);
    initializers.set(name, readTensor(proto, `${what}: the initializer ${quote(name)}`, external));
  }
  // Old models list initializers among the inputs, too.
  const inputs = graph.input.filter(({ name }) => !initializers.has(name)).map((i) => readValueInfo(i, "input", what));
  const nodes = graph.node.map((node, i) => readNode(node, i, what, external));
  const outputs = graph.output.map((o) => readValueInfo(o, "output", what));
  if (outputs.length === 0) fail("the graph has no outputs");
  checkOrder(graph, nodes, initializers, fail);
  return { inputs, outputs, initializers, nodes, opset, producer: producerName };
}

type Fail = (problem: string) => never;

function parse(bytes: Uint8Array, fail: Fail): ModelProto {
  // Two bytes can be an empty message, and an object of several hundred bytes: so much is made only of files that hold more.
  const most = 2 ** 18 + bytes.length / 64;
  try {
    if (countMessages(ModelProtoSchema, new BinaryReader(bytes), bytes.length, most) <= most)
      return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    return fail(`this is not an ONNX model, or it is damaged: ${(error as Error).message}`);
  }
  return fail(`the file consists of more parts than a model of ${bytes.length} bytes can need`);
}

/** How many messages lie within a message of this kind, which ends at `end`; the count stops above `most`. */
function countMessages(kind: DescMessage, reader: BinaryReader, end: number, most: number, depth = 0): number {
  if (depth > deepest) throw new Error(`its parts nest more than ${deepest} times`);
  const parts = new Map(kind.fields.flatMap((field) => (field.message ? [[field.number, field.message]] : [])));
  let count = 0;
  while (reader.pos < end && count <= most) {
    const [field, wire] = reader.tag();
    const part = parts.get(field);
    if (!part || wire !== WireType.LengthDelimited) {
      reader.skip(wire, field);
      continue;
    }
    const length = reader.uint32();
    count += 1 + countMessages(part, reader, reader.pos + length, most - count, depth + 1);
  }
  return count;
}

const isStandard = (domain: string): boolean => domain === "" || domain === "ai.onnx";

function readValueInfo({ name, type }: ValueInfoProto, kind: string, what: string): ValueInfo {
  const where = `${what}: the ${kind} ${quote(name)}`;
  checkName(name, what);
  if (name === "" || type?.value.case !== "tensorType") throw new HebbError(`${where} is not a tensor with a name.`);
  const { elemType, shape } = type.value.value;
  const dtype = dtypeOfOnnx(elemType, where);
  if (!shape) return { name, dtype };
  const sizes = shape.dim.map(({ value }) => {
    if (value.case === "dimParam" && value.value !== "") return value.value;
    if (value.case !== "dimValue") return "?";
    const size = Number(value.value);
    // Some exporters write 0 or -1 for a size that is open.
    if (size === 0 || size === -1) return "?";
    if (!Number.isSafeInteger(size) || size < 0) throw new HebbError(`${where} has an axis of size ${value.value}.`);
    return size;
  });
  return { name, dtype, shape: sizes };
}

function readNode(node: NodeProto, index: number, what: string, external: ExternalData): NodeInfo {
  const label = `node ${node.name ? quote(node.name) : index} (${oneLine(node.opType)})`;
  return {
    op: node.opType,
    domain: isStandard(node.domain) ? "" : node.domain,
    label,
    inputs: node.input,
    outputs: node.output,
    attributes: new Attributes(node.attribute, `${what}: ${label}`, external),
  };
}

/** Nodes stand after those whose results they read; so a graph that passes has no cycles. */
function checkOrder(
  graph: GraphProto,
  nodes: readonly NodeInfo[],
  initializers: ReadonlyMap<string, NDArray>,
  fail: Fail,
): void {
  const defined = new Set(initializers.keys());
  for (const { name } of graph.input) {
    if (defined.has(name) && !initializers.has(name)) fail(`the input ${quote(name)} occurs twice`);
    defined.add(name);
  }
  for (const { inputs, outputs, label } of nodes) {
    const missing = inputs.find((name) => name !== "" && !defined.has(name));
    if (missing !== undefined)
      fail(
        `${label} reads ${quote(missing)}, which nothing before it makes: the graph has a cycle, or a part is missing`,
      );
    for (const name of outputs) {
      if (name === "") continue;
      if (defined.has(name)) fail(`${label} makes ${quote(name)}, which is there already`);
      defined.add(name);
    }
  }
  const names = graph.output.map(({ name }) => name);
  const absent = names.find((name) => !defined.has(name));
  if (absent !== undefined) fail(`nothing makes the output ${quote(absent)}`);
  if (new Set(names).size < names.length) fail("an output occurs twice");
}
