import { gatherRows } from "../data/index.js";
import { type Feed, HebbError, hostRandom, type Tensor } from "../engine/index.js";
import { type BatchList, type RowBatch, rowBatches } from "./batches.js";
import { tokenPairs, tokenRows } from "./language/token-rows.js";
import { type Labelled, rowCount } from "./problem.js";

/** What to answer instead, in tokens: the same for every question, or made from the question's tokens. */
export type Template = readonly number[] | ((question: readonly number[]) => readonly number[]);

export interface RefusalOptions {
  /** Refusals to draw from, in tokens that the model knows: for each row one, drawn anew each epoch. */
  readonly templates: readonly Template[];
  /** The token that fills rows up. */
  readonly pad: number;
}

/** The questions of a data set with each template as the answer: row i with template k is row i · templates + k. */
export function refusalRows(method: string, forget: Labelled, { templates, pad }: RefusalOptions): Labelled {
  if (templates.length === 0)
    throw new HebbError(`${method}: give templates, the refusals that the model should answer with, in tokens.`);
  const pairs = tokenPairs(forget).flatMap(({ question }) =>
    templates.map((template) => ({
      question,
      answer: typeof template === "function" ? template(question) : template,
    })),
  );
  return tokenRows(pairs, { width: forget.x.shape[1], pad, name: "refusals" });
}

/** Rows to forget, and the same questions refused. */
export interface RefusalBatch {
  readonly forget: RowBatch;
  /** Its `indices` are rows of `refusalRows`. */
  readonly refusal: RowBatch;
}

export interface RefusalBatchOptions {
  readonly batchSize: number;
  readonly epochs?: number;
  readonly steps?: number;
  readonly seed: number;
}

/** Shuffled batches of the rows to forget, each row with one of its refusals: the same one throughout an epoch. */
export function refusalBatches(
  forget: Labelled,
  refusals: Labelled,
  options: RefusalBatchOptions,
): BatchList<RefusalBatch> {
  const [n, perEpoch] = [rowCount(forget), Math.ceil(rowCount(forget) / options.batchSize)];
  const templates = rowCount(refusals) / n;
  const batches = rowBatches(forget, options);
  return {
    length: batches.length,
    *[Symbol.iterator]() {
      let [step, drawn] = [0, new Int32Array(0)];
      for (const batch of batches) {
        if (step % perEpoch === 0) {
          const random = hostRandom(options.seed)
            .fork("refusals")
            .fork(step / perEpoch);
          drawn = Int32Array.from({ length: n }, (_, row) => row * templates + random.integer(templates));
        }
        step++;
        const indices = (batch.indices as Int32Array).map((row) => drawn[row]);
        const refusal: Feed<RowBatch> = {
          x: gatherRows(refusals.x, indices) as Feed<Tensor>,
          y: gatherRows(refusals.y, indices) as Feed<Tensor>,
          indices: indices as Feed<Tensor>,
        };
        yield { forget: batch, refusal };
      }
    },
  };
}
