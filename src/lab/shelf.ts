import { z } from "zod";
import { platform } from "#platform";
import { HebbError } from "../engine/errors.js";
import { quote } from "../engine/quote.js";
import { listRuns, type RunSummary } from "./index-of-runs.js";
import { isLocked } from "./lock.js";
import { parseChecked } from "./schema.js";
import { RunStore } from "./store.js";

/** A run with what the user has put on it. */
export interface ShelvedRun extends RunSummary {
  readonly tags: readonly string[];
  readonly bytes: number;
}

/** In each run's folder, what the user has put on it: two labs that change different runs never meet. */
const cardName = "shelf.json";

const cardSchema = z.object({
  version: z.literal(1),
  tags: z.array(z.string()),
  /** When it went to the bin (ISO 8601). */
  binned: z.string().optional(),
});
type Card = z.infer<typeof cardSchema>;
const blank: Card = { version: 1, tags: [] };

const limits = { tags: 20, characters: 40 };

/** Tags, a bin and sizes for the runs under one folder. */
export class Shelf {
  readonly #root: string;
  readonly #store: RunStore;
  /** Sizes of run folders, by the stamp of their record. */
  readonly #sizes = new Map<string, { readonly stamp: string; readonly bytes: number }>();

  constructor(root = "runs") {
    this.#root = root;
    this.#store = new RunStore(root);
  }

  /** The runs that are not in the bin, newest first. */
  async runs(): Promise<readonly ShelvedRun[]> {
    const all = await this.#all();
    return all.filter(({ card }) => !card.binned).map(({ run, card, bytes }) => ({ ...run, tags: card.tags, bytes }));
  }

  /** Bytes of all runs, those in the bin apart. */
  async usage(): Promise<{ readonly runs: number; readonly bin: number }> {
    const all = await this.#all();
    const sum = (binned: boolean) =>
      all.filter(({ card }) => Boolean(card.binned) === binned).reduce((total, { bytes }) => total + bytes, 0);
    return { runs: sum(false), bin: sum(true) };
  }

  async tag(id: string, tags: readonly string[]): Promise<void> {
    const clean = [...new Set(tags.map((tag) => tag.trim()).filter((tag) => tag !== ""))];
    if (clean.length > limits.tags) throw new HebbError(`A run has at most ${limits.tags} tags, got ${clean.length}.`);
    const long = clean.find((tag) => tag.length > limits.characters);
    if (long) throw new HebbError(`A tag has at most ${limits.characters} characters: ${quote(long)} is too long.`);
    await this.#change(id, (card) => ({ ...card, tags: clean }));
  }

  /** Into the bin. A run that is being written is refused. */
  async remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const { path } = await this.#store.open(id);
      if (await isLocked(path)) throw new HebbError(`The run ${id} is being written: stop it before it is deleted.`);
      await this.#change(id, (card) => ({ ...card, binned: new Date().toISOString() }));
    }
  }

  /** Out of the bin. */
  async restore(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#change(id, ({ tags }) => ({ version: 1, tags }));
  }

  /** Deletes the runs in the bin, but for those that somebody has resumed there and is writing. */
  async emptyBin(): Promise<void> {
    for (const { run, card } of await this.#all()) {
      const path = `${this.#root}/${run.id}`;
      if (card.binned && !(await isLocked(path))) await platform.remove(path);
    }
  }

  async #all(): Promise<{ run: RunSummary; card: Card; bytes: number }[]> {
    const runs = await listRuns(this.#root);
    const stats = await platform.fileStats(runs.map(({ id }) => `${this.#root}/${id}/${cardName}`));
    return Promise.all(
      runs.map(async (run, i) => ({
        run,
        card: stats[i] ? await this.#card(run.id) : blank,
        bytes: await this.#bytes(run),
      })),
    );
  }

  /** A damaged card costs the tags, never the run. */
  async #card(id: string): Promise<Card> {
    const path = `${this.#root}/${id}/${cardName}`;
    if (!(await platform.exists(path))) return blank;
    try {
      return parseChecked(cardSchema, new TextDecoder().decode(await platform.readFile(path)), path);
    } catch {
      return blank;
    }
  }

  async #change(id: string, change: (card: Card) => Card): Promise<void> {
    const { path } = await this.#store.open(id);
    const card = change(await this.#card(id));
    await platform.writeFileAtomic(`${path}/${cardName}`, `${JSON.stringify(card)}\n`);
  }

  async #bytes({ id, stamp, status }: RunSummary): Promise<number> {
    const known = this.#sizes.get(id);
    if (known?.stamp === stamp && status !== "running") return known.bytes;
    const bytes = (await filesBelow(`${this.#root}/${id}`).catch(() => [])).reduce((sum, file) => sum + file.bytes, 0);
    this.#sizes.set(id, { stamp, bytes });
    return bytes;
  }
}

export interface FoundFile {
  readonly name: string;
  readonly bytes: number;
}

/** The files in a folder and the folders in it, without those that are about to be replaced and those of locks. */
export async function filesBelow(path: string, prefix = ""): Promise<FoundFile[]> {
  const names = (await platform.listDir(path)).filter((name) => !name.startsWith(".") && !name.endsWith(".lock"));
  const stats = await platform.fileStats(names.map((name) => `${path}/${name}`));
  const found = names.map(async (name, i) => {
    const stat = stats[i];
    return stat
      ? [{ name: prefix + name, bytes: stat.size }]
      : filesBelow(`${path}/${name}`, `${prefix}${name}/`).catch(() => []);
  });
  return (await Promise.all(found)).flat();
}
