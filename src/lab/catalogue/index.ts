import { align } from "./align.js";
import { compress } from "./compress.js";
import { continual } from "./continual.js";
import { decide } from "./decide.js";
import { forget } from "./forget.js";
import { incontext } from "./incontext.js";
import { kernels } from "./kernels.js";
import { local } from "./local.js";
import { optimize } from "./optimize.js";
import type { Family, Paper } from "./paper.js";
import { phenomena } from "./phenomena.js";
import { represent } from "./represent.js";
import { science } from "./science.js";
import { select } from "./select.js";
import { structure } from "./structure.js";

/** The families, in the order of the catalogue. */
export const families: readonly Family[] = [
  "optimize",
  "kernels",
  "phenomena",
  "local",
  "structure",
  "forget",
  "continual",
  "compress",
  "select",
  "represent",
  "incontext",
  "align",
  "decide",
  "science",
];

/** All papers, family by family. */
export const catalogue: readonly Paper[] = [
  ...optimize,
  ...kernels,
  ...phenomena,
  ...local,
  ...structure,
  ...forget,
  ...continual,
  ...compress,
  ...select,
  ...represent,
  ...incontext,
  ...align,
  ...decide,
  ...science,
];

const bySlug: ReadonlyMap<string, Paper> = new Map(catalogue.map((paper) => [paper.slug, paper]));

/** The paper with this slug, or `undefined` when the catalogue has none. */
export function findPaper(slug: string): Paper | undefined {
  return bySlug.get(slug);
}
