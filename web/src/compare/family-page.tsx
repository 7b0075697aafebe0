import { useMemo } from "preact/hooks";
import type { Family } from "../../../src/lab/catalogue/paper.js";
import { familyNames } from "../catalogue/families.js";
import { ExportMenu } from "../export/menu.js";
import { PlotFigure } from "../figures/figure.js";
import { href } from "../router.js";
import { Loading, Notice, Scroller, Tabs, useAsync, VerdictBadge } from "../ui/index.js";
import { costColumns, costLines } from "./cost.js";
import { type FamilyStudy, familyFigure, familyLines, familyMeasures, familyRecords, familySources } from "./family.js";
import { loadFamily } from "./load-family.js";
import { Methods } from "./methods.js";
import { ComparisonPanel } from "./panel.js";
import type { CompareQuery } from "./query.js";
import { ShareLink } from "./share.js";
import { comparisonView } from "./view.js";

interface Props {
  readonly family: string;
  readonly query: CompareQuery;
  readonly onChange: (changed: Partial<CompareQuery>) => void;
}

/** All that the ledger says of a family, and its methods where they were compared outside the studies. */
export function FamilyPage({ family, query, onChange }: Props) {
  const loaded = useAsync(() => loadFamily(family), [family]);
  const { studies = [], tracks = [], problems = [] } = loaded.value ?? {};
  const tabs = [
    {
      name: "Studies",
      content: () => <Studies family={family} studies={studies} query={query} onChange={onChange} />,
    },
    ...tracks.map((track) => ({
      name: `Methods, track ${track.track}`,
      content: () => <Methods family={family} measured={track} query={query} onChange={onChange} />,
    })),
  ];
  const chosen = 1 + tracks.findIndex(({ track }) => track === query.track);
  return (
    <>
      <header class="compare-header">
        <div>
          <p class="eyebrow">Comparison of a family</p>
          <h1>{familyNames[family as Family] ?? family}</h1>
        </div>
        <ShareLink />
      </header>
      {loaded.error && <Notice kind="error">{loaded.error}</Notice>}
      {problems.map((problem) => (
        <Notice key={problem} kind="warn">
          {problem}
        </Notice>
      ))}
      {!loaded.value && loaded.loading && <Loading what="the family" />}
      {loaded.value &&
        (tracks.length > 0 ? (
          <Tabs
            label="Comparisons of the family"
            tabs={tabs}
            chosen={chosen}
            onChoose={(i) =>
              onChange({
                track: tracks[i - 1]?.track,
                ...{ study: undefined, base: undefined, measure: undefined, arms: [], x: undefined, by: undefined },
              })
            }
          />
        ) : (
          tabs[0].content()
        ))}
    </>
  );
}

/** In the place of a slug. */
const allStudies = "all";

interface StudiesProps extends Props {
  readonly studies: readonly FamilyStudy[];
}

function Studies({ family, studies, query, onChange }: StudiesProps) {
  const figure = useMemo(() => familyFigure(family, studies), [family, studies]);
  const asked = studies.filter(({ slug }) => slug === query.study);
  const some = query.study === allStudies ? studies : asked.length > 0 ? asked : studies.slice(0, 1);
  const view = useMemo(
    () =>
      comparisonView({
        sources: familySources(some),
        measures: familyMeasures(some),
        what: "study",
        title: some.length === 1 ? some[0].title : `Family “${family}”`,
        query,
      }),
    [studies, query],
  );
  if (studies.length === 0) {
    return (
      <Notice>
        No study of the family “{family}” has a verdict yet. <a href={href("/", { family })}>Its papers</a>
      </Notice>
    );
  }
  return (
    <>
      <section aria-labelledby="family-verdicts">
        <div class="compare-title">
          <h2 id="family-verdicts">Verdicts and cost</h2>
          <ExportMenu name={`${family}-studies`} label="Export verdicts" rows={() => familyRecords(studies)} />
        </div>
        <VerdictTable studies={studies} />
        {studies.length > 1 && <PlotFigure figure={figure} name={`${family}-studies`} />}
      </section>
      <label class="field compare-study">
        <span>Results of</span>
        <select
          value={query.study === allStudies ? allStudies : some[0].slug}
          onChange={({ currentTarget }) =>
            onChange({
              study: currentTarget.value,
              ...{ base: undefined, arms: [], x: undefined, by: undefined },
            })
          }
        >
          {studies.length > 1 && <option value={allStudies}>all studies</option>}
          {studies.map(({ slug, title }) => (
            <option key={slug} value={slug}>
              {title}
            </option>
          ))}
        </select>
      </label>
      {some.length > 1 && (
        <p class="soft small">
          Studies differ in data and model: an arm beside the same arm of another study shows how far its results carry,
          not which study is better.
        </p>
      )}
      {view && (
        <ComparisonPanel
          view={view}
          name={`${family}${some.length === 1 ? `-${some[0].slug}` : ""}`}
          sources={some.length > 1 ? "studies" : undefined}
          onChange={onChange}
          report={{
            title: `Family “${family}”: ${some.length === 1 ? some[0].title : "results in the ledger"}`,
            subjects: some.map(
              ({ slug, title, ledger }) =>
                `${slug}: ${title}; verdict “${ledger.judgement.verdict}”, run ${ledger.run}, seeds ${ledger.seeds.join(", ")}`,
            ),
            warnings: some.length > 1 ? ["The studies differ in data and model."] : [],
            cost: costLines(some.map(({ slug, ledger }) => ({ label: slug, ...ledger }))),
          }}
        />
      )}
    </>
  );
}

function VerdictTable({ studies }: { readonly studies: readonly FamilyStudy[] }) {
  return (
    <Scroller label="Table of verdicts">
      <table data-testid="family">
        <caption>
          Runs at standard scale in the ledger; the first condition that is a number, with its 95 % interval.
        </caption>
        <thead>
          <tr>
            <th scope="col">Paper</th>
            <th scope="col">Verdict</th>
            <th scope="col">Finding</th>
            <th scope="col" class="number">
              Seeds
            </th>
            {costColumns.map((name) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {familyLines(studies).map(({ slug, title, verdict, reason, finding, seeds, cost }) => (
            <tr key={slug}>
              <th scope="row" class="compare-paper">
                <a href={href(`/paper/${slug}`)}>{title}</a>
              </th>
              <td title={reason}>
                <VerdictBadge verdict={verdict} />
              </td>
              <td class="compare-finding">
                {finding && (
                  <>
                    {finding.text} {finding.interval} <span class="compare-interval">{finding.name}</span>
                  </>
                )}
              </td>
              <td class="number">{seeds}</td>
              {cost.map((text, i) => (
                <td key={costColumns[i]} class="number">
                  {text}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}
