import { HebbError } from "../../src/engine/errors.js";

/** A reader of files from outside, with small sound files for it. */
export interface Reader {
  readonly name: string;
  readonly files: readonly Uint8Array[];
  /** What texts of the format are made of. */
  readonly words?: readonly string[];
  /** Its share of the inputs, of which a slow reader gets fewer. Default 1. */
  readonly share?: number;
  /** Reads the bytes as the file that is called `file`, and uses what was read as far as that needs no computing. */
  read(bytes: Uint8Array): unknown;
}

/** What errors must call the file. */
export const file = "hostile.file";

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value));

/** One sentence is no longer than this. */
const longestMessage = 1000;

/** Whether the bytes were accepted. Any error but one `HebbError` of one clear line that names the file is a defect, and thrown. */
export async function attempt(reader: Reader, bytes: Uint8Array): Promise<boolean> {
  try {
    const result = reader.read(bytes);
    if (result instanceof Promise) await result;
  } catch (error) {
    if (!(error instanceof HebbError)) throw error;
    const { message } = error;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    if (message.length > longestMessage || /[\0-\x1f\x7f-\x9f]/.test(message) || !message.includes(file))
      throw new Error(`this is no clear sentence about ${file}: ${JSON.stringify(message.slice(0, 2000))}`);
    return false;
  }
  if (Object.keys(Object.prototype).length > 0) throw new Error("the prototype of all objects was changed");
  return true;
}
