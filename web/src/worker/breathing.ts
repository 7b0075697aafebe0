import type { Backend } from "../../../src/engine/runtime/backend.js";

/** At least so often a worker that computes looks at its messages. */
const everyMilliseconds = 30;

/**
 * Lets timers and messages through while a study computes: WASM runs answer at once, so that without this a loop of them
 * would keep a worker from hearing that it should stop. The backend stays the same object.
 */
export function breathing(backend: Backend): Backend {
  const { port1, port2 } = new MessageChannel();
  let waiting: (() => void) | undefined;
  port1.onmessage = () => waiting?.();
  const turn = () =>
    new Promise<void>((resolve) => {
      waiting = resolve;
      port2.postMessage(0);
    });
  let last = performance.now();
  let breath: Promise<void> | undefined;
  const breathe = () => {
    if (performance.now() - last < everyMilliseconds) return undefined;
    breath ??= turn().then(() => {
      last = performance.now();
      breath = undefined;
    });
    return breath;
  };
  const compile: Backend["compile"] = backend.compile.bind(backend);
  return Object.assign(backend, {
    compile: async (...args: Parameters<typeof compile>) => {
      await breathe();
      const made = await compile(...args);
      const run: typeof made.run = async (...values) => {
        await breathe();
        return made.run(...values);
      };
      return { run, dispose: () => made.dispose() };
    },
  });
}
