import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Figure } from "../../../src/lab/study.js";
import { ExportMenu } from "../export/menu.js";
import { formatNumber, Notice, Scroller } from "../ui/index.js";
import { type Drawn, drawFigure } from "./draw.js";
import { useWidth } from "./use-width.js";
import "./figure.css";

interface Props {
  readonly figure: Figure;
  /** Of the files that are exported, without extension. */
  readonly name: string;
}

/** A figure drawn live: values under the pointer, arms to leave out, seeds or intervals, and the same as a table. */
export function PlotFigure({ figure, name }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const width = useWidth(holder);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [seeds, setSeeds] = useState(false);
  const [table, setTable] = useState(false);
  const [drawn, setDrawn] = useState<Drawn>();
  const [error, setError] = useState<string>();
  const title = useId();

  useEffect(() => {
    if (width === 0) return;
    let current = true;
    drawFigure(figure, { width, seeds, hidden }).then(
      (result) => {
        if (!current || !holder.current) return;
        holder.current.replaceChildren(...result.charts);
        setDrawn(result);
        setError(undefined);
      },
      (reason: Error) => current && setError(reason.message),
    );
    return () => {
      current = false;
    };
  }, [figure, width, seeds, hidden]);

  const toggle = (arm: string) => {
    const next = new Set(hidden);
    if (!next.delete(arm)) next.add(arm);
    setHidden(next);
  };
  const several = drawn?.tables.some(({ data }) => data.some(({ low, high }) => low < high)) ?? false;
  return (
    <figure class="plot-figure" aria-labelledby={title}>
      <h3 id={title}>{figure.title}</h3>
      {error && <Notice kind="error">This figure could not be drawn: {error}</Notice>}
      {drawn && drawn.arms.size > 0 && (
        <fieldset class="arms">
          <legend class="visually-hidden">Arms shown in “{figure.title}”</legend>
          {[...drawn.arms].map(([arm, colour]) => (
            <label key={arm}>
              <input type="checkbox" checked={!hidden.has(arm)} onChange={() => toggle(arm)} />
              <span class="swatch" style={{ background: colour }} aria-hidden="true" /> {arm}
            </label>
          ))}
        </fieldset>
      )}
      <div ref={holder} class="chart" role="img" aria-label={`${figure.title}. ${figure.caption}`} hidden={table} />
      {table && drawn && <FigureTables drawn={drawn} />}
      <figcaption>{figure.caption}</figcaption>
      <div class="buttons">
        {several && (
          <label class="small">
            <input type="checkbox" checked={seeds} onChange={() => setSeeds(!seeds)} /> Show every seed
          </label>
        )}
        {drawn && drawn.tables.length > 0 && (
          <label class="small">
            <input type="checkbox" checked={table} onChange={() => setTable(!table)} /> Show as table
          </label>
        )}
        <ExportMenu name={name} label="Export figure" figure={figure} />
      </div>
    </figure>
  );
}

function FigureTables({ drawn }: { readonly drawn: Drawn }) {
  return (
    <>
      {drawn.tables.map(({ x, y, data }) => {
        const panels = data.some(({ panel }) => panel !== undefined);
        return (
          <Scroller key={y} label={`Table: ${y}`}>
            <table>
              <caption>{y}: mean and 95 % interval over seeds</caption>
              <thead>
                <tr>
                  {panels && <th scope="col">Panel</th>}
                  <th scope="col">Arm</th>
                  {x && (
                    <th scope="col" class="number">
                      {x}
                    </th>
                  )}
                  <th scope="col" class="number">
                    Mean
                  </th>
                  <th scope="col" class="number">
                    Interval
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.map((line) => (
                  <tr key={`${line.panel} ${line.arm} ${line.x}`}>
                    {panels && <td>{line.panel}</td>}
                    <th scope="row">{line.arm}</th>
                    {x && <td class="number">{formatNumber(line.x!)}</td>}
                    <td class="number">{formatNumber(line.mean)}</td>
                    <td class="number">
                      {line.low < line.high ? `[${formatNumber(line.low)}, ${formatNumber(line.high)}]` : "–"}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroller>
        );
      })}
    </>
  );
}
