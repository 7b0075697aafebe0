import { HebbError } from "../../engine/errors.js";

/** One way to pronounce a word. */
export interface Pronunciation {
  /** In lower case, for example `tomato`. */
  readonly word: string;
  /** ARPAbet phones; vowels end in their stress: 0 none, 1 primary, 2 secondary. */
  readonly phones: readonly string[];
}

/** Entries of CMUdict, `{"tomato": "T AH0 M EY1 T OW2", "tomato(2)": ...}`, with the marks of variants removed. */
export function parseCmudict(entries: unknown, file = "cmudict"): Pronunciation[] {
  if (typeof entries !== "object" || entries === null) {
    throw new HebbError(`${file}: expected an object of words and phones.`);
  }
  return Object.entries(entries).map(([key, phones]) => ({
    word: key.replace(/\(\d+\)$/, ""),
    phones: String(phones).split(" "),
  }));
}
