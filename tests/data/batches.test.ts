import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Batches,
  type BatchOptions,
  batches,
  batchIndices,
  epochOrder,
  fromArrays,
} from "../../src/data/index.js";
import { HebbError } from "../../src/engine/errors.js";

const draw = <T>(stream: Batches<T>, count: number): T[] =>
  Array.from({ length: count }, () => stream.next().value as T);

const options = fc.record({
  n: fc.integer({ min: 1, max: 60 }),
  batchSize: fc.integer({ min: 1, max: 60 }),
  seed: fc.nat(),
  shuffle: fc.boolean(),
  dropLast: fc.boolean(),
});

describe("batchIndices", () => {
  it("visits every example once an epoch", () => {
    fc.assert(
      fc.property(options, ({ n, ...rest }) => {
        const { batchSize } = rest;
        fc.pre(!rest.dropLast || batchSize <= n);
        const stream = batchIndices(n, { ...rest, epochs: 2 });
        const all = [...stream];
        expect(all.length).toBe(stream.length);
        const kept = rest.dropLast ? n - (n % batchSize) : n;
        for (let epoch = 0; epoch < 2; epoch++) {
          const visited = all
            .slice(epoch * stream.batchesPerEpoch, (epoch + 1) * stream.batchesPerEpoch)
            .flatMap((batch) => [...batch]);
          expect(visited.length).toBe(kept);
          expect(new Set(visited).size).toBe(kept);
          expect(visited.every((i) => i >= 0 && i < n)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("continues bit-identically from any state, through JSON, in a new stream", () => {
    fc.assert(
      fc.property(options, fc.nat({ max: 40 }), fc.nat({ max: 40 }), ({ n, ...rest }, before, after) => {
        fc.pre(!rest.dropLast || rest.batchSize <= n);
        const whole = draw(batchIndices(n, rest), before + after);
        const first = batchIndices(n, rest);
        draw(first, before);
        const state = JSON.parse(JSON.stringify(first.state()));
        const second = batchIndices(n, rest);
        draw(second, 3);
        second.restore(state);
        expect(draw(second, after)).toEqual(whole.slice(before));
      }),
      { numRuns: 200 },
    );
  });

  it("makes each epoch's order a function of seed and epoch", () => {
    const stream = batchIndices(10, { batchSize: 10, seed: 5 });
    expect(draw(stream, 3)).toEqual([0, 1, 2].map((epoch) => epochOrder(10, 5, epoch)));
    expect(epochOrder(100, 5, 0)).not.toEqual(epochOrder(100, 5, 1));
    expect(epochOrder(100, 5, 0)).not.toEqual(epochOrder(100, 6, 0));
    // Frozen: another order would change the results of every study.
    expect([...epochOrder(8, 0, 0)]).toEqual([3, 5, 7, 2, 6, 0, 1, 4]);
  });

  it("stops at steps or epochs, whichever comes first", () => {
    expect([...batchIndices(10, { batchSize: 4, steps: 2 })].length).toBe(2);
    expect([...batchIndices(10, { batchSize: 4, epochs: 1, steps: 9 })].length).toBe(3);
    expect(batchIndices(10, { batchSize: 4 }).length).toBe(Number.POSITIVE_INFINITY);
  });

  it("keeps its place when a loop is left early", () => {
    const stream = batchIndices(6, { batchSize: 2, shuffle: false });
    for (const batch of stream) {
      expect([...batch]).toEqual([0, 1]);
      break;
    }
    expect([...stream.next().value!]).toEqual([2, 3]);
  });

  it.each([
    [10, { batchSize: 0 }, "batchSize must be a whole number of at least 1, got 0"],
    [10, { batchSize: 2.5 }, "batchSize must be a whole number"],
    [0, { batchSize: 1 }, "the number of examples must be a whole number of at least 1"],
    [10, { batchSize: 1, epochs: -1 }, "epochs must be"],
    [10, { batchSize: 1, steps: Number.NaN }, "steps must be"],
    [10, { batchSize: 11, dropLast: true }, "with dropLast, 10 examples make no batch of 11"],
  ] as [number, BatchOptions, string][])("rejects %d, %j", (n, bad, message) => {
    expect(() => batchIndices(n, bad)).toThrow(HebbError);
    expect(() => batchIndices(n, bad)).toThrow(message);
  });

  it("rejects a state of another stream", () => {
    const state = batchIndices(10, { batchSize: 4, seed: 1 }).state();
    expect(() => batchIndices(10, { batchSize: 4, seed: 2 }).restore(state)).toThrow(
      "the state was saved with seed 1, this stream has 2",
    );
    expect(() => batchIndices(10, { batchSize: 4, seed: 1 }).restore({ ...state, step: -1 })).toThrow("step");
  });
});

describe("batches", () => {
  const n = 23;
  const data = fromArrays(
    Array.from({ length: n }, (_, i) => [i, 10 * i]),
    Array.from({ length: n }, (_, i) => i % 5),
  );

  it("gathers the rows that its indices name", () => {
    for (const { x, y, indices } of batches(data, { batchSize: 5, epochs: 2, seed: 9 })) {
      expect(x.shape).toEqual([indices.length, 2]);
      expect([...x.data]).toEqual([...indices].flatMap((i) => [i, 10 * i]));
      expect([...y.data]).toEqual([...indices].map((i) => i % 5));
    }
  });

  it("hands out fresh arrays", () => {
    const [first, second] = draw(batches(data, { batchSize: 5 }), 2);
    expect(first.x.data.buffer).not.toBe(second.x.data.buffer);
  });
});
