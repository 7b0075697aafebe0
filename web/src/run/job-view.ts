import type { RunRecord } from "../../../src/lab/record.js";
import type { MetricPoint, Row } from "../../../src/lab/study.js";
import type { Job, JobEvent } from "../contract.js";

/** A job as its page shows it; the lists grow in place, so that events stay cheap. */
export interface JobView {
  readonly job?: Job;
  readonly record?: RunRecord;
  readonly points: MetricPoint[];
  readonly rows: Row[];
  readonly log: string[];
  readonly progress?: { readonly done: number; readonly total: number; readonly label?: string; readonly time: number };
  readonly error?: string;
  readonly pace: Pace;
}

export const emptyView = (): JobView => ({ points: [], rows: [], log: [], pace: noPace });

/** So many lines of the log are shown. */
const mostLines = 500;

export function applyEvent(view: JobView, { event, time }: JobEvent): JobView {
  switch (event.type) {
    case "job":
      return { ...view, job: event.job };
    case "start":
      return { ...view, record: event.record };
    case "end":
      return { ...view, record: event.record, rows: [...event.record.rows] };
    case "metric":
      view.points.push(event.point);
      return view;
    case "row":
      view.rows.push(event.row);
      return view;
    case "log":
      view.log.push(event.message);
      if (view.log.length > mostLines) view.log.splice(0, view.log.length - mostLines);
      return view;
    case "error":
      return { ...view, error: event.error };
    case "progress": {
      const progress = { done: event.done, total: event.total, label: event.label, time };
      return { ...view, progress, pace: pacedBy(view.pace, progress) };
    }
    default:
      return view;
  }
}

interface Mark {
  readonly done: number;
  readonly total: number;
  readonly time: number;
}

/** How fast a run moves: where it was first seen, and a smoothed time for one step. */
export interface Pace {
  readonly first?: Mark;
  readonly last?: Mark;
  /** Milliseconds for one step of the study's own count. */
  readonly step?: number;
}

export const noPace: Pace = {};

/** The latest steps count most, but one slow step does not turn the estimate. */
const weight = 0.15;

export function pacedBy({ first, last, step }: Pace, mark: Mark): Pace {
  // A resumed run, or another count, starts anew.
  if (!first || !last || mark.total !== last.total || mark.done < last.done) return { first: mark, last: mark };
  const steps = mark.done - last.done;
  const elapsed = mark.time - last.time;
  if (steps <= 0 || elapsed <= 0) return { first, last, step };
  const own = elapsed / steps;
  return { first, last: mark, step: step === undefined ? own : step + weight * (own - step) };
}

/** Milliseconds left, once enough has been seen to say: 3 % of the steps and two seconds. */
export function timeLeft({ first, last, step }: Pace): number | undefined {
  if (!first || !last || step === undefined || last.total <= 0) return undefined;
  const seen = last.done - first.done;
  const elapsed = last.time - first.time;
  if (elapsed < 2000 || seen < 0.03 * last.total) return undefined;
  // Between the pace of the whole and that of late.
  const pace = 0.5 * (elapsed / seen) + 0.5 * step;
  return (last.total - last.done) * pace;
}
