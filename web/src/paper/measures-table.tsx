import type { LedgerEntry } from "../../../src/lab/ledger.js";
import { withInterval } from "../../../src/lab/numbers.js";
import type { PaperContent } from "../contract.js";
import { Scroller } from "../ui/index.js";

type Texts = Pick<NonNullable<PaperContent["study"]>, "arms" | "measures">;

/** Every measure of every arm and setting: mean, interval, and over how many seeds. */
export function MeasuresTable({ entry, study }: { readonly entry: Pick<LedgerEntry, "table">; readonly study: Texts }) {
  const names = Object.keys(study.measures).filter((name) =>
    entry.table.some(({ measures }) => Object.hasOwn(measures, name)),
  );
  return (
    <details class="measures">
      <summary>All that was measured ({entry.table.length} lines)</summary>
      <Scroller label="All that was measured">
        <table>
          <caption>Mean over seeds with its 95 % interval</caption>
          <thead>
            <tr>
              <th scope="col">Arm</th>
              <th scope="col">Setting</th>
              {names.map((name) => {
                const { label, unit } = study.measures[name];
                return (
                  <th key={name} scope="col" class="number">
                    {label}
                    {unit && `, ${unit}`}
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {entry.table.map(({ arm, setting, measures }) => (
              <tr key={arm + JSON.stringify(setting)}>
                <th scope="row">{study.arms[arm] ?? arm}</th>
                <td class="small">{settingText(setting)}</td>
                {names.map((name) => {
                  const cell = measures[name];
                  const text = cell && withInterval(cell.mean, cell.low, cell.high);
                  return (
                    <td
                      key={name}
                      class="number"
                      title={cell && `${cell.n} ${cell.n === 1 ? "seed" : "seeds"}: ${cell.values.join(", ")}`}
                    >
                      {text?.mean ?? "–"} <span class="soft small">{text?.interval}</span>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
    </details>
  );
}

export const settingText = (setting: Readonly<Record<string, number | string>> = {}): string =>
  Object.entries(setting)
    .map(([name, value]) => `${name} ${typeof value === "number" ? Number(value.toPrecision(4)) : value}`)
    .join(", ");
