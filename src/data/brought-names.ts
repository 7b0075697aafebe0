import { HebbError } from "../engine/errors.js";
import { quote } from "../engine/quote.js";

// What pages and checks of options need to know of data sets that a user brings, without the readers of files.

export type BroughtKind = "csv" | "idx" | "npz" | "onnx";

/** A file that a user brings. */
export interface BroughtFile {
  /** As the user calls it; only errors and messages use it. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** How the files are to be read; only tables leave anything open. */
export interface BroughtOptions {
  /** The label's column, by name or by number from 0. Default: the one called label, target or class; else the last. */
  readonly label?: string | number;
  /** Columns to leave out, by name or number. */
  readonly without?: readonly (string | number)[];
  /** Whether the first row holds names; by default it does when a cell beside the label is not a number. */
  readonly header?: boolean;
}

/** A data set that a user has brought. */
export interface UserData {
  readonly name: string;
  readonly kind: BroughtKind;
  readonly bytes: number;
  /** For example `1797 rows, 64 columns, labels 0 to 9`. */
  readonly about: string;
  /** When it was brought (ISO 8601). */
  readonly added?: string;
  /** Why it cannot be used, in a sentence; it can still be deleted. */
  readonly problem?: string;
}

/** No data set that is brought is larger. */
export const broughtLimits = {
  /** Of all its files together: 64 MiB. */
  bytes: 2 ** 26,
  rows: 1_000_000,
  /** Values of a row. */
  columns: 65_536,
  /** Values of all rows together, 256 MiB as float32. */
  values: 2 ** 26,
  classes: 1000,
  files: 16,
} as const;

/** What the value of a study's option `data` starts with where it names a data set that was brought. */
export const broughtPrefix = "brought:";

export type BroughtReference = `${typeof broughtPrefix}${string}`;

const longestName = 60;
const pattern = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/;
/** Names that Windows keeps for devices. */
const reserved = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/;

/** Whether a data set may have this name, which is also that of its folder. */
export const isBroughtName = (name: string): boolean =>
  name.length <= longestName && pattern.test(name) && !reserved.test(name);

/** Whether an option's value names a data set that was brought (which need not be there). */
export const isBroughtReference = (value: unknown): value is BroughtReference =>
  typeof value === "string" && value.startsWith(broughtPrefix) && isBroughtName(value.slice(broughtPrefix.length));

/** The value of a study's option `data` that names this data set. */
export const broughtReference = (name: string): BroughtReference => `${broughtPrefix}${name}`;

/**
 * A name made from whatever the user typed or called the file: letters a to z, digits, dots, hyphens and underscores, no
 * folder, no ending of a file. Throws `HebbError` where nothing is left.
 */
export function cleanName(text: string): string {
  const last = text.split(/[/\\]/).at(-1)!;
  const plain = last
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/(?:\.(?:csv|tsv|txt|npz|onnx|idx|gz))+$/, "")
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .slice(0, longestName - "-data".length)
    .replaceAll(/^[._-]+|[._-]+$/g, "");
  const name = reserved.test(plain) ? `${plain.replaceAll(".", "-")}-data` : plain;
  if (!isBroughtName(name)) {
    throw new HebbError(
      `${quote(text)} leaves no name for a data set: it takes letters a to z, digits, dots and hyphens.`,
    );
  }
  return name;
}
