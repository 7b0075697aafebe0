import type { Audit, Estimate, ModelAudit, RelearningAudit } from "../forget/index.js";
import { columns, wrap } from "./format.js";
import { interrupted, interruptSignal } from "./interrupt.js";
import { type Io, styled } from "./io.js";
import { Progress } from "./terminal.js";
import { positiveInteger, UsageError } from "./usage.js";

export interface AuditCommandOptions {
  readonly forget: string;
  readonly test: string;
  readonly retain?: string;
  readonly retrained?: string;
  readonly label: string;
  readonly shift: string;
  readonly scale: string;
  readonly repeats: string;
  readonly seed: string;
  readonly json?: boolean;
}

/** `hebb forget audit`: what an unlearned classifier still shows of the rows that it was to forget. */
export async function audit(
  io: Io,
  original: string,
  unlearned: string,
  options: AuditCommandOptions,
): Promise<number> {
  const { forget, test, retain, retrained, label, json } = options;
  const rowsOptions = {
    label,
    shift: finite("--shift", options.shift),
    scale: finite("--scale", options.scale),
  };
  if (rowsOptions.scale === 0) throw new UsageError("--scale takes a number other than 0, for example --scale 255.");
  const repeats = positiveInteger("--repeats", options.repeats);
  const seed = finite("--seed", options.seed);
  const [{ readClassifier, readRows }, { auditUnlearning }] = await Promise.all([
    import("./forget-files.js"),
    import("../forget/index.js"),
  ]);
  const read = (place: string) => readRows(io.cwd, place, rowsOptions);
  const sets = {
    forget: await read(forget),
    test: await read(test),
    ...(retain ? { retain: await read(retain) } : {}),
  };
  const model = (place: string) => readClassifier(io.cwd, place, sets.forget);
  const models = {
    original: await model(original),
    unlearned: await model(unlearned),
    ...(retrained ? { retrained: await model(retrained) } : {}),
  };
  const progress = new Progress(io.stderr, { title: "audit", quiet: json && !io.stderr.isTTY });
  const { signal, release } = interruptSignal(io);
  try {
    const found = await auditUnlearning(
      {
        ...sets,
        original: models.original.model,
        unlearned: models.unlearned.model,
        ...(models.retrained ? { retrained: models.retrained.model } : {}),
      },
      { repeats, seed, signal, onProgress: (done, total, what) => progress.update(done, total, what) },
    ).finally(() => progress.end());
    if (json) io.stdout.write(`${JSON.stringify(found)}\n`);
    else print(io, found);
    return 0;
  } catch (error) {
    if (signal.aborted) return interrupted;
    throw error;
  } finally {
    release();
  }
}

function finite(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw new UsageError(`${option} takes a number, for example ${option} 1, not '${text}'.`);
  return value;
}

const measures: readonly [label: string, of: (model: ModelAudit) => Estimate | undefined][] = [
  ["accuracy on forget rows (%)", (model) => model.accuracyForget],
  ["accuracy on test rows (%)", (model) => model.accuracyTest],
  ["loss on forget rows (nats)", (model) => model.lossForget],
  ["loss on test rows (nats)", (model) => model.lossTest],
  ["attack: AUC, forget against test", (model) => model.membershipAuc],
  ["attack: forget rows called new (%)", (model) => model.nonMembers],
];

const number = (value: number): string => String(Number(value.toPrecision(3)));
const show = ({ value, low, high }: Estimate): string => `${number(value)} [${number(low)}, ${number(high)}]`;

function print(io: Io, { rows, models, change, relearning, findings, limits }: Audit): void {
  const names = Object.keys(models) as (keyof typeof models)[];
  const heading = (text: string) => styled(io, io.stdout, "bold", text);
  const table = [
    ["", ...names],
    ...measures
      .filter(([, of]) => of(models.original) !== undefined)
      .map(([label, of]) => [label, ...names.map((name) => show(of(models[name]!)!))]),
  ];
  const steps = (of: RelearningAudit) => `${of.capped ? ">= " : ""}${show(of)}`;
  const others = [
    ["same answer as before, forget rows (%)", show(change.agreementForget)],
    ["same answer as before, test rows (%)", show(change.agreementTest)],
    ["KL(original || unlearned), forget rows", show(change.divergenceForget)],
    ["KL(original || unlearned), test rows", show(change.divergenceTest)],
    ["steps to relearn forget rows", steps(relearning.unlearned)],
    ["steps to learn as many test rows", steps(relearning.control)],
    ...(relearning.retrained ? [["the retrained model's steps for forget rows", steps(relearning.retrained)]] : []),
  ];
  const width = Math.min(io.stdout.columns ?? 100, 100);
  const list = (sentences: readonly string[]) =>
    sentences.map((text) => `- ${wrap(text, width - 2, "  ").trimStart()}`);
  const retained = rows.retain === undefined ? "" : `, ${rows.retain} retain rows`;
  const lines = [
    `${rows.forget} forget rows, ${rows.test} test rows${retained}; 95 % intervals over rows, for steps the least and the most`,
    "",
    ...columns(table),
    "",
    ...columns(others),
    "",
    heading("What this shows"),
    ...list(findings),
    "",
    heading("What this cannot show"),
    ...list(limits),
  ];
  io.stdout.write(`${lines.join("\n")}\n`);
}
