import { HebbError } from "../engine/errors.js";

/** Where a number stopped being finite. */
export interface NonFinitePlace {
  readonly what: string;
  readonly value: number;
  readonly arm: string;
  readonly seed: number;
  readonly step?: number;
  readonly setting?: Readonly<Record<string, number | string>>;
}

/** A loss or a measure became NaN or infinite. The run stops; everything that was recorded before is kept. */
export class NonFiniteError extends HebbError {
  override name = "NonFiniteError";

  constructor(readonly place: NonFinitePlace) {
    const { what, value, arm, seed, step, setting = {} } = place;
    const at = step === undefined ? "" : ` at step ${step}`;
    const under = Object.entries(setting).map(([key, item]) => `, ${key} ${item}`);
    super(`${what} became ${value}${at} of arm "${arm}", seed ${seed}${under.join("")}.`);
  }

  /** Throws for the first value that is not finite. */
  static check(values: Readonly<Record<string, number>>, place: Omit<NonFinitePlace, "what" | "value">): void {
    for (const [what, value] of Object.entries(values)) {
      if (!Number.isFinite(value)) throw new NonFiniteError({ ...place, what, value });
    }
  }
}
