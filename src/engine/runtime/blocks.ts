import { toBinary } from "@bufbuild/protobuf";
import { modelProto, valueInfo } from "../compile.js";
import { emitBlockedConv } from "../onnx/blocked-conv.js";
import { Emitter } from "../onnx/emitter.js";
import { ModelProtoSchema } from "../onnx/onnx_pb.js";
import type { Backend } from "./backend.js";

const found = new WeakMap<Backend, Promise<number>>();

/**
 * How many channels the runtime's blocked convolutions take together, which depends on the processor; 0 where there are
 * none. Found by trying: a small convolution in each block size against the plain one.
 */
export function convolutionBlock(backend: Backend): Promise<number> {
  if (!backend.mayBlock) return Promise.resolve(0);
  let block = found.get(backend);
  if (!block) found.set(backend, (block = find(backend)));
  return block;
}

async function find(backend: Backend): Promise<number> {
  for (const block of [16, 8]) if (await agrees(backend, block)) return block;
  return 0;
}

const [x, w] = [
  { shape: [1, 32, 3, 4], dtype: "float32" as const },
  { shape: [32, 32, 3, 3], dtype: "float32" as const },
];

/** Whole numbers, so that every order of summation gives the same. */
const numbers = (length: number, modulus: number) => Float32Array.from({ length }, (_, i) => (i % modulus) - 3);

async function agrees(backend: Backend, block: number): Promise<boolean> {
  const e = new Emitter();
  const [input, kernel] = [e.fresh(), e.fresh()];
  const geometry = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1], dilations: [1, 1], group: 1 };
  const outputs = [
    e.node("Conv", [input, kernel], geometry),
    emitBlockedConv(e, [input, kernel], { w }, block, geometry),
  ];
  const model = modelProto(
    e,
    [valueInfo(input, x), valueInfo(kernel, w)],
    outputs.map((name) => valueInfo(name, x)),
  );
  const port = (name: string, index: number, { shape }: typeof x) => ({
    name,
    dtype: "float32" as const,
    values: [{ index, shape }],
  });
  try {
    const executable = await backend.compile(toBinary(ModelProtoSchema, model), {
      inputs: [port(input, 0, x), port(kernel, 1, w)],
      outputs: outputs.map((name, i) => port(name, i, x)),
      double: false,
      once: true,
      small: true,
    });
    const results = await executable.run([
      backend.write({ ...x, data: numbers(32 * 12, 7) }),
      backend.write({ ...w, data: numbers(32 * 32 * 9, 11) }),
    ]);
    const [plain, blocked] = await Promise.all(results.map(async (r) => (await r.read()).data as Float32Array));
    executable.dispose();
    return plain.every((value, i) => value === blocked[i]);
  } catch {
    // The runtime has no such operations on this processor.
    return false;
  }
}
