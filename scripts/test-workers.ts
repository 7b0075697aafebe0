/**
 * Workers on "other machines": `npx tsx scripts/test-workers.ts`, as root, with Debian's iproute2 and redis-server and
 * the package ioredis. Makes four network namespaces, Redis and a sweep in one and a worker in each of the others; cuts
 * the link of one worker and kills another while they work; then checks that every job was finished once in the folder
 * that all share. Takes at most two minutes and leaves nothing behind.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildFake } from "../tests/cli/build-fake.js";

const limitMilliseconds = 120_000;
const leaseSeconds = 4;
const names = ["sound", "cut-off", "killed"];
const center = `hebb-${process.pid}-redis`;
const space = (i: number) => `hebb-${process.pid}-${i}`;
/** The center's end of the link to a worker, and the address at that end. */
const link = (i: number) => `hebb${i}`;
const address = (i: number) => `10.77.${i}.1`;

const ip = (...args: string[]) => execFileSync("ip", args, { stdio: ["ignore", "pipe", "inherit"] });
const inside = (namespace: string, ...args: string[]) => ip("-n", namespace, ...args);
const say = (message: string) =>
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${message}`);

const started = performance.now();
const folder = mkdtempSync(join(tmpdir(), "hebb-namespaces-"));
const children: ChildProcess[] = [];
const spaces: string[] = [];
const fake = await buildFake();

function run(namespace: string, command: string, ...args: string[]) {
  // Without git the sources go by the version; and each namespace has cores of its own, as another machine has.
  const child = spawn("ip", ["netns", "exec", namespace, command, ...args], {
    cwd: folder,
    env: { ...process.env, GIT_DIR: "/nowhere", HEBB_CACHE: join(folder, "cache", namespace) },
  });
  children.push(child);
  const text = { out: "", err: "" };
  child.stdout.on("data", (part) => {
    text.out += part;
  });
  child.stderr.on("data", (part) => {
    text.err += part;
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, text, ended };
}

/** `ip netns exec` replaces itself by the command, so the child's id is the command's. */
const hebb = (namespace: string, line: string) => run(namespace, process.execPath, fake.program, ...line.split(" "));

function addSpace(name: string): void {
  ip("netns", "add", name);
  spaces.push(name);
}

function cleanUp(): void {
  for (const child of children) child.kill("SIGKILL");
  // With a namespace go its links.
  for (const namespace of spaces) ip("netns", "delete", namespace);
  rmSync(folder, { recursive: true, force: true });
  fake.remove();
}

async function check(): Promise<void> {
  addSpace(center);
  inside(center, "link", "set", "lo", "up");
  for (const [i] of names.entries()) {
    addSpace(space(i));
    inside(center, "link", "add", link(i), "type", "veth", "peer", "name", "home", "netns", space(i));
    inside(center, "address", "add", `${address(i)}/30`, "dev", link(i));
    inside(center, "link", "set", link(i), "up");
    inside(space(i), "address", "add", `10.77.${i}.2/30`, "dev", "home");
    inside(space(i), "link", "set", "home", "up");
  }
  say("four namespaces are up");
  run(center, "redis-server", "--port", "6379", "--protected-mode", "no", "--save", "", "--dir", folder);
  const workers = names.map((name, i) =>
    hebb(space(i), `worker --redis redis://${address(i)}:6379 --name ${name} --threads 1 --lease ${leaseSeconds}`),
  );
  const sweep = hebb(
    center,
    `sweep tiny-claim --grid rounds=1,2,3,4 --grid pause=500 --seeds 3 --redis redis://127.0.0.1:6379 --parallel 0 --lease ${leaseSeconds} --json`,
  );
  const [, cutOff, killed] = workers;
  for (const { text } of workers) while (!text.err.includes("started")) await sleep(20);
  say("all three workers are at work");
  killed.child.kill("SIGKILL");
  say("killed: SIGKILL");
  inside(center, "link", "set", link(1), "down");
  say("cut-off: its link is down");

  if ((await sweep.ended) !== 0) throw new Error(`the sweep failed: ${sweep.text.err}`);
  const { configurations } = JSON.parse(sweep.text.out);
  const runs: string[] = configurations.flatMap((configuration: { runs: string[] }) => configuration.runs);
  say(`the sweep has ended with ${runs.length} results`);
  while (!cutOff.text.err.includes("cannot be reached")) await sleep(50);
  inside(center, "link", "set", link(1), "up");
  while (!cutOff.text.err.includes("is there again")) await sleep(50);
  say("cut-off: its link is up again, and so is its connection");

  const present = readdirSync(join(folder, "runs")).filter((name) => name !== "sweeps");
  const finished = runs.filter(
    (id) => JSON.parse(readFileSync(join(folder, "runs", id, "run.json"), "utf8")).status === "done",
  );
  for (const [i, { text }] of workers.entries()) {
    const count = (word: string) => text.err.match(new RegExp(`: ${word} tiny`, "g"))?.length ?? 0;
    say(`${names[i]}: started ${count("started")}, done ${count("done")}`);
  }
  const once = new Set(runs).size === 12 && present.length === 12 && finished.length === 12;
  if (!once) throw new Error(`${present.length} run folders, ${finished.length} of them finished, instead of 12`);
  say("every one of 12 jobs is finished exactly once in the shared folder");
}

try {
  const limit = sleep(limitMilliseconds, undefined, { ref: false }).then(() => {
    throw new Error(`not done after ${limitMilliseconds / 1000} s`);
  });
  await Promise.race([check(), limit]);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  cleanUp();
}
process.exit();
