import type { ComponentChildren } from "preact";
import type { Verdict } from "../../../src/lab/study.js";

type Tone = "good" | "bad" | "wait" | "plain" | "running";

export function Badge({
  tone = "plain",
  title,
  children,
}: {
  readonly tone?: Tone;
  readonly title?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <span class={`badge ${tone}`} title={title}>
      {children}
    </span>
  );
}

const tones: Readonly<Record<Verdict, Tone>> = {
  replicated: "good",
  partly: "wait",
  "not at this scale": "wait",
  contradicted: "bad",
  invalid: "bad",
};

/** The verdict of a study; without one, that it has none yet, or that the paper is only planned. */
export function VerdictBadge({
  verdict,
  status = "study",
}: {
  readonly verdict?: Verdict;
  readonly status?: "study" | "planned";
}) {
  if (verdict) return <Badge tone={tones[verdict]}>{verdict}</Badge>;
  return status === "study" ? <Badge tone="running">study, no verdict yet</Badge> : <Badge>planned</Badge>;
}
