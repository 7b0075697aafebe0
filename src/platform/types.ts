/** How far a download has come; `total` is absent when the server does not say. */
export interface DownloadProgress {
  readonly received: number;
  readonly total?: number;
}

export interface DownloadOptions {
  /** The SHA-256 that the bytes must have, in hexadecimal. */
  readonly sha256?: string;
  /** Stop as soon as more than this many bytes arrive. */
  readonly maxBytes?: number;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
  /** Give up when nothing arrives for this long; 30 seconds by default. */
  readonly stallMilliseconds?: number;
}

export interface GunzipOptions {
  /** Fail once the output is longer than this: a guard against decompression bombs. */
  readonly maxBytes?: number;
  /** Return after this many bytes of output, without reading the rest. */
  readonly prefixBytes?: number;
}

/** What a run records about the machine that it ran on. */
export interface EnvironmentInfo {
  /** For example `node 20.20.2`, or the browser's user agent. */
  readonly runtime: string;
  /** Operating system and architecture, for example `linux x64`. */
  readonly platform: string;
  /** The processor's model name, where the platform tells it. */
  readonly processor: string;
  /** Hardware threads that this process may use. */
  readonly threads: number;
}

/** What a file system says of a file. */
export interface FileStat {
  /** When it last changed, in milliseconds since 1970. */
  readonly modified: number;
  /** Bytes. */
  readonly size: number;
}

/** A process, or a page, that may be told apart from every other one, also after it has ended. */
export interface ProcessIdentity {
  readonly host: string;
  /** The process id; 0 for a page in a browser. */
  readonly pid: number;
  /** When it started (ISO 8601), for people. */
  readonly started: string;
  /** What tells it apart from a later process with the same id, where the system gives such a thing. */
  readonly birth?: string;
}

/**
 * What the library needs from its surroundings: files, shipped assets, packages, the network. `node.ts` and
 * `browser.ts` both export exactly these functions, and all of them as `platform`; import them from `#platform`.
 *
 * Paths use `/`. In a browser they lie in the origin's private file system. Failures are `HebbError`s that name the
 * path; an aborted download throws the signal's reason.
 */
export interface Platform {
  readFile(path: string): Promise<Uint8Array>;
  exists(path: string): Promise<boolean>;
  /** Replaces the file in one step: a reader, or a crash, sees the old content or the new, never a part of it. */
  writeFileAtomic(path: string, content: Uint8Array | string): Promise<void>;
  /** Adds to the end of a file, which is made when it is not there. */
  appendFile(path: string, content: Uint8Array | string): Promise<void>;
  /** Brings a file, with all that was appended to it, to disk; nothing happens when it is not there. */
  flush(path: string): Promise<void>;
  /** Makes a directory and its parents. */
  mkdirp(path: string): Promise<void>;
  /** The names in a directory, sorted. */
  listDir(path: string): Promise<string[]>;
  /** Size and time of change of each file; undefined where there is none. */
  fileStats(paths: readonly string[]): Promise<(FileStat | undefined)[]>;
  /** Removes a file or a whole directory; nothing happens when it is not there. */
  remove(path: string): Promise<void>;
  /** Where downloads and trained models are kept: `HEBB_CACHE`, or `~/.cache/hebb`. */
  cacheDir(): string;
  environmentVariable(name: string): string | undefined;
  /** The bytes of a file of the package's `assets` directory. */
  assetBytes(name: string): Promise<Uint8Array>;
  /** The exports of an npm package that the user has installed; `undefined` when it is not installed. */
  importPackage(name: string): Promise<Record<string, unknown> | undefined>;
  /** The directory of an installed npm package; `undefined` when there is none, as always in a browser. */
  packageDir(name: string): Promise<string | undefined>;
  download(url: string, options?: DownloadOptions): Promise<Uint8Array>;
  gunzip(bytes: Uint8Array, options?: GunzipOptions): Promise<Uint8Array>;
  /** SHA-256 in hexadecimal. */
  sha256(bytes: Uint8Array): Promise<string>;
  environmentInfo(): EnvironmentInfo;
  /** This process. */
  processIdentity(): Promise<ProcessIdentity>;
  /** Whether that process is still there; undefined when it cannot be known here, as for one on another host. */
  processRuns(process: ProcessIdentity): Promise<boolean | undefined>;
}

/** The part of a platform that keeps files. */
export type Files = Pick<
  Platform,
  "readFile" | "exists" | "writeFileAtomic" | "appendFile" | "flush" | "mkdirp" | "listDir" | "fileStats" | "remove"
>;
