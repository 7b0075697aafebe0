import { type NDArray, Tensor } from "../engine/index.js";

/** Rows of a data set in host memory; a `Dataset` of `hebb/data` is one. */
export interface Examples {
  readonly name: string;
  /** Inputs, `[n, ...features]`; tokens, int32 `[n, T]`. */
  readonly x: NDArray;
  /** Labels, int32 `[n]`; targets, float32 `[n]`; next tokens, int32 `[n, T]` with -1 where no loss counts. */
  readonly y?: NDArray;
}

/** Examples whose labels are there. */
export type Labelled = Required<Examples>;

/** A batch inside a graph. */
export interface LabelledBatch {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** What a model returns to methods that look inside it. */
export interface Outputs {
  /** Logits `[b, classes]` or `[b, T, vocabulary]`; predictions `[b]` or `[b, 1]`. */
  readonly out: Tensor;
  /** Activations of its layers, first axis the batch. */
  readonly acts?: readonly Tensor[];
  /** The representation `[b, d]` before its last layer. */
  readonly feat?: Tensor;
}

/**
 * A trained model and the rows that it is to forget. Only `params`, `apply`, `forget` and `seed` must be there; each
 * method says what else it needs, and `unlearn` checks that before anything runs.
 */
export interface UnlearnProblem<P = any> {
  /** The parameters of the trained ("original") model. */
  readonly params: P;
  /** The model, a pure function. */
  readonly apply: (params: P, x: Tensor) => Tensor | Outputs;
  /** The loss of each row, `[b]`, not reduced. */
  readonly perExampleLoss?: (params: P, batch: LabelledBatch) => Tensor;
  /** The rows to forget. */
  readonly forget: Examples;
  /** The other rows of the training set; absent when only the forget set is at hand. */
  readonly retain?: Examples;
  /** Rows that were not trained on, for methods that choose by them. */
  readonly val?: Examples;
  /** Fresh parameters, for methods that train a second model. */
  readonly init?: (seed: number) => P | Promise<P>;
  /** Training as the original was trained, on other rows: for gold models and for attribution. */
  readonly trainFromScratch?: (data: Labelled, seed: number) => Promise<P>;
  /** Decides the order of batches and whatever a method draws. */
  readonly seed: number;
}

/** What a model returned, in the form that methods read. */
export const outputsOf = (result: Tensor | Outputs): Outputs => (result instanceof Tensor ? { out: result } : result);

/** The number of rows. */
export const rowCount = ({ x }: Examples): number => x.shape[0];
