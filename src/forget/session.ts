import { type Feed, HebbError, jit, treeLeaves } from "../engine/index.js";
import { type BatchList, rowsOf } from "./batches.js";
import type { Update } from "./update.js";

/** A loss or a parameter that is not finite any more: the method went too far, as with too high a learning rate. */
export class DivergedError extends HebbError {
  override name = "DivergedError";
}

/** What unlearning cost. */
export interface UnlearnCost {
  /** Examples pushed forward and backward; one that is only pushed forward counts as a third. */
  readonly passes: number;
  readonly steps: number;
  readonly seconds: number;
}

export interface LossEntry {
  readonly phase: string;
  /** From 1, within the phase. */
  readonly step: number;
  readonly loss: number;
}

/**
 * Where unlearning stands: a tree of plain objects, tensors, numbers and strings, which a checkpoint can keep. Its tensors
 * are used up by the next step.
 */
export interface UnlearnState {
  readonly method: string;
  readonly cost: UnlearnCost;
  readonly log: readonly LossEntry[];
  /** What finished phases came to. */
  readonly done: Readonly<Record<string, unknown>>;
  /** The phase under way. */
  readonly current?: {
    readonly phase: string;
    readonly step: number;
    readonly params: unknown;
    readonly state: unknown;
  };
}

/** One step of unlearning. */
export interface UnlearnStep {
  /** Methods of several phases train one thing after the other: a second model, then the model itself. */
  readonly phase: string;
  /** Steps done in this phase, from 1, of `total`. */
  readonly step: number;
  readonly total: number;
  /** The loss on this step's batch, before the step. */
  readonly loss: number;
  /** What the phase trains, as it is now. The next step uses it up: compute what you need from it before you continue. */
  readonly params: unknown;
  /** To go on from here later: `unlearn(method, problem, { ...options, from: state })`. */
  readonly state: UnlearnState;
}

export interface DescendOptions<P, S, B> {
  /** Where to start; these tensors stay usable. */
  readonly params: P;
  readonly update: Update<P, S, B>;
  /** One step for each. */
  readonly batches: BatchList<B>;
  /** What a batch costs; by default one for each row. A frozen model beside the trained one adds a third for each row. */
  readonly passes?: (batch: Feed<B>) => number;
}

/** What a method works with: training in named phases, which are resumable and counted. */
export interface UnlearnSession {
  /** Trains to the end of the batches and returns the parameters: `yield* session.descend("unlearn", { ... })`. */
  descend<P, S, B>(phase: string, options: DescendOptions<P, S, B>): AsyncGenerator<UnlearnStep, P, undefined>;
  /** Computes something without steps that is to be kept for a resumed run, such as a mask. `passes` is what it costs. */
  compute<T>(phase: string, passes: number, make: () => Promise<T>): Promise<T>;
  readonly signal?: AbortSignal;
}

/** A session from its start, or from where an earlier one stood. */
export function openSession(
  method: string,
  { from, signal }: { from?: UnlearnState; signal?: AbortSignal },
): UnlearnSession & { state(): UnlearnState } {
  if (from && from.method !== method)
    throw new HebbError(`unlearn: the state to go on from is that of ${from.method}, not of ${method}.`);
  const started = performance.now();
  const before = from?.cost.seconds ?? 0;
  let { passes, steps } = from?.cost ?? { passes: 0, steps: 0 };
  const log = [...(from?.log ?? [])];
  const done: Record<string, unknown> = { ...from?.done };

  const state = (current?: UnlearnState["current"]): UnlearnState => ({
    method,
    cost: { passes, steps, seconds: before + (performance.now() - started) / 1000 },
    log: [...log],
    done: { ...done },
    ...(current ? { current } : {}),
  });

  async function* descend<P, S, B>(
    phase: string,
    { params: start, update, batches, passes: costOf = rowsOf }: DescendOptions<P, S, B>,
  ): AsyncGenerator<UnlearnStep, P, undefined> {
    if (phase in done) return done[phase] as P;
    const kept = from?.current?.phase === phase ? from.current : undefined;
    let params = (kept?.params ?? start) as P;
    let optimizerState = (kept?.state ?? update.init(start)) as S;
    const first = kept?.step ?? 0;
    // What the caller handed in is not given away: only what a step returned is donated to the next.
    let advance = jit(update.step, { name: `${method}: ${phase}` });
    let step = 0;
    for (const batch of batches) {
      if (step++ < first) continue;
      signal?.throwIfAborted();
      const after = await advance(params as Feed<P>, optimizerState as Feed<S>, batch);
      const loss = await after.loss.item();
      if (!Number.isFinite(loss))
        throw new DivergedError(`${method}: the loss became ${loss} at step ${step} of ${phase}.`);
      ({ params, state: optimizerState } = after);
      if (step === first + 1) advance = jit(update.step, { donate: [0, 1], name: `${method}: ${phase}` });
      passes += costOf(batch);
      steps++;
      log.push({ phase, step, loss });
      const current = { phase, step, params, state: optimizerState };
      yield { phase, step, total: batches.length, loss, params, state: state(current) };
    }
    // The loss of a step is that before it, and tells nothing of the last step.
    for (const leaf of treeLeaves(params))
      if (!(await leaf.data()).every(Number.isFinite))
        throw new DivergedError(`${method}: the last step of ${phase} left parameters that are not finite.`);
    done[phase] = params;
    return params;
  }

  return {
    descend,
    async compute<T>(phase: string, cost: number, make: () => Promise<T>): Promise<T> {
      if (!(phase in done)) {
        signal?.throwIfAborted();
        done[phase] = await make();
        passes += cost;
      }
      return done[phase] as T;
    },
    signal,
    state: () => state(),
  };
}
