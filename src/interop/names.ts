import { HebbError } from "../engine/errors.js";
import { quote } from "../engine/quote.js";

const forbidden = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Throws `HebbError` for a name that could reach an object's prototype. Trees are built from dotted or slashed names, so
 * each part counts. `what` names the file.
 */
export function checkName(name: string, what: string): void {
  if (name.split(/[./[\]]/).some((part) => forbidden.has(part))) {
    throw new HebbError(`${what}: the name ${quote(name)} is not allowed.`);
  }
}
