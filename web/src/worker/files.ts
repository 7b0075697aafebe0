import type { Files } from "../../../src/platform/types.js";
import { Caller, type CallTools, type Port, serve } from "./calls.js";

const names = [
  "readFile",
  "exists",
  "writeFileAtomic",
  "appendFile",
  "flush",
  "mkdirp",
  "listDir",
  "fileStats",
  "remove",
] as const satisfies readonly (keyof Files)[];

type Served = {
  readonly [Name in keyof Files]: (tools: CallTools, ...args: Parameters<Files[Name]>) => ReturnType<Files[Name]>;
};

/** Lets another worker use files that only this one has. */
export function serveFiles(port: Port, files: Files): void {
  const call =
    (name: keyof Files) =>
    (_: CallTools, ...args: any[]) =>
      (files[name] as (...args: any[]) => unknown)(...args);
  serve(port, Object.fromEntries(names.map((name) => [name, call(name)])));
}

/** The files that another worker serves behind a port. */
export function filesBehind(port: Port): Files {
  const caller = new Caller<Served>(port);
  const call =
    (name: keyof Files) =>
    (...args: any[]) =>
      caller.call(name, args as never);
  return Object.fromEntries(names.map((name) => [name, call(name)])) as unknown as Files;
}
