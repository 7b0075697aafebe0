// Makes assets/digits-images.idx.gz and assets/digits-labels.idx.gz:
//
//   node scripts/make-digits.mjs optdigits.csv.gz
//
// The input is the test part of UCI's "Optical Recognition of Handwritten Digits" (optdigits.tes, gzipped; scikit-learn
// ships the same file as digits.csv.gz): 1,797 lines of 64 pixels from 0 to 16 and a label. The output is in IDX format.
import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";

const [path] = process.argv.slice(2);
if (!path) throw new Error("usage: node scripts/make-digits.mjs optdigits.csv.gz");
const rows = gunzipSync(readFileSync(path))
  .toString()
  .trim()
  .split("\n")
  .map((line) => line.split(",").map(Number));
if (rows.length !== 1797 || rows.some((row) => row.length !== 65)) throw new Error("expected 1,797 rows of 65 values");

write(
  "digits-images",
  [rows.length, 8, 8],
  rows.flatMap((row) => row.slice(0, 64)),
);
write(
  "digits-labels",
  [rows.length],
  rows.map((row) => row[64]),
);

function write(name, shape, values) {
  const unsignedByte = 8;
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, unsignedByte, shape.length]);
  shape.forEach((length, axis) => void header.writeUInt32BE(length, 4 + 4 * axis));
  const bytes = gzipSync(Buffer.concat([header, Buffer.from(values)]), { level: 9 });
  writeFileSync(new URL(`../assets/${name}.idx.gz`, import.meta.url), bytes);
}
