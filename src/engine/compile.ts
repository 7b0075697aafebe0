import { create } from "@bufbuild/protobuf";
import { customPrimitive } from "./autodiff.js";
import { bodiesOf, bodyGraph, substitute } from "./control/body.js";
import { simplifyScans } from "./control/merge.js";
import {
  inputPrimitive,
  isLeaf,
  literalPrimitive,
  type Primitive,
  partPrimitive,
  topological,
  valuePrimitive,
} from "./core.js";
import { type DType, dtypes, type NDArray } from "./dtype.js";
import { HebbError } from "./errors.js";
import { Emitter, type EmitterOptions } from "./onnx/emitter.js";
import { fuseGemm } from "./onnx/fuse.js";
import {
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./onnx/onnx_pb.js";
import { emitInputs, emitOutputs, portShape } from "./ports.js";
import { isPassThrough } from "./primitives/structure.js";
import type { Port, Signature } from "./runtime/backend.js";
import { literal, Tensor } from "./tensor.js";

/** A graph in normal form: no duplicates, no pass-through nodes, only operations that the runtime can execute. */
export interface Graph {
  /** Inputs before users. */
  readonly order: readonly Tensor[];
  /** What the model computes: each result once, though several outputs may want it. */
  readonly outputs: readonly Tensor[];
  /** For each output asked for, its place in `outputs`. */
  readonly places: readonly number[];
  /** Leaves that hold values: fed at each call, like arguments. */
  readonly captures: readonly Tensor[];
  /** Equal hashes mean the same computation. */
  readonly hash: string;
}

/** A part of a graph in normal form, which is compiled by itself: inputs before users, each output once. */
export const partOf = (order: readonly Tensor[], outputs: readonly Tensor[]): Graph => ({
  order,
  outputs,
  places: outputs.map((_, i) => i),
  captures: [],
  hash: "",
});

/**
 * Brings the graph behind `outputs` into normal form. `args` are its placeholders, in the order they will be fed; they
 * enter the hash under their positions, or under `labels`.
 */
export function normalise(
  outputs: readonly Tensor[],
  args: readonly Tensor[],
  labels: readonly (string | number)[] = args.map((_, i) => i),
): Graph {
  const canonical = new Map<Tensor, Tensor>();
  const byKey = new Map<string, Tensor>();
  const ids = new Map<Tensor, number>();
  const order: Tensor[] = [];
  const captures: Tensor[] = [];
  const argIndex = new Map(args.map((t, i) => [t, i]));

  const visit = (root: Tensor): Tensor => {
    for (const t of topological([root], (x) => !canonical.has(x))) {
      if (!canonical.has(t)) canonical.set(t, place(t));
    }
    return canonical.get(root)!;
  };

  const place = (t: Tensor): Tensor => {
    const { primitive, inputs: raw, attrs } = t.node;
    if (isPassThrough(primitive)) return canonical.get(raw[0])!;
    if (primitive === customPrimitive) return canonical.get(raw[raw.length - 1])!;
    if (primitive === inputPrimitive || primitive === valuePrimitive) return leaf(t, primitive);
    const inputs = raw.map((i) => canonical.get(i)!);
    // Nothing is to be computed for a tensor without elements, and the runtime's kernels need not support that.
    const empty = t.size === 0 && primitive !== literalPrimitive;
    const lowered = empty ? literal(emptyArray(t)) : primitive.lower?.(inputs, attrs);
    if (lowered) return visit(lowered);
    const key = `${primitive.name}(${inputs.map((i) => ids.get(i)).join(",")})${primitive.key ? primitive.key(attrs) : JSON.stringify(attrs)}`;
    const twin = byKey.get(key);
    if (twin) return twin;
    const same = inputs.every((input, i) => input === raw[i]);
    const node = same ? t : new Tensor({ primitive, inputs, attrs }, t.shape, t.dtype);
    return enter(node, key);
  };

  const leaf = (t: Tensor, primitive: Primitive): Tensor => {
    const index = argIndex.get(t);
    if (index !== undefined) return enter(t, `arg${labels[index]}:${t.dtype}[${t.shape}]`);
    if (primitive === inputPrimitive) {
      throw new HebbError(
        `A placeholder of shape [${t.shape}] is used outside the function that it belongs to; return it from that function instead of keeping it.`,
      );
    }
    captures.push(t);
    return enter(t, `capture${captures.length}:${t.dtype}[${t.shape}]`);
  };

  const enter = (t: Tensor, key: string): Tensor => {
    ids.set(t, ids.size);
    byKey.set(key, t);
    canonical.set(t, t);
    order.push(t);
    keys.push(key);
    return t;
  };
  const keys: string[] = [];

  const results = outputs.map(visit);
  const distinct = [...new Set(results)];
  // Lowering leaves behind what it went round.
  const needed = new Set(topological(distinct));
  const kept = order.flatMap((t, i) => (needed.has(t) ? [i] : []));
  const hash = `${kept.map((i) => keys[i]).join(";")}=>${distinct.map((t) => ids.get(t)).join(",")}`;
  const graph = {
    order: kept.map((i) => order[i]),
    outputs: distinct,
    places: results.map((t) => distinct.indexOf(t)),
    captures: captures.filter((t) => needed.has(t)),
    hash,
  };
  const simpler = simplifyScans(graph);
  return simpler ? normalise(substitute(results, simpler), args, labels) : graph;
}

const emptyArray = ({ shape, dtype }: Tensor): NDArray => ({ data: new dtypes[dtype].array(0), shape, dtype });

/**
 * The ONNX model of a graph; its inputs are `args` that are used, then captures. With `pack`, small ones enter and leave
 * together.
 */
export function emitModel(
  graph: Graph,
  args: readonly Tensor[],
  { pack = false, ...how }: EmitterOptions & { pack?: boolean } = {},
): { model: ModelProto; signature: Omit<Signature, "once">; used: readonly Tensor[] } {
  const e = new Emitter(how);
  const present = new Set(graph.order);
  const used = [...args.filter((t) => present.has(t)), ...graph.captures];
  const { ports: inputs, names } = emitInputs(e, used, pack);
  const results = emitNodes(e, graph, new Map(used.map((t, i) => [t, names[i]])));
  const outputs = emitOutputs(e, graph.outputs, results, pack);
  const info = (port: Port) => valueInfo(port.name, { shape: portShape(port), dtype: port.dtype });
  const model = modelProto(e, inputs.map(info), outputs.map(info));
  const signature = { inputs, outputs, double: usesDouble(graph), small: isSmall(graph) };
  return { model, signature, used };
}

/**
 * The graph that a node of `outer` holds. `params` are its arguments: those with a name in `outer` are seen from inside,
 * the others become its inputs, in their order.
 */
export function emitInner(
  outer: Emitter,
  graph: Graph,
  params: readonly { readonly param: Tensor; readonly name?: string }[],
): GraphProto {
  const e = outer.inner();
  const names = new Map(params.map(({ param, name }) => [param, name ?? e.fresh()]));
  const inputs = params.filter((p) => p.name === undefined).map(({ param }) => valueInfo(names.get(param)!, param));
  const outputs = emitNodes(e, graph, names);
  const all = graph.places.map((place) => ({ name: outputs[place], spec: graph.outputs[place] }));
  const seen = new Set<string>();
  const distinct = all.map(({ name, spec }) => {
    const own = seen.has(name) ? e.node("Identity", [name]) : name;
    seen.add(own);
    return valueInfo(own, spec);
  });
  return graphProto(e, inputs, distinct);
}

/** Emits what `names` does not hold yet; returns the names of the outputs, which are names of their own. */
function emitNodes(e: Emitter, graph: Graph, names: Map<Tensor, string>): string[] {
  const taken = new Set(names.values());
  const bundles = new Map<Tensor, readonly string[]>();
  const { fused, absorbed } = fuseGemm(graph.order, graph.outputs, names);
  for (const t of graph.order) {
    if (names.has(t) || absorbed.has(t)) continue;
    const { primitive, inputs, attrs } = t.node;
    const whole = fused.get(t);
    if (whole) {
      names.set(
        t,
        whole.emit(
          e,
          whole.inputs.map((i) => names.get(i)!),
        ),
      );
      continue;
    }
    if (primitive === partPrimitive) {
      names.set(t, bundles.get(inputs[0])![attrs.index]);
      continue;
    }
    const operands = inputs.map((i) => names.get(i)!);
    if (primitive.many?.emit) bundles.set(t, primitive.many.emit(e, operands, { attrs, inputs }));
    else if (primitive.emit)
      names.set(t, primitive.emit(e, operands, { attrs, inputs, shape: t.shape, dtype: t.dtype }));
    else throw new HebbError(`The operation "${primitive.name}" has no ONNX form.`);
  }
  for (const { name } of e.initializers) taken.add(name!);
  // An output needs a name of its own, also when it is an input or a constant.
  return graph.outputs.map((t) => {
    const own = names.get(t)!;
    const name = taken.has(own) ? e.node("Identity", [own]) : own;
    taken.add(name);
    return name;
  });
}

/** The model of what was emitted. */
export const modelProto = (e: Emitter, inputs: ValueInfoProto[], outputs: ValueInfoProto[]): ModelProto =>
  create(ModelProtoSchema, {
    irVersion: 10n,
    producerName: "hebb",
    opsetImport: [...e.domains].map((domain) => ({ domain, version: domain === "" ? 21n : 1n })),
    graph: graphProto(e, inputs, outputs),
  });

const graphProto = (e: Emitter, inputs: ValueInfoProto[], outputs: ValueInfoProto[]): GraphProto =>
  create(GraphProtoSchema, {
    name: "hebb",
    node: e.graphNodes,
    initializer: e.initializers,
    input: inputs,
    output: outputs,
  });

/** Whether float64 occurs anywhere, also inside nodes. */
const usesDouble = (graph: Graph): boolean =>
  graph.order.some(
    ({ dtype, node }) => dtype === "float64" || bodiesOf(node.attrs).some((b) => usesDouble(bodyGraph(b))),
  );

/**
 * Whether no operation is worth dividing among threads: waking them takes some microseconds, in which one thread passes
 * over tens of thousands of numbers, or multiplies and adds a few hundred thousand.
 */
const isSmall = (graph: Graph): boolean =>
  graph.order.every((t) => work(t) <= 2 ** 15 && bodiesOf(t.node.attrs).every((b) => isSmall(bodyGraph(b))));

/** Roughly the time of an operation, in numbers passed over. */
function work({ size, node }: Tensor): number {
  const { primitive, inputs, attrs } = node;
  const [a, b] = inputs;
  if (primitive.name === "matmul") return (size * a.shape[a.rank - (attrs.transposeA ? 2 : 1)]) / 8;
  if (primitive.name === "conv" || primitive.name === "convInput") return (size * b.size) / b.shape[0] / 8;
  // Leaves are there already, and a loop's results are made step by step.
  if (isLeaf(node) || primitive === partPrimitive || primitive.many) return 0;
  return Math.max(size, ...inputs.map((i) => i.size));
}

/** A name with shape and dtype; a size that is a string stays open until the model runs. */
export function valueInfo(
  name: string,
  { shape, dtype }: { readonly shape: readonly (number | string)[]; readonly dtype: DType },
): ValueInfoProto {
  const dim = shape.map((n) =>
    typeof n === "number"
      ? { value: { case: "dimValue" as const, value: BigInt(n) } }
      : { value: { case: "dimParam" as const, value: n } },
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType: dtypes[dtype].onnx, shape: { dim } } } },
  });
}
