import { HebbError } from "../engine/errors.js";
import { crc32c } from "./crc32c.js";

/** What `seal` puts at the end of a text. */
const ending = /^,"crc32c":"([0-9a-f]{8})"\}$/;
const endingLength = ',"crc32c":"00000000"}'.length;

const checksum = (text: string): string => crc32c(new TextEncoder().encode(text)).toString(16).padStart(8, "0");

/**
 * The JSON text of an object (with at least one property) with a checksum of itself as a last property, so that damage
 * is noticed: `{"a":1}` becomes `{"a":1,"crc32c":"…"}`, the CRC-32C of the UTF-8 bytes before it.
 */
export function seal(text: string): string {
  const content = text.slice(0, -1);
  return `${content},"crc32c":"${checksum(content)}"}`;
}

/** Whether a text that may have been cut off, or have something behind it, has its checksum. */
export const isSealed = (text: string): boolean => /,"crc32c":"[0-9a-f]{8}"\}/.test(text);

/** Throws when the checksum of a text is not its own. A text without one, as earlier versions wrote it, passes. */
export function checkSeal(text: string, what: string): void {
  const whole = text.trimEnd();
  const [, expected] = ending.exec(whole.slice(-endingLength)) ?? [];
  if (expected !== undefined && checksum(whole.slice(0, -endingLength)) !== expected) {
    throw new HebbError(
      `${what} is not what was written: its checksum is another. If it was changed on purpose, remove its "crc32c".`,
    );
  }
}
