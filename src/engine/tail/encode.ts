/** One value of an element-wise computation, made of earlier ones. */
export type Step =
  | { readonly kind: "array"; readonly index: number }
  | { readonly kind: "scalar"; readonly index: number }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "apply"; readonly operation: Operation; readonly of: readonly number[] };

/** An element-wise computation in float32: its values in order, and which of them are results. */
export interface Pointwise {
  readonly steps: readonly Step[];
  /** How many arrays it reads. */
  readonly arrays: number;
  /** Positions in `steps`. */
  readonly results: readonly number[];
}

/** Bytes of the memory that each array has for itself. */
export const laneBytes = 16 * 1024;
/** Where the arrays begin; the scalars lie before them. */
export const scalarBytes = 1024;
/** Most scalars, and most arrays and results together, that one computation may have. */
export const limits = { scalars: scalarBytes / 4, lanes: 48 };
/** Pages of 64 KiB that hold the scalars and every lane. */
export const pages = Math.ceil((scalarBytes + limits.lanes * laneBytes) / 65536);

// f32x4 instructions, whose results are those of the same operations on single float32 numbers.
const opcodes = { abs: 0xe0, neg: 0xe1, sqrt: 0xe3, add: 0xe4, sub: 0xe5, mul: 0xe6, div: 0xe7 };
export type Operation = keyof typeof opcodes;
export const isOperation = (name: string): name is Operation => Object.hasOwn(opcodes, name);

const [i32, v128] = [0x7f, 0x7b];

/** Unsigned LEB128. */
function leb(n: number): number[] {
  const bytes: number[] = [];
  for (let rest = n; ; ) {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
    if (rest === 0) return bytes;
  }
}

const list = (items: readonly number[][]): number[] => [...leb(items.length), ...items.flat()];
const section = (id: number, content: number[]): number[] => [id, ...leb(content.length), ...content];
const text = (s: string): number[] => [...leb(s.length), ...[...s].map((c) => c.charCodeAt(0))];
const simd = (opcode: number, ...rest: number[]): number[] => [0xfd, ...leb(opcode), ...rest];
const get = (local: number): number[] => [0x20, ...leb(local)];
const set = (local: number): number[] => [0x21, ...leb(local)];

/**
 * A WebAssembly module that exports `run(bytes)`: it computes the first `bytes` of every lane (a multiple of 16), four
 * numbers at a time. It imports its memory as `host.memory`: scalars first, then one lane for each array, then one for each
 * result.
 */
export function encode({ steps, arrays, results }: Pointwise): Uint8Array<ArrayBuffer> {
  // Local 0: the argument; 1: the place in the lanes; then one for each step.
  const local = (step: number) => step + 2;
  const lane = (index: number) => leb(scalarBytes + index * laneBytes);
  const before: number[] = [];
  const body: number[] = [];
  steps.forEach((step, i) => {
    if (step.kind === "scalar") before.push(0x41, 0, ...simd(0x09, 2, ...leb(4 * step.index)), ...set(local(i)));
    else if (step.kind === "constant") before.push(...splat(step.value), ...set(local(i)));
    else if (step.kind === "array") body.push(...get(1), ...simd(0x00, 4, ...lane(step.index)), ...set(local(i)));
    else body.push(...step.of.flatMap((j) => get(local(j))), ...simd(opcodes[step.operation]), ...set(local(i)));
  });
  results.forEach((step, i) => {
    body.push(...get(1), ...get(local(step)), ...simd(0x0b, 4, ...lane(arrays + i)));
  });
  // do { ... } while ((at += 16) < bytes)
  const next = [...get(1), 0x41, 16, 0x6a, 0x22, 1, ...get(0), 0x49, 0x0d, 0];
  const code = [
    ...list([
      [1, i32],
      [...leb(steps.length), v128],
    ]),
    ...before,
    ...[0x03, 0x40, ...body, ...next, 0x0b],
    0x0b,
  ];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list([[0x60, 1, i32, 0]])),
    ...section(2, list([[...text("host"), ...text("memory"), 0x02, 0x00, ...leb(pages)]])),
    ...section(3, list([[0]])),
    ...section(7, list([[...text("run"), 0x00, 0]])),
    ...section(10, list([[...leb(code.length), ...code]])),
  ]);
}

/** A constant vector of four times the same number. */
function splat(value: number): number[] {
  const bytes = [...new Uint8Array(Float32Array.of(value, value, value, value).buffer)];
  return simd(0x0c, ...bytes);
}
