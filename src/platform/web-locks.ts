import type { ProcessIdentity } from "./types.js";

const lockOf = (birth = "") => `hebb-page-${birth}`;

let identity: Promise<ProcessIdentity> | undefined;

/**
 * A page or worker shows that it is there by holding a Web Lock of its own name, which the browser takes from it when it
 * goes. Where there are no such locks, nobody can tell.
 */
export function processIdentity(): Promise<ProcessIdentity> {
  identity ??= identify();
  return identity;
}

async function identify(): Promise<ProcessIdentity> {
  const birth = crypto.randomUUID();
  const started = new Date(performance.timeOrigin).toISOString();
  const { locks } = navigator as Partial<Navigator>;
  if (locks) {
    await new Promise<void>((held, refused) => {
      locks
        .request(lockOf(birth), () => {
          held();
          return new Promise(() => {});
        })
        .catch(refused);
    });
  }
  return { host: globalThis.location?.host ?? "", pid: 0, started, birth };
}

export async function processRuns({ pid, birth }: ProcessIdentity): Promise<boolean | undefined> {
  const { locks } = navigator as Partial<Navigator>;
  if (pid !== 0 || !locks) return undefined;
  const { held = [] } = await locks.query();
  return held.some(({ name }) => name === lockOf(birth));
}

/** Resolves when the page or worker of that identity is gone; never where nobody can tell. */
export function processEnd({ birth }: ProcessIdentity, signal?: AbortSignal): Promise<void> {
  const { locks } = navigator as Partial<Navigator>;
  if (!locks) return new Promise(() => {});
  return locks.request(lockOf(birth), { mode: "shared", signal }, () => {}) as Promise<void>;
}
