import { platform } from "#platform";
import { HebbError } from "../../engine/errors.js";
import { canonicalJson, isPlainObject } from "../json.js";
import type { RunRecord, RunStatus } from "../record.js";
import type { MetricPoint, Row } from "../study.js";

/** What one `log-batch` request may hold. */
const metricsPerRequest = 1000;
const paramsPerRequest = 100;
const longestParam = 6000;

/** Tags that say of which run an MLflow run is made, and what was in it. */
const runTag = "hebb.run";
const contentTag = "hebb.content";

const statuses = {
  running: "RUNNING",
  interrupted: "KILLED",
  done: "FINISHED",
  stopped: "KILLED",
  failed: "FAILED",
} as const;

/**
 * Makes a run of the MLflow server at `url` (its REST interface, version 2.0) out of this one, and returns its id. The
 * experiment is named as the study and made if need be; options become params, verdict and environment tags. Points of
 * curves become metrics named `<metric>/<arm>/<setting>/<seed>`, and results, before whose names `measures/` stands, such
 * metrics at step 0. `status` is how the run stands, where that is not what its record says (`RunFolder.statusNow`).
 *
 * A run that is there already, whole and with the same content, stays as it is. One that has changed since, or whose
 * export was cut off, is replaced: MLflow keeps the former one among its deleted runs.
 */
export async function exportMlflow(
  record: RunRecord,
  metrics: readonly MetricPoint[],
  url: string,
  status: RunStatus = record.status,
): Promise<string> {
  const post = (method: string, body: object) => request(url, method, { method: "POST", body: JSON.stringify(body) });
  const started = Date.parse(record.started);
  const experiment_id = await experimentOf(url, record.slug, post);
  const content = await platform.sha256(new TextEncoder().encode(canonicalJson([record, metrics, status])));
  const { runs = [] } = await post("runs/search", {
    experiment_ids: [experiment_id],
    filter: `tags.\`${runTag}\` = '${record.id}'`,
  });
  let whole: string | undefined;
  for (const { info, data } of runs) {
    const tag = data.tags?.find(({ key }: { key: string }) => key === contentTag);
    if (whole === undefined && tag?.value === content) whole = info.run_id;
    else await post("runs/delete", { run_id: info.run_id });
  }
  if (whole !== undefined) return whole;
  const created = await post("runs/create", {
    experiment_id,
    run_name: record.id,
    start_time: started,
    tags: tagsOf(record),
  });
  const run_id: string = created.run.info.run_id;
  for (const params of portions(paramsOf(record), paramsPerRequest)) await post("runs/log-batch", { run_id, params });
  const logged = [
    ...metrics.flatMap((point) => metricsOf(point, point.values, point.step)),
    ...record.rows.flatMap((row) => metricsOf(row, row.measures, 0, "measures/")),
  ].map((metric) => ({ ...metric, timestamp: started }));
  for (const part of portions(logged, metricsPerRequest)) await post("runs/log-batch", { run_id, metrics: part });
  const end_time = Math.round(started + record.seconds * 1000);
  await post("runs/update", { run_id, status: statuses[status], end_time });
  // Last, as it says that all the rest is there.
  await post("runs/set-tag", { run_id, key: contentTag, value: content });
  return run_id;
}

/** The id of the experiment with this name. */
async function experimentOf(
  url: string,
  name: string,
  post: (method: string, body: object) => Promise<any>,
): Promise<string> {
  try {
    return (await post("experiments/create", { name })).experiment_id;
  } catch (error) {
    if (!(error instanceof MlflowError) || error.code !== "RESOURCE_ALREADY_EXISTS") throw error;
    const found = await request(url, `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`);
    return found.experiment.experiment_id;
  }
}

class MlflowError extends HebbError {
  constructor(
    message: string,
    readonly code?: string,
  ) {
    super(message);
  }
}

async function request(url: string, method: string, init?: RequestInit): Promise<any> {
  const place = `${url.replace(/\/+$/, "")}/api/2.0/mlflow/${method}`;
  let response: Response;
  try {
    response = await fetch(place, { ...init, headers: { "content-type": "application/json" } });
  } catch (error) {
    const { cause, message } = error as Error;
    throw new MlflowError(`The MLflow server ${url} cannot be reached: ${(cause as Error)?.message || message}.`);
  }
  const text = await response.text();
  let answer: any;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new MlflowError(`${url} does not answer as an MLflow server: status ${response.status} for ${method}.`);
  }
  if (response.ok) return answer;
  const { error_code, message = "" } = answer;
  const reason = message || `status ${response.status}`;
  throw new MlflowError(`The MLflow server ${url} refused ${method}: ${reason.replace(/\.$/, "")}.`, error_code);
}

/** Options and what else was chosen, nested options by dotted names. */
function paramsOf({ scale, seeds, device, options }: RunRecord): { key: string; value: string }[] {
  const flat = (value: unknown, name: string): [string, unknown][] =>
    isPlainObject(value)
      ? Object.entries(value).flatMap(([key, item]) => flat(item, name ? `${name}.${key}` : key))
      : [[name, value]];
  return [...flat({ scale, seeds, device }, ""), ...flat(options, "options")].map(([key, value]) => ({
    key: cleaned(key),
    value: (typeof value === "string" ? value : JSON.stringify(value)).slice(0, longestParam),
  }));
}

function tagsOf({ id, environment, judgement, error }: RunRecord): { key: string; value: string }[] {
  const { commit, ...machine } = environment;
  const tags: Record<string, unknown> = {
    [runTag]: id,
    "mlflow.source.name": "hebb",
    "mlflow.source.git.commit": commit,
    "hebb.verdict": judgement?.verdict,
    "hebb.reason": judgement?.reason,
    "hebb.error": error,
    ...Object.fromEntries(Object.entries(machine).map(([key, value]) => [`hebb.${key}`, value])),
  };
  return Object.entries(tags).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: String(value) }]));
}

function metricsOf(
  { arm, seed, setting = {} }: Pick<Row, "arm" | "seed" | "setting">,
  values: Readonly<Record<string, number>>,
  step: number,
  prefix = "",
): { key: string; value: number; step: number }[] {
  const place = [arm, ...Object.entries(setting).map(([name, value]) => `${name} ${value}`), `seed ${seed}`];
  return Object.entries(values).map(([name, value]) => ({
    key: cleaned(prefix + [name, ...place].join("/")),
    value,
    step: Math.round(step),
  }));
}

/** MLflow's names consist of letters, digits, `_`, `-`, `.`, space, `:` and `/`. */
const cleaned = (name: string): string => name.replaceAll(/[^\w\-. :/]/g, "_");

function* portions<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let first = 0; first < items.length; first += size) yield items.slice(first, first + size);
}
