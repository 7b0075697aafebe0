import { scan } from "../engine/control/scan.js";
import { HebbError, ShapeError } from "../engine/errors.js";
import { less, where } from "../engine/primitives/elementwise.js";
import { arange, concat, reshape, transpose } from "../engine/primitives/structure.js";
import { splitList } from "../engine/random/keys.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { treeMap } from "../engine/tree.js";
import {
  type Cell,
  type CellOptions,
  type CellParams,
  gruCell,
  type HiddenState,
  type LstmState,
  lstmCell,
  rnnCell,
} from "./cells.js";
import { dropout } from "./dropout.js";
import type { Model, Training } from "./model.js";

export interface RecurrentOptions extends CellOptions {
  /** Layers, each of which reads the outputs of the one below. Default 1. */
  readonly layers?: number;
  /** In time's order, against it, or both with their outputs side by side. Default "forward". */
  readonly direction?: "forward" | "reverse" | "both";
  /** Share of the values between layers that is dropped in training. Default 0. */
  readonly dropout?: number;
}

/** For each layer one entry, or two ("both": forward, then reverse). */
export type RecurrentParams = readonly (readonly CellParams[])[];
/** As the parameters. */
export type RecurrentState<S extends HiddenState> = readonly (readonly S[])[];

export interface RunOptions<S extends HiddenState> extends Training {
  /** Where to start; zeros by default. */
  readonly state?: RecurrentState<S>;
  /** How long each sequence of a padded batch is: int32 [B]. Beyond it the state stays and the outputs are 0. */
  readonly lengths?: Tensor;
}

export interface Recurrent<S extends HiddenState>
  extends Model<RecurrentParams, Tensor, readonly [y: Tensor, state: RecurrentState<S>]> {
  /** Zeros. */
  initState(batch: number): RecurrentState<S>;
  /** x [B, T, in] to the outputs of all times [B, T, width (2 width for "both")] and the last states. */
  apply(params: RecurrentParams, x: Tensor, options?: RunOptions<S>): [y: Tensor, state: RecurrentState<S>];
}

/**
 * Runs cells over time: `makeCell(inputs)` for each layer and direction. `rnn`, `gru` and `lstm` are made of it.
 *
 * Throws `HebbError` for fewer than one layer, and `ShapeError` when the input is not [B, T, inputs] or the lengths are
 * not one for each sequence.
 */
export function recurrent<S extends HiddenState>(
  inputs: number,
  makeCell: (inputs: number) => Cell<S>,
  { layers = 1, direction = "forward", dropout: rate = 0 }: Omit<RecurrentOptions, keyof CellOptions> = {},
): Recurrent<S> {
  if (!(layers >= 1)) throw new HebbError(`recurrent: needs at least one layer, got ${layers}.`);
  const reverses = direction === "both" ? [false, true] : [direction === "reverse"];
  let from = inputs;
  const stack = Array.from({ length: layers }, () => {
    const cells = reverses.map(() => makeCell(from));
    from = cells.length * cells[0].width;
    return cells;
  });
  return {
    init(key) {
      const keys = splitList(key, layers * reverses.length);
      return stack.map((cells) => cells.map((cell) => cell.init(keys.shift()!)));
    },
    initState: (batch) => stack.map((cells) => cells.map((cell) => cell.initState(batch))),
    apply(params, x, { state, lengths, key } = {}) {
      if (x.rank !== 3 || x.shape[2] !== inputs) {
        throw new ShapeError("recurrent", `the model takes [B, T, ${inputs}], got ${show(x.shape)}`);
      }
      const [batch, time] = x.shape;
      if (lengths && (lengths.rank !== 1 || lengths.shape[0] !== batch)) {
        throw new ShapeError("recurrent", `lengths ${show(lengths.shape)} are not one for each of ${batch} sequences`);
      }
      const within = lengths && less(arange(time, lengths.dtype).reshape(time, 1, 1), reshape(lengths, [batch, 1]));
      const keys = key && layers > 1 ? splitList(key, layers - 1) : [];
      const last: S[][] = [];
      // Time first: [T, B, ...].
      let h = transpose(x, [1, 0, 2]);
      stack.forEach((cells, l) => {
        if (l > 0 && key) h = dropout(keys[l - 1], h, rate);
        const runs = cells.map((cell, d) =>
          overTime(cell, params[l][d], h, state?.[l][d] ?? cell.initState(batch), within, reverses[d]),
        );
        last.push(runs.map(([end]) => end));
        h = concat(
          runs.map(([, y]) => y),
          2,
        );
      });
      return [transpose(h, [1, 0, 2]), last];
    },
  };
}

/** The last state and the outputs [T, B, width] of one cell over x [T, B, in]. */
function overTime<S extends HiddenState>(
  cell: Cell<S>,
  params: CellParams,
  x: Tensor,
  start: S,
  within: Tensor | undefined,
  reverse: boolean,
): [S, Tensor] {
  const projected = cell.project(params, x);
  if (!within) {
    const step = (state: S, p: Tensor): [S, Tensor] => {
      const next = cell.step(params, p, state);
      return [next, next.h];
    };
    return scan(step, start, projected, { reverse });
  }
  const step = (state: S, { p, on }: { p: Tensor; on: Tensor }): [S, Tensor] => {
    const next = treeMap((now: Tensor, old: Tensor) => where(on, now, old), cell.step(params, p, state), state) as S;
    return [next, where(on, next.h, 0)];
  };
  return scan(step, start, { p: projected, on: within }, { reverse });
}

/** A network of simple recurrent cells. */
export const rnn = (
  inputs: number,
  width: number,
  options: RecurrentOptions & { activation?: "tanh" | "relu" } = {},
): Recurrent<HiddenState> => recurrent(inputs, (from) => rnnCell(from, width, options), options);

/** A network of gated recurrent units. */
export const gru = (inputs: number, width: number, options: RecurrentOptions = {}): Recurrent<HiddenState> =>
  recurrent(inputs, (from) => gruCell(from, width, options), options);

/** A network of long short-term memory. */
export const lstm = (inputs: number, width: number, options: RecurrentOptions = {}): Recurrent<LstmState> =>
  recurrent(inputs, (from) => lstmCell(from, width, options), options);
