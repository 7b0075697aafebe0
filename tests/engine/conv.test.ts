import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emitModel, normalise } from "../../src/engine/compile.js";
import { placeholder } from "../../src/engine/core.js";
import { cast, conv, grad, jit, mul, setBackend, sum, type Tensor } from "../../src/engine/index.js";
import type { Backend } from "../../src/engine/runtime/backend.js";
import { convolutionBlock } from "../../src/engine/runtime/blocks.js";
import { getBackend } from "../../src/engine/runtime/index.js";
import { fill, onEachBackend } from "./helpers.js";

// Convolutions of float32 take other roads than those of float64 (the runtime's blocked kernels, products over shifts):
// here each against the other.

const random = (shape: number[], seed: number): Tensor => fill({ shape, dtype: "float32", range: [-1, 1] }, seed);

const pair = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 }));
const geometry = fc.record({
  n: fc.integer({ min: 1, max: 3 }),
  c: fc.constantFrom(1, 3, 8, 16, 32),
  o: fc.constantFrom(8, 16, 32),
  spatial: fc.array(fc.integer({ min: 3, max: 9 }), { minLength: 1, maxLength: 3 }),
  kernel: fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: 1, max: 4 }))),
  stride: fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(1, 1, 1, 2, 3))),
  dilation: fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(1, 1, 2))),
  padding: fc.tuple(pair, pair, pair),
  seed: fc.nat(),
});

onEachBackend("convolution in float32", () => {
  it("agrees with float64, and so do its gradients", async () => {
    await fc.assert(
      fc.asyncProperty(geometry, async ({ n, c, o, spatial, kernel, stride, dilation, padding, seed }) => {
        const rank = spatial.length;
        const options = {
          stride: stride.slice(0, rank),
          dilation: dilation.slice(0, rank),
          padding: padding.slice(0, rank),
        };
        const fits = spatial.every((s, i) => s + padding[i][0] + padding[i][1] >= (kernel[i] - 1) * dilation[i] + 1);
        fc.pre(fits);
        const x = random([n, c, ...spatial], seed);
        const w = random([o, c, ...kernel.slice(0, rank)], seed + 1);
        const run = async (dtype: "float32" | "float64") => {
          const f = (a: Tensor, b: Tensor) => {
            const y = conv(a, b, options);
            return sum(mul(y, mul(y, y)));
          };
          const all = jit((a: Tensor, b: Tensor) => {
            const [u, v] = [cast(a, dtype), cast(b, dtype)];
            return [conv(u, v, options), grad(f)(u, v), grad((q: Tensor, p: Tensor) => f(p, q))(v, u)];
          });
          return Promise.all((await all(x, w)).map(async (t) => [...(await t.data())].map(Number)));
        };
        const [single, double] = [await run("float32"), await run("float64")];
        for (const [k, list] of single.entries()) {
          const scale = Math.max(1e-3, ...double[k].map(Math.abs));
          const apart = Math.max(...list.map((value, i) => Math.abs(value - double[k][i])));
          expect(apart / scale).toBeLessThan(2e-5);
        }
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});

describe("blocked convolutions", () => {
  /** How many convolutions of a graph run in the blocked layout. */
  const blocked = (x: number[], w: number[], options: Parameters<typeof conv>[2] = { padding: "same" }): number => {
    const args = [x, w].map((shape) => placeholder({ shape, dtype: "float32" }));
    const { model } = emitModel(normalise([conv(args[0], args[1], options)], args), args, { block: 16 });
    return model.graph!.node.filter(({ opType, domain }) => opType === "Conv" && domain !== "").length;
  };

  it("take kernels of several positions, whose channels fill whole blocks", () => {
    expect(blocked([8, 16, 8, 8], [32, 16, 3, 3])).toBe(1);
    expect(blocked([8, 16, 8, 8], [32, 16, 3, 3], { padding: 1, stride: 2, dilation: 2 })).toBe(1);
    expect(blocked([8, 16, 8, 8], [32, 16, 1, 1])).toBe(0);
    expect(blocked([8, 8, 8, 8], [32, 8, 3, 3])).toBe(0);
    expect(blocked([8, 16, 8, 8], [24, 16, 3, 3])).toBe(0);
  });
  it("take neither groups, nor other ranks, nor kernels larger than the input", () => {
    expect(blocked([8, 32, 8, 8], [32, 16, 3, 3], { padding: "same", groups: 2 })).toBe(0);
    expect(blocked([4, 16, 64], [32, 16, 3])).toBe(0);
    expect(blocked([1, 16, 4, 4], [32, 16, 3, 3])).toBe(0);
  });

  it("are used in blocks that the processor has, or not at all", async () => {
    setBackend("node", { threads: 1 });
    expect([0, 8, 16]).toContain(await convolutionBlock(await getBackend()));
  });

  it("are not used where the runtime has no such operations", async () => {
    const bare: Backend = {
      name: "bare",
      mayBlock: true,
      write: () => {
        throw new Error("unused");
      },
      compile: async () => {
        throw new Error("no operator of that domain");
      },
    };
    expect(await convolutionBlock(bare)).toBe(0);
  });
});
