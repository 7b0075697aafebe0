/** At most so many items go in one message: reading it must not take the page a frame. */
const most = 2000;

/**
 * Collects items and sends them together, at most so often; many of them in several messages with a pause between. `end`
 * resolves when all have gone out.
 */
export function inBatches<T>(send: (items: readonly T[]) => void, milliseconds: number) {
  let waiting: T[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let emptied: (() => void) | undefined;
  const flush = () => {
    timer = undefined;
    if (waiting.length > 0) send(waiting.splice(0, most));
    if (waiting.length > 0) timer = setTimeout(flush, 0);
    else emptied?.();
  };
  return {
    add(items: readonly T[]): void {
      waiting = waiting.length === 0 ? [...items] : waiting.concat(items);
      timer ??= setTimeout(flush, milliseconds);
    },
    end(): Promise<void> {
      return new Promise((resolve) => {
        emptied = resolve;
        clearTimeout(timer);
        flush();
      });
    },
  };
}
