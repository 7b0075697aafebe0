import { create } from "@bufbuild/protobuf";
import { arrayKey, type DType, dtypes, type NDArray } from "../dtype.js";
import { HebbError } from "../errors.js";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from "./onnx_pb.js";

export type Attribute = number | string | readonly number[] | NDArray | GraphProto;

/** ONNX attributes that are floats even when their value is a whole number. */
const floatAttributes = new Set(["epsilon", "alpha", "beta"]);

const utf8 = new TextEncoder();

export interface EmitterOptions {
  readonly portable?: boolean;
  readonly device?: boolean;
  readonly block?: number;
}

/** Collects the nodes and constants of one ONNX graph; used by the emission rules of primitives. */
export class Emitter {
  readonly graphNodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly domains: Set<string>;
  #constants = new Map<string, string>();
  /** Nodes of several outputs by what they compute: rules that want different outputs of one kernel share it. */
  #known = new Map<string, string[]>();
  /** Names are unique in the whole model: the graph inside a node sees those around it. */
  #counter: { next: number };

  /** Whether only operators of the ONNX standard may be used, not the runtime's own. */
  readonly portable: boolean;
  /** Whether operators without a WebGPU kernel are to be avoided: each waits for the device and copies. */
  readonly device: boolean;
  /** How many channels the runtime's blocked convolutions take together; 0 where there are none. */
  readonly block: number;

  constructor({ portable = false, device = false, block = 0 }: EmitterOptions = {}, parent?: Emitter) {
    this.portable = parent?.portable ?? (portable || device);
    this.device = parent?.device ?? device;
    this.block = parent?.block ?? block;
    this.domains = parent?.domains ?? new Set([""]);
    this.#counter = parent ? parent.#counter : { next: 0 };
  }

  /** An emitter for a graph inside a node of this one. */
  inner(): Emitter {
    return new Emitter({}, this);
  }

  fresh(): string {
    return `v${this.#counter.next++}`;
  }

  /** A node with one output. */
  node(op: string, inputs: readonly string[], attrs: Readonly<Record<string, Attribute>> = {}, domain = ""): string {
    return this.nodes(op, inputs, 1, attrs, domain)[0];
  }

  /** A node with several outputs; nodes that hold graphs are never shared. */
  nodes(
    op: string,
    inputs: readonly string[],
    outputs: number,
    attrs: Readonly<Record<string, Attribute>> = {},
    domain = "",
  ): string[] {
    const shared = outputs > 1 && !Object.values(attrs).some((a) => typeof a === "object" && "node" in a);
    const key = shared ? JSON.stringify([op, domain, inputs, attrs]) : "";
    const known = shared ? this.#known.get(key) : undefined;
    if (known) return known;
    const names = Array.from({ length: outputs }, () => this.fresh());
    if (shared) this.#known.set(key, names);
    this.domains.add(domain);
    this.graphNodes.push(
      create(NodeProtoSchema, {
        opType: op,
        domain,
        input: [...inputs],
        output: names,
        attribute: Object.entries(attrs).map(([name, value]) => attribute(name, value)),
      }),
    );
    return names;
  }

  /** A cast, unless the value is of that dtype already. */
  cast(name: string, to: DType, from?: DType): string {
    return from === to ? name : this.node("Cast", [name], { to: dtypes[to].onnx });
  }

  /** A constant; equal constants are stored once. */
  constant(array: NDArray): string {
    const key = arrayKey(array);
    let name = this.#constants.get(key);
    if (!name) {
      name = this.fresh();
      this.#constants.set(key, name);
      this.initializers.push(tensorProto(name, array));
    }
    return name;
  }

  /** A constant vector of int64: shapes, axes, pads. */
  ints(values: readonly number[]): string {
    return this.constant({ data: BigInt64Array.from(values, BigInt), shape: [values.length], dtype: "int64" });
  }
  scalarFloat(value: number): string {
    return this.constant({ data: Float32Array.of(value), shape: [], dtype: "float32" });
  }
  scalarInt(value: number): string {
    return this.constant({ data: BigInt64Array.of(BigInt(value)), shape: [], dtype: "int64" });
  }
}

export function tensorProto(name: string, { data, shape, dtype }: NDArray): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: shape.map(BigInt),
    dataType: dtypes[dtype].onnx,
    // Raw data are little-endian, as are all platforms that JavaScript runs on.
    rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  });
}

function attribute(name: string, value: Attribute): AttributeProto {
  if (typeof value === "string") {
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: utf8.encode(value) });
  }
  if (typeof value === "number") {
    return Number.isInteger(value) && !floatAttributes.has(name)
      ? create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) })
      : create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value });
  }
  if (Array.isArray(value)) {
    if (!value.every(Number.isInteger)) throw new HebbError(`ONNX attribute ${name} is not a list of integers.`);
    return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
  }
  if ("node" in value) return create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: value });
  return create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: tensorProto("", value as NDArray) });
}
