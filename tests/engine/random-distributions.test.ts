import { describe, expect, it } from "vitest";
import { matmul, random, type Tensor, tensor, vmap } from "../../src/engine/index.js";
import { numbers } from "./helpers.js";
import {
  betaCdf,
  chiSquareExcess,
  gammaCdf,
  kolmogorov,
  logGamma,
  normalCdf,
  normalTail,
  studentCdf,
} from "./random-known.js";

const n = 20_000;
const k = random.key(31);
/** The quantile 0.999 of Kolmogorov's distribution. */
const limit = 1.95;

describe("samples follow their distribution functions", () => {
  const double = { dtype: "float64" } as const;
  type Case = readonly [name: string, draw: () => ReturnType<typeof random.normal>, cdf: (x: number) => number];
  const truncated = (low: number, high: number): Case => {
    const mass = normalTail(low) - normalTail(high);
    return [
      `truncatedNormal on [${low}, ${high}]`,
      () => random.truncatedNormal(k, [n], { low, high, ...double }),
      (x) => (low > 0 ? (normalTail(low) - normalTail(x)) / mass : (normalCdf(x) - normalCdf(low)) / mass),
    ];
  };
  const cases: Case[] = [
    ["uniform", () => random.uniform(k, [n]), (x) => x],
    ["normal float32", () => random.normal(k, [n]), normalCdf],
    ["normal float64", () => random.normal(k, [n], { mean: 2, sd: 3, ...double }), (x) => normalCdf((x - 2) / 3)],
    ["exponential", () => random.exponential(k, [n], { rate: 2 }), (x) => 1 - Math.exp(-2 * x)],
    ["exponential float64", () => random.exponential(k, [n], double), (x) => 1 - Math.exp(-x)],
    [
      "laplace",
      () => random.laplace(k, [n], { loc: 1, scale: 2 }),
      (x) => (x < 1 ? Math.exp((x - 1) / 2) / 2 : 1 - Math.exp((1 - x) / 2) / 2),
    ],
    ["logistic", () => random.logistic(k, [n], { loc: -1, scale: 3 }), (x) => 1 / (1 + Math.exp(-(x + 1) / 3))],
    ["cauchy", () => random.cauchy(k, [n], { loc: 3, scale: 2 }), (x) => 0.5 + Math.atan((x - 3) / 2) / Math.PI],
    ["gumbel", () => random.gumbel(k, [n]), (x) => Math.exp(-Math.exp(-x))],
    ...[0.05, 1, 40].map<Case>((a) => [`gamma of ${a}`, () => random.gamma(k, a, [n], double), (x) => gammaCdf(x, a)]),
    ["gamma float32", () => random.gamma(k, 3, [n]), (x) => gammaCdf(x, 3)],
    ["chiSquare", () => random.chiSquare(k, 3, [n]), (x) => gammaCdf(x / 2, 1.5)],
    ...[1, 4].map<Case>((df) => [
      `studentT of ${df}`,
      () => random.studentT(k, df, [n], double),
      (x) => studentCdf(x, df),
    ]),
    ...(
      [
        [0.5, 0.5],
        [0.1, 3],
      ] as const
    ).map<Case>(([a, b]) => [
      `beta of ${a} and ${b}`,
      () => random.beta(k, a, b, [n], double),
      (x) => betaCdf(x, a, b),
    ]),
    [
      "dirichlet, one of its classes",
      () => random.dirichlet(k, [0.5, 1, 2], [n], double).slice([0, 0], [n, 1]).reshape(n),
      (x) => betaCdf(x, 0.5, 3),
    ],
    [
      "unitSphere, one coordinate of three",
      () => random.unitSphere(k, [n, 3]).slice([0, 0], [n, 1]),
      (x) => (x + 1) / 2,
    ],
    [
      "unitBall, the cube of the radius",
      () => {
        const x = random.unitBall(k, [n, 3], double);
        return x.mul(x).sum(-1).pow(1.5);
      },
      (x) => x,
    ],
    truncated(-2, 2),
    truncated(-1, 3),
    truncated(-0.1, 0.2),
    truncated(1, 1.5),
    truncated(-3, -2.5),
    truncated(8, 20),
    truncated(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY),
    truncated(2, Number.POSITIVE_INFINITY),
    truncated(Number.NEGATIVE_INFINITY, 1),
  ];
  for (const [name, draw, cdf] of cases) {
    it(name, async () => {
      expect(kolmogorov(await numbers(draw()), cdf)).toBeLessThan(limit);
    });
  }
  it("truncatedNormal is exponential far out in one tail, on either side", async () => {
    // P(Z > t + d) / P(Z > t) tends to exp(-t d).
    for (const t of [1e3, 1e6]) {
      const right = await numbers(random.truncatedNormal(k, [n], { low: t, high: 1e9, ...double }));
      expect(kolmogorov(right, (x) => 1 - Math.exp(-t * (x - t)))).toBeLessThan(limit);
      expect(Math.min(...right)).toBeGreaterThanOrEqual(t);
      const left = await numbers(random.truncatedNormal(k, [n], { low: -1e9, high: -t, ...double }));
      expect(left).toEqual(right.map((x) => -x));
    }
  });
  it("truncatedNormal inverts the distribution function to the precision of float64", async () => {
    // All draws of one key share their uniform numbers; the share of the tail that each leaves must be that number.
    const u = (await numbers(random.truncatedNormal(k, [500], { low: -40, high: 40, ...double }))).map(normalTail);
    for (const [low, high] of [
      [0, 1],
      [3, 30],
      [-1, 2],
    ]) {
      const z = await numbers(random.truncatedNormal(k, [500], { low, high, ...double }));
      const mass = normalTail(low) - normalTail(high);
      const worst = Math.max(...z.map((x, i) => Math.abs((normalTail(x) - normalTail(high)) / mass - u[i])));
      expect(worst).toBeLessThan(1e-13);
    }
  });
});

describe("counts follow their probabilities", () => {
  const poisson = (rate: number) => (v: number) => Math.exp(v * Math.log(rate) - rate - logGamma(v + 1));
  const binomial = (m: number, p: number) => (v: number) =>
    Math.exp(logGamma(m + 1) - logGamma(v + 1) - logGamma(m - v + 1) + v * Math.log(p) + (m - v) * Math.log1p(-p));
  for (const rate of [0.1, 3, 30, 1234.5, 1e6])
    it(`poisson of ${rate}`, async () => {
      expect(Math.abs(chiSquareExcess(await numbers(random.poisson(k, rate, [n])), poisson(rate)))).toBeLessThan(4);
    });
  for (const [m, p] of [
    [1, 0.3],
    [10, 0.5],
    [40, 0.05],
    [40, 0.95],
    [5000, 0.37],
    [1_000_000, 0.001],
  ])
    it(`binomial of ${m} and ${p}`, async () => {
      expect(Math.abs(chiSquareExcess(await numbers(random.binomial(k, m, p, [n])), binomial(m, p)))).toBeLessThan(4);
    });
  it("at the ends of their parameters", async () => {
    expect(new Set(await numbers(random.poisson(k, 0, [100])))).toEqual(new Set([0]));
    expect(new Set(await numbers(random.binomial(k, 7, 0, [100])))).toEqual(new Set([0]));
    expect(new Set(await numbers(random.binomial(k, 7, 1, [100])))).toEqual(new Set([7]));
    expect(new Set(await numbers(random.binomial(k, 0, 0.3, [100])))).toEqual(new Set([0]));
  });
  it("for a tensor of parameters, each draw has its own", async () => {
    const rates = tensor([[0.5], [80]]);
    const x = await numbers(random.poisson(k, rates, [2, n / 2]));
    expect(Math.abs(chiSquareExcess(x.slice(0, n / 2), poisson(0.5)))).toBeLessThan(4);
    expect(Math.abs(chiSquareExcess(x.slice(n / 2), poisson(80)))).toBeLessThan(4);
    const y = await numbers(random.binomial(k, 30, tensor([0.25, 0.75], { dtype: "float64" }), [n / 2, 2]));
    const column = (c: number) => y.filter((_, i) => i % 2 === c);
    expect(Math.abs(chiSquareExcess(column(0), binomial(30, 0.25)))).toBeLessThan(4);
    expect(Math.abs(chiSquareExcess(column(1), binomial(30, 0.75)))).toBeLessThan(4);
    // A number and a tensor that holds it are the same parameter.
    const one = await numbers(random.binomial(k, 30, tensor(0.25, { dtype: "float64" }), [50]));
    expect(one).toEqual(await numbers(random.binomial(k, 30, 0.25, [50])));
  });
  it("rademacher, bernoulli and categorical", async () => {
    expect(Math.abs(chiSquareExcess(await numbers(random.rademacher(k, [n])), () => 0.5))).toBeLessThan(4);
    const p = tensor([0.2, 0.9]);
    const b = await numbers(random.bernoulli(k, p, [n / 2, 2]));
    for (const [c, q] of [0.2, 0.9].entries()) {
      const own = b.filter((_, i) => i % 2 === c);
      expect(Math.abs(chiSquareExcess(own, (v) => (v === 1 ? q : 1 - q)))).toBeLessThan(4);
    }
    const weights = [0.1, 0.2, 0.7];
    const logits = tensor(Array.from({ length: n }, () => weights.map(Math.log)));
    expect(Math.abs(chiSquareExcess(await numbers(random.categorical(k, logits)), (v) => weights[v]))).toBeLessThan(4);
  });
  it("choice, with and without probabilities", async () => {
    const p = [0.1, 0, 0.5, 0.4, 0];
    const drawn = await numbers(random.choice(k, 5, [n], { p }));
    expect(Math.abs(chiSquareExcess(drawn, (v) => p[v]))).toBeLessThan(4);
    expect(drawn.some((v) => v === 1 || v === 4)).toBe(false);
    const scaled = await numbers(random.choice(k, 5, [n], { p: p.map((v) => v * 8) }));
    expect(scaled).toEqual(drawn);
    expect(Math.abs(chiSquareExcess(await numbers(random.choice(k, 7, [n])), () => 1 / 7))).toBeLessThan(4);
  });
  it("draws without replacement follow one another with the probabilities of those left", async () => {
    const p = [0.5, 0.3, 0.2];
    const pair = (v: number) => {
      const [a, b] = [Math.floor(v / 3), v % 3];
      return a === b ? 0 : (p[a] * p[b]) / (1 - p[a]);
    };
    const logits = tensor(Array.from({ length: n }, () => p.map(Math.log)));
    const x = await numbers(random.gumbelTopK(k, logits, 2));
    const first = Array.from({ length: n }, (_, i) => 3 * x[2 * i] + x[2 * i + 1]);
    expect(Math.abs(chiSquareExcess(first, pair))).toBeLessThan(4);
  });
});

describe("vectors", () => {
  it("multivariateNormal has its mean and covariance", async () => {
    const factor = [
      [2, 0, 0],
      [1, 1.5, 0],
      [-0.5, 0.3, 0.7],
    ];
    const L = tensor(factor, { dtype: "float64" });
    const x = await numbers(random.multivariateNormal(k, tensor([1, -2, 3], { dtype: "float64" }), L, [n]));
    const given = { covariance: matmul(L, L, { transposeB: true }) };
    const same = await numbers(random.multivariateNormal(k, tensor([1, -2, 3], { dtype: "float64" }), given, [n]));
    expect(Math.max(...x.map((v, i) => Math.abs(v - same[i])))).toBeLessThan(1e-12);
    const column = (c: number) => x.filter((_, i) => i % 3 === c).map((v) => v - [1, -2, 3][c]);
    for (let a = 0; a < 3; a++) {
      const xa = column(a);
      expect(Math.abs(xa.reduce((s, v) => s + v) / n)).toBeLessThan(0.06);
      for (let b = 0; b <= a; b++) {
        const covariance = column(b).reduce((s, v, i) => s + v * xa[i], 0) / n;
        const expected = factor[a].reduce((s, v, c) => s + v * factor[b][c], 0);
        expect(Math.abs(covariance - expected)).toBeLessThan(0.15);
      }
    }
  });
  it("unitSphere and unitBall have no preferred direction", async () => {
    for (const draw of [random.unitSphere, random.unitBall]) {
      const x = await numbers(draw(k, [n, 2], { dtype: "float64" }));
      const angles = Array.from({ length: n }, (_, i) => Math.atan2(x[2 * i], x[2 * i + 1]));
      expect(kolmogorov(angles, (a) => a / (2 * Math.PI) + 0.5)).toBeLessThan(limit);
    }
  });
  it("orthogonal is uniform: entries and rotation angles of small matrices", async () => {
    // Of a Haar 2x2 matrix the first column's angle is uniform, and half are reflections.
    const draw = (key: Tensor) => random.orthogonal(key, [2, 2], { dtype: "float64" });
    const all = await numbers(vmap(draw)(random.split(k, 2000)) as Tensor);
    const q = Array.from({ length: 2000 }, (_, i) => all.slice(4 * i, 4 * i + 4));
    const angles = q.map((m) => Math.atan2(m[2], m[0]));
    expect(kolmogorov(angles, (a) => a / (2 * Math.PI) + 0.5)).toBeLessThan(limit);
    const reflections = q.filter((m) => m[0] * m[3] - m[1] * m[2] < 0).length;
    expect(Math.abs(reflections - 1000)).toBeLessThan(80);
    // The trace of a Haar matrix has mean 0 and variance 1.
    const trace = q.map((m) => m[0] + m[3]);
    expect(Math.abs(trace.reduce((a, b) => a + b) / 2000)).toBeLessThan(0.08);
    expect(trace.reduce((a, b) => a + b * b, 0) / 2000).toBeCloseTo(1, 1);
  });
});
