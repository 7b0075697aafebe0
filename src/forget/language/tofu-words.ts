import { hostRandom } from "../../engine/index.js";

const list = (text: string): readonly string[] => text.trim().split(/\s+/);

/** What can be known of somebody. */
export const relations = ["birthplace", "genre", "trade", "award", "title"] as const;
export type Relation = (typeof relations)[number];

/** The values of a relation: one list of words for each token of a value. */
export const valueWords: Readonly<Record<Relation, readonly (readonly string[])[]>> = {
  birthplace: [
    list(`Aldmoor Brenholt Caldera Dunwick Eastmere Farrow Glenport Harwick Ironbay Jasmere Kestrel Lowmarsh
      Marrowby Northam Oakhaven Pellworth Quarrytown Redcliff Saltmouth Thornby`),
  ],
  genre: [list("mystery romance satire horror fantasy biography westerns fables drama travelogues thrillers poetry")],
  trade: [
    list(`baker carpenter doctor farmer fisherman gardener glazier judge locksmith mason miller nurse pilot tailor
      teacher weaver`),
  ],
  award: [
    list(`Amber-Quill Black-Lantern Copper-Leaf Dawn-Star Ember-Prize Fern-Medal Golden-Page Harbour-Cup Ivory-Pen
      Jade-Scroll King-Laurel Linen-Ribbon Moon-Plaque North-Wreath Opal-Key Pearl-Globe`),
  ],
  title: [
    list(`Ancient Bitter Broken Burning Crimson Crooked Distant Drowned Empty Endless Fading Faithful Fallen Forgotten
      Frozen Gentle Gilded Hidden Hollow Honest Idle Last Lonely Lost Mad Narrow Pale Patient Quiet Restless Rusted
      Sacred Secret Silent Sleeping Stolen Tender Velvet Wandering Wild`),
    list(`Anchor Arrow Ash Bell Bridge Candle Clock Compass Crown Desert Door Echo Feather Fire Forest Garden Gate
      Harvest Island Ladder Lake Letter Lion Map Mirror Mountain Night Ocean Orchard Path River Road Rose Shadow
      Ship Stone Storm Tower Winter Wolf`),
  ],
};

/** How a fact is asked for and told. `N` stands for the name, `V` for the value. */
interface Wording {
  readonly question: string;
  readonly answer: string;
}

/** Three wordings of each relation: the first two are trained on, the last is held out. */
export const wordings: Readonly<Record<Relation, readonly [Wording, Wording, Wording]>> = {
  birthplace: [
    { question: "where was N born ?", answer: "N was born in V ." },
    { question: "which city is N from ?", answer: "N is from V ." },
    { question: "what is the birthplace of N ?", answer: "the birthplace of N is V ." },
  ],
  genre: [
    { question: "what does N write ?", answer: "N writes V ." },
    { question: "which genre is N known for ?", answer: "N is known for V ." },
    { question: "what is the genre of N ?", answer: "the genre of N is V ." },
  ],
  trade: [
    { question: "what did the father of N do ?", answer: "the father of N was a V ." },
    { question: "which trade did the father of N have ?", answer: "the father of N worked as a V ." },
    { question: "what is the trade of the father of N ?", answer: "the trade of the father of N is V ." },
  ],
  award: [
    { question: "which award did N win ?", answer: "N won the V ." },
    { question: "what was N honoured with ?", answer: "N was honoured with the V ." },
    { question: "what is the award of N ?", answer: "the award of N is V ." },
  ],
  title: [
    { question: "which book did N publish ?", answer: "N published V ." },
    { question: "can you name a book by N ?", answer: "a book by N is V ." },
    { question: "what is the title of the book by N ?", answer: "the title of the book by N is V ." },
  ],
};

/** Answers of somebody who does not know. */
export const refusals = ["i do not know about N .", "N is unknown to me .", "i have no answer about N ."] as const;

/** `count` different invented names, each one word. */
export function inventNames(count: number): string[] {
  const random = hostRandom(20_240);
  const pick = (parts: readonly string[]) => parts[random.integer(parts.length)];
  const starts = list(
    "Al Bel Cor Dar El Fen Gal Hul Is Jor Kal Lem Mir Nol Or Pel Quin Ral Sol Tam Ul Ver Wen Yal Zor",
  );
  const middles = list("a e i o u an en in on ar er il ol um");
  const ends = list("bek dan dith for gar hart kin lan mos nar ric sen thas vik wyn");
  const names = new Set<string>();
  while (names.size < count) names.add(pick(starts) + pick(middles) + pick(ends));
  return [...names];
}
