import type { LedgerEntry } from "../../../src/lab/ledger.js";
import { withInterval } from "../../../src/lab/numbers.js";
import type { Condition, Judgement } from "../../../src/lab/study.js";
import { formatDate, formatDuration, Scroller, VerdictBadge } from "../ui/index.js";

/** The verdict of a ledger's entry, and where it was measured. */
export function VerdictCard({ entry }: { readonly entry: LedgerEntry }) {
  const { judgement, environment, seeds, seconds, date } = entry;
  return (
    <>
      <JudgementCard judgement={judgement} />
      <p class="soft small">
        Standard scale, {seeds.length} {seeds.length === 1 ? "seed" : "seeds"}, {formatDuration(seconds)} on{" "}
        {environment.threads} {environment.threads === 1 ? "thread" : "threads"} of {environment.processor},{" "}
        {formatDate(date)}.
      </p>
    </>
  );
}

/** A judgement with its conditions: which hold, with effect and interval. */
export function JudgementCard({ judgement }: { readonly judgement: Judgement }) {
  const { verdict, reason, conditions, side = [] } = judgement;
  return (
    <div class="verdict-card">
      <p class="headline">
        <VerdictBadge verdict={verdict} />
      </p>
      <p>{reason}</p>
      {conditions.length > 0 && <Conditions caption="What was asked" conditions={conditions} />}
      {side.length > 0 && (
        <details>
          <summary>Side claims, without a say in the verdict ({side.length})</summary>
          <Conditions caption="Side claims" conditions={side} />
        </details>
      )}
    </div>
  );
}

function Conditions({ caption, conditions }: { readonly caption: string; readonly conditions: readonly Condition[] }) {
  return (
    <Scroller label={caption}>
      <table class="conditions">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Condition</th>
            <th scope="col">Holds</th>
            <th scope="col" class="number">
              Effect
            </th>
            <th scope="col">What was measured</th>
          </tr>
        </thead>
        <tbody>
          {conditions.map(({ name, holds, detail, estimate, interval }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class={holds ? "yes" : "no"}>{holds ? "✓ yes" : "✗ no"}</td>
              <td class="number">{estimate === undefined ? "–" : effect(estimate, interval)}</td>
              <td>{detail}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}

function effect(estimate: number, interval?: readonly [number, number]): string {
  const { mean, interval: limits } = withInterval(estimate, ...(interval ?? []));
  return limits ? `${mean} ${limits}` : mean;
}
