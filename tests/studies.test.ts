import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { findPaper } from "../src/lab/catalogue/index.js";
import { canonicalJson } from "../src/lab/json.js";
import { Ledger } from "../src/lab/ledger.js";
import { studies } from "../studies/index.js";

const file = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

describe.each(Object.keys(studies))("the study %s", (slug) => {
  const load = async () => (await studies[slug]()).default;

  it("is that of a paper of the catalogue, in the folder of its family", async () => {
    expect((await load()).slug).toBe(slug);
    const { family } = findPaper(slug)!;
    expect(existsSync(file(`studies/${family}/${slug}.ts`))).toBe(true);
  });

  it("has a smoke and a standard scale, the latter with three seeds at least", async () => {
    const { scales } = await load();
    expect(scales.smoke).toBeDefined();
    expect(new Set(scales.standard!.seeds).size).toBeGreaterThanOrEqual(3);
  });

  it("offers functions and methods that the package exports", async () => {
    const { offers } = await load();
    expect(offers.length).toBeGreaterThan(0);
    for (const offer of offers) {
      const [, names, entry] = /^(.+) \(hebb\/(\w+)\)$/.exec(offer)!;
      const exported = await import(`../src/${entry}/index.ts`);
      for (const name of names.split(", ")) {
        // A method that makes models forget is an object with a `run`.
        const offered = exported[name]?.run ?? exported[name];
        expect(offered, `${name} of hebb/${entry}`).toBeTypeOf("function");
      }
    }
  });

  it("has a verdict in the ledger only from its own seeds and options, from committed sources", async () => {
    const entry = await new Ledger(file("ledger")).read(slug);
    if (!entry) return;
    const standard = (await load()).scales.standard!;
    expect(entry.seeds).toEqual(expect.arrayContaining([...standard.seeds]));
    expect(canonicalJson(entry.options)).toBe(canonicalJson(standard.options));
    expect(entry.environment.commit).toMatch(/^[0-9a-f]{40}$/);
    expect(entry.environment.dirty).toBe(false);
  });
});
