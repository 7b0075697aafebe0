// A process that reads sound and hostile files of all formats for models and data, and prints how many it read. Started
// where neither code from text nor another process, a native module or a written file is allowed.
import { hostRandom, mutate } from "./mutate.js";
import { attempt } from "./reader.js";
import { arrayReaders } from "./readers/arrays.js";
import { dataReaders } from "./readers/data.js";
import { onnxReaders } from "./readers/onnx.js";

let accepted = 0;
const random = hostRandom(1);
for (const reader of [...arrayReaders, ...dataReaders, ...onnxReaders]) {
  for (const file of reader.files) {
    accepted += Number(await attempt(reader, file));
    for (let i = 0; i < 3; i++) await attempt(reader, mutate(file, random, file, []));
  }
}
let refused = false;
try {
  new Function("return 1")();
} catch {
  refused = true;
}
console.log(JSON.stringify({ accepted, refused }));
