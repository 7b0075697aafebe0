import { add, exp, HebbError, mul, random, relu, ShapeError, square, sub, sum, type Tensor } from "../engine/index.js";
import { type LinearParams, linear, type Model } from "../nn/index.js";

export interface RepresentationVaeParams {
  /** [dim, hidden]. */
  readonly inner: LinearParams;
  /** [hidden, latent], the means of the code. */
  readonly mean: LinearParams;
  /** [hidden, latent], the logarithms of its variances. */
  readonly logVariance: LinearParams;
  /** [latent, hidden] and [hidden, dim]. */
  readonly decoder: readonly [LinearParams, LinearParams];
}

/** The normal distribution of a row's code: both [B, latent]. */
export interface Code {
  readonly mean: Tensor;
  readonly logVariance: Tensor;
}

export interface RepresentationVae extends Model<RepresentationVaeParams> {
  encode(params: RepresentationVaeParams, features: Tensor): Code;
  decode(params: RepresentationVaeParams, z: Tensor): Tensor;
  /** The features as the network remembers them, from the mean of their code: [B, dim] to [B, dim]. */
  apply(params: RepresentationVaeParams, features: Tensor): Tensor;
}

/**
 * A small variational autoencoder of feature vectors: dim - hidden - latent - hidden - dim, ReLU between. Once fitted, it
 * reconstructs rows well that resemble those it has seen: see `vaeEvidence` and `vaeError`.
 *
 * `hidden` is `dim` unless given. Throws `HebbError` unless all sizes are whole numbers of at least 1.
 *
 * Source: Kingma, Welling, "Auto-Encoding Variational Bayes", 2014; on features as in Shen et al., ICLR 2024.
 */
export function representationVae(dim: number, latent: number, { hidden = dim } = {}): RepresentationVae {
  for (const [name, value] of Object.entries({ dim, latent, hidden })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new HebbError(`representationVae: ${name} must be a whole number of at least 1, got ${value}.`);
    }
  }
  const [inner, back] = [linear(dim, hidden, { init: "heNormal" }), linear(latent, hidden, { init: "heNormal" })];
  const [mean, logVariance, outer] = [linear(hidden, latent), linear(hidden, latent), linear(hidden, dim)];
  const vae: RepresentationVae = {
    init(key) {
      const keys = random.splitList(key, 5);
      return {
        inner: inner.init(keys[0]),
        mean: mean.init(keys[1]),
        logVariance: logVariance.init(keys[2]),
        decoder: [back.init(keys[3]), outer.init(keys[4])],
      };
    },
    encode(params, features) {
      const h = relu(inner.apply(params.inner, features));
      return { mean: mean.apply(params.mean, h), logVariance: logVariance.apply(params.logVariance, h) };
    },
    decode: ({ decoder }, z) => outer.apply(decoder[1], relu(back.apply(decoder[0], z))),
    apply: (params, features) => vae.decode(params, vae.encode(params, features).mean),
  };
  return vae;
}

export interface VaeEvidenceOptions {
  /** Weight of the code's distance from a standard normal. Default 0.025. */
  readonly klWeight?: number;
}

/**
 * What training of a `representationVae` minimises, for each row, the (weighted) negative bound on its evidence:
 *
 *     ‖ê - e‖² + klWeight · KL(N(μ, σ²) ‖ N(0, I)),   ê = decode(μ + σ ε),   ε ~ N(0, I) from `key`.
 *
 * Features [B, dim] give [B]; the squared error is summed over the features, not averaged.
 */
export function vaeEvidence(
  vae: RepresentationVae,
  params: RepresentationVaeParams,
  features: Tensor,
  key: random.Key,
  { klWeight = 0.025 }: VaeEvidenceOptions = {},
): Tensor {
  checkFeatures("vaeEvidence", features);
  const { mean, logVariance } = vae.encode(params, features);
  const noise = random.normal(key, mean.shape, { dtype: mean.dtype });
  const decoded = vae.decode(params, add(mean, mul(exp(mul(logVariance, 0.5)), noise)));
  const variances = sub(exp(logVariance), logVariance);
  const divergence = mul(sum(sub(add(square(mean), variances), 1), -1), 0.5);
  return add(sum(square(sub(decoded, features)), -1), mul(divergence, klWeight));
}

/** ‖ê - e‖² of each row [B], with ê from the mean of the code: how foreign features [B, dim] are to the network. */
export function vaeError(vae: RepresentationVae, params: RepresentationVaeParams, features: Tensor): Tensor {
  checkFeatures("vaeError", features);
  return sum(square(sub(vae.apply(params, features), features)), -1);
}

function checkFeatures(operation: string, features: Tensor): void {
  if (features.rank !== 2) throw new ShapeError(operation, `features must be [B, dim], got [${features.shape}]`);
}
