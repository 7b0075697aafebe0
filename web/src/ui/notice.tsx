import type { ComponentChildren } from "preact";

export type NoticeKind = "info" | "warn" | "error";
const signs: Readonly<Record<NoticeKind, string>> = { info: "i", warn: "!", error: "×" };

/** One sentence on what happened and what still works; errors are read out at once. */
export function Notice({
  kind = "info",
  children,
}: {
  readonly kind?: NoticeKind;
  readonly children: ComponentChildren;
}) {
  return (
    <div class={`notice ${kind}`} role={kind === "error" ? "alert" : "status"}>
      <span class="sign" aria-hidden="true">
        {signs[kind]}
      </span>
      <div>{children}</div>
    </div>
  );
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <p class="loading" role="status">
      <span class="spinner" aria-hidden="true" /> Loading {what} …
    </p>
  );
}
