import MiniSearch from "minisearch";
import type { PaperLine } from "../contract.js";
import { familyNames } from "./families.js";
import { relatedWords } from "./related-words.js";

/** Finds papers as one types: parts of words, typing errors and related words count, the title most. */
export class PaperSearch {
  readonly #index: MiniSearch;
  readonly #papers: readonly PaperLine[];

  constructor(papers: readonly PaperLine[]) {
    this.#papers = papers;
    this.#index = new MiniSearch({
      idField: "slug",
      fields: ["title", "name", "claim", "offers", "family", "kinds"],
      extractField: (paper, field) => textOf(paper as PaperLine, field),
      processTerm: (term) => stem(term.toLowerCase()),
    });
    this.#index.addAll(papers as PaperLine[]);
  }

  /** The papers that fit, the best first; all of them, in the order of the catalogue, for an empty text. */
  find(text: string): readonly PaperLine[] {
    if (text.trim() === "") return this.#papers;
    const boost = { title: 5, name: 4, offers: 2, family: 1.5, kinds: 1 };
    const options = {
      boost,
      prefix: true,
      fuzzy: (term: string) => (term.length > 7 ? 2 : term.length > 3 ? 1 : false),
      combineWith: "AND",
    } as const;
    const exact = this.#index.search(text, options);
    // What is meant is often said in other words; what was typed comes first.
    const related = relatedWords(text).flatMap((word) =>
      this.#index.search(word, { boost, prefix: true, fuzzy: false, combineWith: "AND" }),
    );
    const partial = exact.length > 0 ? [] : this.#index.search(text, { ...options, combineWith: "OR" });
    const slugs = new Set([...exact, ...related, ...partial].map(({ id }) => id as string));
    const bySlug = new Map(this.#papers.map((paper) => [paper.slug, paper]));
    return [...slugs].map((slug) => bySlug.get(slug)!);
  }
}

function textOf(paper: PaperLine, field: string): string {
  if (field === "name") return paper.slug.replaceAll("-", " ");
  if (field === "family") return `${paper.family} ${familyNames[paper.family]}`;
  const value = paper[field as keyof PaperLine];
  // `iterativeMagnitudePrune` is found by each of its words.
  if (field === "offers") return `${value} ${String(value).replaceAll(/([a-z])([A-Z])/g, "$1 $2")}`;
  return Array.isArray(value) ? value.join(" ") : String(value ?? "");
}

/** Endings that say little: grokking and grok, unlearned and unlearn are one word. */
const stem = (term: string): string =>
  term.length > 5 ? term.replace(/(?:ies|ing|ed|es|s)$/, "").replace(/(.)\1$/, "$1") : term;
