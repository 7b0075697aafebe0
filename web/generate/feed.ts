import { escapeHtml } from "../../src/lab/escape.js";
import type { Known } from "./catalogue.js";

/**
 * The verdicts as an Atom file, the newest first. The lab may be published anywhere, so addresses are relative to the feed,
 * and ids are names of their own.
 */
export function atomFeed(known: readonly Known[]): string {
  const entries = known
    .flatMap(({ paper, entry }) => (entry ? [{ paper, entry }] : []))
    .sort((a, b) => b.entry.date.localeCompare(a.entry.date));
  const id = (name: string) => `urn:hebb:${name}`;
  const body = entries.map(
    ({ paper, entry: { run, date, judgement } }) => `  <entry>
    <id>${id(`verdict:${run}`)}</id>
    <title>${escapeHtml(`${judgement.verdict}: ${paper.title}`)}</title>
    <updated>${date}</updated>
    <link href="../#/paper/${paper.slug}"/>
    <category term="${paper.family}"/>
    <summary>${escapeHtml(`${paper.claim} ${judgement.reason}`)}</summary>
  </entry>`,
  );
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <id>${id("verdicts")}</id>
  <title>Hebb: newest verdicts</title>
  <subtitle>Whether claims of papers on how neural networks learn replicate at small scale.</subtitle>
  <updated>${entries[0]?.entry.date ?? "1970-01-01T00:00:00Z"}</updated>
  <author><name>Hebb</name></author>
  <link rel="self" href="feed.atom"/>
${body.join("\n")}
</feed>
`;
}
