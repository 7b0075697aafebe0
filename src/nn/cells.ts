import type { DType } from "../engine/dtype.js";
import { add, mul, relu, sigmoid, sub, tanh } from "../engine/primitives/elementwise.js";
import { sliceAxis } from "../engine/primitives/structure.js";
import { type Key, splitList } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";
import { filled } from "./filled.js";
import { type Init, uniform } from "./initializers.js";
import { affine, type LinearParams, linear } from "./linear.js";

/** The state of a cell; `h` [B, width] is also its output. */
export interface HiddenState {
  readonly h: Tensor;
}

export interface LstmState extends HiddenState {
  /** What the cell remembers, [B, width]. */
  readonly c: Tensor;
}

/** The gates side by side. */
export interface CellParams {
  /** From the input: w [in, gates width]. */
  readonly input: LinearParams;
  /** From the state: w [width, gates width]. */
  readonly hidden: LinearParams;
}

/** One step of a recurrent network. Its two halves are apart so that inputs of all times can be projected at once. */
export interface Cell<S extends HiddenState = HiddenState> {
  readonly width: number;
  init(key: Key): CellParams;
  /** A state of zeros. */
  initState(batch: number): S;
  /** The input's share of the gates: [..., in] to [..., gates width]. */
  project(params: CellParams, x: Tensor): Tensor;
  /** The next state, from the input's share [B, gates width] and the state. */
  step(params: CellParams, projected: Tensor, state: S): S;
}

export interface CellOptions {
  /** How weights and biases start. Default: uniform within 1 / sqrt(width). */
  readonly init?: Init;
  readonly dtype?: DType;
}

/**
 * What the cells share: their parameters. `hiddenBias`: whether the state's share of the gates has a bias of its own.
 */
function gates(inputs: number, width: number, count: number, hiddenBias: boolean, options: CellOptions) {
  const { init = uniform(1 / Math.sqrt(width)), dtype = "float32" } = options;
  const input = linear(inputs, count * width, { init, biasInit: init, dtype });
  const hidden = linear(width, count * width, { bias: hiddenBias, init, biasInit: init, dtype });
  return {
    init(key: Key): CellParams {
      const [a, b] = splitList(key, 2);
      return { input: input.init(a), hidden: hidden.init(b) };
    },
    project: (params: CellParams, x: Tensor): Tensor => input.apply(params.input, x),
    zeros: (batch: number): Tensor => filled([batch, width], 0, dtype),
    /** The i-th gate's columns. */
    part: (t: Tensor, i: number): Tensor => sliceAxis(t, -1, i * width, (i + 1) * width),
  };
}

/** The simple recurrent cell of Elman (1990): h' = f(x W + h U + b), with f tanh or relu. */
export function rnnCell(
  inputs: number,
  width: number,
  { activation = "tanh", ...options }: CellOptions & { activation?: "tanh" | "relu" } = {},
): Cell {
  const { init, project, zeros } = gates(inputs, width, 1, false, options);
  const f = activation === "tanh" ? tanh : relu;
  return {
    width,
    init,
    project,
    initState: (batch) => ({ h: zeros(batch) }),
    step: ({ hidden }, projected, { h }) => ({ h: f(add(projected, affine(hidden, h))) }),
  };
}

/**
 * The gated recurrent unit (Cho et al., 2014), with the reset gate after the product as in cuDNN. With gates r, z and n
 * side by side: n = tanh(x W_n + r (h U_n + b)), h' = (1 - z) n + z h.
 */
export function gruCell(inputs: number, width: number, options: CellOptions = {}): Cell {
  const { init, project, zeros, part } = gates(inputs, width, 3, true, options);
  return {
    width,
    init,
    project,
    initState: (batch) => ({ h: zeros(batch) }),
    step({ hidden }, projected, { h }) {
      const recurrent = affine(hidden, h);
      const [r, z] = [0, 1].map((i) => sigmoid(add(part(projected, i), part(recurrent, i))));
      const n = tanh(add(part(projected, 2), mul(r, part(recurrent, 2))));
      return { h: add(n, mul(z, sub(h, n))) };
    },
  };
}

/**
 * Long short-term memory with a forget gate (Hochreiter and Schmidhuber, 1997; Gers et al., 2000). With gates i, f, g
 * and o side by side: c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c').
 */
export function lstmCell(inputs: number, width: number, options: CellOptions = {}): Cell<LstmState> {
  const { init, project, zeros, part } = gates(inputs, width, 4, false, options);
  return {
    width,
    init,
    project,
    initState: (batch) => ({ h: zeros(batch), c: zeros(batch) }),
    step({ hidden }, projected, { h, c }) {
      const all = add(projected, affine(hidden, h));
      const next = add(mul(sigmoid(part(all, 1)), c), mul(sigmoid(part(all, 0)), tanh(part(all, 2))));
      return { h: mul(sigmoid(part(all, 3)), tanh(next)), c: next };
    },
  };
}
