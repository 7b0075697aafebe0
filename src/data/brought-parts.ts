import { HebbError } from "../engine/errors.js";
import { type BroughtReference, broughtPrefix } from "./brought-names.js";
import { plural } from "./brought-words.js";
import { type Dataset, reshapeRows, size, split, type TrainTest } from "./dataset.js";

/** So few rows cannot be split and learned from. */
const fewestRows = 50;

/**
 * A data set that was brought, as a classification problem: rows flat, [n, features], and a fifth of them drawn to test on
 * where the files hold no test part of their own. Throws `HebbError` for a set that is not there, has fewer than 50 rows or
 * only one class, or is a model.
 */
export async function broughtParts(option: BroughtReference): Promise<TrainTest> {
  const { readBrought } = await import("./brought.js");
  const found = await readBrought(option.slice(broughtPrefix.length));
  const { name } = found.info;
  if (found.kind === "onnx")
    throw new HebbError(`"${name}" is a model, not a data set: this study needs rows with labels.`);
  const rows = size(found.train);
  if (rows < fewestRows)
    throw new HebbError(`The data set "${name}" has ${plural(rows, "row")}: this study needs ${fewestRows} or more.`);
  if ((found.train.classes ?? 0) < 2)
    throw new HebbError(`The data set "${name}" has one class only: there is nothing to tell apart.`);
  const flat = (set: Dataset) => reshapeRows(set, [set.x.data.length / size(set)]);
  if (found.test) return { train: flat(found.train), test: flat(found.test) };
  const test = Math.floor(rows / 5);
  return split(flat(found.train), { train: rows - test, test }, { seed: 0 });
}
