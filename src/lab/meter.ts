import type { Cost } from "./record.js";

/**
 * Counts what a run costs: examples passed forward and backward, multiply–accumulates (a backward pass counts as two
 * forward passes) and seconds since it was made.
 */
export class CostMeter {
  #forward = 0;
  #backward = 0;
  #macs = 0;
  /** Seconds brought in by `add`. */
  #seconds = 0;
  readonly #started = performance.now();

  /** `examples` passed forward through a model of `macsPerExample`. */
  forward(examples: number, macsPerExample = 0): void {
    this.#forward += examples;
    this.#macs += examples * macsPerExample;
  }

  /** `examples` passed backward through a model whose forward pass takes `macsPerExample`. */
  backward(examples: number, macsPerExample = 0): void {
    this.#backward += examples;
    this.#macs += 2 * examples * macsPerExample;
  }

  /** A training step on `examples`: forward and backward. */
  step(examples: number, macsPerExample = 0): void {
    this.forward(examples, macsPerExample);
    this.backward(examples, macsPerExample);
  }

  /** Adds a cost that was met elsewhere: by an earlier part of a resumed run, or to train a model that is reused. */
  add(cost: Cost): void {
    this.#forward += cost.forwardExamples;
    this.#backward += cost.backwardExamples;
    this.#macs += cost.macs;
    this.#seconds += cost.seconds;
  }

  /** The cost so far. */
  snapshot(): Cost {
    return {
      forwardExamples: this.#forward,
      backwardExamples: this.#backward,
      macs: this.#macs,
      seconds: this.#seconds + (performance.now() - this.#started) / 1000,
    };
  }

  /** The cost since an earlier snapshot. */
  since(before: Cost): Cost {
    const now = this.snapshot();
    return {
      forwardExamples: now.forwardExamples - before.forwardExamples,
      backwardExamples: now.backwardExamples - before.backwardExamples,
      macs: now.macs - before.macs,
      seconds: now.seconds - before.seconds,
    };
  }
}
