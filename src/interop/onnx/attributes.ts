import type { NDArray } from "../../engine/dtype.js";
import { HebbError } from "../../engine/errors.js";
import { type AttributeProto, AttributeProto_AttributeType as Type } from "../../engine/onnx/onnx_pb.js";
import { quote } from "../../engine/quote.js";
import { type ExternalData, readTensor, wholeNumber } from "./tensors.js";

/** The attributes of a node, each read as the kind that its operator wants. */
export class Attributes {
  readonly #protos = new Map<string, AttributeProto>();
  readonly #tensors = new Map<string, NDArray>();

  constructor(
    protos: readonly AttributeProto[],
    readonly where: string,
    external: ExternalData,
  ) {
    for (const proto of protos) {
      if (this.#protos.has(proto.name)) throw new HebbError(`${where} has the attribute ${quote(proto.name)} twice.`);
      this.#protos.set(proto.name, proto);
      if (proto.t)
        this.#tensors.set(proto.name, readTensor(proto.t, `${where}: the attribute ${quote(proto.name)}`, external));
    }
  }

  has(name: string): boolean {
    return this.#protos.has(name);
  }

  int(name: string, absent: number): number {
    const proto = this.#get(name, Type.INT);
    return proto ? wholeNumber(proto.i, `${this.where}: the attribute ${quote(name)}`) : absent;
  }

  float(name: string, absent: number): number {
    return this.#get(name, Type.FLOAT)?.f ?? absent;
  }

  text(name: string, absent: string): string {
    const proto = this.#get(name, Type.STRING);
    return proto ? new TextDecoder().decode(proto.s) : absent;
  }

  ints(name: string): number[] | undefined {
    return this.#get(name, Type.INTS)?.ints.map((n) => wholeNumber(n, `${this.where}: the attribute ${quote(name)}`));
  }

  /** A whole number as it is: those at the ends of int64 are not exact as numbers. */
  bigint(name: string): bigint | undefined {
    return this.#get(name, Type.INT)?.i;
  }

  bigints(name: string): readonly bigint[] | undefined {
    return this.#get(name, Type.INTS)?.ints;
  }

  floats(name: string): readonly number[] | undefined {
    return this.#get(name, Type.FLOATS)?.floats;
  }

  tensor(name: string): NDArray | undefined {
    return this.#get(name, Type.TENSOR) && this.#tensors.get(name);
  }

  #get(name: string, type: Type): AttributeProto | undefined {
    const proto = this.#protos.get(name);
    if (proto && proto.type !== type)
      throw new HebbError(
        `${this.where}: the attribute ${quote(name)} is of kind ${Type[proto.type] ?? proto.type}, not ${Type[type]}.`,
      );
    return proto;
  }
}
