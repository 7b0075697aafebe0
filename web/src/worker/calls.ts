// Calls of functions on the other side of a port: with values that come before the end, and an end that can be asked for.

/** What a function that is called from the other side has at hand. */
export interface CallTools<Part = unknown> {
  /** Sends a value before the call's own. */
  readonly send: (part: Part) => void;
  /** Aborts when the caller no longer wants an answer. */
  readonly signal: AbortSignal;
}

type Functions = Readonly<Record<string, (tools: CallTools<any>, ...args: any[]) => unknown>>;
type Arguments<F> = F extends (tools: CallTools<any>, ...args: infer A) => unknown ? A : never;
type Part<F> = F extends (tools: CallTools<infer P>, ...args: any[]) => unknown ? P : never;
type Value<F> = F extends (...args: any[]) => infer R ? Awaited<R> : never;

type ToCallee =
  | { readonly call: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly call: number; readonly stop: true };
type ToCaller =
  | { readonly call: number; readonly part: unknown }
  | { readonly call: number; readonly value: unknown }
  | { readonly call: number; readonly error: string; readonly kind: string };

/** What a port, a worker and the inside of a worker have in common. */
export interface Port {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  /** Only of a `MessagePort`, which waits for it. */
  start?(): void;
}

/** An error that came from the other side. */
export class RemoteError extends Error {
  override name = "RemoteError";
}

/** Answers the calls that come through a port. */
export function serve(port: Port, functions: Functions): void {
  const running = new Map<number, AbortController>();
  port.addEventListener("message", ({ data }: MessageEvent<ToCallee>) => {
    if (typeof data?.call !== "number") return;
    const { call } = data;
    if ("stop" in data) {
      running.get(call)?.abort();
      return;
    }
    const answer = (message: ToCaller) => port.postMessage(message);
    const abort = new AbortController();
    running.set(call, abort);
    const tools: CallTools = { send: (part) => answer({ call, part }), signal: abort.signal };
    const work = async () => functions[data.name](tools, ...data.args);
    void work()
      .then((value) => answer({ call, value }))
      .catch((error) => answer({ call, error: String(error?.message ?? error), kind: String(error?.name ?? "Error") }))
      .finally(() => running.delete(call));
  });
  port.start?.();
}

interface Waiting {
  readonly onPart?: (part: any) => void;
  readonly resolve: (value: any) => void;
  readonly reject: (error: Error) => void;
}

/** Calls the functions that somebody serves behind a port. */
export class Caller<F extends Functions> {
  readonly #port: Port;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #lost?: Error;

  constructor(port: Port) {
    this.#port = port;
    port.addEventListener("message", ({ data }: MessageEvent<ToCaller>) => {
      const waiting = this.#waiting.get(data?.call);
      if (!waiting) return;
      if ("part" in data) {
        waiting.onPart?.(data.part);
        return;
      }
      this.#waiting.delete(data.call);
      if ("error" in data) waiting.reject(new RemoteError(data.error));
      else waiting.resolve(data.value);
    });
    port.start?.();
  }

  /** Throws what the function throws. An abort only tells the other side, which then ends the call. */
  async call<Name extends keyof F & string>(
    name: Name,
    args: Arguments<F[Name]>,
    { onPart, signal }: { readonly onPart?: (part: Part<F[Name]>) => void; readonly signal?: AbortSignal } = {},
  ): Promise<Value<F[Name]>> {
    if (this.#lost) throw this.#lost;
    const call = this.#next++;
    const stop = () => this.#port.postMessage({ call, stop: true } satisfies ToCallee);
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.set(call, { onPart, resolve, reject });
        this.#port.postMessage({ call, name, args } satisfies ToCallee);
        if (signal?.aborted) stop();
        else signal?.addEventListener("abort", stop);
      });
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Nobody will answer any more: calls under way and to come fail with this error. */
  lose(error: Error): void {
    this.#lost ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
