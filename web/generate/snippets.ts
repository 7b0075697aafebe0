import { highlight } from "./code.js";
import { readProject } from "./files.js";

/** The examples of docs/methods.md, which the tests run, by the slug in brackets that ends their heading. */
export async function snippets(): Promise<ReadonlyMap<string, { readonly html: string; readonly text: string }>> {
  const found = new Map<string, { html: string; text: string }>();
  const page = await readProject("docs/methods.md");
  for (const [, slug, text] of page.matchAll(/^## [^\n]*\(`([\w-]+)`\)$[\s\S]*?^```ts\n([\s\S]*?)^```$/gm)) {
    found.set(slug, { html: await highlight(text), text: text.trimEnd() });
  }
  return found;
}
