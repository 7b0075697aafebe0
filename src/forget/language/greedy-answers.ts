import {
  arange,
  argmax,
  type Feed,
  jit,
  less,
  type NDArray,
  reshape,
  scan,
  type Tensor,
  transpose,
  where,
  zeros,
} from "../../engine/index.js";
import type { Gpt, GptParams } from "../../nn/index.js";

/** What writing needs of a language model. */
export type Writer = Pick<Gpt, "initCache" | "step">;

export interface AnswerOptions {
  /** The token that ends an answer. */
  readonly end: number;
  /** Positions of a question with its answer, at most the model's context. */
  readonly width: number;
  /** Questions in one compiled call. Default 100. */
  readonly block?: number;
  readonly signal?: AbortSignal;
}

/**
 * Writes the likeliest answer to each question, token by token, up to and with the token `end` or until the width is full:
 * the questions, in tokens, may have different lengths. Compiled once for all parameters.
 */
export function greedyAnswers(
  model: Writer,
  { end, width, block = 100, signal }: AnswerOptions,
): (params: GptParams, questions: readonly (readonly number[])[]) => Promise<number[][]> {
  const write = jit(
    (params: GptParams, questions: Tensor, lengths: Tensor): Tensor => {
      const [batch] = questions.shape;
      const next = ({ last, cache }: { last: Tensor; cache: any }, { asked, at }: { asked: Tensor; at: Tensor }) => {
        const token = where(less(at, lengths), asked, last);
        const [logits, known] = model.step(params, reshape(token, [batch, 1]), cache);
        const chosen = argmax(reshape(logits, [batch, logits.shape[2]]));
        return [{ last: chosen, cache: known }, chosen] as [{ last: Tensor; cache: any }, Tensor];
      };
      const start = { last: zeros([batch], "int32"), cache: model.initCache(batch) };
      return transpose(scan(next, start, { asked: transpose(questions), at: arange(width) })[1]);
    },
    { name: "greedyAnswers" },
  );
  return async (params, questions) => {
    const answers: number[][] = [];
    const size = Math.min(block, questions.length);
    for (let start = 0; start < questions.length; start += size) {
      signal?.throwIfAborted();
      const own = questions.slice(start, start + size);
      const asked = new Int32Array(size * width);
      own.forEach((question, row) => {
        asked.set(question, row * width);
      });
      const lengths = Int32Array.from({ length: size }, (_, row) => own[row]?.length ?? 1);
      const block: NDArray = { data: asked, shape: [size, width], dtype: "int32" };
      const written = (await (await write(params as Feed<GptParams>, block, lengths)).data()) as Int32Array;
      own.forEach((question, row) => {
        const text = Array.from(written.subarray(row * width + question.length - 1, (row + 1) * width));
        const last = text.indexOf(end);
        answers.push(last < 0 ? text : text.slice(0, last + 1));
      });
    }
    return answers;
  };
}
