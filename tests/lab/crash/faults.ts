import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

/** Where a process can be hit: which file it writes (a record is `run.json` and its like), and how far it has come. */
export const targets = [
  ...(["checkpoint", "record"] as const).flatMap((place) =>
    (["write", "sync", "rename", "renamed"] as const).map((moment) => ({ place, moment })),
  ),
  { place: "metrics", moment: "write" },
  { place: "units", moment: "write" },
] as const;
type Target = (typeof targets)[number];

/** Something that goes wrong in a process, at the `nth` write of a kind. */
export interface Fault {
  /** `kill`: the process ends as by a power cut. `full`: the disk is full from then on. */
  readonly kind: "kill" | "full";
  readonly place: Target["place"];
  /** Half-way through writing, before what is written is brought to disk, before the file gets its name, or right after. */
  readonly moment: Target["moment"];
  readonly nth: number;
}

/** Puts a fault into the file functions of Node.js that all of this process uses. */
export function injectFault({ kind, place, moment, nth }: Fault): void {
  let seen = 0;
  let full = false;
  const strikes = (where: Fault["place"], when: Fault["moment"]) => {
    if (place !== where || moment !== when || ++seen < nth) return full;
    if (kind === "kill") process.kill(process.pid, "SIGKILL");
    full = true;
    return true;
  };
  const noSpace = () => Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  const half = <T extends string | Uint8Array>(content: T) => content.slice(0, content.length / 2);

  const { open, rename, appendFile } = fs;
  let target: Fault["place"] = "record";
  fs.open = async (...parameters) => {
    const file = await open(...parameters);
    const writeFile = file.writeFile.bind(file) as (content: any) => Promise<void>;
    const sync = file.sync.bind(file);
    file.writeFile = async (content: any) => {
      // Only checkpoints, and the probe whether a folder can be written, are bytes.
      target = typeof content === "string" ? "record" : "checkpoint";
      if (place === target && moment === "write") {
        await writeFile(half(content));
        if (strikes(target, "write")) throw noSpace();
        await writeFile(content.slice(content.length / 2));
      } else {
        if (full) throw noSpace();
        await writeFile(content);
      }
    };
    file.sync = async () => {
      if (strikes(target, "sync")) throw noSpace();
      await sync();
    };
    return file;
  };
  fs.rename = async (from, to) => {
    const where = String(to).includes("checkpoint-") ? "checkpoint" : "record";
    strikes(where, "rename");
    await rename(from, to);
    strikes(where, "renamed");
  };
  fs.appendFile = async (path, content) => {
    const where = String(path).endsWith("units.jsonl") ? "units" : "metrics";
    const text = content as string;
    await appendFile(path, half(text));
    if (strikes(where, "write")) throw noSpace();
    await appendFile(path, text.slice(text.length / 2));
  };
  syncBuiltinESMExports();
}
