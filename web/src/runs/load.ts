import type { Job, Place, RunItem } from "../contract.js";

/** The runs of a place and what they take; or why they cannot be listed, in a sentence. */
export interface PlaceRuns {
  readonly place: Place;
  readonly runs: readonly RunItem[];
  /** Those that run or wait. */
  readonly jobs: readonly { readonly job: Job; readonly place: Place }[];
  readonly usage?: { readonly runs: number; readonly bin: number };
  readonly problem?: string;
}

/** Asks all places at the same time; one that does not answer leaves the others as they are. */
export const loadRuns = (places: readonly Place[]): Promise<PlaceRuns[]> =>
  Promise.all(
    places.map(async (place) => {
      try {
        // Sizes and jobs are extras: the list does without them.
        const usage = place.usage().catch(() => undefined);
        const jobs = place.jobs().catch(() => []);
        return { place, runs: await place.runs(), jobs: (await jobs).flatMap(openJob(place)), usage: await usage };
      } catch (error) {
        return {
          place,
          runs: [],
          jobs: [],
          problem: `The runs of ${place.label} cannot be listed: ${sentence(error)}`,
        };
      }
    }),
  );

const openJob = (place: Place) => (job: Job) =>
  job.state === "running" || job.state === "waiting" ? [{ job, place }] : [];

/** The text of an error with a full stop. */
export function sentence(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).trim();
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** A run among those of all places: two places may have runs with the same id. */
export type RunKey = `${Place["kind"]}:${string}`;

export const keyOf = ({ place, id }: Pick<RunItem, "place" | "id">): RunKey => `${place}:${id}`;
