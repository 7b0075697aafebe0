import { HebbError } from "../engine/errors.js";
import type { EnvironmentInfo, FileStat, Platform, ProcessIdentity } from "./types.js";
import { download, gunzip, sha256 } from "./web.js";

export type {
  DownloadOptions,
  DownloadProgress,
  EnvironmentInfo,
  FileStat,
  GunzipOptions,
  Platform,
  ProcessIdentity,
} from "./types.js";
export { download, gunzip, sha256 };

// Files live in the origin private file system: persistent, private to the page's origin, available in workers.

async function root(): Promise<FileSystemDirectoryHandle> {
  const storage = globalThis.navigator?.storage;
  if (!storage?.getDirectory) {
    throw new HebbError("This page has no private file system: open it over https or from localhost.");
  }
  return storage.getDirectory();
}

const parts = (path: string): string[] => path.split("/").filter((part) => part !== "" && part !== ".");

async function directory(names: readonly string[], create = false): Promise<FileSystemDirectoryHandle> {
  let handle = await root();
  for (const name of names) handle = await handle.getDirectoryHandle(name, { create });
  return handle;
}

async function fileHandle(path: string, create = false): Promise<FileSystemFileHandle> {
  const names = parts(path);
  const last = names.pop();
  if (last === undefined) throw new HebbError(`"${path}" does not name a file.`);
  return (await directory(names)).getFileHandle(last, { create });
}

export async function readFile(path: string): Promise<Uint8Array> {
  const handle = await fileHandle(path).catch(explain("read", path));
  return new Uint8Array(await (await handle.getFile()).arrayBuffer());
}

export async function exists(path: string): Promise<boolean> {
  return fileHandle(path)
    .catch(() => directory(parts(path)))
    .then(
      () => true,
      () => false,
    );
}

export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  await write(path, content, false);
}

export async function appendFile(path: string, content: Uint8Array | string): Promise<void> {
  await write(path, content, true);
}

/** A writable stream has brought all to disk when it closes. */
export async function flush(_path: string): Promise<void> {}

/** A writable stream works on a copy that replaces the file when it closes, so every write is atomic. */
async function write(path: string, content: Uint8Array | string, append: boolean): Promise<void> {
  try {
    const handle = await fileHandle(path, true);
    const stream = await handle.createWritable({ keepExistingData: append });
    if (append) await stream.seek((await handle.getFile()).size);
    await stream.write(content as Uint8Array<ArrayBuffer> | string);
    await stream.close();
  } catch (error) {
    explain("write", path)(error);
  }
}

export async function mkdirp(path: string): Promise<void> {
  await directory(parts(path), true).catch(explain("make the directory", path));
}

export async function listDir(path: string): Promise<string[]> {
  const handle = await directory(parts(path)).catch(explain("list", path));
  const names: string[] = [];
  for await (const name of (handle as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name);
  return names.sort();
}

export async function fileStats(paths: readonly string[]): Promise<(FileStat | undefined)[]> {
  const stamp = async (path: string) => {
    const { lastModified, size } = await (await fileHandle(path)).getFile();
    return { modified: lastModified, size };
  };
  return Promise.all(paths.map((path) => stamp(path).catch(() => undefined)));
}

export async function remove(path: string): Promise<void> {
  const names = parts(path);
  const last = names.pop();
  if (last === undefined) throw new HebbError(`"${path}" does not name a file or a directory.`);
  try {
    await (await directory(names)).removeEntry(last, { recursive: true });
  } catch (error) {
    if ((error as DOMException).name !== "NotFoundError") explain("remove", path)(error);
  }
}

export function cacheDir(): string {
  return "cache";
}

export function environmentVariable(_name: string): string | undefined {
  return undefined;
}

export async function assetBytes(name: string): Promise<Uint8Array> {
  // This module is served as src/platform/browser.ts and, compiled, as dist/src/platform/browser.js.
  for (const up of ["../../assets/", "../../../assets/"]) {
    const response = await fetch(new URL(up + name, import.meta.url));
    // Servers of single-page applications answer every unknown address with their HTML page.
    const page = response.headers.get("content-type")?.startsWith("text/html");
    if (response.ok && !page) return new Uint8Array(await response.arrayBuffer());
  }
  throw new HebbError(`The file ${name} is not served: put the package's assets directory beside its dist directory.`);
}

/** Resolved by the page's import map. */
export async function importPackage(name: string): Promise<Record<string, unknown> | undefined> {
  return import(/* @vite-ignore */ name).catch(() => undefined);
}

export async function packageDir(_name: string): Promise<string | undefined> {
  return undefined;
}

export function environmentInfo(): EnvironmentInfo {
  const { userAgent, hardwareConcurrency } = globalThis.navigator;
  return { runtime: userAgent, platform: "browser", processor: "unknown", threads: hardwareConcurrency };
}

const lockOf = (birth = "") => `hebb-page-${birth}`;

let identity: ProcessIdentity | undefined;

/** A page shows that it is open by holding a Web Lock of its own name, which the browser takes from it when it goes. */
export async function processIdentity(): Promise<ProcessIdentity> {
  if (!identity) {
    const birth = crypto.randomUUID();
    const started = new Date(performance.timeOrigin).toISOString();
    identity = { host: globalThis.location?.host ?? "", pid: 0, started, birth };
    await new Promise<void>((held) => {
      void navigator.locks.request(lockOf(birth), () => {
        held();
        return new Promise(() => {});
      });
    });
  }
  return identity;
}

export async function processRuns({ pid, birth }: ProcessIdentity): Promise<boolean | undefined> {
  if (pid !== 0) return undefined;
  const { held = [] } = await navigator.locks.query();
  return held.some(({ name }) => name === lockOf(birth));
}

/** The same functions as one object, which also makes the compiler check that none is missing. */
export const platform: Platform = {
  readFile,
  exists,
  writeFileAtomic,
  appendFile,
  flush,
  mkdirp,
  listDir,
  fileStats,
  remove,
  cacheDir,
  environmentVariable,
  assetBytes,
  importPackage,
  packageDir,
  download,
  gunzip,
  sha256,
  environmentInfo,
  processIdentity,
  processRuns,
};

const reasons: Record<string, string> = {
  NotFoundError: "no such file or directory",
  TypeMismatchError: "it is a directory where a file is needed, or the reverse",
  QuotaExceededError: "the browser's storage is full",
  NoModificationAllowedError: "another tab is writing to it",
};

function explain(action: string, path: string) {
  return (error: unknown): never => {
    if (error instanceof HebbError) throw error;
    const { name, message } = error as DOMException;
    throw new HebbError(`Cannot ${action} ${path}: ${reasons[name] ?? message}.`, { cause: error });
  };
}
