import { HebbError } from "../engine/errors.js";
import { opfs } from "./opfs.js";
import type { EnvironmentInfo, Files, Platform, ProcessIdentity } from "./types.js";
import { download, gunzip, sha256 } from "./web.js";

export type {
  DownloadOptions,
  DownloadProgress,
  EnvironmentInfo,
  FileStat,
  Files,
  GunzipOptions,
  Platform,
  ProcessIdentity,
} from "./types.js";
export { download, gunzip, sha256 };

let files: Files = opfs;
let assets: ((name: string) => Promise<Uint8Array | undefined>) | undefined;

/**
 * What a page or worker has in place of the usual: `files` for the origin private file system, `assets` for the requests
 * to the package's own folder (which bundlers move). Set before anything else is used.
 */
export function provide(parts: { readonly files?: Files; readonly assets?: typeof assets }): void {
  files = parts.files ?? files;
  assets = parts.assets ?? assets;
}

export const readFile: Files["readFile"] = (path) => files.readFile(path);
export const exists: Files["exists"] = (path) => files.exists(path);
export const writeFileAtomic: Files["writeFileAtomic"] = (path, content) => files.writeFileAtomic(path, content);
export const appendFile: Files["appendFile"] = (path, content) => files.appendFile(path, content);
export const flush: Files["flush"] = (path) => files.flush(path);
export const mkdirp: Files["mkdirp"] = (path) => files.mkdirp(path);
export const listDir: Files["listDir"] = (path) => files.listDir(path);
export const fileStats: Files["fileStats"] = (paths) => files.fileStats(paths);
export const remove: Files["remove"] = (path) => files.remove(path);

export function cacheDir(): string {
  return "cache";
}

export function environmentVariable(_name: string): string | undefined {
  return undefined;
}

export async function assetBytes(name: string): Promise<Uint8Array> {
  const provided = await assets?.(name);
  if (provided) return provided;
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

let identity: Promise<ProcessIdentity> | undefined;

/**
 * A page or worker shows that it is there by holding a Web Lock of its own name, which the browser takes from it when it
 * goes. Where there are no such locks, nobody can tell.
 */
export function processIdentity(): Promise<ProcessIdentity> {
  identity ??= identify();
  return identity;
}

async function identify(): Promise<ProcessIdentity> {
  const birth = crypto.randomUUID();
  const started = new Date(performance.timeOrigin).toISOString();
  const { locks } = navigator as Partial<Navigator>;
  if (locks) {
    await new Promise<void>((held, refused) => {
      locks
        .request(lockOf(birth), () => {
          held();
          return new Promise(() => {});
        })
        .catch(refused);
    });
  }
  return { host: globalThis.location?.host ?? "", pid: 0, started, birth };
}

export async function processRuns({ pid, birth }: ProcessIdentity): Promise<boolean | undefined> {
  const { locks } = navigator as Partial<Navigator>;
  if (pid !== 0 || !locks) return undefined;
  const { held = [] } = await locks.query();
  return held.some(({ name }) => name === lockOf(birth));
}

/** Resolves when the page or worker of that identity is gone; never where nobody can tell. */
export function processEnd({ birth }: ProcessIdentity, signal?: AbortSignal): Promise<void> {
  const { locks } = navigator as Partial<Navigator>;
  if (!locks) return new Promise(() => {});
  return locks.request(lockOf(birth), { mode: "shared", signal }, () => {}) as Promise<void>;
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
