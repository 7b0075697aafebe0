import type { Job, Place } from "../contract.js";
import { href } from "../router.js";
import { Badge } from "../ui/index.js";
import type { Titles } from "./filter.js";

/** A job that has not ended, and where. */
export interface OpenJob {
  readonly job: Job;
  readonly place: Pick<Place, "kind" | "label">;
}

/** What runs or waits, with the way to where it can be watched. */
export function Jobs({ jobs, titles }: { readonly jobs: readonly OpenJob[]; readonly titles: Titles }) {
  if (jobs.length === 0) return null;
  return (
    <section class="runs-jobs" aria-labelledby="runs-jobs">
      <h2 id="runs-jobs">Running now</h2>
      <ul>
        {jobs.map(({ job, place }) => (
          <li key={`${place.kind}:${job.id}`}>
            <a href={href(`/job/${place.kind}/${encodeURIComponent(job.id)}`)}>
              {titles.get(job.request.slug) ?? job.request.slug}
            </a>{" "}
            <Badge tone={job.state === "running" ? "running" : "plain"}>
              {job.state === "running" ? "running" : job.ahead > 0 ? `waiting, ${job.ahead} before it` : "waiting"}
            </Badge>{" "}
            <span class="soft">
              {job.request.scale}, {place.kind === "tab" ? "in this browser" : "on the server"}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
