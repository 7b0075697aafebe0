import { styleText } from "node:util";

/** What the command line needs of a stream. */
export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The world as a command sees it; tests put their own in its place. */
export interface Io {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that relative paths and `ledger/` start from. */
  readonly cwd: string;
  /** Calls `handler` on each Ctrl-C until the function it returns is called. */
  onInterrupt(handler: () => void): () => void;
  /** Ends the process at once. */
  exit(status: number): void;
}

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** `text` with a style where `stream` is a terminal that shows styles; `NO_COLOR` turns them off. */
export function styled(io: Io, stream: Stream, style: Style, text: string): string {
  const plain = !stream.isTTY || Boolean(io.env.NO_COLOR) || io.env.TERM === "dumb";
  // Whether styles are wanted is known here: Node would ask its own stdout.
  return plain ? text : styleText(style, text, { validateStream: false });
}
