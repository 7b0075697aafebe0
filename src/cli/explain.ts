import { HebbError } from "../engine/errors.js";
import { printable } from "../engine/quote.js";
import type { Io } from "./io.js";
import { UsageError } from "./usage.js";

/** Says what went wrong on stderr and returns the exit status for it. */
export function explain(io: Io, error: unknown): number {
  if (error instanceof UsageError) {
    io.stderr.write(`${error.message}\n`);
    return 2;
  }
  if (error instanceof HebbError) {
    io.stderr.write(`${printable(error.message)}\n`);
    if (io.env.HEBB_DEBUG) io.stderr.write(`${error.stack}\n`);
    return 1;
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  io.stderr.write(`${message}\nThis is a bug in Hebb; HEBB_DEBUG=1 shows where it happened.\n`);
  if (io.env.HEBB_DEBUG) io.stderr.write(`${stack}\n`);
  return 1;
}
