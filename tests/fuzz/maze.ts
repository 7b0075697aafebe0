import { HebbError } from "../../src/engine/errors.js";
import { file, utf8 } from "./reader.js";

// A reader with a defect behind four bytes, of which each is found only by who knows that the one before was right.

export const name = "maze";
export const files = [utf8("....")];
export const words = ["h", "e", "b", "!"];

export function read(bytes: Uint8Array): void {
  if (bytes[0] === 0x68) {
    if (bytes[1] === 0x65) {
      if (bytes[2] === 0x62) {
        if (bytes[3] === 0x21) throw new Error("the end of the maze");
      }
    }
  }
  throw new HebbError(`${file}: no way.`);
}
