import { gather, type Tensor, tensor } from "../../src/engine/index.js";
import { type TokenPair, tokenRows, type UnlearnProblem } from "../../src/forget/index.js";

/** The smallest language model: the logits of the next token depend on the last one alone. */
export interface Bigram {
  /** [vocabulary, vocabulary]. */
  readonly w: Tensor;
}

export const bigram = {
  apply: ({ w }: Bigram, x: Tensor): Tensor => gather(w, x),
  initCache: () => [],
  step: ({ w }: Bigram, x: Tensor, cache: any): [Tensor, any] => [gather(w, x), cache],
};

/** Logits by (token, next token); 0 where nothing is said. */
export function bigramOf(vocabulary: number, logits: Readonly<Record<string, number>>): Bigram {
  const w = new Float32Array(vocabulary * vocabulary);
  for (const [pair, logit] of Object.entries(logits)) {
    const [from, to] = pair.split(">").map(Number);
    w[from * vocabulary + to] = logit;
  }
  return { w: tensor(w, { shape: [vocabulary, vocabulary] }) };
}

/** Questions of two tokens and answers of two, over seven tokens; 6 ends an answer. */
export const pairs: readonly TokenPair[] = [
  { question: [1, 2], answer: [3, 6] },
  { question: [1, 4], answer: [5, 6] },
  { question: [2, 4], answer: [3, 6] },
];
export const keptPairs: readonly TokenPair[] = [
  { question: [1, 5], answer: [4, 6] },
  { question: [2, 3], answer: [2, 6] },
];

export const bigramProblem = (changes: Partial<UnlearnProblem<Bigram>> = {}): UnlearnProblem<Bigram> => ({
  params: bigramOf(7, { "2>3": 3, "3>6": 2, "4>5": 3, "5>6": 2, "1>2": 1 }),
  apply: bigram.apply,
  forget: tokenRows(pairs, { name: "forget" }),
  retain: tokenRows(keptPairs, { name: "retain", width: 3 }),
  seed: 0,
  ...changes,
});

/** The numbers of a tensor, in order. */
export const values = async (t: Tensor): Promise<number[]> => Array.from(await t.data(), Number);
