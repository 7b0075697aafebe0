import { useState } from "preact/hooks";
import type { RunRecord } from "../../../src/lab/record.js";
import { summarise } from "../../../src/lab/table.js";
import { loadPaper } from "../content.js";
import type { Place } from "../contract.js";
import { ExportMenu } from "../export/menu.js";
import { StudyFigures } from "../figures/study-figures.js";
import { MeasuresTable } from "../paper/measures-table.js";
import { JudgementCard } from "../paper/verdict.js";
import { placeOf } from "../places/index.js";
import { href, navigate, type PageProps } from "../router.js";
import { formatCount } from "../ui/format.js";
import {
  Button,
  formatBytes,
  formatDate,
  formatDuration,
  Loading,
  Notice,
  Scroller,
  type Tab,
  Tabs,
  useAsync,
} from "../ui/index.js";
import { RowsTable } from "./rows-table.js";
import "./run.css";
import "../paper/paper.css";

export default function RunPage({ params: { place: kind, id } }: PageProps) {
  const { value, error } = useAsync(async () => {
    const place = await placeOf(kind as Place["kind"]);
    return { place, record: await place.record(id) };
  }, [kind, id]);
  if (error) {
    return (
      <Notice kind="error">
        This run cannot be shown: {error} <a href={href("/runs")}>All runs</a> still work.
      </Notice>
    );
  }
  if (!value || value.record.id !== id) return <Loading what="the run" />;
  return <Run key={id} place={value.place} record={value.record} />;
}

function Run({ place, record }: { readonly place: Place; readonly record: RunRecord }) {
  const { id, slug, scale, seeds, seconds, started, status, judgement, error, rows } = record;
  const { value: paper } = useAsync(() => loadPaper(slug), [slug]);
  const { value: metrics, error: curveError } = useAsync(() => place.metrics(id), [id]);
  const { value: summary } = useAsync(async () => (await place.runs()).find((run) => run.id === id), [id]);
  const [failure, setFailure] = useState<string>();
  const study = paper?.study;
  const own = study?.scales[scale]?.options;
  const changed = own !== undefined && JSON.stringify(sorted(own)) !== JSON.stringify(sorted(record.options));
  const ended = (summary?.status ?? status) !== "running";

  const act = async (work: () => Promise<void>) => {
    setFailure(undefined);
    try {
      await work();
    } catch (reason) {
      setFailure((reason as Error).message);
    }
  };
  const tabs: Tab[] = [
    { name: "Results", content: () => <RowsTable rows={rows} study={study} /> },
    { name: "Log", content: () => <Log place={place} run={id} /> },
    { name: "Environment", content: () => <EnvironmentFacts record={record} /> },
    { name: "Files", content: () => <Files place={place} run={id} /> },
  ];
  return (
    <article class="run-page">
      <p class="eyebrow">
        <a href={href(`/paper/${slug}`)}>{slug}</a> · {scale} scale · {place.label}
      </p>
      <h1>{study ? `Run of ${slug}` : id}</h1>
      <p class="soft">
        {formatDate(started)}, {formatDuration(seconds)}, {seeds.length} {seeds.length === 1 ? "seed" : "seeds"} (
        {seeds.slice(0, 12).join(", ")}
        {seeds.length > 12 && " …"}); {summary?.status ?? status}
      </p>
      {error && <Notice kind={status === "failed" ? "error" : "warn"}>{error}</Notice>}
      {changed && <Notice>Some options were changed, so that the verdict of this run does not count.</Notice>}
      {failure && <Notice kind="error">{failure}</Notice>}
      <p class="buttons">
        {ended && status !== "done" && (
          <Button
            kind="primary"
            onClick={() =>
              void act(async () => {
                const job = await place.start({ slug, scale, resume: id });
                navigate(href(`/job/${place.kind}/${job.id}`));
              })
            }
          >
            Resume
          </Button>
        )}
        <a class="button" href={href("/compare", { run: `${place.kind}:${id}` })}>
          Compare
        </a>
        <ExportMenu
          name={id}
          label="Export run"
          rows={() => rows}
          report={() => ({ record, metrics: metrics ?? [] })}
        />
        {ended && (
          <Button
            kind="danger"
            onClick={() =>
              void act(async () => {
                await place.remove([id]);
                navigate(href("/runs"));
              })
            }
          >
            Delete
          </Button>
        )}
      </p>
      {judgement && (
        <section aria-labelledby="outcome">
          <h2 id="outcome">Verdict of this run</h2>
          <JudgementCard judgement={judgement} />
          {scale !== "standard" && <p class="soft small">Only runs at standard scale give a verdict that counts.</p>}
        </section>
      )}
      <section aria-labelledby="figures">
        <h2 id="figures">Figures</h2>
        {curveError && (
          <Notice kind="warn">The curves cannot be read: {curveError} What else there is of this run is whole.</Notice>
        )}
        {rows.length === 0 ? (
          <p class="soft">Nothing was recorded yet.</p>
        ) : metrics || curveError ? (
          <StudyFigures slug={slug} rows={rows} metrics={metrics ?? []} />
        ) : (
          <Loading what="the curves" />
        )}
        {study && rows.length > 0 && <MeasuresTable entry={{ table: summarise(rows) }} study={study} />}
      </section>
      <section aria-labelledby="details">
        <h2 id="details">Details</h2>
        <Tabs label="Details of the run" tabs={tabs} />
      </section>
    </article>
  );
}

/** The same object for the same options in any order. */
const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : value && typeof value === "object"
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, one]) => [key, sorted(one)]),
        )
      : value;

function Log({ place, run }: { readonly place: Place; readonly run: string }) {
  const { value, error } = useAsync(() => place.log(run), [run]);
  if (error) return <Notice kind="warn">The log cannot be read: {error}</Notice>;
  if (value === undefined) return <Loading what="the log" />;
  return (
    <Scroller label="Lines of the log">
      <pre class="log">{value === "" ? "Nothing was said, or no log was kept." : value}</pre>
    </Scroller>
  );
}

function EnvironmentFacts({ record }: { readonly record: RunRecord }) {
  const { environment, device, cost, options, id } = record;
  const facts: [string, string][] = [
    ["Run", id],
    ["Device", device],
    ...Object.entries(environment).map(([name, value]): [string, string] => [name, String(value)]),
    ["Examples forward", formatCount(cost.forwardExamples)],
    ["Examples backward", formatCount(cost.backwardExamples)],
    ["Multiply-accumulates", formatCount(cost.macs)],
    ["Options", JSON.stringify(options)],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <>
          <dt key={name}>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}

function Files({ place, run }: { readonly place: Place; readonly run: string }) {
  const { value: files, error } = useAsync(() => place.files(run), [run]);
  const [failure, setFailure] = useState<string>();
  if (error) return <Notice kind="warn">The files cannot be listed: {error}</Notice>;
  if (!files) return <Loading what="the files" />;
  const save = async (name: string) => {
    try {
      const address = URL.createObjectURL(await place.file(run, name));
      const link = document.createElement("a");
      link.href = address;
      link.download = name.split("/").at(-1)!;
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
    } catch (reason) {
      setFailure((reason as Error).message);
    }
  };
  return (
    <>
      {failure && <Notice kind="error">{failure}</Notice>}
      <ul class="files">
        {files.map(({ name, bytes }) => (
          <li key={name}>
            <button type="button" class="button quiet" onClick={() => void save(name)}>
              {name}
            </button>{" "}
            <span class="soft small">{formatBytes(bytes)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
