import { type Feed, hostRandom, jit, type Tensor } from "../../src/engine/index.js";
import {
  gradientUpdate,
  greedyAnswers,
  type LabelledBatch,
  rougeLRecall,
  type TokenPair,
  tofuContext,
} from "../../src/forget/index.js";
import { mean } from "../../src/lab/index.js";
import { type GptParams, softmaxCrossEntropy } from "../../src/nn/index.js";
import { adam } from "../../src/optim/index.js";
import { answerScores, type Concept, ownFacts } from "./concept-traces.js";
import { type KindL, type LanguageL, trainingRows } from "./track-l.js";

/** Steps of relearning after which the answers are looked at again. */
export const relearnStops = [5, 10, 20] as const;

/** What a model still says of a theme when it is asked in several ways. */
export type Behaviour = Readonly<
  Record<"Prob" | "ROUGE" | "paraphraseROUGE" | "prefixROUGE" | `relearn${number}`, number>
>;

/** Asks models about a theme. */
export interface ConceptQuestions {
  /** ROUGE of the answers to plain questions. */
  recall(concept: Concept, params: GptParams): Promise<number>;
  /** Asks plainly, in other words, after other facts, and after the model was taught a tenth again. */
  behaviour(concept: Concept, params: GptParams): Promise<Behaviour>;
}

/** Questions to models of a seed, compiled once for all its themes. */
export function conceptQuestions(kind: KindL, language: LanguageL, signal?: AbortSignal): ConceptQuestions {
  const { tofu, model } = language;
  const { pair, vocabulary, themes } = tofu;
  const write = greedyAnswers(model, { end: vocabulary.encode(".")[0], width: tofuContext, signal });
  const score = answerScores(language);
  const update = gradientUpdate(
    (params: GptParams, { x, y }: LabelledBatch) => softmaxCrossEntropy(model.apply(params, x), y),
    adam({ learningRate: kind.learningRate }),
  );
  const teach = jit((params: GptParams, state: unknown, x: Tensor, y: Tensor) =>
    update.step(params, state as any, { x, y }),
  );
  const rouge = async (params: GptParams, pairs: readonly TokenPair[]) => {
    const answers = await write(
      params,
      pairs.map(({ question }) => question),
    );
    return mean(answers.map((answer, i) => rougeLRecall(answer, pairs[i].answer)));
  };

  /** A tenth of a theme's facts is taught again; the others are asked. */
  const split = ({ theme, facts }: Concept) => {
    const own = ownFacts(facts, themes[theme]);
    const order = hostRandom(theme).fork("relearn").permutation(facts.length);
    const taught = new Set(Array.from(order.subarray(0, Math.ceil(order.length / 10)), (i) => facts[i]));
    const asked = own.filter((fact) => !taught.has(fact));
    return { own, taught, asked, plain: asked.map((fact) => pair(fact, 0)) };
  };

  const recall = (concept: Concept, params: GptParams) => rouge(params, split(concept).plain);
  const behaviour = async (concept: Concept, params: GptParams): Promise<Behaviour> => {
    const { own, taught, asked, plain } = split(concept);
    /** Two other facts of the same author, told before the question. */
    const prefixed = asked.map((fact): TokenPair => {
      const told = own.filter((other) => other.name === fact.name && other !== fact);
      const { question, answer } = pair(fact, 0);
      return { question: [...told.flatMap((other) => pair(other, 0).answer), ...question], answer };
    });
    const lesson = trainingRows(tofu, [...taught], "taught");
    const relearned: Record<`relearn${number}`, number> = {};
    let [now, state]: [GptParams, unknown] = [params, update.init(params)];
    for (let step = 1; step <= Math.max(...relearnStops); step++) {
      signal?.throwIfAborted();
      const after = await teach(
        now as Feed<GptParams>,
        state as any,
        lesson.x as Feed<Tensor>,
        lesson.y as Feed<Tensor>,
      );
      ({ params: now, state } = after);
      if ((relearnStops as readonly number[]).includes(step)) relearned[`relearn${step}`] = await rouge(now, plain);
    }
    return {
      Prob: mean(Array.from(await score(params, tofu.rows(plain)))),
      ROUGE: await rouge(params, plain),
      paraphraseROUGE: await rouge(
        params,
        asked.map((fact) => pair(fact, 2)),
      ),
      prefixROUGE: await rouge(params, prefixed),
      ...relearned,
    };
  };
  return { recall, behaviour };
}
