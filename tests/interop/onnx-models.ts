import { create, toBinary } from "@bufbuild/protobuf";
import { type DType, dtypes, type NDArray } from "../../src/engine/dtype.js";
import { tensorProto } from "../../src/engine/onnx/emitter.js";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
} from "../../src/engine/onnx/onnx_pb.js";
import { isNDArray } from "../../src/engine/tensor.js";

/** A whole number is an int attribute; `{ float }` makes it a float. */
export type AttributeValue = number | string | readonly number[] | { float: number } | { floats: number[] } | NDArray;

export interface NodeOf {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs?: Readonly<Record<string, AttributeValue>>;
  readonly domain?: string;
  readonly name?: string;
}

export interface InfoOf {
  readonly name: string;
  readonly dtype?: DType;
  readonly shape?: readonly (number | string)[];
}

export interface ModelOf {
  readonly nodes: readonly NodeOf[];
  readonly inputs?: readonly InfoOf[];
  readonly outputs: readonly InfoOf[];
  readonly initializers?: Readonly<Record<string, NDArray>>;
  readonly opset?: number;
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  const utf8 = new TextEncoder();
  if (typeof value === "string")
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: utf8.encode(value) });
  if (typeof value === "number")
    return Number.isInteger(value)
      ? create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) })
      : create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value });
  if (Array.isArray(value))
    return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
  if (isNDArray(value))
    return create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: tensorProto("", value) });
  if ("float" in value) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, {
    name,
    type: AttributeType.FLOATS,
    floats: (value as { floats: number[] }).floats,
  });
}

const info = ({ name, dtype = "float32", shape }: InfoOf) => ({
  name,
  type: {
    value: {
      case: "tensorType" as const,
      value: {
        elemType: dtypes[dtype].onnx,
        shape: shape && {
          dim: shape.map((n) => ({
            value:
              typeof n === "number"
                ? { case: "dimValue" as const, value: BigInt(n) }
                : { case: "dimParam" as const, value: n },
          })),
        },
      },
    },
  },
});

/** The protobuf message of a small model, to be bent before it is written. */
export const onnxMessage = ({ nodes, inputs = [], outputs, initializers = {}, opset = 21 }: ModelOf) =>
  create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [
      { domain: "", version: BigInt(opset) },
      { domain: "com.microsoft", version: 1n },
    ],
    graph: {
      name: "test",
      node: nodes.map(({ op, inputs, outputs, attrs = {}, domain = "", name = "" }) => ({
        opType: op,
        domain,
        name,
        input: [...inputs],
        output: [...outputs],
        attribute: Object.entries(attrs).map(([key, value]) => attribute(key, value)),
      })),
      initializer: Object.entries(initializers).map(([name, array]) => tensorProto(name, array)),
      input: inputs.map(info),
      output: outputs.map(info),
    },
  });

/** The bytes of a small ONNX model. */
export const onnxModel = (model: ModelOf): Uint8Array => toBinary(ModelProtoSchema, onnxMessage(model));
