import type { Family } from "../../../src/lab/catalogue/paper.js";
import { familyNames } from "../catalogue/families.js";
import { loadCatalogue } from "../content.js";
import { href } from "../router.js";
import { Loading, Notice, useAsync } from "../ui/index.js";

/** What can be compared, where the address names nothing. */
export function Families() {
  const { value, error } = useAsync(loadCatalogue, []);
  const counts = new Map<Family, number>();
  for (const { family, verdict } of value?.papers ?? []) {
    if (verdict) counts.set(family, (counts.get(family) ?? 0) + 1);
  }
  return (
    <>
      <h1>Compare</h1>
      <section aria-labelledby="compare-runs">
        <h2 id="compare-runs">Runs</h2>
        <p>
          Select two runs or more of one paper in the <a href={href("/runs")}>list of runs</a> and press “Compare”: one
          table and one figure, with differences paired by seed. The address of a comparison holds all of it, so that a
          link gives the same page to whoever has those runs.
        </p>
      </section>
      <section aria-labelledby="compare-families">
        <h2 id="compare-families">Families of papers</h2>
        <p>The verdicts that count, the results and the cost of all studies of a family.</p>
        {error && <Notice kind="error">{error}</Notice>}
        {!value && !error && <Loading what="the families" />}
        <ul class="compare-families">
          {[...counts].map(([family, studies]) => (
            <li key={family}>
              <a href={href("/compare", { family })}>{familyNames[family]}</a>{" "}
              <span class="soft">
                {studies} {studies === 1 ? "verdict" : "verdicts"}
              </span>
            </li>
          ))}
        </ul>
        {value && counts.size === 0 && <p class="soft">No study has a verdict yet.</p>}
      </section>
    </>
  );
}
