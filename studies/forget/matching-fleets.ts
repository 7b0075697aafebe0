import { type NDArray, tensor, treeMap } from "../../src/engine/index.js";
import { type Labelled, labelMargins, type OracleTargets } from "../../src/forget/index.js";
import type { Json, ModelCache } from "../../src/lab/index.js";
import type { MlpParams } from "../../src/nn/index.js";
import { type ForgetSet, forgetRows, forgetSets, type MatchingBench } from "./matching-bench.js";
import { toHost } from "./recipe.js";

/** What models of each role have as their first seed: no two roles share one. */
const firstSeeds = { original: 1_000_000, gold: 2_000_000, floor: 3_000_000, subset: 4_000_000, fresh: 5_000_000 };
export type Role = keyof typeof firstSeeds;

/** Models trained side by side: their numbers within their role, and what all of them were trained on. */
export interface Fleet {
  readonly models: MlpParams;
  /** On the training rows and the measured rows, [models, rows, 10]. */
  readonly logits: NDArray;
}

export interface FleetsOptions {
  readonly bench: MatchingBench;
  /** Rows that nobody trained on. */
  readonly measured: Labelled;
  readonly forgetSize: number;
  /** Decides the forget sets. */
  readonly forgetSeed: number;
  /** What decides the datamodels, for keys. */
  readonly subsetsKey: Json;
  readonly cache: ModelCache;
  readonly signal: AbortSignal;
}

/** The trained models of the verdict, or of tuning, by content: what was trained once comes from the cache. */
export interface Fleets extends FleetsOptions {
  readonly forget: Readonly<Record<ForgetSet, Int32Array>>;
  /** All rows that logits and margins are of. */
  readonly rows: Labelled;
  /** Models of a role, numbers `first` to `first + count - 1`, on all training rows or on those that stay. */
  fleet(role: Role, first: number, count: number, set?: ForgetSet): Promise<Fleet>;
  /** Logits of models `first` and on of a role, each trained on a subset. */
  onSubsets(role: Role, subsets: readonly Int32Array[], first: number): Promise<NDArray>;
  /** How sure models are of the labels of all rows, [models, rows]. */
  margins(logits: NDArray): NDArray;
  /** What decides trained models, for keys of what is made of them. */
  readonly key: Readonly<Record<string, Json>>;
}

export async function openFleets(options: FleetsOptions): Promise<Fleets> {
  const { bench, measured, forgetSize, forgetSeed, cache, signal } = options;
  const rows = bench.withTrain(measured);
  const forget = Object.fromEntries(
    await Promise.all(
      forgetSets.map(async (set) => [set, await forgetRows(bench.train, set, forgetSize, forgetSeed)] as const),
    ),
  ) as Record<ForgetSet, Int32Array>;
  const key = { digits8: { ...bench.options }, measured: measured.name, forgetSize, forgetSeed };
  const everyRow = bench.kept(new Int32Array(0));
  const trained = async (jobs: Parameters<MatchingBench["trainFleet"]>[0]) => {
    const models = await bench.trainFleet(jobs, signal);
    return { models, logits: await bench.logits(models, rows) };
  };
  return {
    ...options,
    forget,
    rows,
    key,
    async fleet(role, first, count, set) {
      const own = set === undefined ? everyRow : bench.kept(forget[set]);
      const kept = await cache.get({ ...key, role, first, count, set: set ?? "none" }, async () => {
        const jobs = Array.from({ length: count }, (_, i) => ({ rows: own, seed: firstSeeds[role] + first + i }));
        const { models, logits } = await trained(jobs);
        return { models: await toHost(models), logits };
      });
      return { models: treeMap((leaf: NDArray) => tensor(leaf), kept.models) as MlpParams, logits: kept.logits };
    },
    onSubsets: (role, subsets, first) =>
      cache.get({ ...key, role, first, subsets: subsets.map((own) => own.join()) }, async () => {
        const jobs = subsets.map((own, i) => ({ rows: own, seed: firstSeeds[role] + first + i }));
        return (await trained(jobs)).logits;
      }),
    margins: (logits) => labelMargins(logits, rows.y),
  };
}

/** The mean over models of their logits on forget rows and on rows that stay: an exact oracle. */
export function meanLogits(logits: NDArray, forget: Int32Array, kept: Int32Array): OracleTargets {
  const [models, rows, classes] = logits.shape;
  const of = (own: Int32Array): NDArray => {
    const data = new Float32Array(own.length * classes);
    own.forEach((row, i) => {
      for (let model = 0; model < models; model++) {
        for (let c = 0; c < classes; c++)
          data[i * classes + c] += Number(logits.data[(model * rows + row) * classes + c]) / models;
      }
    });
    return { data, shape: [own.length, classes], dtype: "float32" };
  };
  return { forget: of(forget), retain: of(kept) };
}

/** Targets of one model, [n, 10], as those of several side by side, [n, models, 10]. */
export function repeatedTargets({ forget, retain }: OracleTargets, models: number): OracleTargets {
  const of = ({ data, shape: [n, classes] }: NDArray): NDArray => ({
    data: Float32Array.from({ length: n * models * classes }, (_, i) =>
      Number(data[Math.floor(i / (models * classes)) * classes + (i % classes)]),
    ),
    shape: [n, models, classes],
    dtype: "float32",
  });
  return { forget: of(forget), retain: of(retain) };
}
