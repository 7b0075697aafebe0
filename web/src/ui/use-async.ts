import { useCallback, useEffect, useState } from "preact/hooks";

export interface Async<T> {
  readonly value?: T;
  /** A sentence. */
  readonly error?: string;
  readonly loading: boolean;
  readonly reload: () => void;
}

/** What a promise brings; asked for again when `inputs` change. While it loads again, the last value stays. */
export function useAsync<T>(load: () => Promise<T>, inputs: readonly unknown[]): Async<T> {
  const [state, setState] = useState<Omit<Async<T>, "reload">>({ loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let current = true;
    setState((before) => ({ value: before.value, loading: true }));
    load().then(
      (value) => current && setState({ value, loading: false }),
      (error: unknown) =>
        current && setState({ error: error instanceof Error ? error.message : String(error), loading: false }),
    );
    return () => {
      current = false;
    };
  }, [...inputs, turn]);
  return { ...state, reload: useCallback(() => setTurn((t) => t + 1), []) };
}
