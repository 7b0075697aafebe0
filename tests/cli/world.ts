import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Io } from "../../src/cli/io.js";
import type { Lab } from "../../src/cli/lab.js";
import { main } from "../../src/cli/program.js";
import type { Study } from "../../src/lab/study.js";
import { tinyComparison, tinyPapers, tinyStudy } from "../tiny.js";

export const labOf = (study: Study = tinyStudy): Lab => ({
  papers: tinyPapers,
  families: ["compress", "forget"],
  studies: { "tiny-claim": async () => ({ default: study }) },
  comparisons: { forget: async () => ({ T: async () => tinyComparison }) },
});

export interface World extends Io {
  out(): string;
  err(): string;
  /** Presses Ctrl-C. */
  interrupt(): void;
  readonly exits: number[];
}

/** A terminal or a pipe that remembers what was written, in an empty folder of its own. */
export function world(options: { tty?: boolean; env?: Record<string, string>; cwd?: string } = {}): World {
  const written = { out: "", err: "" };
  const handlers = new Set<() => void>();
  const exits: number[] = [];
  const stream = (name: "out" | "err") => ({
    write(text: string) {
      written[name] += text;
    },
    isTTY: options.tty ?? false,
    columns: options.tty ? 100 : undefined,
  });
  return {
    stdout: stream("out"),
    stderr: stream("err"),
    env: options.env ?? {},
    cwd: options.cwd ?? mkdtempSync(join(tmpdir(), "hebb-cli-")),
    onInterrupt(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    exit: (status) => exits.push(status),
    out: () => written.out,
    err: () => written.err,
    interrupt() {
      for (const handler of handlers) handler();
    },
    exits,
  };
}

/** Runs one command line, as one would type it. */
export const hebb = (io: Io, line: string, study?: Study): Promise<number> =>
  main(line.split(" ").filter(Boolean), io, async () => labOf(study));
