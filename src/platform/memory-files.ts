import { HebbError } from "../engine/errors.js";
import type { Files } from "./types.js";

interface MemoryFile {
  /** What was appended since it was last read stays in pieces. */
  pieces: Uint8Array[];
  size: number;
  modified: number;
}

/** Files that live as long as the page: for browsers that keep none. */
export function memoryFiles(): Files {
  const files = new Map<string, MemoryFile>();
  const directories = new Set<string>([""]);
  const clean = (path: string): string =>
    path
      .split("/")
      .filter((part) => part !== "" && part !== ".")
      .join("/");
  const fail = (action: string, path: string, reason: string): never => {
    throw new HebbError(`Cannot ${action} ${path}: ${reason}.`);
  };
  const missing = "no such file or directory";
  const bytesOf = (content: Uint8Array | string): Uint8Array =>
    typeof content === "string" ? new TextEncoder().encode(content) : content.slice();

  const write = (path: string, content: Uint8Array | string, before?: MemoryFile): void => {
    const name = clean(path);
    const bytes = bytesOf(content);
    if (directories.has(name)) fail("write", path, "it is a directory where a file is needed, or the reverse");
    if (!directories.has(name.split("/").slice(0, -1).join("/"))) fail("write", path, missing);
    files.set(name, {
      pieces: [...(before?.pieces ?? []), bytes],
      size: (before?.size ?? 0) + bytes.length,
      modified: Date.now(),
    });
  };

  return {
    async readFile(path) {
      const file = files.get(clean(path)) ?? fail("read", path, missing);
      const whole = new Uint8Array(file.size);
      let at = 0;
      for (const piece of file.pieces) {
        whole.set(piece, at);
        at += piece.length;
      }
      file.pieces = [whole];
      return whole.slice();
    },
    async exists(path) {
      return files.has(clean(path)) || directories.has(clean(path));
    },
    async writeFileAtomic(path, content) {
      write(path, content);
    },
    async appendFile(path, content) {
      write(path, content, files.get(clean(path)));
    },
    async flush() {},
    async mkdirp(path) {
      const names = clean(path).split("/");
      names.forEach((_, i) => {
        const name = names.slice(0, i + 1).join("/");
        if (files.has(name))
          fail("make the directory", path, "it is a directory where a file is needed, or the reverse");
        directories.add(name);
      });
    },
    async listDir(path) {
      const name = clean(path);
      if (!directories.has(name)) fail("list", path, missing);
      const start = name === "" ? "" : `${name}/`;
      const below = [...files.keys(), ...directories].filter((other) => other.startsWith(start) && other !== name);
      return [...new Set(below.map((other) => other.slice(start.length).split("/")[0]))].sort();
    },
    async fileStats(paths) {
      return paths.map((path) => {
        const file = files.get(clean(path));
        return file && { modified: file.modified, size: file.size };
      });
    },
    async remove(path) {
      const name = clean(path);
      if (name === "") fail("remove", path, "it does not name a file or a directory");
      const inside = (other: string) => other === name || other.startsWith(`${name}/`);
      for (const file of files.keys()) if (inside(file)) files.delete(file);
      for (const directory of directories) if (inside(directory)) directories.delete(directory);
    },
  };
}
