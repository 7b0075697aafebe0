import { HebbError } from "../engine/errors.js";

/** A value that survives a round trip through JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Whether `value` is an object literal: neither an array nor an instance of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * A copy of `value` made of what JSON can hold, with `undefined` properties left out. JSON itself would turn NaN into
 * null and an array of numbers of a class into an object without a word: this throws, and names the place.
 * `leaf` may claim a value before it is looked into.
 */
export function toJson(value: unknown, what: string, leaf?: (value: unknown) => Json | undefined): Json {
  const claimed = leaf?.(value);
  if (claimed !== undefined) return claimed;
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new HebbError(`${what} is ${value}, which JSON cannot hold.`);
    return value === 0 ? 0 : value;
  }
  if (Array.isArray(value)) return value.map((item, i) => toJson(item, `${what}[${i}]`, leaf));
  if (isPlainObject(value)) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([key, item]) => [key, toJson(item, `${what}.${key}`, leaf)]));
  }
  const kind = typeof value === "object" ? value.constructor.name : typeof value;
  throw new HebbError(`${what} is a ${kind}, which JSON cannot hold.`);
}

/** JSON text with sorted keys: equal values give equal text, so that it can be hashed and compared. */
export function canonicalJson(value: unknown, what = "value"): string {
  const write = (node: Json): string => {
    if (Array.isArray(node)) return `[${node.map(write).join(",")}]`;
    if (typeof node === "object" && node !== null) {
      const entries = Object.entries(node).sort(([a], [b]) => (a < b ? -1 : 1));
      return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${write(item)}`).join(",")}}`;
    }
    return JSON.stringify(node);
  };
  return write(toJson(value, what));
}
