import { scan } from "../engine/control/scan.js";
import { HebbError } from "../engine/errors.js";
import { less, mul, where } from "../engine/primitives/elementwise.js";
import { sort } from "../engine/primitives/indexing.js";
import { argmax } from "../engine/primitives/reduce.js";
import { arange, cast, concat, expandDims, reshape, sliceAxis, transpose } from "../engine/primitives/structure.js";
import { categorical } from "../engine/random/discrete.js";
import { foldIn, type Key } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";

export interface SampleOptions {
  /** Divides the logits before sampling. Default 1. */
  readonly temperature?: number;
  /** Samples among the so many likeliest tokens only. Default all. */
  readonly topK?: number;
  /** Samples with this key; without it the likeliest token is taken each time. */
  readonly key?: Key;
}

export interface GenerateOptions extends SampleOptions {
  /** How many tokens to write. */
  readonly steps: number;
}

/**
 * A token for each row of logits [..., vocabulary], int32 [...]. Throws `HebbError` for a temperature or topK that is
 * not positive.
 */
export function sampleToken(logits: Tensor, { temperature = 1, topK, key }: SampleOptions): Tensor {
  if (!(temperature > 0)) {
    throw new HebbError(
      `generate: the temperature must be positive, got ${temperature}; leave out the key to be greedy.`,
    );
  }
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) {
    throw new HebbError(`generate: topK must be a positive integer, got ${topK}.`);
  }
  if (!key) return argmax(logits);
  const vocabulary = logits.shape[logits.rank - 1];
  const scaled = mul(logits, 1 / temperature);
  if (topK === undefined || topK >= vocabulary) return categorical(key, scaled);
  const least = sliceAxis(sort(scaled, -1, { descending: true }), -1, topK - 1, topK);
  return categorical(key, where(less(scaled, least), -1e9, scaled));
}

/**
 * The prompt int32 [B, T] and `steps` tokens after it, each fed back to the model: int32 [B, T + steps]. `step` gives
 * the logits [B, T, vocabulary] at new tokens [B, T] and the cache that knows them; the prompt is read at once. Throws
 * `HebbError` for fewer than one step.
 */
export function generate<C>(
  step: (tokens: Tensor, cache: C) => [logits: Tensor, cache: C],
  prompt: Tensor,
  cache: C,
  { steps, key, ...how }: GenerateOptions,
): Tensor {
  if (!(Number.isInteger(steps) && steps >= 1)) {
    throw new HebbError(`generate: steps must be a positive integer, got ${steps}.`);
  }
  const start = cast(prompt, "int32");
  const atEnd = (logits: Tensor) => {
    const [batch, length, vocabulary] = logits.shape;
    return reshape(sliceAxis(logits, 1, length - 1, length), [batch, vocabulary]);
  };
  const choose = (logits: Tensor, at: Tensor | number) =>
    sampleToken(atEnd(logits), { ...how, key: key && foldIn(key, at) });
  const [logits, known] = step(start, cache);
  const first = choose(logits, 0);
  const write = ({ token, known }: { token: Tensor; known: C }, at: Tensor): [{ token: Tensor; known: C }, Tensor] => {
    const [next, more] = step(expandDims(token, 1), known);
    const chosen = choose(next, at);
    return [{ token: chosen, known: more }, chosen];
  };
  if (steps === 1) return concat([start, expandDims(first, 1)], 1);
  const [, rest] = scan(write, { token: first, known }, arange(steps).slice([1], [steps]));
  return concat([start, expandDims(first, 1), transpose(rest)], 1);
}
