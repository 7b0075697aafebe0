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

/** The scalars lie at the beginning of a kernel's memory. */
export const scalarBytes = 1024;
/** Most scalars, and most arrays and results together, that one computation may have. */
export const limits = { scalars: scalarBytes / 4, arrays: 48 };

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
 * A WebAssembly module that exports `run(bytes, ...addresses)`: it computes the first `bytes` of every result (a multiple of
 * 16), four numbers at a time, from arrays at the first addresses to results at the last; a result may lie where an array
 * does. It imports its memory as `host.memory`, in which the scalars come first.
 */
export function encode({ steps, arrays, results }: Pointwise): Uint8Array<ArrayBuffer> {
  // Local 0: the bytes; then the addresses, the place in every array, and the steps.
  const place = 1 + arrays + results.length;
  const local = (step: number) => place + 1 + step;
  const address = (index: number) => [...get(1 + index), ...get(place), 0x6a];
  const before: number[] = [];
  const body: number[] = [];
  steps.forEach((step, i) => {
    if (step.kind === "scalar") before.push(0x41, 0, ...simd(0x09, 2, ...leb(4 * step.index)), ...set(local(i)));
    else if (step.kind === "constant") before.push(...splat(step.value), ...set(local(i)));
    else if (step.kind === "array") body.push(...address(step.index), ...simd(0x00, 4, 0), ...set(local(i)));
    else body.push(...step.of.flatMap((j) => get(local(j))), ...simd(opcodes[step.operation]), ...set(local(i)));
  });
  results.forEach((step, i) => {
    body.push(...address(arrays + i), ...get(local(step)), ...simd(0x0b, 4, 0));
  });
  // do { ... } while ((place += 16) < bytes)
  const next = [...get(place), 0x41, 16, 0x6a, 0x22, ...leb(place), ...get(0), 0x49, 0x0d, 0];
  const code = [
    ...list([
      [1, i32],
      [...leb(steps.length), v128],
    ]),
    ...before,
    ...[0x03, 0x40, ...body, ...next, 0x0b],
    0x0b,
  ];
  const parameters = Array.from({ length: place }, () => [i32]);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list([[0x60, ...list(parameters), 0]])),
    ...section(2, list([[...text("host"), ...text("memory"), 0x02, 0x00, 1]])),
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
