type Plot = typeof import("@observablehq/plot");

/** A line of what a figure shows, to be read as a table. */
export interface Shown {
  readonly arm: string;
  readonly panel?: string;
  readonly x?: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** How a page wants figures drawn, and what they tell it while they are. */
export interface View {
  /** Show every seed beside the mean, instead of the interval. */
  readonly seeds?: boolean;
  /** Names of arms to leave out. */
  readonly hidden?: ReadonlySet<string>;
  /** Answer the pointer with values. */
  readonly tips?: boolean;
  /** Called with the names of the arms and their colours. */
  readonly onArms?: (colours: ReadonlyMap<string, string>) => void;
  /** Called with what is drawn: axis labels and values. */
  readonly onData?: (labels: { readonly x?: string; readonly y: string }, data: readonly Shown[]) => void;
}

const views = new WeakMap<object, View>();

/** The same Plot, for a page that wants a view: figures get it in place of the module. */
export function viewed(Plot: Plot, view: View): Plot {
  const own = { ...Plot };
  views.set(own, view);
  return own;
}

/** What a page wants; nothing special in files. */
export const viewOf = (Plot: Plot): View => views.get(Plot) ?? {};
