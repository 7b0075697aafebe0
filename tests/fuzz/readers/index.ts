import type { Reader } from "../reader.js";
import { arrayReaders } from "./arrays.js";
import { dataReaders } from "./data.js";
import { labReaders } from "./lab.js";
import { onnxReaders } from "./onnx.js";
import { optionReaders } from "./options.js";
import { parquetReaders } from "./parquet.js";

/** Everything that reads files, or words, from outside. */
export const readers: readonly Reader[] = [
  ...dataReaders,
  ...arrayReaders,
  ...onnxReaders,
  ...labReaders,
  ...parquetReaders,
  ...optionReaders,
];
