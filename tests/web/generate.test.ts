import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseHTML } from "linkedom";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { catalogue } from "../../src/lab/catalogue/index.js";
import { studies } from "../../studies/index.js";
import { generate } from "../../web/generate/index.js";
import type { Catalogue, CodeFile, PaperContent } from "../../web/src/contract.js";

let folder: string;
const read = async <T>(name: string): Promise<T> => JSON.parse(await readFile(path.join(folder, name), "utf8")) as T;
const slugs = Object.keys(studies);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "hebb-content-"));
  await generate(folder);
});
afterAll(() => rm(folder, { recursive: true }));

describe("what the pages are made from", () => {
  it("lists every paper, and has a file for each", async () => {
    const { papers } = await read<Catalogue>("catalogue.json");
    expect(papers.map(({ slug }) => slug)).toEqual(catalogue.map(({ slug }) => slug));
    expect(papers.filter(({ status }) => status === "study")).toHaveLength(slugs.length);
    for (const { slug } of papers) expect((await read<PaperContent>(`papers/${slug}.json`)).slug).toBe(slug);
  });

  it.each(slugs)(
    "gives %s its texts, a model, an example and its code, whose links lead to lines that exist",
    async (slug) => {
      const content = await read<PaperContent>(`papers/${slug}.json`);
      expect(content.study!.criterion.length).toBeGreaterThan(100);
      expect(content.model!.svg).toMatch(/^<svg[\s\S]*batch[\s\S]*<\/svg>$/);
      expect(content.snippet!.text).toContain('from "hebb');
      const code = await read<CodeFile[]>(`papers/${slug}-code.json`);
      expect(code.map(({ path: file }) => file)).toEqual(content.code.map(({ path: file }) => file));
      expect(code.some(({ role }) => role === "method")).toBe(true);
      const lines = new Map(
        code.map(({ path: file, html }) => [file, [...html.matchAll(/data-line="(\d+)"/g)].length]),
      );
      let links = 0;
      for (const { html } of code) {
        for (const [, query] of html.matchAll(/href="#\/paper\/[\w-]+\?([^"]+)"/g)) {
          const target = new URLSearchParams(query.replaceAll("&amp;", "&"));
          expect(Number(target.get("line"))).toBeLessThanOrEqual(lines.get(target.get("file")!)!);
          links++;
        }
      }
      expect(links).toBeGreaterThan(0);
    },
  );

  it("holds a feed that parses, the newest verdict first", async () => {
    const feed = parseHTML(await readFile(path.join(folder, "feed.atom"), "utf8")).document;
    const dates = [...feed.querySelectorAll("entry updated")].map(({ textContent }) => textContent!);
    expect(dates.length).toBeGreaterThan(3);
    expect(dates).toEqual([...dates].sort().reverse());
    const ids = [...feed.querySelectorAll("entry id")].map(({ textContent }) => textContent);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("names no folder of this machine", async () => {
    for (const name of await readdir(folder, { recursive: true })) {
      if (!/\.(?:json|atom)$/.test(name)) continue;
      expect(await readFile(path.join(folder, name), "utf8")).not.toContain(process.cwd());
    }
  });
});
