import type { Io } from "./io.js";
import { main } from "./program.js";

/** The entry of the `hebb` command: the real process as the world of the commands. */
const io: Io = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  onInterrupt(handler) {
    process.on("SIGINT", handler);
    process.on("SIGTERM", handler);
    return () => {
      process.off("SIGINT", handler);
      process.off("SIGTERM", handler);
    };
  },
  exit: (status) => process.exit(status),
};

// `hebb list | head` closes the pipe early: that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

// Not `process.exit`, which could cut off what is still on its way to a pipe.
process.exitCode = await main(process.argv.slice(2), io);
