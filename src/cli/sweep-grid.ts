import { chooseSeeds } from "../lab/runner.js";
import type { Configuration } from "../lab/sweep.js";
import { positiveInteger, suggestion, UsageError } from "./usage.js";

type Value = Configuration[string];

/** The values of each `--grid name=v1,v2`, in the types of the options that they replace. */
export function parseGrid(slug: string, defaults: object, grids: readonly string[]): Map<string, Value[]> {
  const known = new Map<string, unknown>(Object.entries(defaults));
  const grid = new Map<string, Value[]>();
  for (const text of grids) {
    const [, name, list] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
    if (name === undefined) {
      throw new UsageError(`--grid takes a name and values, for example --grid rounds=2,4, not '${text}'.`);
    }
    if (!known.has(name)) {
      throw new UsageError(`'${slug}' has no option '${name}'; ${suggestion(name, [...known.keys()])}`);
    }
    if (grid.has(name)) throw new UsageError(`--grid ${name} is given twice; put all its values into one list.`);
    const values = list.split(",").map((word) => parseValue(name, word.trim(), known.get(name)));
    grid.set(name, [...new Set(values)]);
  }
  return grid;
}

function parseValue(name: string, word: string, like: unknown): Value {
  switch (typeof like) {
    case "string":
      return word;
    case "boolean":
      if (word === "true" || word === "false") return word === "true";
      throw new UsageError(`--grid ${name} takes true or false, not '${word}'.`);
    case "number": {
      const number = Number(word);
      if (word !== "" && Number.isFinite(number)) return number;
      throw new UsageError(`--grid ${name} takes numbers, not '${word}'.`);
    }
    default:
      throw new UsageError(`The option '${name}' is no number, text or truth value, so --grid cannot vary it.`);
  }
}

/** The seeds of `--seeds`: how many (the first of the scale's, counted on where there are too few), or a list. */
export function parseSeeds(listed: readonly number[], text: string | undefined): number[] {
  if (text === undefined) return [...listed];
  if (!text.includes(",")) return [...chooseSeeds(listed, positiveInteger("--seeds", text))];
  const words = text.split(",").map((word) => word.trim());
  if (!words.every((word) => /^\d+$/.test(word) && Number.isSafeInteger(Number(word)))) {
    throw new UsageError(
      `--seeds takes a number of seeds or a list of them, for example --seeds 0,1,2, not '${text}'.`,
    );
  }
  return [...new Set(words.map(Number))];
}
