import { resolve } from "node:path";
import { bytes, columns } from "./format.js";
import { interrupted, interruptSignal } from "./interrupt.js";
import { type Io, styled } from "./io.js";
import { Progress } from "./terminal.js";
import { suggestion, UsageError } from "./usage.js";

export interface DataOptions {
  readonly path?: string;
  readonly json?: boolean;
}

/** `hebb data`: where a data set is, after fetching it if need be; without a name, all of them with their licences. */
export async function data(io: Io, name: string | undefined, { path, json }: DataOptions): Promise<number> {
  const registry = await import("../data/registry.js");
  if (name === undefined) {
    const sets = await Promise.all(
      registry.dataNames.map(async (known) => ({
        ...registry.describeData(known),
        place: (await registry.locateData(known)) ?? null,
      })),
    );
    if (json) {
      io.stdout.write(`${JSON.stringify(sets)}\n`);
      return 0;
    }
    const rows = sets.map(({ name, place, licence, what }) => [name, place ? "here" : "not here", licence, what]);
    const [heading, ...lines] = columns([["name", "on this machine", "licence", "what"], ...rows]);
    io.stdout.write(`${[styled(io, io.stdout, "bold", heading), ...lines].join("\n")}\n`);
    return 0;
  }
  if (!registry.dataNames.some((known) => known === name)) {
    throw new UsageError(`There is no data set '${name}'; ${suggestion(name, registry.dataNames)}`);
  }
  const info = registry.describeData(name);
  const place = path === undefined ? await registry.locateData(name) : undefined;
  const where = place ?? (await obtain(io, name, path));
  if (where === undefined) return interrupted;
  if (json) {
    io.stdout.write(`${JSON.stringify({ ...info, place: where })}\n`);
    return 0;
  }
  const lines = [
    ["name", `${name}: ${info.what}`],
    ["licence", info.licence],
    ["source", info.source],
    ["place", where],
  ];
  io.stdout.write(`${columns(lines).join("\n")}\n`);
  return 0;
}

/** Brings the set here and says where it is; undefined when Ctrl-C came first. */
async function obtain(io: Io, name: string, path: string | undefined): Promise<string | undefined> {
  const { obtainData } = await import("../data/registry.js");
  const { signal, release } = interruptSignal(io);
  const bars = new Map<string, Progress>();
  try {
    return await obtainData(name, {
      ...(path === undefined ? {} : { path: resolve(io.cwd, path) }),
      signal,
      onProgress: ({ file, received, total }) => {
        let bar = bars.get(file);
        if (!bar) {
          for (const earlier of bars.values()) earlier.end();
          bar = new Progress(io.stderr, { title: file });
          bars.set(file, bar);
        }
        if (total !== undefined) bar.update(received, total, bytes(total));
      },
    });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    for (const bar of bars.values()) bar.end();
    release();
  }
}
