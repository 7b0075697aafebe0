import { dirname, join, relative, resolve } from "node:path";
import type { Figure } from "../lab/study.js";
import { interrupted, interruptSignal } from "./interrupt.js";
import { type Io, styled } from "./io.js";
import type { Lab } from "./lab.js";
import { Machine, ofOneRun } from "./machine.js";
import { Progress } from "./terminal.js";
import { oneOf, positiveInteger } from "./usage.js";

export interface CompareCommandOptions {
  readonly track: string;
  readonly data?: string;
  readonly scenario?: string;
  readonly methods?: string;
  readonly seeds: string;
  readonly trials: string;
  readonly out: string;
  readonly json?: boolean;
}

/** `hebb compare`: the methods of a family side by side on one track, as a table and as a figure in a file. */
export async function compare(io: Io, lab: Lab, family: string, options: CompareCommandOptions): Promise<number> {
  const tracks = await lab.comparisons[oneOf("comparison", family, Object.keys(lab.comparisons))]();
  const name = oneOf("track", options.track, Object.keys(tracks));
  const track = await tracks[name]();
  const data = oneOf("data set", options.data ?? track.data[0], track.data);
  const scenario = oneOf("scenario", options.scenario ?? track.scenarios[0], track.scenarios);
  const methods = (options.methods?.split(",") ?? track.methods).map((one) =>
    oneOf("method", one.trim(), track.methods),
  );
  const seeds = Array.from({ length: positiveInteger("--seeds", options.seeds) }, (_, seed) => seed);
  const trials = positiveInteger("--trials", options.trials);

  const { diskCache } = await import("../lab/cache.js");
  const progress = new Progress(io.stderr, { title: `${family} ${name}`, quiet: options.json && !io.stderr.isTTY });
  const { signal, release } = interruptSignal(io);
  const ticket = await new Machine().take(ofOneRun());
  try {
    const rows = await track.run({
      ...{ data, scenario, methods, seeds, trials, signal },
      cache: diskCache({ log: (message) => progress.log(message) }),
      progress: (done, total, label) => progress.update(done, total, label),
      log: (message) => progress.log(message),
    });
    progress.end();
    const file = join(resolve(io.cwd, options.out), `compare-${family}-${name}-${data}-${scenario}.svg`);
    await draw(file, track.figure(rows));
    const figure = relative(io.cwd, file);
    if (options.json) {
      io.stdout.write(`${JSON.stringify({ family, track: name, data, scenario, seeds, rows, figure })}\n`);
      return 0;
    }
    const heading = `${track.about} (${data}, ${scenario}; seeds ${seeds.join(", ")})`;
    io.stdout.write(`${styled(io, io.stdout, "bold", heading)}\n${track.table(rows)}\nFigure  ${figure}\n`);
    return 0;
  } catch (error) {
    if (!signal.aborted) throw error;
    io.stderr.write("Stopped; the same command goes on from what was finished.\n");
    return interrupted;
  } finally {
    progress.end();
    await ticket.release();
    release();
  }
}

async function draw(file: string, figure: Figure): Promise<void> {
  const [{ renderSvg }, { platform }] = await Promise.all([import("../lab/figures/svg.js"), import("#platform")]);
  await platform.mkdirp(dirname(file));
  await platform.writeFileAtomic(file, new TextEncoder().encode(await renderSvg(figure)));
}
