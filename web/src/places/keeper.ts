import { processEnd } from "../../../src/platform/web-locks.js";
import { Caller } from "../worker/calls.js";
import type { Keeper, KeeperReady } from "../worker/keeper.js";
import { sentences } from "../worker/words.js";

let current: Promise<Caller<Keeper>> | undefined;

/** The worker that keeps this browser's runs, started when it is first needed, and again where it has ended. */
export function keeper(): Promise<Caller<Keeper>> {
  current ??= connect().catch((error) => {
    current = undefined;
    throw error;
  });
  return current;
}

/** Why this page can run nothing, in a sentence; undefined where it can. */
export function obstacle(): string | undefined {
  return globalThis.isSecureContext && typeof Worker !== "undefined" ? undefined : sentences.insecure;
}

function connect(): Promise<Caller<Keeper>> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("../worker/keeper.ts", import.meta.url), { type: "module", name: "hebb-keeper" });
    const caller = new Caller<Keeper>(worker);
    const lose = (sentence: string) => {
      const error = new Error(sentence);
      current = undefined;
      caller.lose(error);
      reject(error);
      worker.terminate();
    };
    let ready = false;
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      lose(ready ? sentences.keeperLost : sentences.keeperLoading);
    });
    worker.addEventListener("message", ({ data }: MessageEvent<Partial<KeeperReady>>) => {
      if (!data?.keeper) return;
      ready = true;
      void processEnd(data.keeper).then(() => lose(sentences.keeperLost));
      resolve(caller);
    });
  });
}
