import { execFile } from "node:child_process";
import { realpath } from "node:fs/promises";
import { promisify } from "node:util";
import type { Environment } from "../lab/record.js";

const run = promisify(execFile);

/** The commit of a checkout of this project, and whether its sources differ from it; nothing for an installed package. */
export async function commitOf(root: string): Promise<Pick<Environment, "commit" | "dirty">> {
  const git = async (...args: string[]) => (await run("git", ["-C", root, ...args])).stdout.trim();
  try {
    if ((await git("rev-parse", "--show-toplevel")) !== (await realpath(root))) return {};
    const changes = git("status", "--porcelain", "--", "src", "studies", "assets", "package-lock.json");
    return { commit: await git("rev-parse", "HEAD"), dirty: (await changes) !== "" };
  } catch {
    // No git, no checkout, or no commit yet.
    return {};
  }
}
