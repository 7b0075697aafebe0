/** A run that goes step by step: iterate over its steps, or `run()` it to its end. */
export interface Procedure<Step, Result> extends AsyncIterable<Step, Result> {
  /** Runs what is left, calling `onStep` after each step. */
  run(onStep?: (step: Step) => void | Promise<void>): Promise<Result>;
}

/** The procedure that a generator goes through. */
export function procedure<Step, Result>(steps: AsyncGenerator<Step, Result, undefined>): Procedure<Step, Result> {
  return {
    [Symbol.asyncIterator]: () => steps,
    async run(onStep) {
      for (;;) {
        const next = await steps.next();
        if (next.done) return next.value;
        await onStep?.(next.value);
      }
    },
  };
}
