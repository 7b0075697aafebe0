import { z } from "zod";
import { HebbError } from "../engine/errors.js";
import { oneLine } from "../engine/quote.js";
import { parseJson } from "../interop/json.js";
import type { RunRecord, UnitRecord } from "./record.js";
import type { MetricPoint } from "./study.js";

/** Schemas of the files that runs and the ledger leave: whatever is read from outside passes through one of these. */

/** A name that is also the name of a folder: it leads nowhere else. */
export const nameSchema = z.string().regex(/^(?!\.)[\w.-]{1,200}$/, "this is no plain name");

const setting = z.record(z.string(), z.union([z.number(), z.string()])).optional();
const numbers = z.record(z.string(), z.number());
const scale = z.enum(["smoke", "standard", "full"]);

const row = z.object({ arm: z.string(), seed: z.int(), setting, measures: numbers });

const condition = z.object({
  name: z.string(),
  holds: z.boolean(),
  detail: z.string(),
  estimate: z.number().optional(),
  interval: z.tuple([z.number(), z.number()]).optional(),
});

export const judgementSchema = z.object({
  verdict: z.enum(["replicated", "partly", "not at this scale", "contradicted", "invalid"]),
  reason: z.string(),
  conditions: z.array(condition),
  side: z.array(condition).optional(),
});

export const environmentSchema = z.object({
  hebb: z.string(),
  commit: z.string().optional(),
  dirty: z.boolean().optional(),
  onnxruntime: z.string().optional(),
  runtime: z.string(),
  processor: z.string(),
  threads: z.number(),
  platform: z.string(),
});

export const costSchema = z.object({
  forwardExamples: z.number(),
  backwardExamples: z.number(),
  macs: z.number(),
  seconds: z.number(),
});

const measure = z.object({
  label: z.string(),
  unit: z.string().optional(),
  better: z.enum(["higher", "lower"]).optional(),
});

export const metricSchema: z.ZodType<MetricPoint> = z.object({
  arm: z.string(),
  seed: z.int(),
  step: z.number(),
  setting,
  values: numbers,
});

export const unitSchema: z.ZodType<UnitRecord> = z.object({
  name: z.string(),
  value: z.unknown().optional(),
  rows: z.array(row),
  metrics: z.array(metricSchema),
  cost: costSchema,
});

export const runSchema: z.ZodType<RunRecord> = z.object({
  version: z.literal(1),
  id: nameSchema,
  slug: z.string(),
  scale,
  seeds: z.array(z.int()),
  options: z.unknown(),
  device: z.string(),
  status: z.enum(["running", "done", "stopped", "failed"]),
  started: z.string(),
  seconds: z.number(),
  environment: environmentSchema,
  arms: z.record(z.string(), z.string()),
  measures: z.record(z.string(), measure),
  rows: z.array(row),
  cost: costSchema,
  judgement: judgementSchema.optional(),
  error: z.string().optional(),
});

/** Parses JSON text and checks it; the error names the file and the first thing that is wrong with it. */
export const parseChecked = <T>(schema: z.ZodType<T>, text: string, what: string): T =>
  checked(schema, parseJson(text, what), what);

/** A value that is as it should be; the error names the first thing that is wrong with it. */
export function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue.path.length > 0 ? `${issue.path.join(".")}: ` : "";
  throw new HebbError(`${what} is not valid: ${oneLine(place + issue.message)}.`);
}
