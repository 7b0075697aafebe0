/** The threads of a session spin for about so long after a run. */
const spinMilliseconds = 50;

/** How much the latest run counts for the share of runs that follow one of another session. */
const weight = 0.02;

/** Threads rest once the share is above the first, and spin again once it is below the second. */
const limits = { rest: 0.5, spin: 0.01 };

/**
 * Whether sessions take turns. The threads of one that has run wait for its next run by spinning: faster while one session
 * runs in a loop, and up to three times slower where several alternate, because those that wait hold the cores.
 */
export class Turns {
  #last: object | undefined;
  #ended = Number.NEGATIVE_INFINITY;
  #share = 0;
  #rest = false;

  /** `session` is about to run: whether threads should rest after a run. */
  start(session: object, now = performance.now()): boolean {
    const taken = session !== this.#last && now - this.#ended < spinMilliseconds;
    this.#share += weight * (Number(taken) - this.#share);
    this.#last = session;
    if (this.#share > limits.rest) this.#rest = true;
    else if (this.#share < limits.spin) this.#rest = false;
    return this.#rest;
  }

  end(now = performance.now()): void {
    this.#ended = now;
  }
}
