import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { loadCatalogue } from "../content.js";
import type { RunItem } from "../contract.js";
import { ExportMenu } from "../export/menu.js";
import { places as allPlaces } from "../places/index.js";
import { href, navigate, type PageProps } from "../router.js";
import { Button, Loading, Notice, useAsync } from "../ui/index.js";
import { count, type Outcome, type Removed, removeRuns, restoreRuns, tagRuns } from "./change.js";
import { choices, findRuns, isFiltered, type RunQuery, readQuery, sortedBy, writeQuery } from "./filter.js";
import { Filters } from "./filters.js";
import { Jobs } from "./jobs.js";
import { RunList } from "./list.js";
import { keyOf, loadRuns, type RunKey, sentence } from "./load.js";
import { runRecords } from "./records.js";
import { Selection } from "./selection.js";
import { Usage } from "./usage.js";
import "./runs.css";

/** While something runs, the list is read again so often. */
const refreshMilliseconds = 5000;

const none: ReadonlySet<RunKey> = new Set();

/** All runs of all places. */
export default function RunsPage({ query: address }: PageProps) {
  const query = useMemo(() => readQuery(address), [address.toString()]);
  const listed = useAsync(async () => loadRuns(await allPlaces()), []);
  const catalogue = useAsync(loadCatalogue, []);
  const [selected, setSelected] = useState(none);
  const [removed, setRemoved] = useState<Removed>();
  const [problems, setProblems] = useState<readonly string[]>([]);
  const undo = useRef<HTMLDivElement>(null);

  const places = listed.value?.map(({ place }) => place) ?? [];
  const runs = useMemo(() => listed.value?.flatMap((one) => one.runs) ?? [], [listed.value]);
  const jobs = listed.value?.flatMap((one) => one.jobs) ?? [];
  const titles = useMemo(
    () => new Map(catalogue.value?.papers.map(({ slug, title }) => [slug, title])),
    [catalogue.value],
  );
  const found = useMemo(() => findRuns(runs, query, titles), [runs, query, titles]);
  const offered = useMemo(() => choices(runs, titles), [runs, titles]);
  const chosen = runs.filter((run) => selected.has(keyOf(run)));

  useRefresh(jobs.length > 0 || runs.some(({ status }) => status === "running"), listed.reload);
  useEffect(() => {
    if (removed) undo.current?.querySelector("button")?.focus({ preventScroll: true });
  }, [removed]);

  const setQuery = (changed: RunQuery) => navigate(href("/runs", writeQuery(changed)), { replace: true });
  const change = async (work: Promise<Outcome>): Promise<Outcome> => {
    setProblems([]);
    const outcome = await work;
    setProblems(outcome.problems);
    listed.reload();
    return outcome;
  };
  const remove = async (these: readonly RunItem[]) => {
    const { done } = await change(removeRuns(places, these));
    setSelected(none);
    setRemoved(done.length > 0 ? done : undefined);
  };
  const takeBack = async () => {
    if (!removed) return;
    setRemoved(undefined);
    await change(restoreRuns(removed));
  };
  const resume = async ({ id, slug, scale, place }: RunItem) => {
    try {
      const here = places.find(({ kind }) => kind === place);
      const job = await here!.start({ slug, scale, resume: id });
      navigate(href(`/job/${place}/${encodeURIComponent(job.id)}`));
    } catch (error) {
      setProblems([`The run ${id} could not be resumed: ${sentence(error)}`]);
    }
  };

  return (
    <div class="runs-page">
      <header class="runs-header">
        <h1>Runs</h1>
        {runs.length > 0 && <ExportMenu name="hebb-runs" label="Export list" rows={() => runRecords(found, titles)} />}
      </header>

      {listed.error && <Notice kind="error">The runs could not be listed: {sentence(listed.error)}</Notice>}
      {listed.value?.flatMap(({ place, problem }) =>
        problem ? (
          <Notice key={place.kind} kind="error">
            {problem} {listed.value!.length > 1 && "The other runs are listed below."}
          </Notice>
        ) : (
          []
        ),
      )}
      {problems.map((problem) => (
        <Notice key={problem} kind="error">
          {problem}
        </Notice>
      ))}
      {removed && (
        <div ref={undo} class="runs-undo">
          <Notice>
            {count(removed.reduce((sum, { ids }) => sum + ids.length, 0))} moved to the bin.{" "}
            <Button onClick={() => void takeBack()}>Undo</Button>{" "}
            <Button kind="quiet" onClick={() => setRemoved(undefined)}>
              Close
            </Button>
          </Notice>
        </div>
      )}

      {!listed.value && listed.loading && <Loading what="the runs" />}
      {listed.value && (
        <>
          <Jobs jobs={jobs} titles={titles} />
          {runs.length === 0 ? (
            <NoRuns />
          ) : (
            <>
              <Filters query={query} choices={offered} onChange={setQuery} />
              <p class="runs-count" role="status">
                {found.length === runs.length ? count(runs.length) : `${found.length} of ${count(runs.length)}`}
                {isFiltered(query) && (
                  <>
                    {" "}
                    <Button kind="quiet" onClick={() => setQuery({ sort: query.sort, ascending: query.ascending })}>
                      Clear filters
                    </Button>
                  </>
                )}
              </p>
              <Selection
                runs={chosen}
                onTag={(tag, on) => void change(tagRuns(places, chosen, tag, on))}
                onRemove={() => void remove(chosen)}
                onClear={() => setSelected(none)}
              />
              <RunList
                runs={found}
                titles={titles}
                query={query}
                selected={selected}
                onSelect={setSelected}
                onSort={(key) => setQuery(sortedBy(query, key))}
                onTag={(tag) => setQuery({ ...query, tag })}
                onRemove={(run) => void remove([run])}
                onResume={(run) => void resume(run)}
              />
            </>
          )}
          <Usage
            places={listed.value}
            onEmptied={(failures) => {
              setRemoved(undefined);
              setProblems(failures);
              listed.reload();
            }}
          />
        </>
      )}
    </div>
  );
}

function NoRuns() {
  return (
    <section class="runs-empty" aria-labelledby="no-runs">
      <h2 id="no-runs">No runs yet</h2>
      <p>
        A run carries out the study of a paper and keeps what it measured. To make a first one, choose a paper, for
        example <a href={href("/paper/lottery-ticket")}>the lottery ticket hypothesis</a>, and open “Run it”: at smoke
        scale it takes a minute or two in this browser.
      </p>
      <p>
        <a class="button primary" href={href("/")}>
          Choose a paper
        </a>
      </p>
    </section>
  );
}

/** Reads the list again while something changes in it and somebody looks, and when somebody comes back. */
function useRefresh(changing: boolean, reload: () => void): void {
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === "visible") reload();
    };
    document.addEventListener("visibilitychange", look);
    const timer = changing ? setInterval(look, refreshMilliseconds) : undefined;
    return () => {
      document.removeEventListener("visibilitychange", look);
      clearInterval(timer);
    };
  }, [changing, reload]);
}
