import { HebbError } from "../engine/index.js";
import type { WeightMask } from "../nn/index.js";
import { checkAlike, fromHost, type HostTree, toHost } from "./host.js";
import { magnitudeMask, type PruneScope } from "./magnitude.js";
import { checkMask, type Exclude, fullMask, maskDensity } from "./mask.js";
import { checkRates, keepPerRound, type PruneRates } from "./rates.js";
import { stackTrees, unstackTree } from "./stacked.js";

/** One training that the procedure asks for. */
export interface TrainJob<P> {
  /** 0 is the dense training. */
  readonly round: number;
  /** Where training starts, dead weights at 0. Optimiser state starts afresh as well: it must not be carried over. */
  readonly params: P;
  /** To be kept by the training: see `maskedStep`. */
  readonly mask: WeightMask<P>;
  /** Optimiser steps that `params` have behind them: 0, or `rewindTo` after the dense training. */
  readonly startStep: number;
  /** In the dense training, the step whose parameters are to be returned as `rewind`; undefined when none are needed. */
  readonly keepStep?: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** What a training gives back; `log` is the caller's own. */
export interface Trained<P, L> {
  readonly params: P;
  readonly log: L;
  /** The parameters after `keepStep` steps, when the job asked for them. */
  readonly rewind?: P;
}

export interface PruneRound<P, L> {
  /** 0 is dense; round r has been pruned r times. */
  readonly round: number;
  readonly mask: WeightMask<P>;
  /** The share of living weights among the prunable ones. */
  readonly density: number;
  /** The ticket: m ⊙ theta0, bit for bit (or m ⊙ theta_k with `rewindTo` k). */
  readonly ticketInit: P;
  readonly trained: P;
  readonly log: L;
  /** The mask that pruning `trained` gives: that of the round to come. */
  readonly next: WeightMask<P>;
}

export interface IterativePruneOptions<P, L> extends PruneRates {
  /** Draws theta0 from the seed. */
  readonly init: (seed: number) => P | Promise<P>;
  readonly train: (job: TrainJob<P>) => Promise<Trained<P, L>>;
  /** How often to prune; there is one training more than that, the dense one. */
  readonly rounds: number;
  /** Default: `layer`. Under `global`, the output layer competes with the others only if it has their rate. */
  readonly scope?: PruneScope;
  /** Go back to the parameters after this many steps of the dense training, instead of to theta0. Default: 0. */
  readonly rewindTo?: number;
  /** Default: biases and normalisation parameters. */
  readonly exclude?: Exclude;
  /** Handed to `init` and `train`. Default: 0. */
  readonly seed?: number;
  /** The trees hold several models, stacked on a first axis (`stackTrees`); each is pruned on its own. */
  readonly stacked?: boolean;
  /** Continue with this round, under its mask (the `next` of the round before). */
  readonly from?: { readonly round: number; readonly mask: WeightMask<P>; readonly rewind?: P };
  readonly signal?: AbortSignal;
}

/**
 * Finds lottery tickets by iterative magnitude pruning: train theta0 ⊙ m, remove the smallest weights among those still
 * alive, go back to theta0, and repeat. Yields each round when it is trained; `collectRounds` gathers them.
 *
 *     theta_j = train(m_r ⊙ theta_0);  m_{r+1} = m_r without the `rate` share of its living weights with least |theta_j|
 *
 * Works on any parameter tree and with any trainer; nothing of the optimiser survives a round. Source: Frankle and Carbin,
 * The Lottery Ticket Hypothesis (2019), section 2, strategy 1 of appendix B; rewinding to k > 0: Frankle, Dziugaite, Roy
 * and Carbin (2020).
 *
 * Throws `HebbError` when a rate is outside (0, 1), `rounds` or `rewindTo` is no count, `output` is no prunable tensor, or
 * the trainer returns another structure; the signal's reason on abort.
 */
export async function* iterativeMagnitudePrune<P, L>(
  options: IterativePruneOptions<P, L>,
): AsyncGenerator<PruneRound<P, L>, void, undefined> {
  const { init, train, rounds, rewindTo = 0, seed = 0, stacked = false, scope = "layer", from, signal } = options;
  checkCounts({ rounds, rewindTo });
  checkRates(options);

  const theta0 = await toHost(await init(seed), "iterativeMagnitudePrune: init");
  const params0 = fromHost<P>(theta0.def, theta0.leaves);
  const models = stacked ? await unstackTree(params0) : [params0];
  const whole = fullMask(models[0], options.exclude);
  const keep = await keepPerRound(whole, options);

  let origin = from?.rewind === undefined ? theta0 : await toHost(from.rewind, "iterativeMagnitudePrune: rewind");
  let mask = from?.mask ?? (stacked ? await stackTrees(models.map(() => whole)) : whole);
  if (from && from.round > 0 && rewindTo > 0 && from.rewind === undefined) {
    throw new HebbError("iterativeMagnitudePrune: to continue with rewindTo > 0, from.rewind is needed.");
  }

  for (let round = from?.round ?? 0; round <= rounds; round++) {
    signal?.throwIfAborted();
    const masks = await toHost(mask, "iterativeMagnitudePrune: mask");
    const start = prune(origin, masks, stacked);
    const keepStep = round === 0 && rewindTo > 0 ? rewindTo : undefined;
    const { params, log, rewind } = await train({
      round,
      params: fromHost<P>(theta0.def, start),
      mask,
      startStep: round === 0 ? 0 : rewindTo,
      keepStep,
      seed,
      signal,
    });
    const trained = await toHost(params, "iterativeMagnitudePrune: train");
    checkAlike("iterativeMagnitudePrune: train", theta0, trained);
    if (keepStep !== undefined) {
      if (rewind === undefined) {
        throw new HebbError(`iterativeMagnitudePrune: train must return the parameters of step ${keepStep} as rewind.`);
      }
      origin = await toHost(rewind, "iterativeMagnitudePrune: rewind");
      checkAlike("iterativeMagnitudePrune: rewind", theta0, origin);
    }
    const next = await eachModel(stacked, [params, mask], ([weights, alive]) =>
      magnitudeMask(weights, keep, scope, { alive }),
    );
    yield {
      round,
      mask,
      density: await meanDensity(mask, stacked),
      // Fresh handles: the trainer may have given those it got to a compiled function.
      ticketInit: fromHost<P>(theta0.def, round === 0 ? prune(origin, masks, stacked) : start),
      trained: params,
      log,
      next,
    };
    mask = next;
  }
}

/** All rounds of `iterativeMagnitudePrune`, kept in memory. */
export async function collectRounds<P, L>(
  rounds: AsyncIterable<PruneRound<P, L>>,
): Promise<{ rounds: PruneRound<P, L>[] }> {
  const all: PruneRound<P, L>[] = [];
  for await (const round of rounds) all.push(round);
  return { rounds: all };
}

/** m ⊙ w on the host. A mask with fewer values than its tensor is that of a tensor that is never pruned. */
function prune(weights: HostTree, masks: HostTree, stacked: boolean): HostTree["leaves"] {
  checkMask("iterativeMagnitudePrune: mask", weights, masks, stacked);
  return weights.leaves.map((w, i) => {
    const alive = masks.leaves[i].data;
    if (alive.length !== w.data.length) return w;
    return { ...w, data: (w.data as Float32Array).map((x, k) => (alive[k] ? x : 0)) };
  });
}

/** Applies `f` to one model's trees at a time. */
async function eachModel<P>(stacked: boolean, trees: readonly P[], f: (trees: P[]) => Promise<P>): Promise<P> {
  if (!stacked) return f([...trees]);
  const split = await Promise.all(trees.map((tree) => unstackTree(tree)));
  const results: P[] = [];
  for (let n = 0; n < split[0].length; n++) results.push(await f(split.map((models) => models[n])));
  return stackTrees(results);
}

async function meanDensity(mask: unknown, stacked: boolean): Promise<number> {
  const masks = stacked ? await unstackTree(mask) : [mask];
  const densities = await Promise.all(masks.map(async (one) => (await maskDensity(one)).density));
  return densities.reduce((sum, d) => sum + d, 0) / densities.length;
}

function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw new HebbError(`iterativeMagnitudePrune: ${name} must be a whole number of at least 0, got ${value}.`);
  }
}
