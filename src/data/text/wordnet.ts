import { HebbError } from "../../engine/errors.js";
import { quote } from "../../engine/quote.js";

/** A set of synonyms and what they mean. */
export interface Synset {
  /** Part of speech and offset, for example `n02086723`. */
  readonly id: string;
  readonly partOfSpeech: "noun" | "verb" | "adjective" | "adverb";
  /** The topic that WordNet's editors filed it under, for example `noun.animal`: 45 in all. */
  readonly lexicographerFile: string;
  /** The synonyms, with spaces rather than underscores. */
  readonly words: readonly string[];
  /** The definition, followed by example sentences in quotation marks where there are any. */
  readonly gloss: string;
  /** Identifiers of the synsets directly above it. */
  readonly hypernyms: readonly string[];
}

const partsOfSpeech = { n: "noun", v: "verb", a: "adjective", s: "adjective", r: "adverb" } as const;

// In the order of their numbers in the data files (lexnames(5WN)).
const lexicographerFiles = [
  ...["adj.all", "adj.pert", "adv.all", "noun.Tops", "noun.act", "noun.animal", "noun.artifact", "noun.attribute"],
  ...["noun.body", "noun.cognition", "noun.communication", "noun.event", "noun.feeling", "noun.food", "noun.group"],
  ...["noun.location", "noun.motive", "noun.object", "noun.person", "noun.phenomenon", "noun.plant"],
  ...["noun.possession", "noun.process", "noun.quantity", "noun.relation", "noun.shape", "noun.state"],
  ...["noun.substance", "noun.time", "verb.body", "verb.change", "verb.cognition", "verb.communication"],
  ...["verb.competition", "verb.consumption", "verb.contact", "verb.creation", "verb.emotion", "verb.motion"],
  ...["verb.perception", "verb.possession", "verb.social", "verb.stative", "verb.weather", "adj.ppl"],
];

/**
 * The synsets of one WordNet data file (`data.noun`, ...), in its order. Throws `HebbError` with the line of a record
 * that does not have the form of wndb(5WN).
 */
export function parseWordnet(text: string, file: string): Synset[] {
  const synsets: Synset[] = [];
  text.split("\n").forEach((line, i) => {
    // The licence at the head of each file is indented.
    if (line === "" || line.startsWith(" ")) return;
    const synset = parseLine(line);
    if (!synset) throw new HebbError(`${file}, line ${i + 1}: expected a synset, found ${quote(line)}.`);
    synsets.push(synset);
  });
  return synsets;
}

/** `offset lexFile type wordCount(hex) (word id)... pointerCount (symbol offset type source/target)... | gloss` */
function parseLine(line: string): Synset | undefined {
  const bar = line.indexOf(" | ");
  const fields = line.slice(0, bar).split(" ");
  const [offset, lexFile, type] = fields;
  const partOfSpeech = Object.hasOwn(partsOfSpeech, type) && partsOfSpeech[type as keyof typeof partsOfSpeech];
  const lexicographerFile = lexicographerFiles[Number(lexFile)];
  const wordCount = Number.parseInt(fields[3], 16);
  const pointersAt = 4 + 2 * wordCount;
  const pointerCount = Number(fields[pointersAt]);
  if (bar < 0 || !partOfSpeech || !lexicographerFile || !(fields.length > pointersAt + 4 * pointerCount)) {
    return undefined;
  }
  const words = Array.from({ length: wordCount }, (_, i) =>
    // Adjectives can carry a mark of their position, "(p)".
    fields[4 + 2 * i].replace(/\(\w+\)$/, "").replaceAll("_", " "),
  );
  const hypernyms: string[] = [];
  for (let i = 0; i < pointerCount; i++) {
    const [symbol, target, targetType] = fields.slice(pointersAt + 1 + 4 * i);
    if (symbol === "@" || symbol === "@i") hypernyms.push(targetType + target);
  }
  const gloss = line.slice(bar + 3).trim();
  return { id: (type === "s" ? "a" : type) + offset, partOfSpeech, lexicographerFile, words, gloss, hypernyms };
}
