import type { ComponentChildren } from "preact";

interface Props {
  readonly label: string;
  readonly class?: string;
  readonly children?: ComponentChildren;
  /** Trusted markup in place of children: what was generated when the pages were built. */
  readonly html?: string;
  readonly inner?: { current: HTMLElement | null };
}

/** Scrolls what is wide instead of the page, by keyboard too. */
export function Scroller({ label, class: own = "", children, html, inner }: Props) {
  const common = { class: `scroller ${own}`.trim(), "aria-label": label, tabIndex: 0, ref: inner };
  return html === undefined ? (
    <section {...common}>{children}</section>
  ) : (
    <section {...common} dangerouslySetInnerHTML={{ __html: html }} />
  );
}
