import type { LoadOptions } from "../data/index.js";
import type { RunContext } from "./study.js";

/** How a study loads a data set that may have to be fetched first: with the run's progress, and stopped with the run. */
export const fetching = ({
  signal,
  progress,
}: Partial<Pick<RunContext<unknown>, "signal" | "progress">>): LoadOptions => ({
  signal,
  onProgress: ({ file, received, total = received }) => progress?.(received, total, `fetching ${file}`),
});
