import { opfs } from "./opfs.js";
import type { Files } from "./types.js";

/** Parts of the platform of a page or worker that may be others than usual. */
export interface BrowserParts {
  /** Usually the origin private file system. */
  files: Files;
  /** The package's own files, where a bundler has moved them; undefined for one that it does not have. */
  assets?: (name: string) => Promise<Uint8Array | undefined>;
}

/** The parts in use. */
export const parts: BrowserParts = { files: opfs };

/** Sets some of the parts, before anything else is used. */
export function provide(some: Partial<BrowserParts>): void {
  Object.assign(parts, some);
}
