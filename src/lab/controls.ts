import { isBroughtReference } from "../data/brought-names.js";
import { HebbError, nearest } from "../engine/errors.js";
import { quote } from "../engine/quote.js";
import type { StartRequest } from "./job.js";
import type { Control, Study } from "./study.js";

/**
 * Throws, in one sentence, for a request that a study's controls do not allow: an unknown scale, an option that is not among
 * the controls, or a value outside of one. What comes from a page is never more than what its form offers.
 */
export function checkRequest(study: Study, { slug, scale, options = {} }: StartRequest): void {
  if (!Object.hasOwn(study.scales, scale)) {
    throw new HebbError(`"${slug}" has no scale ${quote(scale)}; it has ${Object.keys(study.scales).join(", ")}.`);
  }
  const controls: Readonly<Record<string, Control | undefined>> = study.controls ?? {};
  for (const [name, value] of Object.entries(options)) {
    if (name === study.dataOption && isBroughtReference(value)) continue;
    const control = Object.hasOwn(controls, name) ? controls[name] : undefined;
    if (!control) {
      const near = nearest(name, Object.keys(controls));
      throw new HebbError(
        `The option ${quote(name)} of "${slug}" cannot be changed here${near ? `; ${near} can` : ""}.`,
      );
    }
    checkValue(slug, name, control, value);
  }
}

function checkValue(slug: string, name: string, control: Control, value: unknown): void {
  const refuse = (expected: string): never => {
    throw new HebbError(
      `The option ${quote(name)} of "${slug}" is ${expected}, got ${quote(JSON.stringify(value) ?? "nothing")}.`,
    );
  };
  switch (control.kind) {
    case "choice":
      if (typeof value !== "string" || !control.of.includes(value)) refuse(`one of ${control.of.join(", ")}`);
      break;
    case "choices": {
      const fits = Array.isArray(value) && value.length > 0 && value.every((one) => control.of.includes(one as string));
      if (!fits || new Set(value as unknown[]).size < (value as unknown[]).length) {
        refuse(`a list of some of ${control.of.join(", ")}`);
      }
      break;
    }
    default: {
      const { min, max, kind } = control;
      const number = typeof value === "number" && Number.isFinite(value) ? value : Number.NaN;
      const whole = kind === "number" || Number.isInteger(number);
      if (!whole || !(number >= min && number <= max))
        refuse(`a ${kind === "integer" ? "whole number" : "number"} from ${min} to ${max}`);
    }
  }
}
