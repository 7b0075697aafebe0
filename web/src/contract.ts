import type { BroughtOptions, UserData } from "../../src/data/brought-names.js";
import type { Family } from "../../src/lab/catalogue/paper.js";
import type { RunSummary } from "../../src/lab/index-of-runs.js";
import type { Job, JobEvent, StartRequest } from "../../src/lab/job.js";
import type { LedgerEntry } from "../../src/lab/ledger.js";
import type { RunRecord } from "../../src/lab/record.js";
import type { MeasureInfo, MetricPoint, Row, Scale, Verdict } from "../../src/lab/study.js";

// What is generated when the pages are built: `content/catalogue.json`, `content/papers/<slug>.json`
// with `<slug>-code.json` and `<slug>-curves.json` beside it, `content/feed.atom`.

/** A line of the catalogue, all that the front page needs. */
export interface PaperLine {
  readonly slug: string;
  readonly family: Family;
  readonly title: string;
  readonly year?: number;
  readonly claim: string;
  /** Method, measure, theory, phenomenon …; empty for papers without a study. */
  readonly kinds: readonly string[];
  /** The names of the library functions that it gives, for the search. */
  readonly offers: readonly string[];
  readonly status: "study" | "planned";
  /** From the ledger. */
  readonly verdict?: Verdict;
  /** When the run of that verdict started (ISO 8601). */
  readonly date?: string;
  /** The verdict's reason. */
  readonly reason?: string;
  /** The option of its study that takes a user's own data set, where there is one. */
  readonly dataOption?: string;
}

export interface Catalogue {
  readonly version: string;
  readonly papers: readonly PaperLine[];
}

/** A source file, highlighted. */
export interface CodeFile {
  /** Within the project, for example `src/compress/lottery.ts`; also what `#` links to it name. */
  readonly path: string;
  readonly role: "study" | "method";
  /** Lines of `<span class="line">`, already escaped; classes follow light and dark. */
  readonly html: string;
}

/** A choice that a study leaves to whoever runs it. */
export type { Control } from "../../src/lab/study.js";

/** All that a paper's page needs besides its line of the catalogue. */
export interface PaperContent {
  readonly slug: string;
  /** Absent for planned papers, like all that follows from it. */
  readonly study?: {
    readonly claim: string;
    readonly criterion: string;
    readonly arms: Readonly<Record<string, string>>;
    readonly measures: Readonly<Record<string, MeasureInfo>>;
    readonly scales: Readonly<
      Partial<Record<Scale, { readonly seeds: readonly number[]; readonly about: string; readonly options: unknown }>>
    >;
    readonly offers: readonly string[];
    readonly notes: readonly string[];
    readonly controls: Readonly<Record<string, import("../../src/lab/study.js").Control>>;
    /** The option that takes a user's own data set, where there is one. */
    readonly dataOption?: string;
  };
  readonly ledger?: LedgerEntry;
  /** Whether the curves of the run in the ledger were kept: `papers/<slug>-curves.json`. */
  readonly curves: boolean;
  /** The files of the study and its methods; their text is in `papers/<slug>-code.json`. */
  readonly code: readonly Pick<CodeFile, "path" | "role">[];
  /** How to use the method on one's own model: the tested snippet, highlighted, and as text to copy. */
  readonly snippet?: { readonly html: string; readonly text: string };
  /** The model of the study drawn from its traced graph. */
  readonly model?: { readonly title: string; readonly svg: string };
}

// Where runs live and are made: this browser, or the server that served the page.

export interface RunItem extends RunSummary {
  readonly tags: readonly string[];
  readonly bytes: number;
  readonly place: "tab" | "server";
}

/** A request to run, the job that it becomes, and what happens in that. */
export type { Job, JobEvent, JobState, StartRequest } from "../../src/lab/job.js";

export interface RunFile {
  readonly name: string;
  readonly bytes: number;
}

/** A data set that the user has brought, and how its files are to be read. */
export type { BroughtOptions, UserData } from "../../src/data/brought-names.js";

export interface Place {
  readonly kind: "tab" | "server";
  /** `this browser` or `the server`. */
  readonly label: string;
  /** What a run would compute on, in words: `WASM, 2 threads`; and what is missing, in a sentence. */
  device(): Promise<{ readonly about: string; readonly warning?: string }>;
  runs(): Promise<readonly RunItem[]>;
  record(run: string): Promise<RunRecord>;
  metrics(run: string): Promise<readonly MetricPoint[]>;
  log(run: string): Promise<string>;
  files(run: string): Promise<readonly RunFile[]>;
  file(run: string, name: string): Promise<Blob>;
  tag(run: string, tags: readonly string[]): Promise<void>;
  /** Into the bin, from which `restore` takes them back. */
  remove(runs: readonly string[]): Promise<void>;
  restore(runs: readonly string[]): Promise<void>;
  /** Bytes of all runs, those in the bin apart. */
  usage(): Promise<{ readonly runs: number; readonly bin: number }>;
  emptyBin(): Promise<void>;
  start(request: StartRequest): Promise<Job>;
  jobs(): Promise<readonly Job[]>;
  /** All events of a job from the `from`-th on, then those to come, until it ends or the signal aborts. */
  watch(
    job: string,
    onEvent: (event: JobEvent) => void,
    options?: { readonly from?: number; readonly signal?: AbortSignal },
  ): Promise<void>;
  /** Stops at the next safe point; the run can be resumed. */
  cancel(job: string): Promise<void>;
  data(): Promise<readonly UserData[]>;
  /** The options say which column of a table is the label, and which to leave out. */
  addData(name: string, files: readonly File[], options?: BroughtOptions): Promise<UserData>;
  removeData(name: string): Promise<void>;
}

/** Of a study, what figures and tables in the page are made from. */
export interface Results {
  readonly rows: readonly Row[];
  readonly metrics: readonly MetricPoint[];
}
