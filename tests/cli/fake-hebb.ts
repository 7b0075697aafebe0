import type { Io } from "../../src/cli/io.js";
import { main } from "../../src/cli/program.js";
import type { Study } from "../../src/lab/study.js";
import { tinyStudy } from "../tiny.js";
import { labOf } from "./world.js";

/**
 * The `hebb` command with the tiny study alone, as a program: sweeps start processes of their own. The option `rounds`
 * says what goes wrong: 13 throws, 14 kills its process, 15 does so once, after its first unit.
 */
const study: Study = {
  ...tinyStudy,
  async run(context) {
    const { rounds } = context.options;
    const die = () => process.kill(process.pid, "SIGKILL");
    if (rounds === 13) throw new Error("nothing works with 13 rounds");
    if (rounds === 14) die();
    await tinyStudy.run({
      ...context,
      async unit(name, work) {
        let ran = false;
        const value = await context.unit(name, () => {
          ran = true;
          return work();
        });
        if (rounds === 15 && ran && name.startsWith("new")) die();
        return value;
      },
    });
  },
};

const io: Io = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  onInterrupt(handler) {
    process.on("SIGINT", handler);
    return () => process.off("SIGINT", handler);
  },
  exit: (status) => process.exit(status),
};

process.exitCode = await main(process.argv.slice(2), io, async () => labOf(study));
