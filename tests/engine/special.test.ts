import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import * as hebb from "../../src/engine/index.js";
import { cast, erfinv, gaussHermite, grad, jit, polygamma, sum, type Tensor, tensor } from "../../src/engine/index.js";
import { checkGradients, fill, numbers, onEachBackend, values } from "./helpers.js";

const file = new URL("../fixtures/special.json", import.meta.url);
const golden = JSON.parse(await readFile(file, "utf8")) as {
  functions: Record<string, [number, number][]>;
  chiSquare: number[][];
};

const functions: Record<string, (x: Tensor) => Tensor> = {
  expm1: hebb.expm1,
  log1p: hebb.log1p,
  sinh: hebb.sinh,
  cosh: hebb.cosh,
  asinh: hebb.asinh,
  acosh: hebb.acosh,
  atanh: hebb.atanh,
  atan: hebb.atan,
  asin: hebb.asin,
  acos: hebb.acos,
  cbrt: hebb.cbrt,
  erf: hebb.erf,
  erfc: hebb.erfc,
  erfcx: hebb.erfcx,
  erfinv,
  normalCdf: hebb.normalCdf,
  logNormalCdf: hebb.logNormalCdf,
  normalPpf: hebb.normalPpf,
  lgamma: hebb.lgamma,
  digamma: hebb.digamma,
  ...Object.fromEntries([1, 2, 3, 5].map((m) => [`polygamma${m}`, (x: Tensor) => polygamma(m, x)])),
};
/** Relative errors beyond a few units in the last place; digamma has a root, near which only its absolute error is small. */
const loose: Record<string, number> = {
  erfc: 2e-15,
  erfcx: 2e-15,
  normalCdf: 2e-14,
  logNormalCdf: 2e-15,
  polygamma5: 2e-14,
};

const relative = (actual: number, expected: number, floor = 0): number =>
  actual === expected ? 0 : Math.abs(actual - expected) / Math.max(Math.abs(expected), floor);

onEachBackend("special functions", () => {
  it("are exact in float64, to a few units in the last place", async () => {
    expect(Object.keys(golden.functions).sort()).toEqual(Object.keys(functions).sort());
    const names = Object.keys(functions);
    const points = names.map((n) => tensor(Float64Array.from(golden.functions[n].map(([x]) => x))));
    const results = await jit((all: Tensor[]) => all.map((x, i) => functions[names[i]](x)))(points);
    const all = await values(results);
    names.forEach((name, i) => {
      golden.functions[name].forEach(([x, expected], k) => {
        const error = relative(all[i][k], expected, name === "digamma" ? 2 : 0);
        expect(error, `${name}(${x}) = ${all[i][k]}, not ${expected}`).toBeLessThan(loose[name] ?? 8e-16);
      });
    });
  });

  it("know the ends of their domains", async () => {
    const ends: [keyof typeof functions, number[], number[]][] = [
      ["expm1", [-Infinity, Infinity], [-1, Infinity]],
      ["log1p", [-1, Infinity, -2], [-Infinity, Infinity, NaN]],
      ["sinh", [-Infinity, Infinity], [-Infinity, Infinity]],
      ["cosh", [-Infinity, Infinity], [Infinity, Infinity]],
      ["asinh", [-Infinity, 0, Infinity], [-Infinity, 0, Infinity]],
      ["acosh", [1, 0.5, -3, Infinity], [0, NaN, NaN, Infinity]],
      ["atanh", [-1, 1, 2], [-Infinity, Infinity, NaN]],
      ["atan", [-Infinity, Infinity], [-Math.PI / 2, Math.PI / 2]],
      ["asin", [1.5, -2], [NaN, NaN]],
      ["acos", [1.5, -2], [NaN, NaN]],
      ["cbrt", [-Infinity, -8, 0, Infinity], [-Infinity, -2, 0, Infinity]],
      ["erfc", [-Infinity, 40, Infinity], [2, 0, 0]],
      ["erfcx", [Infinity], [0]],
      ["erfinv", [-1, 0, 1, 1.5], [-Infinity, 0, Infinity, NaN]],
      ["logNormalCdf", [40], [0]],
      ["normalPpf", [0, 0.5, 1, -0.1], [-Infinity, 0, Infinity, NaN]],
      ["lgamma", [0, -1, Infinity], [Infinity, Infinity, Infinity]],
      ["digamma", [0, Infinity], [-Infinity, Infinity]],
      ["polygamma2", [-0.5], [NaN]],
    ];
    const out = await jit((all: Tensor[]) => all.map((x, i) => functions[ends[i][0]](x)))(
      ends.map(([, x]) => tensor(Float64Array.from(x))),
    );
    const all = await values(out);
    ends.forEach(([name, x, expected], i) => {
      expect(
        all[i].map((v) => v + 0),
        `${name} of ${x}`,
      ).toEqual(expected);
    });
  });

  it("have derivatives that are finite where the function is", async () => {
    const slopes = await jit((x: Tensor, y: Tensor) => ({
      logNormalCdf: grad((t: Tensor) => sum(hebb.logNormalCdf(t)))(x),
      curvature: grad((t: Tensor) => sum(grad((s: Tensor) => sum(hebb.logNormalCdf(s)))(t)))(x),
      lgamma: grad((t: Tensor) => sum(hebb.lgamma(t)))(y),
    }))(tensor(Float64Array.of(-1e3, -50, 0, 9)), tensor(Float64Array.of(-2.5, 0.1, 1e6)));
    const density = Math.exp(-40.5) / Math.sqrt(2 * Math.PI);
    const [first, second, gamma] = await values([slopes.logNormalCdf, slopes.curvature, slopes.lgamma]);
    // On the left by mpmath.
    [1000.000999998, 50.01998403190564, 2 / Math.sqrt(2 * Math.PI), density].forEach((e, i) => {
      expect(relative(first[i], e)).toBeLessThan(1e-10);
    });
    [-0.999999000006, -0.9996009568131961, -2 / Math.PI, -9 * density].forEach((e, i) => {
      expect(relative(second[i], e)).toBeLessThan(1e-9);
    });
    expect(gamma).toEqual(await numbers(hebb.digamma(tensor(Float64Array.of(-2.5, 0.1, 1e6)))));
  });

  it("the noncentral chi-square density, for small and large noncentrality", async () => {
    const dfs = [...new Set(golden.chiSquare.map(([df]) => df))];
    const columns = dfs.map((df) =>
      [1, 2, 3, 4, 5].map((k) => golden.chiSquare.filter((r) => r[0] === df).map((r) => r[k])),
    );
    const points = columns.map((c) => c.slice(0, 2).map((list) => tensor(Float64Array.from(list))));
    const out = await jit((all: Tensor[][]) =>
      all.map(([x, nc], i) => [
        hebb.logNoncentralChiSquare(x, dfs[i], nc),
        ...(grad((a: Tensor, b: Tensor) => sum(hebb.logNoncentralChiSquare(a, dfs[i], b)), { argnums: [0, 1] })(
          x,
          nc,
        ) as Tensor[]),
      ]),
    )(points);
    for (const [i, df] of dfs.entries()) {
      (await values(out[i])).forEach((list, k) => {
        list.forEach((v, row) => {
          const expected = columns[i][k + 2][row];
          const what = `${["value", "d/dx", "d/dnc"][k]} at df ${df}, x ${columns[i][0][row]}, nc ${columns[i][1][row]}`;
          expect(relative(v, expected, k === 0 ? 1 : 0.1), what).toBeLessThan(1e-13);
        });
      });
    }
  });

  it("the noncentral chi-square density has derivatives to second order", async () => {
    const inputs = [fill({ shape: [2, 1], range: [0.5, 4] }, 1), fill({ shape: [2], range: [0.2, 5] }, 2)];
    for (const df of [1, 30]) await checkGradients((x, nc) => hebb.logNoncentralChiSquare(x, df, nc), inputs);
  });
});

describe("special functions of few bits", () => {
  it("are good in float32 and float16", async () => {
    const names = Object.keys(functions);
    // Points and values that float16 holds, where a rounded point does not change the value much.
    const rows = names.map((n) =>
      golden.functions[n].filter(
        ([x, y]) => Math.abs(x) < 60 && Math.abs(x) > 0.005 && Math.abs(y) < 60 && Math.abs(y) > 0.01,
      ),
    );
    for (const [dtype, tolerance] of [
      ["float32", 2e-5],
      ["float16", 4e-2],
    ] as const) {
      const points = rows.map((list) =>
        tensor(
          list.map(([x]) => x),
          { dtype: "float64" },
        ),
      );
      const out = await jit((all: Tensor[]) =>
        all.map((x, i) => {
          const rounded = cast(x, dtype);
          const exact = functions[names[i]](cast(rounded, "float64"));
          return [cast(functions[names[i]](rounded), "float64"), exact];
        }),
      )(points);
      for (const [i, name] of names.entries()) {
        const [actual, expected] = await values(out[i]);
        actual.forEach((y, k) => {
          if (!Number.isFinite(expected[k])) return;
          expect(
            relative(y, expected[k], 0.1),
            `${name}(${rows[i][k][0]}) in ${dtype}: ${y}, not ${expected[k]}`,
          ).toBeLessThan(tolerance);
        });
      }
    }
  });
});

describe("Gauss–Hermite quadrature", () => {
  const odd = (n: number): number => (n <= 1 ? 1 : n * odd(n - 2));
  it("integrates powers exactly, up to its degree", () => {
    for (const n of [1, 2, 3, 8, 21, 64, 100, 257, 512]) {
      const { nodes, weights } = gaussHermite(n);
      expect([nodes.length, weights.length]).toEqual([n, n]);
      const moment = (p: number) => weights.reduce((s, w, i) => s + w * nodes[i] ** p, 0) / Math.sqrt(Math.PI);
      for (let p = 0; p < Math.min(2 * n, 40); p++) {
        // E x^p with x of variance 1/2.
        const expected = p % 2 === 1 ? 0 : odd(p - 1) / 2 ** (p / 2);
        expect(Math.abs(moment(p) - expected) / odd(p - (p % 2)), `n ${n}, x^${p}`).toBeLessThan(1e-13);
      }
      expect(Array.from(nodes).every((x, i) => i === 0 || x > nodes[i - 1])).toBe(true);
    }
  });
  it("is known for two and three nodes", () => {
    expect(Array.from(gaussHermite(2).nodes)).toEqual([-Math.SQRT1_2, Math.SQRT1_2].map((x) => expect.closeTo(x, 15)));
    const { nodes, weights } = gaussHermite(3);
    expect([nodes[1], nodes[2] ** 2, weights[1]]).toEqual(
      [0, 1.5, (2 / 3) * Math.sqrt(Math.PI)].map((x) => expect.closeTo(x, 14)),
    );
  });
  it("takes 100 nodes to the expectation of a smooth function", () => {
    const { nodes, weights } = gaussHermite(100);
    const value = nodes.reduce((s, x, i) => s + weights[i] * Math.cos(Math.SQRT2 * x), 0) / Math.sqrt(Math.PI);
    expect(value).toBeCloseTo(Math.exp(-0.5), 14);
  });
  it("refuses other numbers of nodes", () => {
    for (const n of [0, 1.5, 513]) expect(() => gaussHermite(n)).toThrow("a whole number from 1 to 512, got");
  });
});
