import { ExportMenu } from "../export/menu.js";
import { PlotFigure } from "../figures/figure.js";
import { Notice } from "../ui/index.js";
import type { CostLine } from "./cost.js";
import type { CompareQuery } from "./query.js";
import { ResultsTable } from "./results-table.js";
import { comparisonRecords } from "./table.js";
import type { ComparisonView } from "./view.js";

interface Props {
  readonly view: ComparisonView;
  /** Of the files that are exported. */
  readonly name: string;
  /** What the sources are called, where there are several to stand side by side; else only arms can. */
  readonly sources?: string;
  readonly onChange: (changed: Partial<CompareQuery>) => void;
  readonly report: {
    readonly title: string;
    readonly subjects: readonly string[];
    readonly warnings: readonly string[];
    readonly cost: readonly CostLine[];
  };
}

/** The controls of a comparison, its figure and its table. */
export function ComparisonPanel({ view, name, sources, onChange, report }: Props) {
  const { measure, measures, subjects, base, lines } = view;
  const chosen = measures.find((one) => one.name === measure)!;
  const makeReport = async () => {
    const [{ comparisonReport }, { reportFigures }] = await Promise.all([
      import("./report.js"),
      import("../export/report.js"),
    ]);
    const shown = [chosen, ...measures.filter((one) => one !== chosen)];
    return comparisonReport({
      ...report,
      figures: await reportFigures(view.figure ? [view.figure] : []),
      tables: shown.map((one) => ({ heading: one.label, table: view.tableOf(one.name) })),
      made: new Date().toISOString(),
    });
  };
  return (
    <section class="compare-panel" aria-labelledby="compare-results">
      <div class="compare-title">
        <h2 id="compare-results">Results</h2>
        <ExportMenu
          name={name}
          label="Export results"
          rows={() => measures.flatMap((one) => comparisonRecords(subjects, view.linesOf(one.name), base, view.what))}
          report={makeReport}
        />
      </div>
      <Controls view={view} sources={sources} onChange={onChange} />
      {view.figure ? (
        <PlotFigure figure={view.figure} name={`${name}-${measure}`} />
      ) : (
        <Notice>
          Nothing shares a setting and a seed with {subjects[base].label} in “{chosen.label}”: choose another baseline.
        </Notice>
      )}
      <ResultsTable
        table={view.table}
        caption={[
          `${chosen.label}${chosen.better ? ` (${chosen.better} is better)` : ""}: means over seeds with 95 % intervals.`,
          subjects.length > 1 ? "Differences are paired by the seeds that both have." : "",
          lines.length === 0 ? "No line has this measure." : "",
        ]
          .filter(Boolean)
          .join(" ")}
      />
    </section>
  );
}

function Controls({ view, sources, onChange }: Pick<Props, "view" | "sources" | "onChange">) {
  const { by, measure, measures, subjects, base, arms, axes, x, difference } = view;
  return (
    <div class="compare-controls">
      <label class="field">
        <span>Measure</span>
        <select value={measure} onChange={({ currentTarget }) => onChange({ measure: currentTarget.value })}>
          {measures.map(({ name, label }) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {sources && (
        <label class="field">
          <span>Side by side</span>
          <select
            value={by}
            onChange={({ currentTarget }) =>
              onChange({ by: currentTarget.value as ComparisonView["by"], base: undefined })
            }
          >
            <option value="runs">{sources}</option>
            <option value="arms">arms</option>
          </select>
        </label>
      )}
      {subjects.length > 1 && (
        <label class="field">
          <span>Baseline</span>
          <select value={subjects[base].key} onChange={({ currentTarget }) => onChange({ base: currentTarget.value })}>
            {view.baselines.map(({ key, label }) => (
              <option key={key} value={key}>
                {label}
              </option>
            ))}
          </select>
        </label>
      )}
      {subjects.length > 1 && (
        <label class="field">
          <span>Figure shows</span>
          <select
            value={difference ? "difference" : "values"}
            onChange={({ currentTarget }) => onChange({ difference: currentTarget.value === "difference" })}
          >
            <option value="values">values</option>
            <option value="difference">differences to the baseline</option>
          </select>
        </label>
      )}
      {axes.length > 0 && (
        <label class="field">
          <span>Along</span>
          <select value={x ?? "none"} onChange={({ currentTarget }) => onChange({ x: currentTarget.value })}>
            {axes.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
            <option value="none">no axis: a row for each</option>
          </select>
        </label>
      )}
      {arms.length > 1 && (
        <details class="compare-arms">
          <summary>
            Arms ({arms.filter(({ shown }) => shown).length} of {arms.length})
          </summary>
          <fieldset>
            <legend class="visually-hidden">Arms to show</legend>
            {arms.map(({ name, shown }) => (
              <label key={name}>
                <input
                  type="checkbox"
                  checked={shown}
                  onChange={() => {
                    const left = arms.filter((arm) => (arm.name === name ? !shown : arm.shown));
                    // None chosen means all, and all of them need no place in the address.
                    onChange({ arms: left.length === arms.length ? [] : left.map((arm) => arm.name) });
                  }}
                />
                {name}
              </label>
            ))}
          </fieldset>
        </details>
      )}
    </div>
  );
}
