import { hooks } from "../core.js";
import { userSite } from "../errors.js";
import type { Tensor } from "../tensor.js";

const sites = new WeakMap<Tensor, string>();

/**
 * Calls `f` and remembers, for each operation applied in it, the user's line that asked for it. Reading the stack makes
 * every operation slow, so this is for debugging.
 */
export function withSites<T>(f: () => T): T {
  const before = { ...hooks };
  hooks.applied = (t) => {
    const site = userSite();
    if (site) sites.set(t, site);
    before.applied?.(t);
  };
  hooks.rebuilt = (from, to) => {
    const site = sites.get(from);
    if (site) sites.set(to, site);
    before.rebuilt?.(from, to);
  };
  try {
    return f();
  } finally {
    hooks.applied = before.applied;
    hooks.rebuilt = before.rebuilt;
  }
}

/** `file:line:column` of the user's code that a tensor comes from, if it was made within `withSites`. */
export const siteOf = (t: Tensor): string | undefined => sites.get(t);
