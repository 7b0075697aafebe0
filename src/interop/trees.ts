import type { Tree } from "../engine/tree.js";

/** Deeper paths than this are not believed to come from a tree. */
const deepest = 64;

/** A tree of so many leaves has no more branches: paths that share nothing would take far more memory than their text. */
const mostBranches = (leaves: number): number => 2 * leaves + deepest;

type Key = string | number;
type Branch<L> = { readonly children: Map<Key, Branch<L>> } | { readonly leaf: L };

/**
 * The tree whose leaves have these paths, as `flattenTree` writes them: `layers[0].w` and `conv1.weight` become nested
 * arrays and objects. When the names are not the paths of one tree, each is a key of one flat object.
 */
export function treeFromPaths<L>(entries: Iterable<readonly [path: string, leaf: L]>): Tree<L> {
  const list = [...entries];
  return nest(list) ?? Object.fromEntries(list);
}

function nest<L>(entries: readonly (readonly [string, L])[]): Tree<L> | undefined {
  const root: { children: Map<Key, Branch<L>> } = { children: new Map() };
  let branches = 0;
  for (const [path, leaf] of entries) {
    const keys = parsePath(path);
    if (!keys) return undefined;
    let at = root;
    for (const key of keys.slice(0, -1)) {
      let next = at.children.get(key);
      if (!next) {
        if (++branches > mostBranches(entries.length)) return undefined;
        next = { children: new Map() };
        at.children.set(key, next);
      }
      if ("leaf" in next) return undefined;
      at = next;
    }
    const last = keys[keys.length - 1];
    if (at.children.has(last)) return undefined;
    at.children.set(last, { leaf });
  }
  return build(root);
}

/** The keys of a path: strings for objects, numbers for arrays. Undefined when it is not one. */
function parsePath(path: string): Key[] | undefined {
  const keys: Key[] = [];
  const step = /(?:^|(?!^)\.)([^.[\]]+)|\[(0|[1-9]\d{0,8})\]/y;
  while (step.lastIndex < path.length) {
    const found = step.exec(path);
    if (!found || keys.length === deepest) return undefined;
    keys.push(found[1] ?? Number(found[2]));
  }
  return keys.length > 0 ? keys : undefined;
}

function build<L>(branch: Branch<L>): Tree<L> | undefined {
  if ("leaf" in branch) return branch.leaf as Tree<L>;
  const keys = [...branch.children.keys()];
  const places = keys.filter((key) => typeof key === "number");
  // An array has all places from 0 on.
  if (places.length > 0 && (places.length < keys.length || places.some((i) => i >= keys.length))) return undefined;
  const items: [Key, Tree<L>][] = [];
  for (const [key, child] of branch.children) {
    const item = build(child);
    if (item === undefined) return undefined;
    items.push([key, item]);
  }
  if (places.length === 0) return Object.fromEntries(items);
  return items.sort(([a], [b]) => (a as number) - (b as number)).map(([, item]) => item);
}
