import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Family, Paper } from "../lab/catalogue/paper.js";
import type { MethodComparison } from "../lab/method-comparison.js";
import type { Study } from "../lab/study.js";
import { suggestion, UsageError } from "./usage.js";

/** What the commands work on; tests bring a small one of their own. */
export interface Lab {
  readonly papers: readonly Paper[];
  readonly families: readonly Family[];
  readonly studies: Readonly<Record<string, () => Promise<{ default: Study }>>>;
  /** By family and by what its methods are compared on. */
  readonly comparisons: Readonly<
    Record<string, () => Promise<Readonly<Record<string, () => Promise<MethodComparison>>>>>
  >;
}

/** The catalogue and the studies of this package. */
export async function builtInLab(): Promise<Lab> {
  const [{ catalogue, families }, { studies, comparisons }] = await Promise.all([
    import("../lab/catalogue/index.js"),
    import("../../studies/index.js"),
  ]);
  return { papers: catalogue, families, studies, comparisons };
}

/** The paper with this slug. */
export function paperOf(lab: Lab, slug: string): Paper {
  const paper = lab.papers.find((candidate) => candidate.slug === slug);
  if (paper) return paper;
  const slugs = lab.papers.map((candidate) => candidate.slug);
  throw new UsageError(`There is no paper '${slug}' in the catalogue; ${suggestion(slug, slugs)}`);
}

/** The study of this slug, loaded. A paper that is only planned has none. */
export async function studyOf(lab: Lab, slug: string): Promise<Study> {
  if (Object.hasOwn(lab.studies, slug)) return (await lab.studies[slug]()).default;
  const { title } = paperOf(lab, slug);
  const available = Object.keys(lab.studies).join(", ") || "none";
  throw new UsageError(`'${slug}' (${title}) is planned and has no study yet; available: ${available}.`);
}

/** The directory of this package: where sources and the compiled program alike find its package.json. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}

/** The ledger to read: the current project's where it has one, else the one that comes with the package. */
export function ledgerFolder(cwd: string): string {
  const own = join(cwd, "ledger");
  return existsSync(own) ? own : join(packageRoot(), "ledger");
}
