import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { budgetOf } from "../../src/cli/budget.js";
import { JobProcesses } from "../../src/cli/job-processes.js";
import { Machine } from "../../src/cli/machine.js";
import { parseGrid, parseSeeds } from "../../src/cli/sweep-grid.js";
import { SweepView } from "../../src/cli/sweep-view.js";
import { buildFake, startProgram } from "./build-fake.js";
import { hebb, world } from "./world.js";

const folder = () => mkdtempSync(join(tmpdir(), "hebb-sweep-"));

describe("hebb sweep: one sentence that says what would be right, and status 2", () => {
  it.each([
    ["sweep tiny-claim --grid ruonds=1,2", "'tiny-claim' has no option 'ruonds'; did you mean 'rounds'?"],
    ["sweep tiny-claim --grid rounds=1,two", "--grid rounds takes numbers, not 'two'."],
    ["sweep tiny-claim --grid rounds=1,", "--grid rounds takes numbers, not ''."],
    ["sweep tiny-claim --grid rounds", "--grid takes a name and values, for example --grid rounds=2,4, not 'rounds'."],
    [
      "sweep tiny-claim --grid rounds=1 --grid rounds=2",
      "--grid rounds is given twice; put all its values into one list.",
    ],
    [
      "sweep tiny-claim --seeds 1,b",
      "--seeds takes a number of seeds or a list of them, for example --seeds 0,1,2, not '1,b'.",
    ],
    ["sweep tiny-claim --seeds 0", "--seeds takes a whole number of at least 1, for example --seeds 3, not '0'."],
    ["sweep tiny-claim --scale full", "'tiny-claim' has no scale 'full'; it has smoke, standard."],
    ["sweep tiny-claim --memory much", "--memory takes a number of gigabytes, for example --memory 8, not 'much'."],
    [
      "sweep tiny-claim --parallel 0",
      "--parallel takes a whole number of at least 1, for example --parallel 3, not '0'.",
    ],
    [
      "sweep tiny-claim --redis host:1",
      "--redis takes an address, for example --redis redis://host:6379, not 'host:1'.",
    ],
    ["sweep tiny-claim --resume x --seeds 3", "--resume continues a sweep as it was planned; leave out --seeds."],
    ["sweep tiny-claim --lease soon", "--lease takes a whole number of at least 1, for example --lease 3, not 'soon'."],
    ["worker", "'hebb worker' needs a queue, for example --redis redis://host:6379."],
  ])("hebb %s", async (line, sentence) => {
    const io = world();
    expect(await hebb(io, line)).toBe(2);
    expect(io.err()).toBe(`${sentence}\n`);
    expect(readdirSync(io.cwd)).toEqual([]);
  });

  it("names the nearest sweep for an unknown one", async () => {
    const io = world();
    expect(await hebb(io, "sweep tiny-claim --resume x")).toBe(1);
    expect(io.err()).toMatch(/^There is no sweep "x" in .*runs\.\n$/);
  });
});

describe("the grid", () => {
  it("has the types of the options that it replaces", () => {
    const defaults = { rate: 0.1, data: "mnist", tuned: false, sizes: [1, 2] };
    const grid = parseGrid("a", defaults, ["rate=1e-3, .5,0.5", "data=3,x y", "tuned=true,false"]);
    expect([...grid]).toEqual([
      ["rate", [0.001, 0.5]],
      ["data", ["3", "x y"]],
      ["tuned", [true, false]],
    ]);
    expect(() => parseGrid("a", defaults, ["tuned=yes"])).toThrow("--grid tuned takes true or false, not 'yes'.");
    expect(() => parseGrid("a", defaults, ["sizes=1"])).toThrow(/The option 'sizes' is no number, text or truth value/);
  });

  it("takes a number of seeds or a list", () => {
    expect(parseSeeds([3, 5], undefined)).toEqual([3, 5]);
    expect(parseSeeds([3, 5], "1")).toEqual([3]);
    expect(parseSeeds([3, 5], "4")).toEqual([3, 5, 6, 7]);
    expect(parseSeeds([3, 5], "8, 1,8")).toEqual([8, 1]);
  });
});

describe("the budget", () => {
  const of = (parallel?: string, threads?: string, most = 100) => {
    const budget = budgetOf({ parallel, threads, memory: "2" }, most, 8);
    return [budget.parallel, budget.threads];
  };

  it("never takes more threads than there are cores", () => {
    expect(of()).toEqual([8, 1]);
    expect(of(undefined, undefined, 3)).toEqual([3, 2]);
    expect(of("2")).toEqual([2, 4]);
    expect(of("3")).toEqual([3, 2]);
    expect(of(undefined, "3")).toEqual([2, 3]);
    expect(of("2", "4")).toEqual([2, 4]);
    expect(() => of("9")).toThrow("--parallel 9 with 1 thread each is more than the 8 cores of this machine.");
    expect(() => of("3", "3")).toThrow("--parallel 3 with 3 threads each is more than the 8 cores of this machine.");
    expect(() => of(undefined, "9")).toThrow("--threads 9 is more than the 8 cores of this machine.");
  });

  it("takes what memory it is given, or most of what there is", () => {
    expect(budgetOf({ memory: "2" }, 1).memoryBytes).toBe(2e9);
    expect(budgetOf({}, 1).memoryBytes).toBeGreaterThan(1e8);
  });
});

describe("processes", () => {
  const gibibyte = 2 ** 30;
  const processesOn = (folder: string, memoryBytes = 10 * gibibyte, onWait?: () => void) =>
    new JobProcesses({
      out: "runs",
      threads: 1,
      memoryBytes,
      machine: new Machine({ folder, limits: { threads: 3, bytes: 100 * gibibyte } }),
      onWait,
    });

  /** Asks until there is room. */
  const admitted = async (processes: JobProcesses): Promise<void> => {
    while (!(await processes.admit())) await sleep(1);
  };

  it("are not added beyond the memory, but one may always run", async () => {
    const countOn = async (memoryBytes: number) => {
      const processes = processesOn(folder(), memoryBytes);
      const places = [await processes.admit(), await processes.admit(), await processes.admit()];
      const count = places.filter((leave) => leave !== undefined).length;
      // A place that is given back can be taken again.
      places[0]!();
      expect(await processes.admit()).toBeDefined();
      await processes.close();
      return count;
    };
    expect(await countOn(10 * gibibyte)).toBe(3);
    expect(await countOn(gibibyte)).toBe(2);
    expect(await countOn(1)).toBe(1);
  });

  it("that wait at the same time all come to their turn", async () => {
    const shared = folder();
    const [a, b] = [processesOn(shared), processesOn(shared)];
    const places = await Promise.all([a.admit(), a.admit(), a.admit()]);
    expect(places.every((leave) => leave !== undefined)).toBe(true);
    expect(await Promise.all([b.admit(), b.admit(), b.admit()])).toEqual([undefined, undefined, undefined]);
    for (const leave of places) {
      leave!();
      await admitted(b);
    }
    await a.close();
    await b.close();
  });

  it("of two programs share the threads, in the order in which they asked", async () => {
    const shared = folder();
    let waits = 0;
    const [a, b] = [processesOn(shared), processesOn(shared, undefined, () => waits++)];
    const places = [await a.admit(), await a.admit(), await a.admit()];
    expect(places.every((leave) => leave !== undefined)).toBe(true);
    expect([await b.admit(), await b.admit(), waits]).toEqual([undefined, undefined, 1]);
    // What asks later comes later, although it asks first once there is room.
    expect(await a.admit()).toBeUndefined();
    places[0]!();
    expect(await a.admit()).toBeUndefined();
    await admitted(b);
    expect(await a.admit()).toBeUndefined();
    places[1]!();
    await admitted(a);
    await a.close();
    await b.close();
    // What waits no longer is gone; what was granted lasts until it is given back.
    expect(readdirSync(shared)).toHaveLength(3);
  });
});

describe("the live table", () => {
  const view = (tty: boolean, columns = 80) => {
    let text = "";
    let time = 0;
    const stream = { isTTY: tty, columns, write: (part: string) => (text += part) };
    const table = new SweepView(stream, {
      title: "t",
      configurations: ["rounds 1", "rounds 20"],
      quiet: false,
      now: () => time,
    });
    return { table, written: () => text, at: (seconds: number) => (time = seconds * 1000) };
  };

  it("is redrawn in place on a terminal, and taken away at the end", () => {
    const { table, written, at } = view(true);
    table.show([
      { configuration: 0, state: "running", share: 0.5 },
      { configuration: 1, state: "waiting" },
      { configuration: 1, state: "running", worker: "w7" },
    ]);
    const first = "t: 0 of 3 done, 2 running\n  rounds 1   0/1  50 %\n  rounds 20  0/2  on w7\n";
    expect(written()).toBe(first);
    at(10);
    table.show([
      { configuration: 0, state: "done" },
      { configuration: 1, state: "waiting" },
      { configuration: 1, state: "failed" },
    ]);
    const clear = "\u001b[3A\r\u001b[J";
    const second = "t: 1 of 3 done, 0 running, 1 failed, 10 s left\n  rounds 1   1/1  \n  rounds 20  0/2  1 failed\n";
    expect(written()).toBe(`${first}${clear}${second}`);
    table.log("hello");
    table.end();
    expect(written()).toBe(`${first}${clear}${second}${clear}hello\n${second}${clear}`);
  });

  it("keeps within the terminal's width, and gives a pipe plain lines only", () => {
    const narrow = view(true, 12);
    narrow.table.show([{ configuration: 0, state: "running", share: 0.5 }]);
    for (const line of narrow.written().split("\n")) expect(line.length).toBeLessThan(12);
    const pipe = view(false);
    pipe.table.show([{ configuration: 0, state: "running" }]);
    pipe.table.log("hello");
    pipe.table.end();
    expect(pipe.written()).toBe("t: hello\n");
  });
});

describe("hebb sweep", () => {
  let fake: Awaited<ReturnType<typeof buildFake>>;
  beforeAll(async () => {
    fake = await buildFake();
  });
  afterAll(() => fake?.remove());

  const start = (cwd: string, line: string) => startProgram(fake.program, cwd, line);
  /** Also false for one that has ended and that nobody has asked about (a zombie), where the system tells. */
  const isRunning = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return !existsSync("/proc") || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      return false;
    }
  };
  const runsIn = (cwd: string) => readdirSync(join(cwd, "runs")).filter((name) => name !== "sweeps");
  const sweepIn = (cwd: string) => readdirSync(join(cwd, "runs", "sweeps")).find((name) => name !== "unfinished")!;

  it("runs every configuration at every seed, tries again what died, and reports what failed", async () => {
    const cwd = folder();
    const { out, err, ended } = start(cwd, "sweep tiny-claim --grid rounds=2,15,13 --seeds 2");
    expect(await ended).toBe(1);
    expect(err()).toMatch(
      /^tiny-claim: smoke scale, 6 jobs, \d+ process(es)? of \d+ threads?, sweep tiny-claim-smoke-/,
    );
    expect(err().match(/rounds 15, seed \d: its process ended with SIGKILL; once more\n/g)).toHaveLength(2);
    expect(err()).toContain("\nFailed: rounds 13, seed 1: nothing works with 13 rounds\nFailed: rounds 13, seed 2:");
    expect(err()).toContain(`This tries what failed again: hebb sweep tiny-claim --resume ${sweepIn(cwd)}\n`);
    expect(out()).toMatch(/arm +rounds +round +accuracy \(%\) +steps to 90 %/);
    expect(out()).toMatch(/new +2 +1 +93\.15 \[92\.51, 93\.79\] +90/);
    expect(out()).toMatch(/old +15 +14 /);
    expect(runsIn(cwd)).toHaveLength(4);

    // The runs are ordinary ones.
    const io = world({ cwd });
    expect(await hebb(io, `report ${runsIn(cwd)[0]}`)).toBe(0);

    // Results are found by what they are: the same sweep once more has nothing left to do.
    const again = start(cwd, "sweep tiny-claim --grid rounds=15,2 --seeds 1,2 --json");
    expect(await again.ended).toBe(0);
    expect(again.err()).toBe("");
    expect(again.out().match(/\n/g)).toHaveLength(1);
    const result = JSON.parse(again.out());
    expect(Object.keys(result)).toEqual([
      "slug",
      "scale",
      "seeds",
      "configurations",
      "measures",
      "failures",
      "seconds",
      "sweep",
    ]);
    expect(result.configurations[1]).toMatchObject({ options: { rounds: 2 }, arms: [{ arm: "new" }, {}, {}, {}] });
    expect(result.configurations[1].arms[0].measures.accuracy).toMatchObject({ n: 2, seeds: [1, 2] });
    expect(result.configurations[0].runs.every((id: string) => runsIn(cwd).includes(id))).toBe(true);
    expect(runsIn(cwd)).toHaveLength(4);
  });

  it("stops on Ctrl-C with all its processes, and goes on from there", async () => {
    const cwd = folder();
    const { child, out, err, ended } = start(
      cwd,
      "sweep tiny-claim --grid rounds=1,2 --grid pause=400 --seeds 2 --parallel 1",
    );
    while (!err().includes("seed 1: done")) await sleep(10);
    await sleep(300);
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(out()).toBe("");
    const [, command] = /Stopped; this continues it: hebb (.*)\n/.exec(err())!;
    const [stopped] = readdirSync(join(cwd, "runs", "sweeps", "unfinished"));
    expect(isRunning(Number(stopped.split("~")[2]))).toBe(false);
    const before = runsIn(cwd).map((id) => readFileSync(join(cwd, "runs", id, "run.json"), "utf8"));
    expect(before).toHaveLength(1);

    const resumed = start(cwd, `${command} --json`);
    expect(await resumed.ended).toBe(0);
    expect(JSON.parse(resumed.out()).configurations.flatMap(({ runs }: { runs: string[] }) => runs)).toHaveLength(4);
    expect(runsIn(cwd).map((id) => readFileSync(join(cwd, "runs", id, "run.json"), "utf8"))).toContain(before[0]);
    expect(readdirSync(join(cwd, "runs", "sweeps", "unfinished"))).toEqual([]);
  });

  it("leaves no process behind when it is killed, and is continued by two processes at the same time", async () => {
    const cwd = folder();
    const { child, err, ended } = start(
      cwd,
      "sweep tiny-claim --grid rounds=1,2 --grid pause=400 --seeds 2 --parallel 1",
    );
    while (!err().includes("seed 1: done")) await sleep(10);
    child.kill("SIGKILL");
    await ended;
    for (const name of readdirSync(join(cwd, "runs", "sweeps", "unfinished"))) {
      const pid = Number(name.split("~")[2]);
      while (isRunning(pid)) await sleep(20);
    }
    const line = `sweep tiny-claim --resume ${sweepIn(cwd)} --parallel 1`;
    const [a, b] = [start(cwd, line), start(cwd, line)];
    expect([await a.ended, await b.ended]).toEqual([0, 0]);
    expect(runsIn(cwd)).toHaveLength(4);
    // Each of the jobs that were left was done by one of the two.
    const done = `${a.err()}${b.err()}`.match(/rounds \d, pause 400, seed \d: done/g)!;
    expect(new Set(done).size).toBe(done.length);
    const queue = join(cwd, "runs", "sweeps", sweepIn(cwd), "queue");
    expect(readdirSync(join(queue, "done"))).toHaveLength(4);

    const other = start(cwd, `sweep tiny-claim --resume ${sweepIn(cwd)} --scale smoke`);
    expect(await other.ended).toBe(2);
  });
});
