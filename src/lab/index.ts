/**
 * `hebb/lab`: the laboratory in which papers are replicated. A study (`defineStudy`) declares what it claims and how
 * that is judged; `runStudy` runs it and leaves a run folder; the rest is what studies are written with: statistics,
 * verdicts, tuning, hooks, cost, cached models.
 */
export { type BlobStore, diskCache, ModelCache, memoryCache } from "./cache.js";
export { catalogue, families, findPaper } from "./catalogue/index.js";
export type { Family, Paper } from "./catalogue/paper.js";
export type { CheckpointPace } from "./checkpoint.js";
export { type Comparison, compareRuns, type Difference } from "./compare.js";
export { type QueryResult, RunDatabase } from "./database.js";
export type { RunEvent } from "./events.js";
export { exportMlflow } from "./export/mlflow.js";
export { exportTables } from "./export/tables.js";
export { exportTensorBoard } from "./export/tensorboard.js";
export { fetching } from "./fetching.js";
export * from "./figures/marks.js";
export { palette } from "./figures/palette.js";
export { renderSvg } from "./figures/svg.js";
export * from "./hooks.js";
export { listRuns, type RunSummary } from "./index-of-runs.js";
export { interruptedRun } from "./interrupted.js";
export { canonicalJson, type Json } from "./json.js";
export { Ledger, type LedgerEntry } from "./ledger.js";
export { CostMeter } from "./meter.js";
export type { CompareMethodsOptions, MethodComparison } from "./method-comparison.js";
export { NonFiniteError, type NonFinitePlace } from "./non-finite.js";
export type { Cost, Environment, RunRecord, RunStatus, UnitRecord } from "./record.js";
export { renderReport } from "./report.js";
export { type RunOptions, runStudy } from "./runner.js";
export * from "./stats.js";
export { RunFolder, RunStore } from "./store.js";
export { studentCdf, studentQuantile } from "./student-t.js";
export * from "./study.js";
export { type Cell, summarise, type TableLine, tableRows } from "./table.js";
export * from "./tune.js";
export * from "./verdict.js";
export { type Deviation, type Verification, type VerifyOptions, verifyRun } from "./verify.js";
export { version } from "./version.js";
