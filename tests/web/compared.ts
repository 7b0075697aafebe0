import type { RunRecord } from "../../src/lab/record.js";
import type { Row } from "../../src/lab/study.js";
import type { Place, RunItem } from "../../web/src/contract.js";
import { tinyStudy } from "../tiny.js";

/** Rows as the tiny study records them, moved by `shift`. */
export function rows(seeds: readonly number[], shift = 0, rounds = 2): Row[] {
  return seeds.flatMap((seed) =>
    ["new", "old"].flatMap((arm) =>
      Array.from({ length: rounds }, (_, round) => ({
        arm,
        seed,
        setting: { round },
        measures: { accuracy: 90 + round + (arm === "new" ? 2 : 0) + 0.1 * seed + shift, steps: 100 - 10 * round },
      })),
    ),
  );
}

const environment = { hebb: "0.1.0", runtime: "node 20", processor: "a processor", threads: 2, platform: "linux x64" };

/** A finished run of the tiny study. */
export function record(changes: Partial<RunRecord> = {}): RunRecord {
  const seeds = changes.seeds ?? [1, 2];
  return {
    version: 1,
    id: "tiny-claim-smoke-20260101-000000-aaaa",
    slug: "tiny-claim",
    scale: "smoke",
    seeds,
    options: { rounds: 2, pause: 0 },
    device: "cpu",
    status: "done",
    started: "2026-01-01T00:00:00.000Z",
    seconds: 10,
    environment,
    arms: tinyStudy.arms,
    measures: tinyStudy.measures,
    rows: rows(seeds),
    cost: { forwardExamples: 1000, backwardExamples: 500, macs: 0, seconds: 10 },
    ...changes,
  };
}

export const records = (): RunRecord[] => [
  record(),
  record({
    id: "tiny-claim-smoke-20260102-000000-bbbb",
    started: "2026-01-02T00:00:00.000Z",
    seeds: [1, 2, 3],
    rows: rows([1, 2, 3], 0.5),
    seconds: 25,
    cost: { forwardExamples: 2000, backwardExamples: 500, macs: 0, seconds: 25 },
  }),
];

/** A line of the list of runs. */
export const item = (changes: Partial<RunItem> = {}): RunItem => ({
  id: "tiny-claim-smoke-20260101-000000-aaaa",
  slug: "tiny-claim",
  scale: "smoke",
  started: "2026-01-01T00:00:00.000Z",
  seconds: 10,
  status: "done",
  seeds: 2,
  stamp: "1",
  tags: [],
  bytes: 1000,
  place: "tab",
  ...changes,
});

/** A place that knows these runs and can do nothing but what `methods` says. */
export const place = (kind: Place["kind"], methods: Partial<Place>): Place =>
  ({ kind, label: kind === "tab" ? "this browser" : "the server", ...methods }) as Place;
