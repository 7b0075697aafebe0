import { useEffect, useState } from "preact/hooks";
import { loadPaper } from "../content.js";
import type { PaperContent, Place } from "../contract.js";
import { LiveCurves } from "../figures/live-curves.js";
import { JudgementCard } from "../paper/verdict.js";
import { placeOf } from "../places/index.js";
import { href, navigate, type PageProps } from "../router.js";
import { Badge, Button, formatDuration, formatNumber, Loading, Notice, Scroller, useAsync } from "../ui/index.js";
import { applyEvent, emptyView, type JobView, timeLeft } from "./job-view.js";
import { RowsTable } from "./rows-table.js";
import "./run.css";
import "../paper/paper.css";

export default function JobPage({ params: { place: kind, id } }: PageProps) {
  const { value: place, error } = useAsync(() => placeOf(kind as Place["kind"]), [kind]);
  if (error) return <Notice kind="error">{error}</Notice>;
  if (!place) return <Loading what="the run" />;
  return <Watched key={id} place={place} id={id} />;
}

/** Events are taken at once, and shown a few times a second. */
const showMilliseconds = 120;

function useJob(place: Place, id: string): [JobView, string?] {
  const [view, setView] = useState<JobView>(emptyView);
  const [lost, setLost] = useState<string>();
  useEffect(() => {
    const abort = new AbortController();
    let current = emptyView();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      timer = undefined;
      setView({ ...current });
    };
    place
      .watch(
        id,
        (event) => {
          current = applyEvent(current, event);
          timer ??= setTimeout(show, showMilliseconds);
        },
        { signal: abort.signal },
      )
      .catch((error: Error) => !abort.signal.aborted && setLost(error.message));
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [place, id]);
  return [view, lost];
}

function Watched({ place, id }: { readonly place: Place; readonly id: string }) {
  const [view, lost] = useJob(place, id);
  const { value: device } = useAsync(() => place.device(), [place]);
  const { job } = view;
  const slug = job?.request.slug;
  const { value: paper } = useAsync(() => (slug ? loadPaper(slug) : Promise.resolve(undefined)), [slug]);
  const [failure, setFailure] = useState<string>();
  const [cancelling, setCancelling] = useState(false);
  if (lost && !job) return <Notice kind="error">{lost}</Notice>;
  if (!job) return <Loading what="the run" />;
  const run = job.run ?? view.record?.id;
  const active = job.state === "running" || job.state === "waiting";

  const act = async (work: () => Promise<void>) => {
    setFailure(undefined);
    try {
      await work();
    } catch (error) {
      setFailure((error as Error).message);
    }
  };
  const resume = () =>
    act(async () => {
      const next = await place.start({ slug: job.request.slug, scale: job.request.scale, resume: run });
      navigate(href(`/job/${place.kind}/${next.id}`));
    });

  return (
    <article class="job">
      <p class="eyebrow">
        <a href={href(`/paper/${job.request.slug}`)}>{job.request.slug}</a> · {job.request.scale} scale · {place.label}
      </p>
      <h1>
        {headings[job.state]} <StateBadge state={job.state} />
      </h1>
      {lost && <Notice kind="warn">{lost}</Notice>}
      {failure && <Notice kind="error">{failure}</Notice>}
      {job.state === "waiting" && (
        <Notice>{job.ahead === 1 ? "One run comes" : `${job.ahead} runs come`} before this one.</Notice>
      )}
      {(job.state === "failed" || job.state === "stopped") && (
        <Notice kind={job.state === "failed" ? "error" : "warn"}>
          {job.error ?? view.error ?? "The run was stopped."} What was measured until then is kept
          {run ? "; it can be resumed." : "."}
        </Notice>
      )}
      {active && <Progress view={view} device={device?.about} />}
      <p class="buttons">
        {active && (
          <Button
            kind="danger"
            disabled={cancelling}
            onClick={() => {
              setCancelling(true);
              void act(() => place.cancel(id)).finally(() => setCancelling(false));
            }}
          >
            {cancelling ? "Stopping at the next safe point …" : "Stop"}
          </Button>
        )}
        {!active && run && job.state !== "done" && (
          <Button kind="primary" onClick={() => void resume()}>
            Resume
          </Button>
        )}
        {run && (
          <a class="button" href={href(`/run/${place.kind}/${run}`)}>
            {job.state === "done" ? "Figures, files and log of this run" : "The run so far"}
          </a>
        )}
      </p>
      {view.record?.judgement && job.state === "done" && (
        <section aria-labelledby="outcome">
          <h2 id="outcome">Verdict of this run</h2>
          <JudgementCard judgement={view.record.judgement} />
          {job.request.scale !== "standard" && (
            <p class="soft small">Only runs at standard scale give a verdict that counts.</p>
          )}
        </section>
      )}
      <section aria-labelledby="curves">
        <h2 id="curves">Curves</h2>
        <LiveCurves points={view.points} measures={paper?.study?.measures} arms={paper?.study?.arms} />
      </section>
      {view.rows.length > 0 && <Results view={view} paper={paper} />}
      <section aria-labelledby="log">
        <h2 id="log">Log</h2>
        <Scroller label="Lines of the log">
          <pre class="log">{view.log.slice(-60).join("\n") || "Nothing was said yet."}</pre>
        </Scroller>
      </section>
    </article>
  );
}

const headings = {
  waiting: "Waiting",
  running: "Running",
  done: "Done",
  stopped: "Stopped",
  failed: "Failed",
} as const;
const tones = { waiting: "plain", running: "running", done: "good", stopped: "wait", failed: "bad" } as const;

export function StateBadge({ state }: { readonly state: keyof typeof tones }) {
  return (
    <Badge tone={tones[state]}>
      <span data-testid="job-state">{state}</span>
    </Badge>
  );
}

function Progress({ view, device }: { readonly view: JobView; readonly device?: string }) {
  const { progress, pace } = view;
  const left = timeLeft(pace);
  const share = progress && progress.total > 0 ? progress.done / progress.total : undefined;
  return (
    <div class="progress">
      <label>
        <span>
          {progress?.label ?? "Starting"}
          {share !== undefined && ` · ${Math.floor(100 * share)} %`}
        </span>
        <progress value={share} max={1} />
      </label>
      <dl class="facts small">
        {progress && (
          <>
            <dt>Steps</dt>
            <dd>
              {formatNumber(progress.done)} of {formatNumber(progress.total)}
            </dd>
          </>
        )}
        {pace.step !== undefined && (
          <>
            <dt>Time for one</dt>
            <dd>{pace.step < 1000 ? `${pace.step.toPrecision(3)} ms` : formatDuration(pace.step / 1000)}</dd>
          </>
        )}
        <dt>Time left</dt>
        <dd>{left === undefined ? "not known yet" : `about ${formatDuration(left / 1000)}`}</dd>
        {device && (
          <>
            <dt>Device</dt>
            <dd>{device}</dd>
          </>
        )}
      </dl>
    </div>
  );
}

function Results({ view, paper }: { readonly view: JobView; readonly paper?: PaperContent }) {
  return (
    <section aria-labelledby="rows">
      <h2 id="rows">
        Results <span class="soft small">{view.rows.length} rows</span>
      </h2>
      <RowsTable rows={view.rows} study={paper?.study} most={40} />
    </section>
  );
}
