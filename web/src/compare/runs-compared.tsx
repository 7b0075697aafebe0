import { useMemo } from "preact/hooks";
import { loadCatalogue } from "../content.js";
import { places as allPlaces } from "../places/index.js";
import { href } from "../router.js";
import { Badge, Button, formatDate, Loading, Notice, Scroller, useAsync, VerdictBadge } from "../ui/index.js";
import { costLines } from "./cost.js";
import { CostTable } from "./cost-table.js";
import { loadCompared } from "./load.js";
import { ComparisonPanel } from "./panel.js";
import type { CompareQuery } from "./query.js";
import { ShareLink } from "./share.js";
import { type ComparedRun, unlike } from "./subjects.js";
import { comparisonView } from "./view.js";

interface Props {
  readonly query: CompareQuery;
  readonly onChange: (changed: Partial<CompareQuery>) => void;
}

/** The runs of the address, beside one another. */
export function RunsCompared({ query, onChange }: Props) {
  const names = query.runs.map(({ place, id }) => `${place}:${id}`).join(" ");
  const loaded = useAsync(async () => loadCompared(query.runs, await allPlaces()), [names]);
  const catalogue = useAsync(loadCatalogue, []);
  const runs = loaded.value?.runs ?? [];
  const slugs = [...new Set(runs.map(({ record }) => record.slug))];
  const titleOf = (slug: string) => catalogue.value?.papers.find((paper) => paper.slug === slug)?.title ?? slug;
  const title = slugs.length === 1 ? titleOf(slugs[0]) : "Runs";
  const view = useMemo(
    () =>
      slugs.length === 1
        ? comparisonView({ sources: runs, measures: runs[0].record.measures, what: "run", title, query })
        : undefined,
    [loaded.value, query, title],
  );
  const warnings = slugs.length === 1 ? unlike(runs) : [];
  const base = Math.max(
    0,
    runs.findIndex(({ letter }) => view?.by === "runs" && letter === view.subjects[view.base].key),
  );
  const costs = costLines(
    runs.map(({ letter, record }) => ({ label: letter, ...record })),
    runs.length > 1 ? base : undefined,
  );

  return (
    <>
      <header class="compare-header">
        <div>
          <p class="eyebrow">{query.runs.length > 1 ? "Comparison of runs" : "Comparison within a run"}</p>
          <h1>{slugs.length === 1 ? <a href={href(`/paper/${slugs[0]}`)}>{title}</a> : "Compare runs"}</h1>
        </div>
        <ShareLink tab={query.runs.some(({ place }) => place === "tab")} />
      </header>
      {loaded.error && <Notice kind="error">The runs could not be read: {loaded.error}</Notice>}
      {loaded.value?.missing.map((sentence) => (
        <Notice key={sentence} kind="warn">
          {sentence}
        </Notice>
      ))}
      {!loaded.value && loaded.loading && <Loading what="the runs" />}
      {slugs.length > 1 && (
        <Notice kind="warn">
          Runs of one paper can be compared, and these are of several: {slugs.map(titleOf).join("; ")}.{" "}
          <a href={href("/runs")}>Choose other runs</a>
        </Notice>
      )}
      {runs.length > 0 && <RunsTable runs={runs} titleOf={titleOf} query={query} onChange={onChange} />}
      {warnings.length > 0 && (
        <Notice kind="warn">
          <strong>These runs are not alike in all.</strong>
          <ul class="compare-warnings">
            {warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </Notice>
      )}
      {view ? (
        <ComparisonPanel
          view={view}
          name={`compare-${slugs[0]}`}
          onChange={onChange}
          sources={runs.length > 1 ? "runs" : undefined}
          report={{
            title: `${title}: ${runs.length > 1 ? "runs compared" : "arms compared"}`,
            subjects: runs.map(aboutRun),
            warnings,
            cost: costs,
          }}
        />
      ) : (
        slugs.length === 1 && <Notice>These runs have measured nothing yet, so there is nothing to compare.</Notice>
      )}
      {runs.length > 0 && (
        <section aria-labelledby="compare-cost">
          <h2 id="compare-cost">Cost</h2>
          <CostTable
            lines={costs}
            what="Run"
            note={runs.length > 1 ? `× is relative to run ${runs[base].letter}.` : undefined}
          />
          {view?.by === "arms" && <p class="soft small">A run counts the cost of all its arms together.</p>}
        </section>
      )}
    </>
  );
}

const aboutRun = ({ letter, record: { id, scale, seeds, status, judgement, started } }: ComparedRun): string =>
  `${letter}: ${id}, ${scale} scale, seeds ${seeds.join(", ")}, ${status}, ${judgement ? `verdict “${judgement.verdict}”${scale === "smoke" ? " (smoke: does not count)" : ""}` : "no verdict"}, started ${started.slice(0, 16).replace("T", " ")} UTC`;

interface TableProps extends Props {
  readonly runs: readonly ComparedRun[];
  readonly titleOf: (slug: string) => string;
}

/** Which letter is which run. */
function RunsTable({ runs, titleOf, query, onChange }: TableProps) {
  const several = new Set(runs.map(({ record }) => record.slug)).size > 1;
  const without = (run: ComparedRun) =>
    query.runs.filter(({ place, id }) => place !== run.place || id !== run.record.id);
  return (
    <Scroller label="The runs compared">
      <table class="compare-runs">
        <caption class="visually-hidden">The runs compared</caption>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">Scale</th>
            <th scope="col">Seeds</th>
            <th scope="col">Verdict</th>
            <th scope="col">Place</th>
            <th scope="col">
              <span class="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => {
            const { letter, place, record } = run;
            return (
              <tr key={letter}>
                <th scope="row">
                  <span class="compare-letter">{letter}</span>{" "}
                  <a href={href(`/run/${place}/${encodeURIComponent(record.id)}`)}>
                    {several ? `${titleOf(record.slug)}, ` : ""}
                    {formatDate(record.started)}
                  </a>
                  <span class="compare-id">{record.id}</span>
                </th>
                <td>{record.scale}</td>
                <td>{record.seeds.join(", ")}</td>
                <td>
                  {record.judgement && record.scale !== "smoke" ? (
                    <VerdictBadge verdict={record.judgement.verdict} />
                  ) : (
                    <Badge>{record.judgement ? `smoke: ${record.judgement.verdict}` : record.status}</Badge>
                  )}
                </td>
                <td>{place === "tab" ? "this browser" : "the server"}</td>
                <td>
                  {query.runs.length > 1 && (
                    <Button
                      kind="quiet"
                      aria-label={`Take out run ${letter}`}
                      // Letters follow the address: what named one of them by its letter goes too.
                      onClick={() => onChange({ runs: without(run), base: undefined })}
                    >
                      Take out
                    </Button>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Scroller>
  );
}
