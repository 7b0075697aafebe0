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
    .option("--resume <id>", "continue a run that was stopped")
    .option("--ledger", "enter a standard run into ./ledger")
    .action(async (slugs, options) => end(await (await import("./run.js")).run(io, await lab(), slugs, options)));

  program
    .command("report <run...>")
    .description("rebuilds the figures and the HTML report of runs, by id or folder")
    .option("--out <dir>", "where run folders are", "runs")
    .action(async (runs, options) => (await import("./report.js")).report(io, await lab(), runs, options));

  program
    .command("data [name]")
    .description("where a data set is, or fetches it; without a name, all data sets and their licences")
    .option("--path <dir>", "take the files from this directory")
    .action(async (name, options) => end(await (await import("./data.js")).data(io, name, options)));

  return program;
}

/** One sentence for a command line that commander did not understand. */
function usage(program: Command, argv: readonly string[], error: CommanderError): UsageError {
  const command = program.commands.find((candidate) => candidate.name() === argv[0]) ?? program;
  const named = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  const help = command === program ? "hebb help" : `hebb ${command.name()} --help`;
  switch (error.code) {
    case "commander.unknownCommand": {
      const names = program.commands.map((candidate) => candidate.name());
      return new UsageError(`There is no command '${named}'; ${suggestion(named, names)}`);
    }
    case "commander.unknownOption": {
      const options = [...command.options.flatMap((option) => option.long ?? []), "--help"];
      return new UsageError(`'${help.replace(" --help", "")}' has no option '${named}'; ${suggestion(named, options)}`);
    }
    case "commander.missingArgument":
      return new UsageError(`'hebb ${command.name()}' needs a <${named}>; see '${help}'.`);
    case "commander.excessArguments":
      return new UsageError(`'hebb ${command.name()}' was given too many arguments; see '${help}'.`);
    default:
      return new UsageError(`${error.message.replace(/^error: /, "").replace(/\n.*/s, "")}; see '${help}'.`);
  }
}
