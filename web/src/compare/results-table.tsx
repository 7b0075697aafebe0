import { useState } from "preact/hooks";
import { Button, Scroller } from "../ui/index.js";
import type { ComparisonTable } from "./table.js";

const portion = 100;

/** The table of a comparison; a long one in portions. */
export function ResultsTable({ table, caption }: { readonly table: ComparisonTable; readonly caption: string }) {
  const [shown, setShown] = useState(portion);
  const { keys, columns, lines } = table;
  return (
    <>
      <Scroller label="Table of results">
        <table class="compare-table" data-testid="comparison">
          <caption>{caption}</caption>
          <thead>
            <tr>
              {keys.map((key) => (
                <th key={key} scope="col">
                  {key}
                </th>
              ))}
              {columns.map((column) => (
                <th key={column} scope="col" class="number">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {lines.slice(0, shown).map(({ names, entries }) => (
              <tr key={names.join("\n")}>
                {names.map((name, i) =>
                  i === 0 ? (
                    <th key={keys[i]} scope="row">
                      {name}
                    </th>
                  ) : (
                    <td key={keys[i]}>{name}</td>
                  ),
                )}
                {entries.map((entry, i) => (
                  <td key={columns[i]} class="number" title={entry?.seeds ? seeds(entry.seeds) : undefined}>
                    {entry?.text ?? <span class="soft">–</span>}
                    {entry?.interval && <span class="compare-interval">{entry.interval}</span>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
      {shown < lines.length && (
        <p>
          <Button onClick={() => setShown(shown + portion)}>
            Show {Math.min(portion, lines.length - shown)} more of {lines.length} lines
          </Button>
        </p>
      )}
    </>
  );
}

const seeds = (n: number): string => (n === 1 ? "one seed: no interval" : `over ${n} seeds`);
