import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encode, type Operation, type Pointwise, type Step, scalarBytes } from "../../../src/engine/tail/encode.js";

/** Bytes between the arrays. */
const gap = 16 * 1024;

const { fround, sqrt, abs } = Math;
const meaning: Record<Operation, (a: number, b: number) => number> = {
  abs: (a) => abs(a),
  neg: (a) => -a,
  sqrt: (a) => fround(sqrt(a)),
  add: (a, b) => fround(a + b),
  sub: (a, b) => fround(a - b),
  mul: (a, b) => fround(a * b),
  div: (a, b) => fround(a / b),
};
const unary: readonly Operation[] = ["abs", "neg", "sqrt"];

/** The same computation, number by number. */
function reference({ steps, results }: Pointwise, arrays: readonly Float32Array[], scalars: Float32Array) {
  return Array.from({ length: arrays[0].length }, (_, k) => {
    const values: number[] = [];
    for (const step of steps) {
      if (step.kind === "array") values.push(arrays[step.index][k]);
      else if (step.kind === "scalar") values.push(scalars[step.index]);
      else if (step.kind === "constant") values.push(fround(step.value));
      else values.push(meaning[step.operation](values[step.of[0]], values[step.of[1]]));
    }
    return results.map((i) => values[i]);
  });
}

async function compute(pointwise: Pointwise, arrays: readonly Float32Array[], scalars: Float32Array) {
  const memory = new WebAssembly.Memory({ initial: 4 });
  const { instance } = await WebAssembly.instantiate(encode(pointwise), { host: { memory } });
  const size = arrays[0].length;
  const addresses = Array.from({ length: arrays.length + pointwise.results.length }, (_, i) => scalarBytes + i * gap);
  const lane = (i: number) => new Float32Array(memory.buffer, addresses[i], size);
  new Float32Array(memory.buffer, 0, scalars.length).set(scalars);
  arrays.forEach((array, i) => {
    lane(i).set(array);
  });
  (instance.exports.run as (...of: number[]) => void)(size * 4, ...addresses);
  const found = pointwise.results.map((_, i) => lane(arrays.length + i));
  return Array.from({ length: size }, (_, k) => found.map((array) => array[k]));
}

const number = fc.oneof(
  fc.float({ noNaN: false }),
  fc.constantFrom(0, -0, 1e-45, -1e-40, 3.4028234663852886e38, Number.POSITIVE_INFINITY, Number.NaN),
);

const computation = fc
  .record({ arrays: fc.integer({ min: 1, max: 5 }), scalars: fc.integer({ min: 0, max: 3 }) })
  .chain(({ arrays, scalars }) =>
    fc.record({
      arrays: fc.constant(arrays),
      scalars: fc.constant(scalars),
      constants: fc.array(number, { maxLength: 3 }),
      operations: fc.array(fc.tuple(fc.constantFrom(...(Object.keys(meaning) as Operation[])), fc.nat(), fc.nat()), {
        minLength: 1,
        maxLength: 30,
      }),
      results: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
      data: fc.array(fc.array(number, { minLength: 12, maxLength: 12 }), { minLength: 5, maxLength: 5 }),
      given: fc.array(number, { minLength: 3, maxLength: 3 }),
    }),
  );

describe("kernels", () => {
  it("compute what float32 arithmetic gives, bit for bit", async () => {
    await fc.assert(
      fc.asyncProperty(computation, async ({ arrays, scalars, constants, operations, results, data, given }) => {
        const steps: Step[] = [
          ...Array.from({ length: arrays }, (_, index): Step => ({ kind: "array", index })),
          ...Array.from({ length: scalars }, (_, index): Step => ({ kind: "scalar", index })),
          ...constants.map((value): Step => ({ kind: "constant", value })),
        ];
        for (const [operation, a, b] of operations) {
          const of = [a % steps.length, b % steps.length].slice(0, unary.includes(operation) ? 1 : 2);
          steps.push({ kind: "apply", operation, of });
        }
        const pointwise = { steps, arrays, results: results.map((r) => r % steps.length) };
        const inputs = data.slice(0, arrays).map((list) => Float32Array.from(list));
        const numbers = Float32Array.from(given.slice(0, scalars));
        expect(await compute(pointwise, inputs, numbers)).toEqual(reference(pointwise, inputs, numbers));
      }),
      { numRuns: 300 },
    );
  });

  it("fill a whole array and touch nothing beyond", async () => {
    const pointwise: Pointwise = {
      steps: [
        { kind: "array", index: 0 },
        { kind: "apply", operation: "neg", of: [0] },
      ],
      arrays: 1,
      results: [1],
    };
    const whole = Float32Array.from({ length: gap / 4 }, (_, i) => i);
    const found = await compute(pointwise, [whole], new Float32Array());
    expect(found.flat()).toEqual([...whole].map((x) => -x));
  });
});
