import type { Control, Scale } from "../../../src/lab/study.js";
import type { PaperContent, StartRequest } from "../contract.js";

type StudyTexts = NonNullable<PaperContent["study"]>;

/** What the form holds, as typed. */
export interface FormState {
  readonly scale: Scale;
  /** `3` (so many) or `0, 2, 5` (these); empty for the scale's own. */
  readonly seeds: string;
  /** By option, as typed; what is missing is as the scale has it. */
  readonly options: Readonly<Record<string, string | readonly string[]>>;
  /** `brought:<name>`, or empty for the scale's own data. */
  readonly data: string;
}

/** The request that a form makes, or one sentence for each field that is wrong. */
export type FormResult =
  | { readonly request: StartRequest; readonly changed: boolean }
  | { readonly problems: Readonly<Record<string, string>> };

const mostSeeds = 100;

export function readForm(slug: string, study: StudyTexts, form: FormState): FormResult {
  const problems: Record<string, string> = {};
  const info = study.scales[form.scale];
  if (!info) return { problems: { scale: `This study has no scale "${form.scale}".` } };
  const seeds = readSeeds(form.seeds, (message) => {
    problems.seeds = message;
  });
  const options: Record<string, unknown> = {};
  const own = info.options as Readonly<Record<string, unknown>>;
  for (const [name, control] of Object.entries(study.controls)) {
    const typed = form.options[name];
    if (typed === undefined || typed === "") continue;
    const value = readControl(control, typed);
    if ("problem" in value) problems[name] = value.problem;
    else if (JSON.stringify(value.value) !== JSON.stringify(own[name])) options[name] = value.value;
  }
  if (study.dataOption && form.data !== "") options[study.dataOption] = form.data;
  if (Object.keys(problems).length > 0) return { problems };
  const changed = Object.keys(options).length > 0;
  const request: StartRequest = {
    slug,
    scale: form.scale,
    ...(seeds === undefined ? {} : { seeds }),
    ...(changed ? { options } : {}),
  };
  return { request, changed };
}

function readSeeds(text: string, refuse: (message: string) => void): number | readonly number[] | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const numbers = trimmed.split(/[\s,]+/).map(Number);
  if (numbers.some((n) => !Number.isInteger(n) || n < 0)) {
    refuse("Seeds are whole numbers from 0 on: one says how many, several say which.");
  } else if (numbers.length === 1) {
    if (numbers[0] >= 1 && numbers[0] <= mostSeeds) return numbers[0];
    refuse(`Choose 1 to ${mostSeeds} seeds, got ${numbers[0]}.`);
  } else if (new Set(numbers).size < numbers.length) refuse("A seed is named twice.");
  else if (numbers.length > mostSeeds) refuse(`Choose at most ${mostSeeds} seeds, got ${numbers.length}.`);
  else return numbers;
  return undefined;
}

function readControl(control: Control, typed: string | readonly string[]): { value: unknown } | { problem: string } {
  const { label } = control;
  if (control.kind === "choices") {
    const chosen = typeof typed === "string" ? [typed] : typed;
    if (chosen.length === 0) return { problem: `${label}: choose at least one.` };
    return { value: control.of.filter((one) => chosen.includes(one)) };
  }
  const text = String(typed).trim();
  if (control.kind === "choice") {
    return control.of.includes(text) ? { value: text } : { problem: `${label}: "${text}" is not among the choices.` };
  }
  const value = Number(text);
  const { min, max } = control;
  const whole = control.kind === "integer";
  if (text === "" || !Number.isFinite(value) || (whole && !Number.isInteger(value))) {
    return { problem: `${label}: expected a ${whole ? "whole number" : "number"}, got "${text}".` };
  }
  return value < min || value > max ? { problem: `${label}: expected ${min} to ${max}, got ${text}.` } : { value };
}

/** What a control's field shows before anything is typed: the scale's own value. */
export function ownValue(study: StudyTexts, scale: Scale, name: string): string | readonly string[] {
  const value = (study.scales[scale]?.options as Readonly<Record<string, unknown>> | undefined)?.[name];
  return Array.isArray(value) ? value.map(String) : String(value ?? "");
}
