import type { Place } from "../contract.js";
import { sentence } from "../runs/load.js";
import type { RunRef } from "./query.js";
import { type ComparedRun, letterOf } from "./subjects.js";

export interface Loaded {
  readonly runs: readonly ComparedRun[];
  /** Why runs of the address are not among them: a sentence each. */
  readonly missing: readonly string[];
}

/** The runs of the address. One that is not here leaves the others, which keep their letters. */
export async function loadCompared(refs: readonly RunRef[], places: readonly Place[]): Promise<Loaded> {
  const unique = refs.filter((ref, i) => refs.findIndex(({ place, id }) => place === ref.place && id === ref.id) === i);
  const loaded = await Promise.all(
    unique.map(async ({ place, id }, i) => {
      const letter = letterOf(i);
      const here = places.find(({ kind }) => kind === place);
      if (!here) return { missing: notHere(letter, id, place) };
      try {
        const record = await here.record(id);
        return { run: { letter, place, record, rows: record.rows } };
      } catch (error) {
        const known = await here.runs().catch(() => []);
        return {
          missing: known.some((run) => run.id === id)
            ? `Run ${letter}, ${id}, cannot be read: ${sentence(error)}`
            : notHere(letter, id, place),
        };
      }
    }),
  );
  return { runs: loaded.flatMap(({ run }) => run ?? []), missing: loaded.flatMap(({ missing }) => missing ?? []) };
}

function notHere(letter: string, id: string, place: Place["kind"]): string {
  return place === "tab"
    ? `Run ${letter}, ${id}, is not in this browser: it was deleted, or made in another browser, where it stays. Whoever sent the link can send an exported report.`
    : `Run ${letter}, ${id}, is not here: it was deleted, or belongs to the server of another lab. Open the link in that lab, or ask for an exported report.`;
}
