/** An error that a user can act on: one sentence that names what is wrong, where, and what to do. */
export class HebbError extends Error {
  override name = "HebbError";
}

/** Shapes or dtypes that do not fit an operation; the message names the operation, the shapes and the user's line. */
export class ShapeError extends HebbError {
  override name = "ShapeError";
  constructor(operation: string, problem: string) {
    const site = userSite();
    super(`${operation}: ${problem}${site ? ` (at ${site})` : ""}`);
  }
}

const library = new URL("../", import.meta.url).href;

/** `file:line:column` of the innermost stack frame outside this library, where the engine can tell. */
export function userSite(): string | undefined {
  const holder: { stack?: string } = {};
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 60;
  Error.captureStackTrace?.(holder, userSite);
  Error.stackTraceLimit = before;
  const inside = [library, library.replace(/^file:\/\//, "")];
  for (const line of (holder.stack ?? "").split("\n").slice(1)) {
    const place = /((?:file:\/\/|https?:\/\/|\/|[A-Za-z]:\\)[^()\s]*:\d+:\d+)/.exec(line)?.[1];
    if (place && !inside.some((prefix) => place.startsWith(prefix)) && !place.includes("node_modules")) {
      return place.replace(/^file:\/\//, "");
    }
  }
  return undefined;
}

/** The candidate nearest to `word` by edit distance, if any is near enough to be what was meant. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return least <= Math.max(2, Math.ceil(word.length / 2)) ? best : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
