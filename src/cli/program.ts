import { Command, CommanderError } from "commander";
import { version } from "../lab/version.js";
import { explain } from "./explain.js";
import type { Io } from "./io.js";
import { builtInLab, type Lab } from "./lab.js";
import { suggestion, UsageError } from "./usage.js";

/**
 * Runs the command in `argv` (without `node` and the script) and returns the exit status: 0, unless something broke (1),
 * the command was typed wrong (2), or Ctrl-C stopped it (130).
 */
export async function main(argv: readonly string[], io: Io, lab: () => Promise<Lab> = builtInLab): Promise<number> {
  let status = 0;
  const program = build(io, lab, (ended) => {
    status = ended;
  });
  try {
    await program.parseAsync(argv.length === 0 ? ["help"] : [...argv], { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return explain(io, error instanceof CommanderError ? usage(program, argv, error) : error);
  }
}

function build(io: Io, lab: () => Promise<Lab>, end: (status: number) => void): Command {
  const program = new Command("hebb")
    .description("How neural networks learn, remember, generalise and forget: one command per paper.")
    .version(version, "-V, --version", "print the version")
    .exitOverride()
    // What stands after a command belongs to it, also where a command has commands of its own.
    .enablePositionalOptions()
    // Errors are turned into one sentence by `usage`.
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: () => {} })
    .showSuggestionAfterError(false);

  program
    .command("list")
    .description("the catalogue of papers, with their last verdicts")
    .option("--family <name>", "only this family")
    .option("--json", "one JSON array on stdout")
    .action(async (options) => (await import("./list.js")).list(io, await lab(), options));

  program
    .command("show <slug>")
    .description("claim, criterion, arms and scales of a paper's study, and what it offers as a library")
    .option("--json", "one JSON object on stdout")
    .action(async (slug, options) => (await import("./show.js")).show(io, await lab(), slug, options));

  program
    .command("run <slug...>")
    .description("runs studies; prints results and verdict, writes the run folder and the report")
    .option("--scale <scale>", "smoke (default), standard or full")
    .option("--seeds <count>", "how many seeds (default: as the scale says)")
    .option("--device <device>", "where to compute", "cpu")
    .option("--threads <count>", "threads for one operation (default: all cores)")
    .option("--out <dir>", "where run folders go", "runs")
    .option("--json", "one JSON object per study on stdout, and nothing else")
    .option("--resume <id>", "continue a run that was stopped or failed (one that was killed goes on by itself)")
    .option("--ledger", "enter a standard run into ./ledger")
    .action(async (slugs, options) => end(await (await import("./run.js")).run(io, await lab(), slugs, options)));

  program
    .command("sweep <slug>")
    .description("runs many configurations of a study in parallel; prints configurations by measures")
    .option("--scale <scale>", "smoke (default), standard or full")
    .option("--grid <name=values>", "values for an option, as in rounds=2,4; several make a product", collect)
    .option("--seeds <seeds>", "how many seeds, or a list as in 0,1,2 (default: as the scale says)")
    .option("--parallel <count>", "processes at a time (default: as many as there are cores)")
    .option("--threads <count>", "threads of each process (default: cores / processes)")
    .option("--memory <gigabytes>", "for all processes together (default: 80 % of what there is)")
    .option("--out <dir>", "where run folders go, and sweeps/", "runs")
    .option("--json", "one JSON object on stdout, and nothing else")
    .option("--resume <id>", "continue a sweep")
    .option("--redis <url>", "share the jobs with `hebb worker`s through this Redis")
    .option("--lease <seconds>", "a worker that is silent for so long loses its job (default: 30)")
    .action(async (slug, options) => end(await (await import("./sweep.js")).sweep(io, await lab(), slug, options)));

  program
    .command("worker")
    .description("takes jobs of sweeps from a Redis until Ctrl-C")
    .option("--redis <url>", "the same as the sweep's")
    .option("--out <dir>", "where run folders go: a folder that all workers share", "runs")
    .option("--name <name>", "how sweeps call this worker (default: host and process)")
    .option("--parallel <count>", "processes at a time (default: 1)")
    .option("--threads <count>", "threads of each process (default: cores / processes)")
    .option("--memory <gigabytes>", "for all processes together (default: 80 % of what there is)")
    .option("--lease <seconds>", "a worker that is silent for so long loses its job (default: 30)")
    .action(async (options) => end(await (await import("./worker.js")).worker(io, options)));

  program
    .command("compare <family>")
    .description("the methods of a family side by side on one track; prints a table and draws a figure")
    .requiredOption("--track <track>", "of forget: C (classification), R (regression), L (language), G (generation)")
    .option("--data <name>", "one of the track's data sets (default: its first)")
    .option("--scenario <name>", "what is forgotten (default: the track's first)")
    .option("--methods <names>", "only these, separated by commas")
    .option("--seeds <count>", "how many seeds", "3")
    .option("--trials <count>", "configurations that are tried for each method on a seed apart", "8")
    .option("--out <dir>", "where the figure goes", "runs")
    .option("--json", "one JSON object on stdout, and nothing else")
    .action(async (family, options) =>
      end(await (await import("./compare.js")).compare(io, await lab(), family, options)),
    );

  program
    .command("lab")
    .description("the lab in a browser: papers, runs, comparisons; until Ctrl-C")
    .option("--port <port>", "where it listens (default: any free port)")
    .option("--host <host>", "who may reach it: 127.0.0.1 is this machine alone", "127.0.0.1")
    .option("--out <dir>", "where run folders are", "runs")
    .option("--jobs <count>", "runs at a time", "1")
    .option("--threads <count>", "threads of each run (default: all cores)")
    .option("--no-open", "do not open the browser")
    .option("--json", "one JSON object with the address on stdout, and no browser")
    .action(async (options) => end(await (await import("./lab-command.js")).labCommand(io, await lab(), options)));

  // What `lab` starts for each run.
  program
    .command("lab-run", { hidden: true })
    .action(async () => end(await (await import("./lab-command.js")).labRun(await lab())));

  // What `sweep` and `worker` start for each job.
  program.command("job", { hidden: true }).action(async () => end(await (await import("./job.js")).job(await lab())));

  program
    .command("report <run...>")
    .description("rebuilds the figures and the HTML report of runs, by id or folder")
    .option("--out <dir>", "where run folders are", "runs")
    .option("--json", "one JSON array on stdout")
    .action(async (runs, options) => (await import("./report.js")).report(io, await lab(), runs, options));

  const runs = program
    .command("runs")
    .description("the runs that are here, newest first")
    .enablePositionalOptions()
    .option("--slug <slug>", "only runs of this study")
    .option("--scale <scale>", "only smoke, standard or full")
    .option("--status <status>", "only running, interrupted, done, stopped or failed")
    .option("--verdict <verdict>", "only runs with this verdict")
    .option("--since <date>", "only runs started on this day (UTC) or later, for example 2026-01-31")
    .option("--limit <count>", "only so many, the newest")
    .option("--out <dir>", "where run folders are", "runs")
    .option("--json", "one JSON array on stdout")
    .action(async (options) => (await import("./runs.js")).runs(io, await lab(), options));

  runs
    .command("compare <run...>")
    .description("the results of runs of one study side by side, and how far each is from the first")
    .option("--out <dir>", "where run folders are", "runs")
    .option("--json", "one JSON object on stdout")
    .action(async (ids, options) => (await import("./runs.js")).compare(io, ids, options));

  program
    .command("query <sql>")
    .description("a SELECT in DuckDB's SQL over the views runs, measures and metrics of all runs")
    .option("--out <dir>", "where run folders are", "runs")
    .option("--json", "one JSON array on stdout")
    .option("--csv", "comma-separated values on stdout")
    .action(async (sql, options) => end(await (await import("./query.js")).query(io, sql, options)));

  program
    .command("export [run...]")
    .description("writes runs as Parquet or CSV tables, as TensorBoard events, or to an MLflow server")
    .requiredOption("--format <format>", "parquet, csv, tensorboard or mlflow")
    .option("--all", "all runs")
    .option("--to <place>", "the folder to write to (default: export), or the address of the MLflow server")
    .option("--out <dir>", "where run folders are", "runs")
    .option("--json", "one JSON object on stdout")
    .action(async (ids, options) => (await import("./export.js")).exportRuns(io, ids, options));

  program
    .command("verify <run>")
    .description("repeats a run from its record and says whether the same comes out; status 1 where it does not")
    .option("--tolerance <share>", "the largest relative difference that is still the same", "1e-6")
    .option("--out <dir>", "where run folders are", "runs")
    .option("--json", "one JSON object on stdout")
    .action(async (id, options) => end(await (await import("./verify.js")).verify(io, await lab(), id, options)));

  program
    .command("data [name]")
    .description("where a data set is, or fetches it; without a name, all data sets and their licences")
    .option("--path <dir>", "take the files from this directory")
    .option("--json", "one JSON array, or of one data set an object, on stdout")
    .action(async (name, options) => end(await (await import("./data.js")).data(io, name, options)));

  const forget = program.command("forget").description("machine unlearning").enablePositionalOptions();

  forget
    .command("audit <original> <unlearned>")
    .description(
      "what an unlearned classifier (ONNX) still shows of the rows it was to forget, and what that cannot show",
    )
    .requiredOption("--forget <data>", "the rows to forget: .csv, .npz (x and y), or images.idx,labels.idx")
    .requiredOption("--test <data>", "rows that no model was trained on")
    .option("--retain <data>", "other training rows")
    .option("--retrained <model>", "a model trained without the forget set, for comparison")
    .option("--label <column>", "the label's column in CSV files, by name or number", "-1")
    .option("--shift <number>", "taken from every input", "0")
    .option("--scale <number>", "every input is divided by it", "1")
    .option("--repeats <count>", "how often relearning is repeated", "5")
    .option("--seed <number>", "decides all draws", "0")
    .option("--json", "one JSON object on stdout")
    .action(async (original, unlearned, options) =>
      end(await (await import("./forget.js")).audit(io, original, unlearned, options)),
    );

  return program;
}

/** The values of an option that may be given several times. */
const collect = (value: string, earlier: readonly string[] = []): string[] => [...earlier, value];

/** One sentence for a command line that commander did not understand. */
function usage(program: Command, argv: readonly string[], error: CommanderError): UsageError {
  const { command, name } = commandOf(program, argv);
  const named = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  const help = command === program ? "hebb help" : `${name} --help`;
  switch (error.code) {
    case "commander.unknownCommand": {
      const names = command.commands.map((candidate) => candidate.name());
      const where = command === program ? "" : ` of '${name}'`;
      return new UsageError(`There is no command '${named}'${where}; ${suggestion(named, names)}`);
    }
    case "commander.unknownOption": {
      const options = [...command.options.flatMap((option) => option.long ?? []), "--help"];
      return new UsageError(`'${help.replace(" --help", "")}' has no option '${named}'; ${suggestion(named, options)}`);
    }
    case "commander.missingArgument":
      return new UsageError(`'${name}' needs a <${named}>; see '${help}'.`);
    case "commander.excessArguments":
      return new UsageError(`'${name}' was given too many arguments; see '${help}'.`);
    default:
      return new UsageError(`${error.message.replace(/^error: /, "").replace(/\n.*/s, "")}; see '${help}'.`);
  }
}

/** The command that a command line is about, and its whole name: `hebb forget audit`. */
function commandOf(program: Command, argv: readonly string[]): { command: Command; name: string } {
  let command = program;
  const names = ["hebb"];
  for (const word of argv) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (!next) break;
    command = next;
    names.push(word);
  }
  return { command, name: names.join(" ") };
}
