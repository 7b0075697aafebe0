import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import * as fs from "node:fs/promises";
import { createRequire } from "node:module";
import * as os from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
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

export async function readFile(path: string): Promise<Uint8Array> {
  const buffer = await readRegular(path).catch(explain("read", path));
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

/** A pipe, or a device that a link leads to, would be read for ever; to open it must not wait for anybody either. */
async function readRegular(path: string): Promise<Buffer> {
  const file = await fs.open(path, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0));
  try {
    const stat = await file.stat();
    if (!stat.isFile() && !stat.isDirectory()) throw new HebbError("it is no file, but a pipe or a device");
    return await file.readFile();
  } finally {
    await file.close();
  }
}

export async function exists(path: string): Promise<boolean> {
  return fs.access(path).then(
    () => true,
    () => false,
  );
}

export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    const file = await fs.open(temporary, "wx");
    try {
      await file.writeFile(content);
      // Without this a power cut after the rename can leave an empty file under the final name.
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => {});
    explain("write", path)(error);
  }
}

export async function appendFile(path: string, content: Uint8Array | string): Promise<void> {
  await fs.appendFile(path, content).catch(explain("write", path));
}

export async function flush(path: string): Promise<void> {
  try {
    const file = await fs.open(path, "r");
    await file.sync().finally(() => file.close());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") explain("write", path)(error);
  }
}

export async function mkdirp(path: string): Promise<void> {
  await makeWithParents(resolve(path)).catch(explain("make the directory", path));
}

/** One directory at a time: the recursive mkdir of Node 20 never returns where the system denies that parents exist. */
async function makeWithParents(path: string): Promise<void> {
  const parent = dirname(path);
  if (parent !== path && !(await exists(parent))) await makeWithParents(parent);
  await fs.mkdir(path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST" || !(await fs.stat(path)).isDirectory()) throw error;
  });
}

export async function listDir(path: string): Promise<string[]> {
  return (await fs.readdir(path).catch(explain("list", path))).sort();
}

/** Asks the system directly: for thousands of files that is several times faster than through the thread pool. */
export async function fileStats(paths: readonly string[]): Promise<(FileStat | undefined)[]> {
  return paths.map((path) => {
    try {
      const stat = statSync(path);
      return stat.isFile() ? { modified: stat.mtimeMs, size: stat.size } : undefined;
    } catch {
      return undefined;
    }
  });
}

export async function remove(path: string): Promise<void> {
  await fs.rm(path, { recursive: true, force: true }).catch(explain("remove", path));
}

export function cacheDir(): string {
  return process.env.HEBB_CACHE || join(os.homedir(), ".cache", "hebb");
}

export function environmentVariable(name: string): string | undefined {
  return process.env[name] || undefined;
}

export async function assetBytes(name: string): Promise<Uint8Array> {
  // This module runs as src/platform/node.ts and, compiled, as dist/src/platform/node.js.
  const places = ["../../assets/", "../../../assets/"].map((up) => fileURLToPath(new URL(up + name, import.meta.url)));
  for (const place of places) if (await exists(place)) return readFile(place);
  throw new HebbError(
    `The package's own file ${name} is missing (looked for ${places.join(" and ")}); reinstall hebb.`,
  );
}

/** The user's project is searched before the place where Hebb itself is installed: with `npx` the two differ. */
function resolvePackage(specifier: string): string | undefined {
  for (const from of [pathToFileURL(join(process.cwd(), "index.js")).href, import.meta.url]) {
    try {
      return createRequire(from).resolve(specifier);
    } catch {
      // Not installed here.
    }
  }
  return undefined;
}

export async function importPackage(name: string): Promise<Record<string, unknown> | undefined> {
  const entry = resolvePackage(name);
  return entry === undefined ? undefined : import(pathToFileURL(entry).href);
}

export async function packageDir(name: string): Promise<string | undefined> {
  const manifest = resolvePackage(`${name}/package.json`);
  return manifest === undefined ? undefined : dirname(manifest);
}

export function environmentInfo(): EnvironmentInfo {
  return {
    runtime: `node ${process.versions.node}`,
    platform: `${os.platform()} ${os.arch()}`,
    processor: os.cpus()[0]?.model.trim() || "unknown",
    threads: os.availableParallelism(),
  };
}

export async function processIdentity(): Promise<ProcessIdentity> {
  const started = new Date(Date.now() - process.uptime() * 1000).toISOString();
  return { host: os.hostname(), pid: process.pid, started, birth: (await statOf(process.pid))?.birth };
}

export async function processRuns({ host, pid, birth }: ProcessIdentity): Promise<boolean | undefined> {
  if (host !== os.hostname()) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const stat = await statOf(pid);
  // A process that has ended stays listed, as a zombie, until its parent asks about it.
  return stat?.birth === birth && stat?.state !== "Z";
}

/** A process's state, and when it started in the kernel's clock ticks (process ids are used again), where there is /proc. */
async function statOf(pid: number): Promise<{ readonly state: string; readonly birth: string } | undefined> {
  const text = await fs.readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // The name, in brackets, may itself hold spaces and brackets; the fields that follow it are the third and further ones.
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields && { state: fields[0], birth: fields[19] };
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
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of the path is not a directory",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
};

function explain(action: string, path: string) {
  return (error: unknown): never => {
    const { code = "", message } = error as NodeJS.ErrnoException;
    throw new HebbError(`Cannot ${action} ${path}: ${reasons[code] ?? message}.`, { cause: error });
  };
}
