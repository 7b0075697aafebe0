import { HebbError } from "../engine/errors.js";
import type { FileStat, Files } from "./types.js";

// Files in the origin private file system: persistent, private to the page's origin, available in workers.

/** A file that another tab or worker has open is tried again for so long. */
const patienceMilliseconds = 3000;

/** What a worker can open: reads and writes in place, and nobody else can meanwhile. Not in TypeScript's `dom` library. */
interface SyncAccessHandle {
  getSize(): number;
  write(bytes: Uint8Array, options?: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}
interface FileHandle extends Omit<FileSystemFileHandle, "createWritable"> {
  /** Only in workers. */
  createSyncAccessHandle?(): Promise<SyncAccessHandle>;
  /** Not in every browser. */
  createWritable?: FileSystemFileHandle["createWritable"];
  move?(directory: FileSystemDirectoryHandle, name: string): Promise<void>;
}

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

/** The directory that a path lies in, and the path's last name. */
async function parentOf(path: string): Promise<[FileSystemDirectoryHandle, string]> {
  const names = parts(path);
  const last = names.pop();
  if (last === undefined) throw new HebbError(`"${path}" does not name a file or a directory.`);
  return [await directory(names), last];
}

async function fileHandle(path: string, create = false): Promise<FileHandle> {
  const [parent, name] = await parentOf(path);
  return (await parent.getFileHandle(name, { create })) as unknown as FileHandle;
}

/** Does it again, for some time, where somebody else has the file open or changed it meanwhile. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const end = performance.now() + patienceMilliseconds;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const { name } = error as DOMException;
      const busy = name === "NoModificationAllowedError" || name === "NotReadableError" || name === "InvalidStateError";
      if (!busy || performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5 + 20 * Math.random()));
    }
  }
}

const bytesOf = (content: Uint8Array | string): Uint8Array =>
  typeof content === "string" ? new TextEncoder().encode(content) : content;

/** Writes in place, from `at` on; what was written when the disk turns out to be full is taken back. */
async function writeInPlace(handle: FileHandle, bytes: Uint8Array, at: "start" | "end"): Promise<void> {
  const file = await handle.createSyncAccessHandle!();
  try {
    const before = file.getSize();
    const from = at === "end" ? before : 0;
    if (at === "start") file.truncate(0);
    let written = 0;
    try {
      while (written < bytes.length) {
        const more = file.write(bytes.subarray(written), { at: from + written });
        if (more === 0) throw new DOMException("nothing more could be written", "QuotaExceededError");
        written += more;
      }
      file.flush();
    } catch (error) {
      if (at === "end") file.truncate(before);
      throw error;
    }
  } finally {
    file.close();
  }
}

/** A writable stream works on a copy that replaces the file when it closes, so this is atomic; and slow for large files. */
async function writeCopy(handle: FileHandle, content: Uint8Array | string, append: boolean): Promise<void> {
  const stream = await handle.createWritable!({ keepExistingData: append });
  try {
    if (append) await stream.seek((await handle.getFile()).size);
    await stream.write(content as Uint8Array<ArrayBuffer> | string);
    await stream.close();
  } catch (error) {
    await stream.abort().catch(() => {});
    throw error;
  }
}

/** Where there are no writable streams: a file beside it that takes its name. */
async function replaceByMove(path: string, bytes: Uint8Array): Promise<void> {
  const [parent, name] = await parentOf(path);
  const temporary = `.${crypto.randomUUID()}.tmp`;
  const handle = (await parent.getFileHandle(temporary, { create: true })) as unknown as FileHandle;
  if (!handle.createSyncAccessHandle || !handle.move) throw new HebbError("this browser cannot write files here");
  try {
    await writeInPlace(handle, bytes, "start");
    await patiently(() => handle.move!(parent, name));
  } catch (error) {
    await parent.removeEntry(temporary).catch(() => {});
    throw error;
  }
}

export const opfs: Files = {
  async readFile(path) {
    const read = async () => new Uint8Array(await (await (await fileHandle(path)).getFile()).arrayBuffer());
    return patiently(read).catch(explain("read", path));
  },

  async exists(path) {
    return fileHandle(path)
      .catch(() => directory(parts(path)))
      .then(
        () => true,
        () => false,
      );
  },

  async writeFileAtomic(path, content) {
    try {
      if (typeof FileSystemFileHandle.prototype.createWritable !== "function") {
        return await replaceByMove(path, bytesOf(content));
      }
      const handle = await fileHandle(path, true);
      await patiently(() => writeCopy(handle, content, false));
    } catch (error) {
      explain("write", path)(error);
    }
  },

  /** In a worker in place; on a page, which cannot, by a copy of the whole file. */
  async appendFile(path, content) {
    try {
      const handle = await fileHandle(path, true);
      await patiently(() =>
        handle.createSyncAccessHandle
          ? writeInPlace(handle, bytesOf(content), "end")
          : writeCopy(handle, content, true),
      );
    } catch (error) {
      explain("write", path)(error);
    }
  },

  /** Every write above is on disk when it returns. */
  async flush() {},

  async mkdirp(path) {
    await directory(parts(path), true).catch(explain("make the directory", path));
  },

  async listDir(path) {
    const handle = await directory(parts(path)).catch(explain("list", path));
    const names: string[] = [];
    for await (const name of (handle as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name);
    return names.sort();
  },

  async fileStats(paths) {
    const stamp = async (path: string): Promise<FileStat> => {
      const { lastModified, size } = await (await fileHandle(path)).getFile();
      return { modified: lastModified, size };
    };
    return Promise.all(paths.map((path) => stamp(path).catch(() => undefined)));
  },

  async remove(path) {
    try {
      const [parent, name] = await parentOf(path);
      await patiently(() => parent.removeEntry(name, { recursive: true }));
    } catch (error) {
      if ((error as DOMException).name !== "NotFoundError") explain("remove", path)(error);
    }
  },
};

const reasons: Record<string, string> = {
  NotFoundError: "no such file or directory",
  TypeMismatchError: "it is a directory where a file is needed, or the reverse",
  QuotaExceededError: "the browser's storage is full",
  NoModificationAllowedError: "another tab is writing to it",
  SecurityError: "the browser does not let this page keep files",
};

function explain(action: string, path: string) {
  return (error: unknown): never => {
    if (error instanceof HebbError) throw error;
    const { name, message } = error as DOMException;
    throw new HebbError(`Cannot ${action} ${path}: ${reasons[name] ?? message}.`, { cause: error });
  };
}
