import { provide } from "../../../src/platform/browser-parts.js";
import { memoryFiles } from "../../../src/platform/memory-files.js";
import type { ProcessIdentity } from "../../../src/platform/types.js";
import { processIdentity } from "../../../src/platform/web-locks.js";
import { type Port, serve } from "./calls.js";
import { inWorker } from "./runner.js";
import { type TabService, tabService } from "./service.js";
import { sentences } from "./words.js";

// A worker that keeps the runs, jobs and data sets of this browser, so that the page itself reads and writes no files, and
// starts a worker of its own for each run.

/** What the keeper says once it answers calls. */
export interface KeeperReady {
  readonly keeper: ProcessIdentity;
}

const device = () => {
  const threads = threadsHere();
  const about = `WebAssembly, ${threads === 1 ? "1 thread" : `${threads} threads`}`;
  const warnings = [
    ...(inMemory ? [sentences.noFiles] : []),
    ...(globalThis.crossOriginIsolated ? [] : [sentences.oneThread]),
    ...("locks" in navigator ? [] : [sentences.noLocks]),
  ];
  return warnings.length > 0 ? { about, warning: warnings.join(" ") } : { about };
};

/** All cores but the one that the page needs to stay responsive; more than four gain little. */
function threadsHere(): number {
  if (!globalThis.crossOriginIsolated) return 1;
  return Math.min(4, Math.max(1, navigator.hardwareConcurrency - 1));
}

let inMemory = false;

/** Whether this browser really keeps files for this page: some have the functions and refuse. */
async function keepsFiles(): Promise<boolean> {
  try {
    const root = await navigator.storage.getDirectory();
    await root.getDirectoryHandle("runs", { create: true });
    return true;
  } catch {
    return false;
  }
}

export type Keeper = TabService & { readonly device: typeof device };

async function open(): Promise<void> {
  inMemory = !(await keepsFiles());
  const files = inMemory ? memoryFiles() : undefined;
  if (files) provide({ files });
  const service = tabService(inWorker({ out: "runs", threads: threadsHere(), files }));
  serve(self as unknown as Port, { ...service, device });
  postMessage({ keeper: await processIdentity() } satisfies KeeperReady);
}

// Thrown outside of the promise, so that the page hears of it.
open().catch((error) =>
  setTimeout(() => {
    throw error;
  }),
);
