import { HebbError } from "../../engine/index.js";

/** A word-level vocabulary: a token for each word, in the order given. */
export interface Vocabulary {
  readonly words: readonly string[];
  readonly size: number;
  /** The tokens of words separated by blanks. Throws `HebbError` for a word that has none. */
  encode(text: string): number[];
  /** The words of tokens, separated by blanks. */
  decode(tokens: ArrayLike<number>): string;
}

/** The vocabulary of these words. Throws `HebbError` when one occurs twice. */
export function vocabulary(words: readonly string[]): Vocabulary {
  const tokenOf = new Map(words.map((word, token) => [word, token]));
  if (tokenOf.size !== words.length) {
    const twice = words.find((word, i) => words.indexOf(word) !== i);
    throw new HebbError(`vocabulary: the word "${twice}" occurs twice.`);
  }
  return {
    words,
    size: words.length,
    encode: (text) =>
      text.split(" ").map((word) => {
        const token = tokenOf.get(word);
        if (token === undefined) throw new HebbError(`vocabulary: the word "${word}" of "${text}" has no token.`);
        return token;
      }),
    decode: (tokens) => Array.from(tokens, (token) => words[token] ?? "?").join(" "),
  };
}
