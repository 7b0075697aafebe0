import { duration } from "../lab/numbers.js";
import { clip } from "./format.js";
import type { Stream } from "./io.js";

export interface ProgressOptions {
  /** What is under way; stands before each line. */
  readonly title: string;
  /** Say nothing at all. */
  readonly quiet?: boolean;
  /** Milliseconds, for tests. */
  readonly now?: () => number;
}

const barWidth = 24;
const redrawEvery = 80;

/**
 * Progress on a stream: one bar with the time left, redrawn in place, on a terminal; in a pipe or a file a plain line for
 * each tenth and for each message.
 */
export class Progress {
  readonly #stream: Stream;
  readonly #title: string;
  readonly #quiet: boolean;
  readonly #now: () => number;
  #drawn = false;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #tenth = 0;
  #bar = "";
  /** Where the first report stood, so that a resumed run's time left rests on its own speed. */
  #first: { done: number; at: number } | undefined;

  constructor(stream: Stream, { title, quiet = false, now = () => performance.now() }: ProgressOptions) {
    this.#stream = stream;
    this.#title = title;
    this.#quiet = quiet;
    this.#now = now;
  }

  /** `done` of `total` units are behind us; `label` says what comes now. */
  update(done: number, total: number, label = ""): void {
    if (this.#quiet || !(total > 0)) return;
    const at = this.#now();
    this.#first ??= { done, at };
    const share = Math.min(1, done / total);
    const left = this.#timeLeft(done, total, at);
    if (this.#stream.isTTY) {
      const full = Math.round(share * barWidth);
      const bar = "█".repeat(full) + "░".repeat(barWidth - full);
      const rest = [`${Math.floor(share * 100)} %`.padStart(5), left, label].filter(Boolean).join("  ");
      this.#bar = clip(`${this.#title} ${bar} ${rest}`, (this.#stream.columns ?? 80) - 1);
      if (at - this.#drawnAt < redrawEvery && share < 1) return;
      this.#drawnAt = at;
      this.#draw();
      return;
    }
    const tenth = Math.floor(share * 10);
    if (tenth <= this.#tenth) return;
    this.#tenth = tenth;
    this.#stream.write(`${[`${this.#title}: ${tenth * 10} %`, left, label].filter(Boolean).join(", ")}\n`);
  }

  /** A message of its own, above the bar. */
  log(message: string): void {
    if (this.#quiet) return;
    this.#clear();
    this.#stream.write(this.#stream.isTTY ? `${message}\n` : `${this.#title}: ${message}\n`);
    if (this.#bar) this.#draw();
  }

  /** Takes the bar away. */
  end(): void {
    this.#clear();
    this.#bar = "";
  }

  #timeLeft(done: number, total: number, at: number): string {
    const first = this.#first!;
    const seconds = (at - first.at) / 1000;
    if (done <= first.done || done >= total || seconds < 1) return "";
    return `${duration((seconds / (done - first.done)) * (total - done))} left`;
  }

  #draw(): void {
    this.#stream.write(`\r\u001b[2K${this.#bar}`);
    this.#drawn = true;
  }

  #clear(): void {
    if (this.#drawn) this.#stream.write("\r\u001b[2K");
    this.#drawn = false;
  }
}
