import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { loadCatalogue } from "../content.js";
import type { PaperLine } from "../contract.js";
import { href, navigate, type PageProps } from "../router.js";
import { Loading, Notice, useAsync, VerdictBadge } from "../ui/index.js";
import { familyNames } from "./families.js";
import { byFamily, type Filters, newest, noFilters, passes, readFilters, toQuery, verdictOf } from "./filters.js";
import { PaperSearch } from "./search.js";
import "./catalogue.css";

export default function CataloguePage({ query }: PageProps) {
  const { value: catalogue, error, loading } = useAsync(loadCatalogue, []);
  if (error) return <Notice kind="error">{error}</Notice>;
  if (!catalogue || loading) return <Loading what="the catalogue" />;
  return <Papers papers={catalogue.papers} query={query} />;
}

function Papers({ papers, query }: { readonly papers: readonly PaperLine[]; readonly query: URLSearchParams }) {
  const filters = readFilters(query);
  const [text, setText] = useState(filters.q);
  const search = useMemo(() => new PaperSearch(papers), [papers]);
  const box = useRef<HTMLInputElement>(null);
  const change = (some: Partial<Filters>) => {
    navigate(href("/", toQuery({ ...filters, q: text, ...some })), { replace: true });
  };

  // The address may change under the field (the back button), but what is being typed is never overwritten by its echo.
  useEffect(() => {
    if (document.activeElement !== box.current) setText(filters.q);
  }, [filters.q]);
  useLayoutEffect(() => {
    const toSearch = (event: KeyboardEvent) => {
      const typing = /^(?:INPUT|TEXTAREA|SELECT)$/.test((event.target as HTMLElement).tagName);
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      box.current?.focus();
    };
    document.addEventListener("keydown", toSearch);
    return () => document.removeEventListener("keydown", toSearch);
  }, []);

  const found = useMemo(() => search.find(text).filter((paper) => passes(paper, filters)), [search, text, query]);
  const ranked = text.trim() !== "";
  const narrowed = ranked || Object.values({ ...filters, q: "" }).some((value) => value !== "");
  const verdicts = newest(papers);

  return (
    <div class="catalogue">
      <section class="hero">
        <h1>How neural networks learn, remember, generalise and forget</h1>
        <p>
          {papers.length} papers. Each becomes a method for your own model and a study of its main claim, with a
          criterion that is fixed before it runs. Find one, read its claim, and run it in this tab.
        </p>
        <p class="buttons">
          <a class="button primary" href={href("/paper/lottery-ticket")}>
            Start with the lottery ticket
          </a>
          <span class="soft small">
            {papers.filter(({ status }) => status === "study").length} studies to run · {verdicts.length} verdicts
          </span>
        </p>
      </section>

      <search>
        <form class="filters" onSubmit={(event) => event.preventDefault()}>
          <label class="find">
            <span class="visually-hidden">Search papers</span>
            <input
              ref={box}
              type="search"
              placeholder="Search titles, claims and methods"
              value={text}
              onInput={({ currentTarget: { value } }) => {
                setText(value);
                change({ q: value });
              }}
            />
            <span class="key" aria-hidden="true">
              /
            </span>
          </label>
          <Choice
            name="Family"
            value={filters.family}
            options={byFamily(papers).map(([family]) => [family, familyNames[family]])}
            onChange={(family) => change({ family })}
          />
          <Choice
            name="Verdict"
            value={filters.verdict}
            options={present(papers.map(verdictOf)).map((verdict) => [
              verdict,
              verdict === "none" ? "study, no verdict yet" : verdict,
            ])}
            onChange={(verdict) => change({ verdict })}
          />
          <Choice
            name="Kind"
            value={filters.kind}
            options={present(papers.flatMap(({ kinds }) => kinds)).map((kind) => [kind, kind])}
            onChange={(kind) => change({ kind })}
          />
          <Choice
            name="Year"
            value={filters.year}
            options={present(papers.flatMap(({ year }) => (year ? [String(year)] : [])))
              .reverse()
              .map((year) => [year, year])}
            onChange={(year) => change({ year })}
          />
          {narrowed && (
            <button
              type="button"
              class="button quiet"
              onClick={() => {
                setText("");
                change(noFilters);
              }}
            >
              Show all
            </button>
          )}
        </form>
      </search>
      <p class="soft small" role="status" aria-live="polite">
        {found.length === 1 ? "1 paper" : `${found.length} papers`}
        {narrowed && ` of ${papers.length}`}
      </p>

      {!narrowed && verdicts.length > 0 && (
        <section aria-labelledby="newest" class="newest">
          <h2 id="newest">
            Newest verdicts{" "}
            <a class="small" href="content/feed.atom">
              Atom feed
            </a>
          </h2>
          <ol>
            {verdicts.slice(0, 6).map((paper) => (
              <li key={paper.slug}>
                <article class="card">
                  <p class="eyebrow">
                    <VerdictBadge verdict={paper.verdict} />{" "}
                    <time dateTime={paper.date}>
                      {paper.date &&
                        new Date(paper.date).toLocaleDateString("en-GB", {
                          day: "numeric",
                          month: "short",
                          year: "numeric",
                        })}
                    </time>
                  </p>
                  <h3>
                    <a href={href(`/paper/${paper.slug}`)}>{paper.title}</a>
                  </h3>
                  <p class="soft small clamp">{paper.reason}</p>
                </article>
              </li>
            ))}
          </ol>
        </section>
      )}

      {found.length === 0 ? (
        <Notice>Nothing fits. Try fewer words or other filters.</Notice>
      ) : ranked ? (
        <section aria-label="Papers found">
          <PaperList papers={found} />
        </section>
      ) : (
        byFamily(found).map(([family, group]) => (
          <section key={family} aria-labelledby={`family-${family}`}>
            <h2 id={`family-${family}`}>
              {familyNames[family]} <span class="soft small">{group.length}</span>
            </h2>
            <PaperList papers={group} />
          </section>
        ))
      )}
    </div>
  );
}

const present = (values: readonly string[]): string[] => [...new Set(values)].sort();

function Choice({
  name,
  value,
  options,
  onChange,
}: {
  readonly name: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, label: string])[];
  readonly onChange: (value: string) => void;
}) {
  return (
    <label class="choice">
      <span class="visually-hidden">{name}</span>
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        <option value="">{name}: all</option>
        {options.map(([option, label]) => (
          <option key={option} value={option}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

function PaperList({ papers }: { readonly papers: readonly PaperLine[] }) {
  return (
    <ul class="papers">
      {papers.map((paper) => (
        <li key={paper.slug} class={paper.status}>
          <div>
            <a href={href(`/paper/${paper.slug}`)}>{paper.title}</a>{" "}
            {paper.year && <span class="soft small">{paper.year}</span>}
            <p class="soft small">{paper.claim}</p>
          </div>
          <VerdictBadge verdict={paper.verdict} status={paper.status} />
        </li>
      ))}
    </ul>
  );
}
