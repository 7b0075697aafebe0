import { memo } from "preact/compat";
import { useMemo, useRef, useState } from "preact/hooks";
import { smokeNotice } from "../../../src/lab/report.js";
import type { RunItem } from "../contract.js";
import { href } from "../router.js";
import { Badge, Button, formatBytes, formatDate, formatDuration, Scroller, VerdictBadge } from "../ui/index.js";
import { count } from "./change.js";
import type { RunQuery, SortKey, Titles } from "./filter.js";
import { keyOf, type RunKey } from "./load.js";

/** So many runs are drawn at first, and so many more at each request: a page of thousands would be slow to type in. */
const portion = 50;

interface Props {
  readonly runs: readonly RunItem[];
  readonly titles: Titles;
  readonly query: RunQuery;
  readonly selected: ReadonlySet<RunKey>;
  readonly onSelect: (selected: ReadonlySet<RunKey>) => void;
  readonly onSort: (key: SortKey) => void;
  readonly onTag: (tag: string) => void;
  readonly onRemove: (run: RunItem) => void;
  readonly onResume: (run: RunItem) => void;
}

const columns: readonly { readonly key: SortKey; readonly name: string; readonly class?: string }[] = [
  { key: "paper", name: "Run" },
  { key: "status", name: "Status" },
  { key: "verdict", name: "Verdict", class: "wide" },
  { key: "started", name: "Started", class: "wide" },
  { key: "seconds", name: "Time", class: "number wide" },
  { key: "bytes", name: "Size", class: "number wide" },
];

export function RunList({ runs, titles, query, selected, onSelect, onSort, ...events }: Props) {
  const [shown, setShown] = useState(portion);
  const listed = runs.slice(0, shown);
  const all = runs.length > 0 && runs.every((run) => selected.has(keyOf(run)));
  const some = !all && runs.some((run) => selected.has(keyOf(run)));

  // Lines keep their handlers, so that only those that change are drawn again.
  const latest = useRef({ events, selected, onSelect });
  latest.current = { events, selected, onSelect };
  const handlers = useMemo<LineHandlers>(
    () => ({
      onSelect(run, on) {
        const { selected, onSelect } = latest.current;
        const changed = new Set(selected);
        if (on) changed.add(keyOf(run));
        else changed.delete(keyOf(run));
        onSelect(changed);
      },
      onTag: (tag) => latest.current.events.onTag(tag),
      onRemove: (run) => latest.current.events.onRemove(run),
      onResume: (run) => latest.current.events.onResume(run),
    }),
    [],
  );

  if (runs.length === 0) return <p class="runs-nothing">No run is like that: change or clear the filters.</p>;
  return (
    <>
      <Scroller label="Runs">
        <table class="runs-table" data-testid="runs">
          <caption class="visually-hidden">Runs; the headings sort.</caption>
          <thead>
            <tr>
              <th scope="col" class="check">
                <input
                  type="checkbox"
                  aria-label={`Select all ${runs.length}`}
                  checked={all}
                  ref={(box) => {
                    if (box) box.indeterminate = some;
                  }}
                  onChange={() => onSelect(all ? new Set() : new Set(runs.map(keyOf)))}
                />
              </th>
              {columns.map(({ key, name, class: own }) => (
                <th
                  key={key}
                  scope="col"
                  class={own}
                  aria-sort={query.sort === key ? (query.ascending ? "ascending" : "descending") : undefined}
                >
                  <button type="button" class="sort" onClick={() => onSort(key)}>
                    {name}
                    <span aria-hidden="true">{query.sort === key ? (query.ascending ? " ↑" : " ↓") : ""}</span>
                  </button>
                </th>
              ))}
              <th scope="col" class="wide">
                Place
              </th>
              <th scope="col" class="runs-actions">
                <span class="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {listed.map((run) => (
              <Line
                key={keyOf(run)}
                run={run}
                title={titles.get(run.slug) ?? run.slug}
                selected={selected.has(keyOf(run))}
                handlers={handlers}
              />
            ))}
          </tbody>
        </table>
      </Scroller>
      {shown < runs.length && (
        <p>
          <Button onClick={() => setShown(shown + portion)}>
            Show {Math.min(portion, runs.length - shown)} more of {count(runs.length)}
          </Button>
        </p>
      )}
    </>
  );
}

interface LineHandlers {
  readonly onSelect: (run: RunItem, on: boolean) => void;
  readonly onTag: (tag: string) => void;
  readonly onRemove: (run: RunItem) => void;
  readonly onResume: (run: RunItem) => void;
}

interface LineProps {
  readonly run: RunItem;
  readonly title: string;
  readonly selected: boolean;
  readonly handlers: LineHandlers;
}

/** The list is read again and again while something runs; a line whose run is as before is not drawn again. */
const Line = memo(
  PlainLine,
  (a, b) => a.title === b.title && a.selected === b.selected && a.handlers === b.handlers && same(a.run, b.run),
);

const same = (a: RunItem, b: RunItem): boolean =>
  a === b || (a.stamp === b.stamp && JSON.stringify(a) === JSON.stringify(b));

function PlainLine({ run, title, selected, handlers }: LineProps) {
  const { id, scale, seeds, status, started, seconds, bytes, place, tags } = run;
  const named = `${title}, ${scale}, ${formatDate(started)}`;
  return (
    <tr class={selected ? "selected" : undefined} data-run={keyOf(run)}>
      <td class="check">
        <input
          type="checkbox"
          aria-label={`Select ${named}`}
          checked={selected}
          onChange={({ currentTarget }) => handlers.onSelect(run, currentTarget.checked)}
        />
      </td>
      <th scope="row">
        <a href={href(`/run/${place}/${encodeURIComponent(id)}`)}>{title}</a>
        <span class="runs-about">
          {scale}, {seeds} {seeds === 1 ? "seed" : "seeds"}
          <span class="narrow">, {formatDate(started)}</span>
        </span>
        {tags.length > 0 && (
          <span class="runs-tags">
            {tags.map((tag) => (
              <button
                key={tag}
                type="button"
                class="tag"
                title={`Only runs tagged ${tag}`}
                onClick={() => handlers.onTag(tag)}
              >
                {tag}
              </button>
            ))}
          </span>
        )}
      </th>
      <td>
        <Status status={status} />
        {run.verdict && (
          <span class="narrow">
            <Verdict run={run} />
          </span>
        )}
        {resumable.has(status) && (
          <Button kind="quiet" aria-label={`Resume ${named}`} onClick={() => handlers.onResume(run)}>
            Resume
          </Button>
        )}
      </td>
      <td class="wide">
        <Verdict run={run} />
      </td>
      <td class="wide">
        <time dateTime={started}>{formatDate(started)}</time>
      </td>
      <td class="number wide">{formatDuration(seconds)}</td>
      <td class="number wide">{formatBytes(bytes)}</td>
      <td class="wide">{place === "tab" ? "this browser" : "the server"}</td>
      <td class="runs-actions">
        {status !== "running" && (
          <Button kind="quiet" aria-label={`Delete ${named}`} onClick={() => handlers.onRemove(run)}>
            Delete
          </Button>
        )}
      </td>
    </tr>
  );
}

const resumable: ReadonlySet<RunItem["status"]> = new Set(["interrupted", "stopped", "failed"]);

const tones = { running: "running", interrupted: "wait", done: "plain", stopped: "wait", failed: "bad" } as const;

function Status({ status }: Pick<RunItem, "status">) {
  const about =
    status === "interrupted" ? "What ran it went away before it ended; it can be resumed where it was." : undefined;
  return (
    <Badge tone={tones[status]} title={about}>
      {status}
    </Badge>
  );
}

function Verdict({ run: { verdict, scale } }: { readonly run: RunItem }) {
  if (!verdict) return <span class="soft">none</span>;
  if (scale === "smoke") return <Badge title={smokeNotice}>smoke: {verdict}</Badge>;
  return <VerdictBadge verdict={verdict} />;
}
