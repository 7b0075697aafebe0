import type { Place, RunItem } from "../contract.js";
import { type RunKey, sentence } from "./load.js";

/** Runs that went to the bin and can be taken back, by place. */
export type Removed = readonly { readonly place: Place; readonly ids: readonly string[] }[];

/** What a change of several places came to: some may have done it where others failed. */
export interface Outcome {
  readonly done: Removed;
  readonly problems: readonly string[];
}

/** Moves runs to the bin. */
export const removeRuns = (places: readonly Place[], runs: readonly RunItem[]): Promise<Outcome> =>
  each(byPlace(places, runs), "could not delete", (place, ids) => place.remove(ids));

/** Takes runs back from the bin. */
export const restoreRuns = (removed: Removed): Promise<Outcome> =>
  each(removed, "could not bring back", (place, ids) => place.restore(ids));

/** Adds a tag to runs that do not have it yet, or takes it from those that do. */
export const tagRuns = (
  places: readonly Place[],
  runs: readonly RunItem[],
  tag: string,
  on: boolean,
): Promise<Outcome> => {
  const wanted = runs.filter(({ tags }) => tags.includes(tag) !== on);
  return each(byPlace(places, wanted), "could not tag", async (place) => {
    // One after the other: they may all stand in one file.
    for (const { id, tags } of wanted.filter((run) => run.place === place.kind)) {
      await place.tag(id, on ? [...tags, tag] : tags.filter((one) => one !== tag));
    }
  });
};

async function each(
  groups: Removed,
  failed: string,
  change: (place: Place, ids: readonly string[]) => Promise<void>,
): Promise<Outcome> {
  const results = await Promise.all(
    groups.map(async (group) => {
      try {
        await change(group.place, group.ids);
        return { done: group };
      } catch (error) {
        const { label } = group.place;
        return {
          problem: `${label[0].toUpperCase()}${label.slice(1)} ${failed} ${count(group.ids.length)}: ${sentence(error)}`,
        };
      }
    }),
  );
  return {
    done: results.flatMap(({ done }) => done ?? []),
    problems: results.flatMap(({ problem }) => problem ?? []),
  };
}

export const count = (runs: number): string => `${runs} ${runs === 1 ? "run" : "runs"}`;

function byPlace(places: readonly Place[], runs: readonly RunItem[]): Removed {
  return places.flatMap((place) => {
    const ids = runs.filter((run) => run.place === place.kind).map(({ id }) => id);
    return ids.length > 0 ? [{ place, ids }] : [];
  });
}

/** A tag as it is kept: short, in one line; undefined where nothing is left of it. */
export function tagOf(text: string): string | undefined {
  const tag = text
    .replaceAll(/[\s,]+/g, " ")
    .trim()
    .slice(0, 40);
  return tag === "" ? undefined : tag;
}

/** Why runs cannot be compared, in a sentence; undefined where they can. */
export function whyNotComparable(runs: readonly RunItem[]): string | undefined {
  if (runs.length < 2) return "Choose two runs or more to compare them.";
  if (new Set(runs.map(({ slug }) => slug)).size > 1) return "Runs of one paper can be compared: these are of several.";
  if (runs.length > mostCompared) return `At most ${mostCompared} runs can be compared at a time.`;
  return undefined;
}

export const mostCompared = 12;

/** The address of the page that compares runs. */
export const comparePath = (runs: readonly RunKey[]): string =>
  `/compare?${runs.map((run) => `run=${encodeURIComponent(run).replace("%3A", ":")}`).join("&")}`;
