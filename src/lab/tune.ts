import { HebbError } from "../engine/errors.js";
import { canonicalJson } from "./json.js";
import { mean } from "./stats.js";

/** The values to try for one hyper-parameter: numbers in ascending order, or names, which have no order. */
export type Axis = readonly number[] | readonly string[];
/** The hyper-parameters of an arm; every combination of their values is tried. */
export type Grid = Readonly<Record<string, Axis>>;
/** One combination. */
export type GridPoint = Readonly<Record<string, number | string>>;

export interface TuneOptions<Arm extends string> {
  /** The grid of each arm; all grids must have the same number of points. */
  readonly grids: Readonly<Record<Arm, Grid>>;
  /** Tuning seeds, apart from those that give the verdict. */
  readonly seeds: readonly number[];
  /** The seeds that will give the verdict: checked to be others. */
  readonly verdictSeeds?: readonly number[];
  readonly better: "higher" | "lower";
  /** Trains and scores on validation data. A score that is not finite counts as the worst. */
  evaluate(arm: Arm, point: GridPoint, seed: number): Promise<number>;
  /** The value beyond the end of an axis. Default: the step between the last two, as a ratio if all are positive. */
  readonly extend?: (name: string, axis: readonly number[], end: "low" | "high") => number;
}

export interface Trial<Arm extends string> {
  readonly arm: Arm;
  readonly point: GridPoint;
  /** One score per tuning seed. */
  readonly scores: readonly number[];
}

export interface Tuned<Arm extends string> {
  /** The best point of each arm, frozen. */
  readonly best: Readonly<Record<Arm, GridPoint>>;
  readonly trials: readonly Trial<Arm>[];
  /** The same for every arm. */
  readonly trialsPerArm: number;
  /** The axes that were extended, for every arm, because some arm was best at that end. */
  readonly extended: readonly { readonly name: string; readonly end: "low" | "high" }[];
  /** Arms that are best at an end even so: their optimum may lie outside the grid. */
  readonly atEdge: readonly Arm[];
}

/**
 * Tunes all arms with equal effort: the same number of grid points on the same tuning seeds. If any arm is best at the
 * end of an axis, that axis grows by one value at that end for every arm.
 */
export async function tune<Arm extends string>(options: TuneOptions<Arm>): Promise<Tuned<Arm>> {
  const { seeds, verdictSeeds = [], better, evaluate, extend = nextValue } = options;
  const arms = Object.keys(options.grids) as Arm[];
  const shared = seeds.filter((seed) => verdictSeeds.includes(seed));
  if (shared.length > 0) throw new HebbError(`tune: the seeds ${shared.join(", ")} are also verdict seeds.`);
  if (seeds.length === 0 || arms.length === 0)
    throw new HebbError("tune: there must be at least one arm and one seed.");
  let grids = checkGrids<Arm>(options.grids);

  const trials = new Map<string, Trial<Arm>>();
  const search = async (): Promise<Record<Arm, GridPoint>> => {
    const best: [Arm, GridPoint][] = [];
    for (const arm of arms) {
      let winner: { point: GridPoint; score: number } | undefined;
      for (const point of combinations(grids[arm])) {
        const key = canonicalJson([arm, point]);
        let trial = trials.get(key);
        if (!trial) {
          const scores: number[] = [];
          for (const seed of seeds) scores.push(await evaluate(arm, point, seed));
          trial = { arm, point, scores };
          trials.set(key, trial);
        }
        const score = trial.scores.every(Number.isFinite)
          ? mean(trial.scores) * (better === "higher" ? 1 : -1)
          : -Infinity;
        if (score > (winner?.score ?? -Infinity)) winner = { point, score };
      }
      if (!winner) throw new HebbError(`tune: no trial of arm "${arm}" gave a finite score.`);
      best.push([arm, winner.point]);
    }
    return Object.fromEntries(best) as Record<Arm, GridPoint>;
  };

  let best = await search();
  const extended = unique(arms.flatMap((arm) => edges(grids[arm], best[arm])));
  if (extended.length > 0) {
    grids = Object.fromEntries(
      arms.map((arm) => [arm, extended.reduce((grid, edge) => grow(grid, edge, extend), grids[arm])]),
    ) as Record<Arm, Grid>;
    best = await search();
  }
  for (const arm of arms) Object.freeze(best[arm]);
  return {
    best: Object.freeze(best),
    trials: [...trials.values()],
    trialsPerArm: trials.size / arms.length,
    extended,
    atEdge: arms.filter((arm) => edges(grids[arm], best[arm]).length > 0),
  };
}

interface Edge {
  readonly name: string;
  readonly end: "low" | "high";
}

const size = (grid: Grid): number => Object.values(grid).reduce((product, axis) => product * axis.length, 1);

const isOrdered = (axis: Axis): axis is readonly number[] => axis.every((value) => typeof value === "number");

function checkGrids<Arm extends string>(grids: Readonly<Record<Arm, Grid>>): Record<Arm, Grid> {
  const entries = Object.entries<Grid>(grids);
  const [, first] = entries[0];
  for (const [arm, grid] of entries) {
    if (size(grid) !== size(first)) {
      throw new HebbError(
        `tune: arms must have the same number of trials, but "${arm}" has ${size(grid)} and "${entries[0][0]}" ${size(first)}.`,
      );
    }
    for (const [name, axis] of Object.entries(grid)) {
      if (axis.length === 0) throw new HebbError(`tune: the axis "${name}" of arm "${arm}" is empty.`);
      if (isOrdered(axis) && axis.some((value, i) => i > 0 && !(value > axis[i - 1]))) {
        throw new HebbError(`tune: the axis "${name}" of arm "${arm}" must ascend.`);
      }
    }
  }
  return { ...grids };
}

function combinations(grid: Grid): GridPoint[] {
  let points: GridPoint[] = [{}];
  for (const [name, axis] of Object.entries(grid)) {
    points = points.flatMap((point) => axis.map((value) => ({ ...point, [name]: value })));
  }
  return points;
}

/** The ends at which a point lies. An axis with a single value is a choice, not a search, and has no ends. */
const edges = (grid: Grid, point: GridPoint): Edge[] =>
  Object.entries(grid).flatMap(([name, axis]): Edge[] => {
    if (axis.length < 2 || !isOrdered(axis)) return [];
    if (point[name] === axis[0]) return [{ name, end: "low" }];
    return point[name] === axis.at(-1) ? [{ name, end: "high" }] : [];
  });

const unique = (list: readonly Edge[]): Edge[] => [
  ...new Map(list.map((edge) => [canonicalJson(edge), edge])).values(),
];

function grow(grid: Grid, { name, end }: Edge, extend: NonNullable<TuneOptions<string>["extend"]>): Grid {
  const axis = grid[name];
  if (axis === undefined || !isOrdered(axis)) {
    throw new HebbError(`tune: the axis "${name}" must be extended for every arm, but one arm lacks it.`);
  }
  const value = extend(name, axis, end);
  return { ...grid, [name]: end === "low" ? [value, ...axis] : [...axis, value] };
}

function nextValue(_name: string, axis: readonly number[], end: "low" | "high"): number {
  const [last, before] = end === "low" ? [axis[0], axis[1]] : [axis.at(-1)!, axis.at(-2)!];
  const value = axis[0] > 0 ? (last * last) / before : 2 * last - before;
  // 0.01 * 10 is not exactly 0.1; twelve digits keep grid values readable.
  return Number(value.toPrecision(12));
}

/**
 * Guards data that may be looked at once, such as a test split: returns a function that hands it out and throws when the
 * same reader (an arm and seed, say) asks again.
 */
export function readOnce<T>(data: T, what = "the test split"): (reader?: string) => T {
  const readers = new Set<string>();
  return (reader = "the study") => {
    if (readers.has(reader))
      throw new HebbError(`${what} was read twice by ${reader}; choices belong on validation data.`);
    readers.add(reader);
    return data;
  };
}
