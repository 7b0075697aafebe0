import type { DType } from "../engine/dtype.js";
import { type Cost, costOf } from "../engine/inspect/cost.js";
import { zeros } from "../engine/primitives/structure.js";
import { key } from "../engine/random/keys.js";
import { type Shape, show } from "../engine/shape.js";
import { treeEntries } from "../engine/tree.js";
import type { Model, StatefulModel } from "./model.js";

/** One tensor of a model. */
export interface SummaryRow {
  /** Where it stands in the tree, such as `layers[0].w`. */
  readonly path: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly parameters: number;
  /** Its part of all parameters, from 0 to 1. */
  readonly share: number;
}

export interface Summary {
  readonly rows: readonly SummaryRow[];
  /** All parameters. */
  readonly parameters: number;
  /** What one call costs, by counting; absent without an example. */
  readonly cost?: Cost;
  /** The table as text. */
  toString(): string;
}

/**
 * The tensors of a model with their shapes and how many numbers they hold. With an example of the input, or a shape
 * that stands for float32 of it, also what one call of `apply` on it costs. Nothing is computed.
 *
 * `console.log(`${summary(model, [1, 3, 32, 32])}`)`
 */
export function summary<X>(
  model: Model<any, X, unknown> | StatefulModel<any, any, X, unknown>,
  example?: X | readonly number[],
): Summary {
  const params = model.init(key(0));
  const entries = treeEntries(params);
  const parameters = entries.reduce((n, [, t]) => n + t.size, 0);
  const rows = entries.map(([path, { shape, dtype, size }]) => ({
    path,
    shape,
    dtype,
    parameters: size,
    share: parameters === 0 ? 0 : size / parameters,
  }));
  const cost = example === undefined ? undefined : costOfCall(model, params, example);
  return { rows, parameters, ...(cost && { cost }), toString: () => tabulate(rows, parameters, cost) };
}

function costOfCall(
  model: Model<any, any, unknown> | StatefulModel<any, any, any, unknown>,
  params: unknown,
  example: unknown,
): Cost {
  const isShape = Array.isArray(example) && example.every((n) => typeof n === "number");
  const input = isShape ? zeros(example) : example;
  return "initState" in model && "train" in model
    ? costOf((p, x, state) => model.apply(p, x, state), params, input, model.initState())
    : costOf((p, x) => model.apply(p, x), params, input);
}

const count = (n: number): string => n.toLocaleString("en-US");

function tabulate(rows: readonly SummaryRow[], parameters: number, cost: Cost | undefined): string {
  const lines = [
    ["tensor", "shape", "dtype", "parameters", "share"],
    ...rows.map((r) => [r.path, show(r.shape), r.dtype, count(r.parameters), `${(100 * r.share).toFixed(1)} %`]),
    ["total", "", "", count(parameters), ""],
  ];
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  const cell = (text: string, i: number) => (i < 3 ? text.padEnd(widths[i]) : text.padStart(widths[i]));
  const table = lines.map((line) => line.map(cell).join("  ").trimEnd());
  if (cost) {
    table.push(
      `one call: ${count(cost.macs)} multiply-additions, ${count(cost.flops)} flops, at most ${count(cost.peakBytes)} bytes of results alive`,
    );
  }
  return table.join("\n");
}
