import { Scroller } from "../ui/index.js";
import { type CostLine, costColumns } from "./cost.js";

interface Props {
  readonly lines: readonly CostLine[];
  /** What a line is. */
  readonly what: string;
  readonly note?: string;
}

/** What runs took, beside what the baseline did. */
export function CostTable({ lines, what, note }: Props) {
  return (
    <Scroller label="Table of cost">
      <table>
        <caption class={note ? undefined : "visually-hidden"}>{note ?? "Cost"}</caption>
        <thead>
          <tr>
            <th scope="col">{what}</th>
            {costColumns.map((name) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
            <th scope="col">on</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(({ label, entries, where }) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              {entries.map(({ text, ratio }, i) => (
                <td key={costColumns[i]} class="number">
                  {text}
                  {ratio && <span class="compare-interval">{ratio}</span>}
                </td>
              ))}
              <td class="soft">{where}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}
