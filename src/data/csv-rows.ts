import { HebbError } from "../engine/errors.js";

export interface CsvRow {
  /** Without the spaces around them, and without quotes. */
  readonly cells: readonly string[];
  /** Where it begins, from 1. */
  readonly line: number;
}

/** A row may have so many cells in any case, and more in a file that is so long that they take no unusual share of it. */
const mostCells = (length: number): number => 2 ** 16 + length / 16;

const quote = '"';

/**
 * The rows of CSV text one after another, so that a file takes no more memory than what is kept of its rows. Cells may
 * stand in quotes, in which two quotes are one; lines end with `\n`, `\r\n` or `\r`; empty lines are left out.
 *
 * Throws `HebbError` that names `file` and the line for a quote that is not closed or stands in the middle of a cell.
 *
 * Source: RFC 4180, "Common Format and MIME Type for Comma-Separated Values (CSV) Files", 2005.
 */
export function* csvRows(text: string, delimiter: string, file: string): Generator<CsvRow, void> {
  const most = mostCells(text.length);
  const special = new RegExp(`${escaped(delimiter)}|\r\n|\n|\r`, "g");
  const blank = new RegExp(`[^\\S\r\n${escaped(delimiter)}]*`, "y");
  const skipBlank = (at: number): number => {
    blank.lastIndex = at;
    blank.exec(text);
    return blank.lastIndex;
  };
  let line = 1;
  let at = text.startsWith("\ufeff") ? 1 : 0;
  const fail = (problem: string): never => {
    throw new HebbError(`${file}: not valid CSV: ${problem} in line ${line}.`);
  };
  while (at < text.length) {
    const begin = line;
    const cells: string[] = [];
    for (let more = true; more; ) {
      let cell: string | undefined;
      const start = skipBlank(at);
      if (text[start] === quote) {
        const end = endOfQuote(text, start) ?? fail("a quote is not closed");
        cell = text.slice(start + 1, end).replaceAll('""', quote);
        line += lineEnds(cell);
        at = skipBlank(end + 1);
      }
      special.lastIndex = at;
      const found = special.exec(text);
      const end = found ? found.index : text.length;
      if (cell !== undefined && end !== at) fail("something follows a closing quote");
      cell ??= text.slice(at, end).trim();
      if (cell.includes(quote) && text[start] !== quote) fail("a quote stands in the middle of a cell");
      if (cells.push(cell) > most) fail(`there are more than ${Math.floor(most)} cells`);
      at = found ? special.lastIndex : text.length;
      more = found?.[0] === delimiter;
    }
    line++;
    if (cells.length > 1 || cells[0] !== "") yield { cells, line: begin };
  }
}

/** The place of the quote that closes the one at `start`. */
function endOfQuote(text: string, start: number): number | undefined {
  for (let end = start + 1; ; end += 2) {
    end = text.indexOf(quote, end);
    if (end < 0) return undefined;
    if (text[end + 1] !== quote) return end;
  }
}

const lineEnds = (cell: string): number => cell.match(/\r\n|\n|\r/g)?.length ?? 0;

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
