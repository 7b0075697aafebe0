import type { NDArray } from "../../../src/engine/dtype.js";
import {
  encodeSafetensors,
  loadSafetensors,
  readNpy,
  readNpz,
  writeNpy,
  writeNpz,
} from "../../../src/interop/index.js";
import { zip } from "../../../src/interop/zip.js";
import { file, type Reader, utf8 } from "../reader.js";

const floats: NDArray = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3], dtype: "float32" };
const whole: NDArray = { data: BigInt64Array.of(-1n, 2n), shape: [2], dtype: "int64" };
const flags: NDArray = { data: Uint8Array.of(1, 0, 1), shape: [3], dtype: "bool" };
const arrays = [floats, whole, flags];

const npyWords = ["'descr': ", "'fortran_order': True", "'shape': (", "(1,)", "'<f8'", "'|O'", "'>i2'", "'|b1'", "}"];

const safetensorsWords = [
  ...['"dtype":"F32"', '"dtype":"BF16"', '"shape":[', '"data_offsets":[0,0]', '"__metadata__":{', "}", "],", "[0]"],
  ...['"a.b":', '"a[0]":', '"a[1]":', '"a.b.c.d":', "4294967296"],
];

const sound = (header: object, length: number): Uint8Array => {
  const text = utf8(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
};

export const arrayReaders: readonly Reader[] = [
  { name: "npy", files: arrays.map(writeNpy), words: npyWords, read: (bytes) => readNpy(bytes, file) },
  {
    name: "npz",
    files: [
      writeNpz([
        ["a", floats],
        ["b", whole],
      ]),
      writeNpz([["weights", floats]], { compress: true }),
    ],
    words: ["PK\x01\x02", "PK\x03\x04", "PK\x05\x06", "a.npy"],
    share: 0.4,
    read: (bytes) => readNpz(bytes, file),
  },
  {
    name: "npy in a sound npz",
    files: arrays.map(writeNpy),
    words: npyWords,
    share: 0.2,
    read: (bytes) => readNpz(zip(new Map([["a.npy", bytes]]), { compress: bytes.length % 2 === 0 }), file),
  },
  {
    name: "safetensors",
    files: [
      encodeSafetensors(
        [
          ["layers[0].w", floats],
          ["layers[0].b", whole],
          ["mask", flags],
        ],
        { made: "for a test" },
      ),
      sound({ a: { dtype: "BF16", shape: [2], data_offsets: [0, 4] } }, 4),
    ],
    words: safetensorsWords,
    read: (bytes) => loadSafetensors(bytes, undefined, file),
  },
  {
    name: "safetensors' header",
    files: [
      utf8(
        '{"a.b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"c":{"dtype":"I8","shape":[4],"data_offsets":[4,8]}}',
      ),
    ],
    words: safetensorsWords,
    // The length is made to fit, so that every input is a header.
    read(header) {
      const bytes = new Uint8Array(8 + header.length + 8);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
      bytes.set(header, 8);
      return loadSafetensors(bytes, undefined, file);
    },
  },
];
