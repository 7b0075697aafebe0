// JSON lines on stdin and stdout, for peers that are Node processes.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { benchFolder } from "./folder.mjs";

// Libraries that chat on stdout must not break the protocol.
const reply = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

/** Reads a data file named relative to `bench/`. */
export async function loadFile(path) {
  const { buffer, byteOffset, byteLength } = await readFile(join(benchFolder, path));
  return buffer.slice(byteOffset, byteOffset + byteLength);
}

/** Answers `{"cmd": name, ...}` with `handlers[name]`; ends when stdin closes. */
export async function serve(handlers, close = async () => {}) {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void close().finally(() => process.exit(130)));
  const lines = createInterface({ input: process.stdin });
  let queue = Promise.resolve();
  lines.on("line", (line) => {
    queue = queue.then(async () => {
      let answer;
      try {
        const message = JSON.parse(line);
        answer = await handlers[message.cmd](message);
      } catch (error) {
        const [line1] = String(error?.message ?? error).split("\n");
        answer = { error: line1.replace(/^page\.evaluate: (Error: )?/, "") };
      }
      reply(`${JSON.stringify(answer)}\n`);
    });
  });
  lines.on("close", () => void close().finally(() => process.exit(0)));
}
