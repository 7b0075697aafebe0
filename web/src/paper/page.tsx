import { useEffect } from "preact/hooks";
import { familyNames } from "../catalogue/families.js";
import { loadCatalogue, loadPaper } from "../content.js";
import type { PaperContent, PaperLine } from "../contract.js";
import { href, type PageProps } from "../router.js";
import { RunForm } from "../run/run-form.js";
import { Loading, Notice, Scroller, useAsync, VerdictBadge } from "../ui/index.js";
import { CodeView } from "./code.js";
import { MeasuresTable } from "./measures-table.js";
import { OwnModel } from "./own-model.js";
import { ResultFigures } from "./results.js";
import { VerdictCard } from "./verdict.js";
import "./paper.css";

export default function PaperPage({ params: { slug }, query }: PageProps) {
  const { value, error } = useAsync(async () => {
    const { papers } = await loadCatalogue();
    const line = papers.find((paper) => paper.slug === slug);
    if (!line) throw new Error(`There is no paper "${slug}" in the catalogue; the front page lists them all.`);
    return { line, paper: await loadPaper(slug) };
  }, [slug]);
  useEffect(() => {
    if (!value) return;
    const before = document.title;
    document.title = `${value.line.title} · Hebb`;
    return () => {
      document.title = before;
    };
  }, [value]);
  if (error) {
    return (
      <Notice kind="error">
        {error} <a href={href("/")}>All papers</a>
      </Notice>
    );
  }
  if (!value || value.line.slug !== slug) return <Loading what="the paper" />;
  const { line, paper } = value;
  return (
    <article class="paper">
      <p class="eyebrow">
        <a href={href("/", { family: line.family })}>{familyNames[line.family]}</a>
        {line.year && ` · ${line.year}`} · {line.kinds.join(", ")}
      </p>
      <h1>{line.title}</h1>
      <p class="claim">{line.claim}</p>
      {paper.study ? (
        <StudyPage line={line} paper={paper} study={paper.study} query={query} />
      ) : (
        <Planned line={line} />
      )}
    </article>
  );
}

function Planned({ line }: { readonly line: PaperLine }) {
  return (
    <>
      <p>
        <VerdictBadge status="planned" />
      </p>
      <p>
        This paper is planned: its method and its study are not built yet, so that there is nothing to run and no
        verdict. <a href={href("/", { family: line.family, verdict: "none" })}>Studies of this family</a>
      </p>
    </>
  );
}

interface StudyProps {
  readonly line: PaperLine;
  readonly paper: PaperContent;
  readonly study: NonNullable<PaperContent["study"]>;
  readonly query: URLSearchParams;
}

function StudyPage({ line, paper, study, query }: StudyProps) {
  const { ledger } = paper;
  const goal = query.get("file") ? "code" : (query.get("to") ?? (query.get("data") ? "run" : undefined));
  useEffect(() => {
    if (goal) document.getElementById(goal)?.scrollIntoView();
  }, [goal]);
  return (
    <>
      <nav class="contents" aria-label="On this page">
        {["verdict", "run", "method", "model", "code"].map((id) => (
          <a key={id} href={href(`/paper/${line.slug}`, { to: id })}>
            {contents[id]}
          </a>
        ))}
      </nav>

      <section aria-labelledby="asks">
        <h2 id="asks">What the study asks</h2>
        <p>{study.claim}</p>
        <details open={!ledger}>
          <summary>The criterion, fixed before anything ran</summary>
          <p class="criterion">{study.criterion}</p>
        </details>
      </section>

      <section aria-labelledby="verdict">
        <h2 id="verdict">Verdict</h2>
        {ledger ? (
          <>
            <VerdictCard entry={ledger} />
            <ResultFigures paper={paper} entry={ledger} />
            <MeasuresTable entry={ledger} study={study} />
          </>
        ) : (
          <Notice>
            No verdict yet: no run at standard scale has been entered. The smoke scale runs in this tab and shows that
            all works; it gives no verdict that counts.
          </Notice>
        )}
        {study.notes.length > 0 && (
          <details>
            <summary>What differs from the paper, and what this study cannot show</summary>
            <ul>
              {study.notes.map((note) => (
                <li key={note}>{note}</li>
              ))}
            </ul>
          </details>
        )}
      </section>

      <section aria-labelledby="run">
        <h2 id="run">Run it</h2>
        <RunForm paper={paper} />
      </section>

      <section aria-labelledby="method">
        <h2 id="method">On your own model</h2>
        <OwnModel study={study} snippet={paper.snippet} />
      </section>

      {paper.model && (
        <section aria-labelledby="model">
          <h2 id="model">The model</h2>
          <p>{paper.model.title}. Drawn from its traced graph; shapes stand along the arrows.</p>
          <Scroller class="diagram" label="Diagram of the model" html={paper.model.svg} />
        </section>
      )}

      <section aria-labelledby="code">
        <h2 id="code">The code</h2>
        <CodeView paper={paper} file={query.get("file") ?? undefined} line={Number(query.get("line")) || undefined} />
      </section>
    </>
  );
}

const contents: Readonly<Record<string, string>> = {
  verdict: "Verdict",
  run: "Run it",
  method: "On your own model",
  model: "Model",
  code: "Code",
};
