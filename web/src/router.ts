import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

/** What every page gets: the names in its address and what follows the question mark. */
export interface PageProps {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

export interface Location {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** `#/paper/x?y=1` as path and query; anything else is the front page. */
export function parseHash(hash: string): Location {
  const text = hash.replace(/^#/, "");
  const at = text.indexOf("?");
  const path = at < 0 ? text : text.slice(0, at);
  return { path: path.startsWith("/") ? path : "/", query: new URLSearchParams(at < 0 ? "" : text.slice(at + 1)) };
}

/** The names in `path` by `pattern` (`/paper/:slug`), or undefined where it does not fit. */
export function matchPath(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split("/");
  const given = path.replace(/(?<=.)\/$/, "").split("/");
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    if (part.startsWith(":")) {
      const value = decode(given[i]);
      if (value === undefined || value === "") return undefined;
      params[part.slice(1)] = value;
    } else if (part !== given[i]) return undefined;
  }
  return params;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

type Query = URLSearchParams | Readonly<Record<string, string | undefined>>;

/** The address of a page of the lab. Entries without a value are left out. */
export function href(path: string, query: Query = {}): string {
  const search =
    query instanceof URLSearchParams
      ? query
      : new URLSearchParams(Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1])));
  const text = search.toString();
  return `#${path}${text === "" ? "" : `?${text}`}`;
}

/** Goes to a page. With `replace`, the back button skips the present one; the page stays where it is scrolled to. */
export function navigate(to: string, { replace = false }: { replace?: boolean } = {}): void {
  const hash = to.startsWith("#") ? to : `#${to}`;
  if (!replace) {
    globalThis.location.hash = hash;
    return;
  }
  globalThis.history.replaceState(globalThis.history.state, "", hash);
  globalThis.dispatchEvent(new HashChangeEvent("hashchange"));
}

/** Where the reader is; the component is drawn again when that changes. */
export function useRoute(): Location {
  const [hash, setHash] = useState(globalThis.location.hash);
  useEffect(() => {
    const follow = () => setHash(globalThis.location.hash);
    globalThis.addEventListener("hashchange", follow);
    return () => globalThis.removeEventListener("hashchange", follow);
  }, []);
  return parseHash(hash);
}

export type PageModule = { readonly default: ComponentType<PageProps> };

export interface Route {
  readonly pattern: string;
  /** What the window is called there, until the page gives it a better name. */
  readonly title?: string;
  readonly load: () => Promise<PageModule>;
}

/** The first route that fits, with the names in the address. */
export function findRoute(
  routes: readonly Route[],
  path: string,
): { readonly route: Route; readonly params: Readonly<Record<string, string>> } | undefined {
  for (const route of routes) {
    const params = matchPath(route.pattern, path);
    if (params) return { route, params };
  }
  return undefined;
}
