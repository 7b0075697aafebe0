import type { NDArray } from "../engine/dtype.js";
import type { BroughtKind } from "./brought-names.js";
import type { Table } from "./brought-table.js";
import { plural, sizes } from "./brought-words.js";
import { type Dataset, size } from "./dataset.js";

export interface ClassCount {
  readonly name: string;
  readonly count: number;
}

/** The first rows, as text. */
export interface Head {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** How many columns are not shown. */
  readonly more: number;
}

/** The first images of a set. */
export interface Images {
  readonly height: number;
  readonly width: number;
  /** 1 (grey) or 3 (red, green, blue). */
  readonly channels: 1 | 3;
  readonly items: readonly { readonly label: string; readonly pixels: Uint8Array }[];
}

/** What one sees of rows with labels. */
export interface LabelledLook {
  readonly kind: Exclude<BroughtKind, "onnx">;
  readonly bytes: number;
  readonly about: string;
  readonly rows: number;
  /** Where the files hold a test part of their own. */
  readonly testRows?: number;
  /** The shape of a row. */
  readonly shape: readonly number[];
  /** The type of the inputs in the files. */
  readonly dtype: string;
  readonly classes: readonly ClassCount[];
  readonly head: Head;
  readonly images?: Images;
  readonly table?: Pick<Table, "columns" | "reading">;
  /** Why it cannot be used as it is, in a sentence; another choice of columns may help. */
  readonly problem?: string;
}

export interface PortLook {
  readonly name: string;
  /** For example `float32[batch, 1, 28, 28]`. */
  readonly type: string;
}

/** What one sees of an ONNX model. */
export interface ModelLook {
  readonly kind: "onnx";
  readonly bytes: number;
  readonly about: string;
  readonly inputs: readonly PortLook[];
  readonly outputs: readonly PortLook[];
  readonly parameters: number;
  readonly opset: number;
  readonly producer: string;
  readonly operators: readonly { readonly name: string; readonly count: number; readonly supported: boolean }[];
}

export type Look = LabelledLook | ModelLook;

const shownRows = 8;
const shownColumns = 12;
const shownImages = 20;
const largestSide = 512;

/** Rows with labels in words: `1,797 rows, 64 columns, 10 classes: 0 to 9`. */
export function aboutRows(
  rows: number,
  shape: readonly number[],
  classes: readonly ClassCount[],
  testRows = 0,
): string {
  const what =
    shape.length > 1
      ? `${plural(rows, "image")} of ${sizes(shape)}`
      : `${plural(rows, "row")}, ${plural(shape[0], "column")}`;
  const names = classes.map(({ name }) => name);
  const numbers = names.every((name, i) => name === String(i));
  const short = names.length <= 4 && names.every((name) => name.length <= 20);
  const labels = numbers
    ? `labels 0 to ${names.length - 1}`
    : `${names.length} classes${short ? ` (${names.join(", ")})` : ""}`;
  return `${what}, ${labels}${testRows > 0 ? `, and ${plural(testRows, "row")} to test` : ""}`;
}

export const tableLook = ({ rows, columns, classes, head, reading, problem }: Table, bytes: number): LabelledLook => {
  const shape = [columns.filter(({ use }) => use !== "label" && use !== "left out").length];
  const about = aboutRows(rows, shape, classes);
  return {
    kind: "csv",
    bytes,
    about,
    rows,
    shape,
    dtype: "numbers",
    classes,
    head,
    table: { columns, reading },
    problem,
  };
};

interface Arrays {
  readonly train: Dataset;
  readonly test?: Dataset;
  /** The inputs' type in the files. */
  readonly dtype: string;
}

export function arraysLook(kind: "idx" | "npz", { train, test, dtype }: Arrays, bytes: number): LabelledLook {
  const rows = size(train);
  const testRows = test && size(test);
  const shape = train.x.shape.slice(1);
  const classes = countClasses(train);
  return {
    kind,
    bytes,
    about: aboutRows(rows, shape, classes, testRows),
    rows,
    ...(testRows === undefined ? {} : { testRows }),
    shape,
    dtype,
    classes,
    head: headOf(train),
    images: imagesOf(train),
  };
}

const labelOf = ({ y, classNames }: Dataset, row: number): string => {
  const label = Number(y.data[row]);
  return classNames?.[label] ?? String(label);
};

function countClasses(data: Dataset): ClassCount[] {
  const counts = new Uint32Array(data.classes!);
  for (const label of data.y.data as Int32Array) counts[label]++;
  return Array.from(counts, (count, label) => ({ name: data.classNames?.[label] ?? String(label), count }));
}

function headOf(data: Dataset): Head {
  const width = data.x.data.length / size(data);
  const shown = Math.min(width, shownColumns);
  const values = data.x.data as Float32Array;
  return {
    columns: ["label", ...Array.from({ length: shown }, (_, i) => String(i))],
    rows: Array.from({ length: Math.min(size(data), shownRows) }, (_, row) => [
      labelOf(data, row),
      ...Array.from(values.subarray(row * width, row * width + shown), (value) => String(Number(value.toPrecision(4)))),
    ]),
    more: width - shown,
  };
}

/** Where the parts of an image lie in a row, if rows are images. */
function layoutOf(shape: readonly number[]) {
  const [a, b, c] = shape;
  const channels = (n: number): n is 1 | 3 => n === 1 || n === 3;
  const layout =
    shape.length === 2
      ? { height: a, width: b, channels: 1 as const, last: false }
      : shape.length === 3 && channels(c)
        ? { height: a, width: b, channels: c, last: true }
        : shape.length === 3 && channels(a)
          ? { height: b, width: c, channels: a, last: false }
          : undefined;
  const fits = layout && layout.height > 1 && layout.width > 1;
  return fits && Math.max(layout.height, layout.width) <= largestSide ? layout : undefined;
}

/** Height and width of grey images. */
export function greyImage({ x }: { readonly x: NDArray }): readonly [number, number] | undefined {
  const layout = layoutOf(x.shape.slice(1));
  return layout?.channels === 1 ? [layout.height, layout.width] : undefined;
}

function imagesOf(data: Dataset): Images | undefined {
  const layout = layoutOf(data.x.shape.slice(1));
  if (!layout) return undefined;
  const { height, width, channels, last } = layout;
  const count = Math.min(size(data), shownImages);
  const each = height * width * channels;
  const shown = (data.x.data as Float32Array).subarray(0, count * each);
  let [low, high] = [0, 0];
  for (const value of shown) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const scale = high > low ? 255 / (high - low) : 0;
  const items = Array.from({ length: count }, (_, row) => {
    const pixels = new Uint8Array(each);
    for (let i = 0; i < each; i++) {
      // Channels come last in what is drawn.
      const at = last || channels === 1 ? i : (i % channels) * height * width + Math.floor(i / channels);
      pixels[i] = Math.round((shown[row * each + at] - low) * scale);
    }
    return { label: labelOf(data, row), pixels };
  });
  return { height, width, channels, items };
}
