import { parseCsv, parseIdx } from "../../../src/data/index.js";
import { loadSafetensors, readNpz, writeNpy } from "../../../src/interop/index.js";
import { zip } from "../../../src/interop/zip.js";
import { metricSchema, parseChecked, runSchema } from "../../../src/lab/schema.js";
import { idxBytes } from "../../data/idx-bytes.js";
import { file, textOf, utf8 } from "../reader.js";

/** A file of about so many bytes that makes a reader take as much memory for each of them as it can. */
export interface Dense {
  readonly name: string;
  readonly make: (size: number) => Uint8Array;
  readonly read: (bytes: Uint8Array) => unknown;
}

const repeated = (text: string, size: number): Uint8Array => utf8(text.repeat(Math.ceil(size / text.length)));
const numbered = (text: (i: number) => string, size: number): string => {
  const parts: string[] = [];
  for (let length = 0, i = 0; length < size; length += parts[i++].length) parts.push(text(i));
  return parts.join("");
};
const csv = (bytes: Uint8Array) => parseCsv(textOf(bytes), { label: -1 }, file);
const record = (bytes: Uint8Array) => parseChecked(runSchema, textOf(bytes), file);
const safetensors = (bytes: Uint8Array) => loadSafetensors(bytes, undefined, file);

function headed(entries: string): Uint8Array {
  const header = utf8(`{${entries.replace(/,$/, "")}}`);
  const bytes = new Uint8Array(8 + header.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  return bytes;
}
const nothing = '{"dtype":"U8","shape":[0],"data_offsets":[0,0]},';
const empty = writeNpy({ data: new Uint8Array(0), shape: [0], dtype: "uint8" });

export const denseFiles: readonly Dense[] = [
  {
    name: "IDX of signed bytes",
    make: (size) => idxBytes(9, [size], new Array(size).fill(-1)),
    read: (bytes) => parseIdx(bytes, file),
  },
  { name: "CSV of short rows", make: (size) => repeated("1,0\n", size), read: csv },
  { name: "CSV of one row", make: (size) => repeated("1,", size), read: csv },
  { name: "CSV of one column", make: (size) => repeated("a\n", size), read: csv },
  { name: "CSV of quotes", make: (size) => repeated('"1",', size), read: csv },
  {
    name: "CSV of different classes",
    make: (size) => utf8(numbered((i) => `1,w${i.toString(36)}\n`, size)),
    read: csv,
  },
  { name: "JSON of empty lists", make: (size) => utf8(`[${"[],".repeat(size / 3)}0]`), read: record },
  { name: "JSON of a long list", make: (size) => utf8(`{"seeds":[${"0,".repeat(size / 2)}0]}`), read: record },
  { name: "JSON of texts", make: (size) => utf8(`[${numbered((i) => `"${i.toString(36)}",`, size)}0]`), read: record },
  {
    name: "JSON of many keys",
    make: (size) => utf8(`{"arms":{${numbered((i) => `"${i.toString(36)}":"",`, size)}"":""}}`),
    read: record,
  },
  { name: "JSON that nests", make: (size) => utf8("[".repeat(size)), read: record },
  {
    name: "metrics",
    make: (size) => repeated('{"arm":"","seed":1,"step":1,"values":{}}\n', size),
    read: (bytes) =>
      textOf(bytes)
        .split("\n")
        .slice(0, -1)
        .map((line) => parseChecked(metricSchema, line, file)),
  },
  {
    name: "safetensors of nothing",
    make: (size) => headed(numbered((i) => `"${i.toString(36)}":${nothing}`, size)),
    read: safetensors,
  },
  {
    name: "safetensors of long paths",
    make: (size) => headed(numbered((i) => `"${i.toString(36)}${".a".repeat(60)}":${nothing}`, size)),
    read: safetensors,
  },
  {
    name: "npz of empty arrays",
    make: (size) => {
      const names = Array.from({ length: Math.min(60_000, size / 260) }, (_, i) => `${i.toString(36)}.npy`);
      return zip(new Map(names.map((name) => [name, empty])), { compress: false });
    },
    read: (bytes) => readNpz(bytes, file),
  },
];
