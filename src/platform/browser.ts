import { HebbError } from "../engine/errors.js";
import { parts } from "./browser-parts.js";
import type { EnvironmentInfo, Files, Platform } from "./types.js";
import { download, gunzip, sha256 } from "./web.js";
import { processIdentity, processRuns } from "./web-locks.js";

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
export { download, gunzip, processIdentity, processRuns, sha256 };

export const readFile: Files["readFile"] = (path) => parts.files.readFile(path);
export const exists: Files["exists"] = (path) => parts.files.exists(path);
export const writeFileAtomic: Files["writeFileAtomic"] = (path, content) => parts.files.writeFileAtomic(path, content);
export const appendFile: Files["appendFile"] = (path, content) => parts.files.appendFile(path, content);
export const flush: Files["flush"] = (path) => parts.files.flush(path);
export const mkdirp: Files["mkdirp"] = (path) => parts.files.mkdirp(path);
export const listDir: Files["listDir"] = (path) => parts.files.listDir(path);
export const fileStats: Files["fileStats"] = (paths) => parts.files.fileStats(paths);
export const remove: Files["remove"] = (path) => parts.files.remove(path);

export function cacheDir(): string {
  return "cache";
}

export function environmentVariable(_name: string): string | undefined {
  return undefined;
}

export async function assetBytes(name: string): Promise<Uint8Array> {
  const provided = await parts.assets?.(name);
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
