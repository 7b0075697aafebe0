import { HebbError } from "../../../src/engine/errors.js";

const memory =
  /out of memory|bad_alloc|allocation fail|failed to allocate|could not allocate|cannot enlarge memory|invalid (?:typed )?array (?:buffer )?length|memory\.grow|BFCArena|memory access out of bounds/i;
/** As ONNX Runtime says that its WebAssembly file did not come. */
const noRuntime = /no available backend found/i;
/** As browsers say it of scripts; requests of the library's own, as for data sets, fail with sentences of their own. */
const loading = /dynamically imported module|importing a module script failed|wasm streaming compile|load failed/i;

export const sentences = {
  memory:
    "The run needs more memory than this browser gives to a page. What was recorded is kept: close other tabs and resume it, or run it on a server or at a smaller scale.",
  loading:
    "A part of the program could not be loaded: check the connection to where this page came from, then start or resume the run again.",
  workerLost:
    "The browser ended the worker in which the run was, most likely for want of memory. What was recorded is kept, and the run can be resumed.",
  notStopping: "The run did not stop by itself and was ended. What was recorded is kept, and it can be resumed.",
  keeperLost:
    "The part of this page that keeps runs in this browser has ended. What was recorded is kept; reload the page to go on.",
  keeperLoading:
    "The part of this page that keeps runs in this browser could not be loaded: check the connection to where the page came from, and reload it.",
  insecure:
    "A browser runs studies only in pages that come over https or from this computer (localhost); this one did not.",
  noFiles:
    "This browser keeps no files for this page, as in a private window: runs in this tab are lost when it is closed.",
  oneThread:
    "This page came without the headers that allow WebAssembly threads, so runs here use one thread; everything else works.",
  noLocks: "This browser cannot tell whether a run is still open in another tab: keep the lab open in one tab only.",
} as const;

/** An error of a run in a sentence that says what still works; one that says so itself is left as it is. */
export function inWords(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  if (memory.test(message)) return new HebbError(sentences.memory, { cause: error });
  const unloaded = noRuntime.test(message) || (!(error instanceof HebbError) && loading.test(message));
  if (unloaded) return new HebbError(sentences.loading, { cause: error });
  return error instanceof Error ? error : new HebbError(message);
}
