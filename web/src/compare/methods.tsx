import { useMemo } from "preact/hooks";
import type { Measured } from "./measured.js";
import { ComparisonPanel } from "./panel.js";
import type { CompareQuery } from "./query.js";
import { comparisonView } from "./view.js";

interface Props {
  readonly family: string;
  readonly measured: Measured;
  readonly query: CompareQuery;
  readonly onChange: (changed: Partial<CompareQuery>) => void;
}

/** The methods of a family side by side on one problem, outside any study. */
export function Methods({ family, measured, query, onChange }: Props) {
  const { track, about, data, scenario, seeds, trials, date, environment, rows, measures = {} } = measured;
  const title = `Methods of “${family}”, track ${track}`;
  const view = useMemo(
    () => comparisonView({ sources: [{ letter: track, rows }], measures, what: "track", title, query }),
    [measured, query],
  );
  const facts = `Data ${data}, scenario ${scenario}, seeds ${seeds.join(", ")}; ${trials} configurations of each method tried on a seed apart. Hebb ${environment.hebb}, ${environment.processor}, ${date.slice(0, 10)}.`;
  if (!view) return null;
  return (
    <>
      <p>{about ? `${about}. ${facts}` : facts}</p>
      <ComparisonPanel
        view={view}
        name={`${family}-${track}`}
        onChange={onChange}
        report={{ title, subjects: [facts], warnings: [], cost: [] }}
      />
    </>
  );
}
