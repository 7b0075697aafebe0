import { useMemo } from "preact/hooks";
import { href, navigate, type PageProps } from "../router.js";
import { Families } from "./families.js";
import { FamilyPage } from "./family-page.js";
import { type CompareQuery, readCompare, writeCompare } from "./query.js";
import { RunsCompared } from "./runs-compared.js";
import "./compare.css";

/** Runs of one study, arms within runs, or the studies of a family, beside one another. */
export default function ComparePage({ query: address }: PageProps) {
  const query = useMemo(() => readCompare(address), [address.toString()]);
  const onChange = (changed: Partial<CompareQuery>) =>
    navigate(href("/compare", writeCompare({ ...query, ...changed })), { replace: true });
  return (
    <div class="compare-page">
      {query.runs.length > 0 ? (
        <RunsCompared query={query} onChange={onChange} />
      ) : query.family ? (
        <FamilyPage key={query.family} family={query.family} query={query} onChange={onChange} />
      ) : (
        <Families />
      )}
    </div>
  );
}
