import { HebbError, nearest } from "../engine/errors.js";
import { oneLine } from "../engine/quote.js";

/** A command that was typed wrong: exit status 2, and one sentence that names the nearest right one. */
export class UsageError extends HebbError {
  override name = "UsageError";
  constructor(message: string) {
    super(oneLine(message));
  }
}

/** The end of a sentence about a wrong `word`: the nearest valid one, or all of them where none is near. */
export function suggestion(word: string, valid: readonly string[]): string {
  // What is longer is no slip of the keyboard, and would take long to compare.
  const near = word.length > 100 ? undefined : nearest(word, valid);
  if (near !== undefined) return `did you mean '${near}'?`;
  return valid.length <= 20 ? `valid: ${valid.join(", ")}.` : "`hebb list` shows them all.";
}

/** `value`, once it is known to be one of `valid`. */
export function oneOf<Value extends string>(what: string, value: string, valid: readonly Value[]): Value {
  const found = valid.find((candidate) => candidate === value);
  if (found === undefined) throw new UsageError(`There is no ${what} '${value}'; ${suggestion(value, valid)}`);
  return found;
}

/** `value` as a whole number of at least 1. */
export function positiveInteger(option: string, value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value.trim()) || !Number.isSafeInteger(number) || number < 1) {
    throw new UsageError(`${option} takes a whole number of at least 1, for example ${option} 3, not '${value}'.`);
  }
  return number;
}
