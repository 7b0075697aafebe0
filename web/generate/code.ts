import { existsSync } from "node:fs";
import path from "node:path";
import { createHighlighter, type Highlighter } from "shiki";
import type { Study } from "../../src/lab/study.js";
import type { CodeFile } from "../src/contract.js";
import { projectFile, readProject } from "./files.js";

const themes = { light: "github-light-high-contrast", dark: "github-dark-high-contrast" } as const;
let highlighter: Promise<Highlighter> | undefined;

/** TypeScript as HTML; colours follow light and dark through CSS variables. */
export async function highlight(text: string): Promise<string> {
  highlighter ??= createHighlighter({ themes: Object.values(themes), langs: ["typescript"] });
  return (await highlighter).codeToHtml(text.trimEnd(), { lang: "typescript", themes, defaultColor: false });
}

/** A study's file with those of its helpers, then the files of the methods that it offers. */
export async function codeOf(slug: string, family: string, study: Study): Promise<readonly CodeFile[]> {
  const own = await closure(`studies/${family}/${slug}.ts`, (file) => file.startsWith(`studies/${family}/`));
  const offered = new Set(study.offers.flatMap((offer) => offer.replace(/ \(.*$/, "").split(/,\s*/)));
  const texts = new Map<string, string>();
  for (const file of own) texts.set(file, await readProject(file));
  const methods: string[] = [];
  for (const file of await methodFiles([...texts.values()], own, offered)) {
    if (!texts.has(file)) methods.push(file);
    texts.set(file, await readProject(file));
  }
  const definitions = definitionsIn(texts);
  const files: CodeFile[] = [];
  for (const [file, text] of texts) {
    const names = new Set(importsOf(text, file).flatMap((one) => one.names));
    const html = linkNames(await highlight(text), { slug, file, definitions, names });
    files.push({ path: file, role: methods.includes(file) ? "method" : "study", html });
  }
  return files;
}

const importPattern = /(?:import|export)\s+(?:type\s+)?(?:([\w*{}\s,]+?)\s+from\s+)?"(\.[^"]+)"/g;

/** What a file imports from the project: names, and the file that is named. */
function importsOf(text: string, file: string): { readonly names: readonly string[]; readonly from: string }[] {
  return [...text.matchAll(importPattern)].map(([, names = "", from]) => ({
    names: names
      .replaceAll(/[{}]|\btype\b/g, " ")
      .split(/[\s,]+/)
      .filter((name) => /^[A-Za-z_]\w*$/.test(name)),
    from: resolve(file, from),
  }));
}

function resolve(file: string, from: string): string {
  const base = path.posix.join(path.posix.dirname(file), from).replace(/\.js$/, "");
  return existsSync(projectFile(`${base}.tsx`)) ? `${base}.tsx` : `${base}.ts`;
}

/** A file and all that it imports, as far as `inside` says, in the order in which they are met. */
async function closure(start: string, inside: (file: string) => boolean): Promise<string[]> {
  const files: string[] = [start];
  for (const file of files) {
    for (const { from } of importsOf(await readProject(file), file)) {
      if (inside(from) && !files.includes(from)) files.push(from);
    }
  }
  return files;
}

/** Where the names that a study offers are defined: what the index files of the library hand on, followed to its source. */
async function methodFiles(
  texts: readonly string[],
  own: readonly string[],
  offered: ReadonlySet<string>,
): Promise<string[]> {
  const indexes = new Set(
    texts
      .flatMap((text, i) => importsOf(text, own[i]).map(({ from }) => from))
      .filter((from) => /^src\/\w+\/index\.ts$/.test(from)),
  );
  const found: string[] = [];
  for (const index of indexes) {
    if (index === "src/engine/index.ts") continue;
    for (const { names, from } of importsOf(await readProject(index), index)) {
      if (names.some((name) => offered.has(name)) && !found.includes(from)) found.push(from);
    }
  }
  return found;
}

export interface Definition {
  readonly file: string;
  readonly line: number;
}

/** Where each exported name of the files is defined; of a name that two files define, the first. */
function definitionsIn(texts: ReadonlyMap<string, string>): Map<string, Definition[]> {
  const found = new Map<string, Definition[]>();
  for (const [file, text] of texts) {
    for (const [i, line] of text.split("\n").entries()) {
      const name =
        /^export (?:default )?(?:async )?(?:abstract )?(?:function\*?|const|let|class|interface|type) (\w+)/.exec(
          line,
        )?.[1];
      if (name) found.set(name, [...(found.get(name) ?? []), { file, line: i + 1 }]);
    }
  }
  return found;
}

/** Numbers the lines, and links each imported name to the line of the page that defines it. */
function linkNames(
  html: string,
  {
    slug,
    file,
    definitions,
    names,
  }: {
    readonly slug: string;
    readonly file: string;
    readonly definitions: ReadonlyMap<string, readonly Definition[]>;
    readonly names: ReadonlySet<string>;
  },
): string {
  let line = 0;
  const numbered = html.replaceAll('<span class="line">', () => `<span class="line" data-line="${++line}">`);
  return numbered.replaceAll(
    /(<span style="[^"]*">)([^<]*)(<\/span>)/g,
    (_, open: string, text: string, close: string) => {
      if (/^\s*(?:\/\/|\/\*|\*)/.test(text)) return open + text + close;
      const linked = text.replaceAll(/[A-Za-z_]\w*/g, (name) => {
        const target = names.has(name) ? definitions.get(name)?.find((one) => one.file !== file) : undefined;
        if (!target) return name;
        return `<a href="#/paper/${slug}?file=${encodeURIComponent(target.file)}&amp;line=${target.line}">${name}</a>`;
      });
      return open + linked + close;
    },
  );
}
