import { gzipSync } from "node:zlib";
import { parseCsv, parseIdx } from "../../../src/data/index.js";
import { parseCmudict } from "../../../src/data/text/cmudict.js";
import { parseWordnet } from "../../../src/data/text/wordnet.js";
import { HebbError } from "../../../src/engine/errors.js";
import { idxBytes } from "../../data/idx-bytes.js";
import { file, type Reader, textOf, utf8 } from "../reader.js";

const idxFiles = [
  idxBytes(8, [2, 3], [1, 2, 3, 4, 5, 6]),
  idxBytes(9, [4], [1, -2, 3, -4]),
  idxBytes(11, [2, 2], [1, -2, 3, -4]),
  idxBytes(12, [1, 2], [7, 8]),
  idxBytes(13, [3, 1, 2], [1, 2, 3, 4, 5, 6]),
  idxBytes(14, [2], [0.5, -1]),
];

const csvWords = [",", ";", '""', '"a,b"', "1.5", "-2.5e3", "\n1,2,3", "length", "species", "#", "0x10", "Infinity"];

const csvFiles = [
  "length,width,species\n5.1,3.5,setosa\n7.0,3.2,versicolor\n4.9,3.0,setosa\n",
  "1,2,0\r\n3,4,2\r\n\r\n",
  '\ufeff"a ""x""",b,species\n1,"2\n",0\n3,4,1\n',
].map(utf8);

const synsets = `  1 This software is free
02086723 05 n 03 dog 0 domestic_dog 0 Canis_familiaris 0 002 @ 02085998 n 0000 ~ 01325095 n 0000 | a member of the genus Canis; "the dog barked"
00001740 00 a 01 able(p) 0 001 ! 00002098 a 0101 | having the means
00002312 00 s 01 abaxial 0 000 | facing away
`;

export const dataReaders: readonly Reader[] = [
  { name: "IDX", files: idxFiles, read: (bytes) => parseIdx(bytes, file) },
  {
    name: "IDX, gzipped",
    files: idxFiles.map((bytes) => new Uint8Array(gzipSync(bytes))),
    share: 0.05,
    read: (bytes) => parseIdx(bytes, file),
  },
  {
    name: "IDX in sound gzip",
    files: idxFiles,
    share: 0.05,
    read: (bytes) => parseIdx(new Uint8Array(gzipSync(bytes)), file),
  },
  {
    name: "CSV",
    files: csvFiles,
    words: csvWords,
    read: (bytes) => parseCsv(textOf(bytes), { label: -1 }, file),
  },
  {
    name: "CSV with names",
    files: csvFiles,
    words: csvWords,
    share: 0.5,
    read: (bytes) => parseCsv(textOf(bytes), { label: "species", target: "number" }, file),
  },
  {
    name: "WordNet",
    files: [utf8(synsets)],
    words: [" | ", " 0 ", "\n", "@", " n ", "constructor", "ffffffff", "-1"],
    share: 0.5,
    read: (bytes) => parseWordnet(textOf(bytes), file),
  },
  {
    name: "CMUdict",
    files: [utf8('{"tomato":"T AH0 M EY1 T OW2","tomato(2)":"T AH0 M AA1 T OW2"}')],
    words: ['"tomato":', "(2)", "AH0", "{}", "[]", "null"],
    share: 0.5,
    // The package's module is JSON by the time it comes here.
    read(bytes) {
      let entries: unknown;
      try {
        entries = JSON.parse(textOf(bytes));
      } catch {
        throw new HebbError(`${file}: not JSON.`);
      }
      return parseCmudict(entries, file);
    },
  },
];
