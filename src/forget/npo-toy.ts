import {
  arange,
  grad,
  hostRandom,
  jit,
  logSigmoid,
  matmul,
  mul,
  norm,
  scan,
  sub,
  type Tensor,
  tensor,
} from "../engine/index.js";
import { gaLoss, npoLoss } from "./npo-loss.js";

export interface NpoToyOptions {
  /** Dimensions; well above `nForget`, so that the rows are nearly orthogonal. Default 200. */
  readonly d?: number;
  /** Rows to forget. Default 20. */
  readonly nForget?: number;
  /** Default 10,000. */
  readonly steps?: number;
  /** Step size. Default 1. */
  readonly lr?: number;
  /** Default 0.1. */
  readonly beta?: number;
  /** Draws the rows. Default 0. */
  readonly seed?: number;
}

/** ||theta_t - theta_0|| after each step t = 1, 2, ... */
export interface NpoToy {
  readonly ga: Float64Array;
  readonly npo: Float64Array;
}

/**
 * How far gradient ascent and negative preference optimisation carry a logistic regression away from where it started:
 * ascent moves on at a constant rate, the distance of NPO grows like a logarithm (Zhang et al., 2024, section 3.2).
 *
 * Rows x_i ~ N(0, I / d) with labels s_i = ±1; p(s | x) = sigmoid(s theta.x), from theta_0 = sum s_i x_i, where every
 * row's margin is about 1. Full-batch gradient descent in float64.
 */
export async function npoDivergenceToy(options: NpoToyOptions = {}): Promise<NpoToy> {
  const { d = 200, nForget = 20, steps = 10_000, lr = 1, beta = 0.1, seed = 0 } = options;
  const random = hostRandom(seed);
  const signed = Float64Array.from({ length: nForget * d }, () => random.normal() / Math.sqrt(d));
  const labels = Float64Array.from({ length: nForget }, () => (random.uniform() < 0.5 ? -1 : 1));
  // The labels' signs go into the rows: only s_i x_i matters.
  const rows = tensor(
    signed.map((v, i) => v * labels[Math.floor(i / d)]),
    { shape: [nForget, d] },
  );
  const logp = (theta: Tensor) => logSigmoid(matmul(rows, theta));
  const distances = jit(
    (start: Tensor) => {
      const reference = logp(start);
      const run = (loss: (now: Tensor) => Tensor): Tensor => {
        const step = (theta: Tensor, _t: Tensor): [Tensor, Tensor] => {
          const next = sub(theta, mul(grad((p: Tensor) => loss(logp(p)))(theta), lr));
          return [next, norm(sub(next, start))];
        };
        return scan(step, start, arange(steps))[1];
      };
      return { ga: run(gaLoss), npo: run((now) => npoLoss(now, reference, beta)) };
    },
    { name: "npoDivergenceToy" },
  );
  const start = rows.sum(0);
  const { ga, npo } = await distances(start);
  const read = async (t: Tensor) => (await t.data()) as Float64Array;
  return { ga: await read(ga), npo: await read(npo) };
}
