import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Images, LabelledLook, Look, ModelLook } from "../../../src/data/brought-look.js";
import { type BroughtOptions, cleanName } from "../../../src/data/brought-names.js";
import type { Place } from "../contract.js";
import { formatCount } from "../ui/format.js";
import { Button, formatBytes, Notice, Scroller } from "../ui/index.js";

interface Props {
  readonly look: Look;
  readonly files: readonly File[];
  readonly options: BroughtOptions;
  readonly places: readonly Place[];
  readonly onOptions: (options: BroughtOptions) => void;
  readonly onKeep: (place: Place, name: string) => Promise<void>;
  readonly onDrop: () => void;
}

/** What was brought: shape, first rows or images, classes; and the form that keeps it. */
export function LookView({ look, files, options, places, onOptions, onKeep, onDrop }: Props) {
  const [name, setName] = useState(() => suggested(files[0].name));
  const [busy, setBusy] = useState(false);
  const id = useId();
  const problem = look.kind === "onnx" ? undefined : look.problem;
  const keep = async (place: Place) => {
    setBusy(true);
    await onKeep(place, name);
    setBusy(false);
  };
  return (
    <section class="card look" aria-labelledby={id}>
      <h2 id={id}>{files.map((file) => file.name).join(", ")}</h2>
      <p data-testid="look-about">
        {look.about}; {formatBytes(look.bytes)}
      </p>
      {problem && <Notice kind="warn">{problem}</Notice>}
      {look.kind === "onnx" ? <Model look={look} /> : <Labelled look={look} options={options} onOptions={onOptions} />}
      <div class="field">
        <label for={`${id}-name`}>Name</label>
        <input id={`${id}-name`} value={name} onInput={({ currentTarget }) => setName(currentTarget.value)} />
      </div>
      <p class="buttons">
        {places.map((place) => (
          <Button
            key={place.kind}
            kind="primary"
            disabled={busy || problem !== undefined || name.trim() === ""}
            onClick={() => void keep(place)}
          >
            {place.kind === "tab" ? "Keep in this browser" : "Keep on the server"}
          </Button>
        ))}
        <Button onClick={onDrop}>Do not keep</Button>
      </p>
    </section>
  );
}

function suggested(file: string): string {
  try {
    return cleanName(file.replace(/\.\w+$/, ""));
  } catch {
    return "data";
  }
}

interface LabelledProps {
  readonly look: LabelledLook;
  readonly options: BroughtOptions;
  readonly onOptions: (options: BroughtOptions) => void;
}

function Labelled({ look, options, onOptions }: LabelledProps) {
  const { shape, dtype, classes, head, images, table, rows, testRows } = look;
  const most = Math.max(...classes.map(({ count }) => count), 1);
  return (
    <>
      <dl class="facts">
        <dt>Rows</dt>
        <dd>
          {formatCount(rows)}
          {testRows !== undefined && `, and ${formatCount(testRows)} to test`}
        </dd>
        <dt>Shape of a row</dt>
        <dd>
          {shape.join(" × ")} ({dtype})
        </dd>
      </dl>
      {table && (
        <fieldset>
          <legend>Columns</legend>
          <label class="field">
            <span>Which column is the label</span>
            <select
              value={String(table.reading.label)}
              onChange={({ currentTarget }) => onOptions({ ...options, label: Number(currentTarget.value) })}
            >
              {table.columns.map(({ index, name }) => (
                <option key={index} value={index}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <details>
            <summary>Columns to leave out</summary>
            <div class="columns">
              {table.columns
                .filter(({ use }) => use !== "label")
                .map(({ index, name, use }) => (
                  <label key={index}>
                    <input
                      type="checkbox"
                      checked={use === "left out"}
                      onChange={() => {
                        const without = table.reading.without;
                        const next = without.includes(index)
                          ? without.filter((other) => other !== index)
                          : [...without, index];
                        onOptions({ ...options, label: options.label ?? table.reading.label, without: next });
                      }}
                    />
                    {name}
                    {use === "words" && <span class="soft"> (words)</span>}
                    {use === "gaps" && <span class="soft"> (gaps)</span>}
                  </label>
                ))}
            </div>
          </details>
        </fieldset>
      )}
      {images && <Pictures images={images} />}
      <Scroller label="First rows">
        <table>
          <caption>First rows{head.more > 0 && `; ${head.more} more columns are not shown`}</caption>
          <thead>
            <tr>
              {head.columns.map((column, i) => (
                <th key={`${i} ${column}`} scope="col" class={i === 0 ? undefined : "number"}>
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {head.rows.map((cells, row) => (
              <tr key={row}>
                {cells.map((cell, i) => (
                  <td key={i} class={i === 0 ? undefined : "number"}>
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
      <h3>Classes</h3>
      <ul class="classes">
        {classes.slice(0, 20).map(({ name, count }) => (
          <li key={name}>
            <span>{name}</span>
            <span class="bar" style={{ width: `${(100 * count) / most}%` }} aria-hidden="true" />
            <span class="number">{formatCount(count)}</span>
          </li>
        ))}
      </ul>
      {classes.length > 20 && <p class="soft small">{classes.length - 20} more classes are not shown.</p>}
    </>
  );
}

function Pictures({ images }: { readonly images: Images }) {
  return (
    <ul class="pictures" aria-label="First images">
      {images.items.map((item, i) => (
        <li key={i}>
          <Picture {...images} pixels={item.pixels} label={item.label} />
          <span class="small">{item.label}</span>
        </li>
      ))}
    </ul>
  );
}

interface PictureProps extends Pick<Images, "height" | "width" | "channels"> {
  readonly pixels: Uint8Array;
  readonly label: string;
}

function Picture({ height, width, channels, pixels, label }: PictureProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const image = context.createImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[channels * i + (channels === 3 ? c : 0)];
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }, [pixels, width, height, channels]);
  return <canvas ref={canvas} width={width} height={height} role="img" aria-label={`An image of class ${label}`} />;
}

function Model({ look }: { readonly look: ModelLook }) {
  const lacking = look.operators.filter(({ supported }) => !supported);
  return (
    <>
      {lacking.length > 0 ? (
        <Notice kind="warn">
          Hebb cannot differentiate {lacking.map(({ name }) => name).join(", ")}: this model can be looked at, but not
          trained on.
        </Notice>
      ) : (
        <Notice>
          Hebb knows all operators of this model: `fromOnnx` gives it back as a function that can be trained.
        </Notice>
      )}
      <dl class="facts">
        <dt>Takes</dt>
        <dd>{look.inputs.map(({ name, type }) => `${name}: ${type}`).join(", ")}</dd>
        <dt>Gives</dt>
        <dd>{look.outputs.map(({ name, type }) => `${name}: ${type}`).join(", ")}</dd>
        <dt>Parameters</dt>
        <dd>{formatCount(look.parameters)}</dd>
        <dt>Operator set</dt>
        <dd>{look.opset}</dd>
        <dt>Made by</dt>
        <dd>{look.producer || "unknown"}</dd>
        <dt>Operators</dt>
        <dd>{look.operators.map(({ name, count }) => `${name} (${count})`).join(", ")}</dd>
      </dl>
    </>
  );
}
