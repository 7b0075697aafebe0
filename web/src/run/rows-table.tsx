import type { Row } from "../../../src/lab/study.js";
import type { PaperContent } from "../contract.js";
import { settingText } from "../paper/measures-table.js";
import { formatNumber, Scroller } from "../ui/index.js";

interface Props {
  readonly rows: readonly Row[];
  readonly study?: Pick<NonNullable<PaperContent["study"]>, "arms" | "measures">;
  /** The newest so many; all by default. */
  readonly most?: number;
}

/** Rows as they were recorded, the newest first where not all are shown. */
export function RowsTable({ rows, study, most = Number.POSITIVE_INFINITY }: Props) {
  const shown = rows.length > most ? rows.slice(-most).reverse() : rows;
  const names = [...new Set(shown.flatMap(({ measures }) => Object.keys(measures)))];
  return (
    <Scroller label="Rows">
      <table data-testid="rows">
        <caption>{rows.length > most ? `The newest ${most} of ${rows.length} rows` : `${rows.length} rows`}</caption>
        <thead>
          <tr>
            <th scope="col">Arm</th>
            <th scope="col" class="number">
              Seed
            </th>
            <th scope="col">Setting</th>
            {names.map((name) => (
              <th key={name} scope="col" class="number">
                {study?.measures[name]?.label ?? name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map(({ arm, seed, setting, measures }) => (
            <tr key={`${arm} ${seed} ${JSON.stringify(setting)}`}>
              <th scope="row">{study?.arms[arm] ?? arm}</th>
              <td class="number">{seed}</td>
              <td class="small">{settingText(setting)}</td>
              {names.map((name) => (
                <td key={name} class="number">
                  {Object.hasOwn(measures, name) ? formatNumber(measures[name]) : "–"}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}
