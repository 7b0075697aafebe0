import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { commitOf } from "../src/cli/commit.js";
import { diskCache } from "../src/lab/cache.js";
import { describeEnvironment } from "../src/lab/environment.js";
import { renderSvg } from "../src/lab/figures/svg.js";
import type { Environment } from "../src/lab/record.js";
import type { Row } from "../src/lab/study.js";
import { comparisons } from "../studies/forget/comparison.js";

/**
 * `npm run forget-tables`: writes the tables of docs/forget.md again from docs/comparisons/. With `-- --run C,R` these
 * tracks are compared first, on their first data set and scenario; `--trials 2` tries fewer configurations of each method.
 */

const file = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const results = (track: string) => file(`docs/comparisons/forget-${track}.json`);

/** What a comparison measured, as it is kept. */
interface Measured {
  readonly track: string;
  readonly data: string;
  readonly scenario: string;
  readonly seeds: readonly number[];
  readonly trials: number;
  readonly date: string;
  readonly environment: Environment;
  readonly rows: readonly Row[];
}

async function measure(name: string, trials: number): Promise<void> {
  const track = await comparisons[name]();
  const asked = { data: track.data[0], scenario: track.scenarios[0], seeds: [0, 1, 2], trials };
  const abort = new AbortController();
  process.once("SIGINT", () => abort.abort());
  const rows = await track.run({
    ...asked,
    methods: track.methods,
    cache: diskCache({ log: console.error }),
    signal: abort.signal,
    progress: (done, total, label) => console.error(`${name} ${done}/${total} ${label}`),
    log: console.error,
  });
  const environment = { ...(await describeEnvironment()), ...(await commitOf(file("."))) };
  const measured: Measured = { track: name, ...asked, date: new Date().toISOString(), environment, rows };
  await mkdir(file("docs/comparisons"), { recursive: true });
  await writeFile(results(name), `${JSON.stringify(measured, null, 1)}\n`);
  await writeFile(file(`docs/figures/forget-${name}.svg`), `${await renderSvg(track.figure(rows))}\n`);
}

/** The tables of all tracks that were compared, for the page. */
async function tables(): Promise<string> {
  const parts: string[] = [];
  for (const name of Object.keys(comparisons)) {
    if (!existsSync(results(name))) continue;
    const { data, scenario, seeds, trials, date, environment, rows } = JSON.parse(
      await readFile(results(name), "utf8"),
    ) as Measured;
    const track = await comparisons[name]();
    parts.push(
      `### Track ${name}: ${track.about}`,
      `Data ${data}, scenario ${scenario}, seeds ${seeds.join(", ")}; ${trials} configurations of each method tried on a seed ` +
        `apart. Hebb ${environment.hebb}, ${environment.processor}, ${date.slice(0, 10)}.`,
      `\`\`\`text\n${track.table(rows)}\n\`\`\``,
      `![${track.figure(rows).title}](figures/forget-${name}.svg)`,
    );
  }
  return parts.join("\n\n");
}

const markers = /(<!-- tables:start -->\n).*?(<!-- tables:end -->)/s;

/** The page as it should be. */
export async function updatedPage(page: string): Promise<string> {
  if (!markers.test(page))
    throw new Error("docs/forget.md has no <!-- tables:start --> and <!-- tables:end --> lines.");
  const content = await tables();
  return page.replace(markers, (_, start, end) => `${start}${content && `\n${content}\n\n`}${end}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({ options: { run: { type: "string" }, trials: { type: "string", default: "8" } } });
  for (const name of values.run?.split(",") ?? []) {
    if (!Object.hasOwn(comparisons, name)) throw new Error(`There is no track ${name}.`);
    await measure(name, Number(values.trials));
  }
  const path = file("docs/forget.md");
  await writeFile(path, await updatedPage(await readFile(path, "utf8")));
}
