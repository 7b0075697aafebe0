// What the web's own interfaces give to Node and browsers alike.
import { HebbError } from "../engine/errors.js";
import type { DownloadOptions, GunzipOptions } from "./types.js";

/** Decompresses one gzip stream. Throws `HebbError` when it is damaged, incomplete or longer than `maxBytes`. */
export async function gunzip(bytes: Uint8Array, options: GunzipOptions = {}): Promise<Uint8Array> {
  const { maxBytes = Number.POSITIVE_INFINITY, prefixBytes = Number.POSITIVE_INFINITY } = options;
  const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  const reader = source.pipeThrough(new DecompressionStream("gzip")).getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < prefixBytes) {
    const { done, value } = await reader.read().catch((cause) => {
      throw new HebbError("The gzip data is damaged or incomplete.", { cause });
    });
    if (done) return join(chunks, length);
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw new HebbError(`The gzip data expands to more than the ${maxBytes} bytes expected.`);
    }
    chunks.push(value);
  }
  await reader.cancel();
  return join(chunks, length).subarray(0, prefixBytes);
}

/** SHA-256 in hexadecimal. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Fetches a URL whole, with progress, and checks its SHA-256. Throws `HebbError`, or the signal's reason. */
export async function download(url: string, options: DownloadOptions = {}): Promise<Uint8Array> {
  const { signal, onProgress, maxBytes = Number.POSITIVE_INFINITY, stallMilliseconds = 30_000 } = options;
  signal?.throwIfAborted();
  const stalled = new AbortController();
  const stall = () => stalled.abort(new HebbError(`nothing arrived for ${stallMilliseconds / 1000} s`));
  let timer = setTimeout(stall, stallMilliseconds);
  try {
    const response = await fetch(url, { signal: signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal });
    if (!response.ok || !response.body) throw new HebbError(`the server answered ${response.status}`);
    // A transport encoding makes Content-Length count other bytes than the ones that arrive here.
    const announced = response.headers.has("content-encoding") ? null : response.headers.get("content-length");
    const total = announced === null ? undefined : Number(announced);
    const reader = response.body.getReader();
    const chunks: Uint8Array[] = [];
    let received = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      clearTimeout(timer);
      timer = setTimeout(stall, stallMilliseconds);
      received += value.length;
      if (received > maxBytes) {
        await reader.cancel();
        throw new HebbError(`it is longer than the ${maxBytes} bytes expected`);
      }
      chunks.push(value);
      onProgress?.({ received, total });
    }
    const bytes = join(chunks, received);
    if (options.sha256) {
      const found = await sha256(bytes);
      if (found !== options.sha256) throw new HebbError(`its SHA-256 is ${found}, expected ${options.sha256}`);
    }
    return bytes;
  } catch (cause) {
    signal?.throwIfAborted();
    throw new HebbError(`Could not download ${url}: ${reason(cause)}.`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** `fetch` hides the cause of a network failure ("fetch failed") one level down. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error ? error.cause : undefined;
  return (inner ?? error).message || error.message;
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
