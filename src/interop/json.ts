import { HebbError } from "../engine/errors.js";
import { oneLine } from "../engine/quote.js";

/** Nothing that is read here nests deeper, and what works through it calls itself once a level. */
const deepest = 64;

/**
 * Three characters can be an array, and an array some fifty bytes: so many parts are made in any case, and more only of
 * texts that are longer than such a trick.
 */
const mostParts = (length: number): number => 2 ** 16 + length / 16;

/** Members that an object has for little memory: their names are shared by all objects of its kind. */
const cheapMembers = 16;

/**
 * JSON from outside; `what` names it in errors.
 *
 * Throws one `HebbError` for what is not JSON and, before anything is made of the text, for one that nests too deep or
 * consists of more arrays, objects and texts than its length accounts for; and for a key that could replace a prototype.
 */
export function parseJson(text: string, what: string): unknown {
  const fail = (problem: string): never => {
    throw new HebbError(`${what} ${oneLine(problem)}.`);
  };
  checkParts(text, fail);
  try {
    const harmless = !/__proto__|\\u005f/i.test(text);
    return JSON.parse(
      text,
      harmless
        ? undefined
        : (key, value) => (key === "__proto__" ? fail(`has the key "${key}", which is not allowed`) : value),
    );
  } catch (error) {
    if (error instanceof HebbError) throw error;
    return fail(`is not JSON: ${(error as Error).message}`);
  }
}

const sign = { quote: 34, comma: 44, open: 91, backslash: 92, close: 93, openObject: 123, closeObject: 125 } as const;

/** Goes over the text without taking memory; whether it is JSON is not its business. */
function checkParts(text: string, fail: (problem: string) => never): void {
  const most = mostParts(text.length);
  /** Of each level: members so far if it is an object, -1 if it is an array. */
  const members = new Int32Array(deepest + 1);
  let depth = 0;
  let parts = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case sign.quote:
        at = endOfText(text, at);
        if (members[depth] < 0) parts++;
        break;
      case sign.open:
      case sign.openObject:
        if (++depth > deepest) fail(`nests more than ${deepest} levels deep`);
        members[depth] = text.charCodeAt(at) === sign.open ? -1 : 0;
        parts++;
        break;
      case sign.close:
      case sign.closeObject:
        if (depth > 0) depth--;
        break;
      case sign.comma:
        if (members[depth] >= 0 && ++members[depth] > cheapMembers) parts++;
        break;
    }
    if (parts > most) fail(`consists of more parts than ${text.length} characters of JSON should`);
  }
}

/** Where the text ends that starts at `at`. */
function endOfText(text: string, at: number): number {
  for (let end = at + 1; ; end++) {
    end = text.indexOf('"', end);
    if (end < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === sign.backslash) slashes++;
    if (slashes % 2 === 0) return end;
  }
}
