import type { NDArray } from "../../engine/dtype.js";
import { HebbError } from "../../engine/errors.js";
import { normalAxis, type Shape, sizeOf } from "../../engine/shape.js";
import { Tensor } from "../../engine/tensor.js";
import { asTensor, type Value } from "./algebra.js";
import type { Attributes } from "./attributes.js";

/** What an operator computes: one value, or one for each output. */
export type Operator = (call: Call) => Value | readonly Value[];

/** The application of an operator: its inputs, attributes and version. */
export class Call {
  constructor(
    readonly inputs: readonly (Value | undefined)[],
    readonly attributes: Attributes,
    readonly opset: number,
    /** Names of the outputs; those that nobody wants are empty. */
    readonly outputs: readonly string[],
  ) {}

  fail(problem: string): never {
    throw new HebbError(problem);
  }

  has(i: number): boolean {
    return this.inputs[i] !== undefined;
  }

  /** Input i, which must be there. */
  value(i: number): Value {
    return this.inputs[i] ?? this.fail(`input ${i} is missing`);
  }

  tensor(i: number): Tensor {
    return asTensor(this.value(i));
  }

  optional(i: number): Tensor | undefined {
    const value = this.inputs[i];
    return value && asTensor(value);
  }

  /** Input i as an array that is known now: shapes, axes, bounds. */
  known(i: number): NDArray {
    const value = this.value(i);
    if (value instanceof Tensor)
      return this.fail(
        `input ${i} decides about shapes, so it must be a constant or follow from shapes, but it depends on inputs or parameters`,
      );
    return value;
  }

  /** The whole numbers of input i. */
  ints(i: number): number[] {
    const { data, dtype, shape } = this.known(i);
    if (dtype !== "int64" && dtype !== "int32") this.fail(`input ${i} has dtype ${dtype}, not int64`);
    if (data.length > 4096) this.fail(`input ${i} of shape [${shape}] is too long for sizes or axes`);
    return Array.from(data, Number);
  }

  /** The only number of input i, or `absent` when there is none. */
  number(i: number, absent: number): number {
    if (!this.has(i)) return absent;
    const { data, shape, dtype } = this.known(i);
    if (data.length !== 1 || dtype === "float16") this.fail(`input ${i} is not one number, but ${dtype}[${shape}]`);
    return Number(data[0]);
  }

  /** Whole numbers that were an attribute in older operator sets and are an input since. */
  list(attribute: string, input: number): number[] | undefined {
    return this.attributes.ints(attribute) ?? (this.has(input) ? this.ints(input) : undefined);
  }

  /** Attribute `axis`, counted from the front. */
  axis(shape: Shape, absent: number): number {
    return normalAxis("axis", this.attributes.int("axis", absent), shape);
  }

  /** Refuses an attribute that has another value than the one which is supported. */
  fixed(attribute: string, value: number | string): void {
    const found =
      typeof value === "number" ? this.attributes.int(attribute, value) : this.attributes.text(attribute, value);
    if (found !== value) this.fail(`${attribute} = ${found} is not supported`);
  }
}

/** An array of int64. */
export const int64 = (values: readonly number[], shape: Shape = [values.length]): NDArray => ({
  data: BigInt64Array.from(values, BigInt),
  shape,
  dtype: "int64",
});

/**
 * Refuses to make a table of where each place of an axis comes from, when the axis is much longer than the one that it was
 * made of: the table would be the only large thing in a small file.
 */
export function checkTable(length: number, from: number): void {
  if (length > Math.max(2 ** 16, 16 * from))
    throw new HebbError(`an axis of ${from} places cannot become one of ${length}`);
}

/** Refuses sizes that no memory could hold before anything of that size is made. */
export function checkSize(shape: Shape): Shape {
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0) || sizeOf(shape) > 2 ** 40)
    throw new HebbError(`a result of shape [${shape}] is not possible`);
  return shape;
}
