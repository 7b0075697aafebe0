import type { Scale, Study } from "../../src/lab/study.js";
import type { CodeFile, PaperContent } from "../src/contract.js";
import type { Known } from "./catalogue.js";
import { diagram } from "./diagram.js";
import { models } from "./models.js";

type Snippet = PaperContent["snippet"];

export function paperContent(
  { paper: { slug }, study, entry }: Known,
  {
    snippet,
    curves,
    code,
  }: { readonly snippet: Snippet; readonly curves: boolean; readonly code: readonly CodeFile[] },
): PaperContent {
  if (!study) return { slug, curves: false, code: [] };
  const drawn = Object.hasOwn(models, slug) ? models[slug]() : undefined;
  return {
    slug,
    study: texts(study),
    ...(entry ? { ledger: entry } : {}),
    curves,
    code: code.map(({ path, role }) => ({ path, role })),
    ...(snippet ? { snippet } : {}),
    ...(drawn ? { model: { title: drawn.title, svg: diagram(drawn) } } : {}),
  };
}

function texts(study: Study): PaperContent["study"] {
  const { claim, criterion, arms, measures, scales, offers, notes = [], controls = {}, dataOption } = study;
  return {
    claim,
    criterion,
    arms,
    measures,
    scales: scales as Readonly<Partial<Record<Scale, any>>>,
    offers,
    notes,
    controls: controls as NonNullable<PaperContent["study"]>["controls"],
    ...(dataOption ? { dataOption } : {}),
  };
}
