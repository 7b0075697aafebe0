import { budgetOf } from "../../../src/cli/budget.js";
import { main } from "../../../src/cli/program.js";
import { leaseOf, redisUrl } from "../../../src/cli/queue.js";
import { parseGrid, parseSeeds } from "../../../src/cli/sweep-grid.js";
import { HebbError } from "../../../src/engine/errors.js";
import { configurationsOf } from "../../../src/lab/sweep.js";
import { labOf, world } from "../../cli/world.js";
import { file, type Reader, textOf, utf8 } from "../reader.js";

/** A command line has no file: what is wrong in it is named by the option. */
async function named(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HebbError) throw new HebbError(`${file}: ${error.message}`);
    throw error;
  }
}

const defaults = { rounds: 2, tuned: true, kind: "a" };

const here = world();

export const optionReaders: readonly Reader[] = [
  {
    name: "grid of a sweep",
    files: ["rounds=1,2,3", "tuned=true,false", "kind=a,b\nrounds=4"].map(utf8),
    words: ["rounds=", "tuned=", "kind=", ",", "=", "1e3", "true", "constructor="],
    read: (bytes) => named(() => configurationsOf(parseGrid("tiny", defaults, textOf(bytes).split("\n")))),
  },
  {
    name: "option of a command",
    files: ["3", "0,1,2", "redis://host:6379", "0.5"].map(utf8),
    words: [",", "1,2", "redis://", "rediss://", ":", "@", "1e9", "4294967296", "2000000000"],
    async read(bytes) {
      const text = textOf(bytes);
      const readers = [
        () => parseSeeds([1, 2], text),
        () => redisUrl(text),
        () => leaseOf(text),
        () => budgetOf({ parallel: text }, 4, 8),
        () => budgetOf({ memory: text }, 4, 8),
      ];
      return named(readers[bytes.length % readers.length]);
    },
  },
  {
    name: "command line",
    files: [
      "list --json",
      "show tiny-claim",
      "runs --slug tiny-claim --limit 3",
      "runs --since 2026-01-31",
      "runs compare a b",
    ].map((line) => utf8(line.replaceAll(" ", "\n"))),
    words: [
      "list\n",
      "show\n",
      "runs\n",
      "compare\n",
      "--json\n",
      "--limit\n",
      "--since\n",
      "--status\n",
      "--help",
      "-V",
    ],
    share: 0.02,
    async read(bytes) {
      const argv = textOf(bytes).split("\n");
      // Other commands would train, listen or fetch.
      if (!["list", "show", "runs", "help", ""].includes(argv[0]) && !argv[0].startsWith("-")) argv.unshift("runs");
      const io = { ...here, stderr: { write: (text: string) => void (said += text), isTTY: false } };
      let said = "";
      const status = await main(argv, io as never, async () => labOf());
      if (said.includes("This is a bug in Hebb")) throw new Error(said);
      if (status !== 0) throw new HebbError(`${file}: ${said.trim()}`);
    },
  },
];
