import { add, HebbError, hostRandom, less, mean, mul, reshape, where } from "../engine/index.js";
import { adam } from "../optim/index.js";
import { attentionTransferDistance } from "./attention-map.js";
import { meanLoss } from "./baselines.js";
import { type RowBatch, rowBatches, rowsOf } from "./batches.js";
import { rowCount } from "./problem.js";
import { joinRows } from "./rows.js";
import type { UnlearnSession, UnlearnStep } from "./session.js";
import type { Unlearner } from "./unlearn.js";
import { gradientUpdate } from "./update.js";
import type { UnlearnView } from "./view.js";

export interface BlindspotOptions {
  /** Passes of the proxy over its rows: few, so that it knows the task only roughly. */
  readonly proxyEpochs: number;
  /** What the proxy sees. "all" gives up the idea of the method, and is there to show it. */
  readonly proxyRows: "retain" | "all";
  /** Passes of the model over all training rows. */
  readonly epochs: number;
  /** Adam's, for the proxy and for the model. */
  readonly learningRate: number;
  /** Weight of the distance between the attention maps; 0 leaves it out, and then `apply` need not return `acts`. */
  readonly attentionBeta: number;
  readonly batchSize: number;
}

/**
 * Blindspot unlearning, for regression: a proxy B, trained briefly and from scratch without the rows to forget, shows how
 * a model answers that never saw them; the model M imitates it there and keeps learning everywhere else.
 *
 *     mean over a batch of  l(M(x), B(x)) + beta Σ_j AT(M_j(x), B_j(x))  for rows to forget,
 *                           l(M(x), y)                                   for the others,
 *
 * which is c L_F + (1 - c) L_R with the share c of forget rows of this very batch; a batch without any has no part L_F. l is
 * the problem's own `perExampleLoss`, AT `attentionTransferDistance` of the layers in `acts` ([B, C, ...positions]). Adam
 * from fresh states; no gradient reaches B.
 *
 * Throws `HebbError` when the labels are classes. Source: Tarun, Chundawat, Mandal, Kankanhalli, "Deep Regression
 * Unlearning", ICML 2023.
 */
export const blindspotUnlearn: Unlearner<BlindspotOptions> = {
  name: "Blindspot",
  defaults: {
    proxyEpochs: 2,
    proxyRows: "retain",
    epochs: 1,
    learningRate: 1e-3,
    attentionBeta: 50,
    batchSize: 256,
  },
  needs: ({ attentionBeta }) => [
    ...(["labels", "perExampleLoss", "retain", "init"] as const),
    ...(attentionBeta > 0 ? (["acts"] as const) : []),
  ],
  async *run(view, options, session) {
    const { epochs, learningRate, attentionBeta, batchSize } = options;
    const proxy = yield* blindspotProxy(view, options, session);
    const loss = (p: typeof proxy, { x, y, indices }: RowBatch) => {
      const blind = view.apply(proxy, x);
      const forgotten = less(indices, rowCount(view.forget));
      // Targets may have more axes than the one of the rows.
      const whole = reshape(forgotten, [y.shape[0], ...new Array<number>(y.rank - 1).fill(1)]);
      const targets = where(whole, reshape(blind.out, y.shape), y);
      const own = view.perExampleLoss(p, { x, y: targets });
      if (attentionBeta === 0) return mean(own);
      const distances = view.apply(p, x).acts!.map((act, j) => attentionTransferDistance(act, blind.acts![j]));
      return mean(add(own, where(forgotten, mul(distances.reduce(add), attentionBeta), 0)));
    };
    return yield* session.descend("unlearn", {
      params: view.params,
      update: gradientUpdate(loss, adam({ learningRate })),
      batches: rowBatches(trainingRows(view), { batchSize, epochs, seed: view.seed }),
      passes: (batch) => (4 / 3) * rowsOf(batch),
    });
  },
};

/** All rows, those to forget first. */
const trainingRows = <P>({ forget, retain }: UnlearnView<P>) => joinRows("training set", forget, retain);

/** The first half of `blindspotUnlearn`, which trains the proxy. */
export async function* blindspotProxy<P>(
  view: UnlearnView<P>,
  { proxyEpochs, proxyRows, learningRate, batchSize }: BlindspotOptions,
  session: UnlearnSession,
): AsyncGenerator<UnlearnStep, P, undefined> {
  checkTargets("Blindspot", view.forget.y.dtype);
  const draw = hostRandom(view.seed).fork("blindspot");
  const params = await view.init(draw.uint32());
  const rows = proxyRows === "all" ? trainingRows(view) : view.retain;
  return yield* session.descend("proxy", {
    params,
    update: gradientUpdate(meanLoss(view), adam({ learningRate })),
    batches: rowBatches(rows, { batchSize, epochs: proxyEpochs, seed: draw.uint32() }),
  });
}

/** Regression methods put numbers in the place of targets. */
export function checkTargets(method: string, dtype: string): void {
  if (dtype.startsWith("float")) return;
  throw new HebbError(`${method}: the labels are ${dtype}, but this method is for regression and needs float targets.`);
}
