import type { Io } from "./io.js";

/** The exit status of a command that Ctrl-C ended. */
export const interrupted = 130;

/** A signal that the first Ctrl-C aborts, with a word to the user; the second Ctrl-C ends the process at once. */
export function interruptSignal(io: Io): { readonly signal: AbortSignal; readonly release: () => void } {
  const abort = new AbortController();
  const release = io.onInterrupt(() => {
    if (abort.signal.aborted) return io.exit(interrupted);
    io.stderr.write("\nStopping at the next safe point; Ctrl-C again stops at once.\n");
    abort.abort();
  });
  return { signal: abort.signal, release };
}
