import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Machine, type Ticket } from "../../src/cli/machine.js";
import { tinyStudy } from "../tiny.js";
import { hebb, world } from "./world.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hebb-machine-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const machine = () => new Machine({ folder, limits: { threads: 4, bytes: 100 } });
const queue = (threads: number, bytes = 1) => machine().queue({ threads, bytes });
const granted = (tickets: readonly Ticket[]) => Promise.all(tickets.map((ticket) => ticket.isGranted()));

it("is shared by threads and by memory", async () => {
  const tickets = [await queue(2, 40), await queue(1, 40), await queue(1, 40)];
  expect(await granted(tickets)).toEqual([true, true, false]);
  await tickets[0].release();
  expect(await granted(tickets.slice(1))).toEqual([true, true]);
  tickets.push(await queue(3, 1));
  expect(await tickets[3].isGranted()).toBe(false);
  await tickets[1].release();
  expect(await tickets[3].isGranted()).toBe(true);
  await Promise.all(tickets.map((ticket) => ticket.release()));
  expect(await readdir(folder)).toEqual([]);
});

it("lets nobody past who asks for more, and the first have whatever it asks for", async () => {
  const [small, large, late] = [await queue(2), await queue(4), await queue(1)];
  expect(await granted([late, large, small])).toEqual([false, false, true]);
  await small.release();
  expect(await granted([late, large])).toEqual([false, true]);
  await large.release();
  await late.release();
  expect(await (await queue(9, 1000)).isGranted()).toBe(true);
});

it("never grants more than there is, whoever comes and goes at the same time", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }), { minLength: 2, maxLength: 5 }),
      async (programs) => {
        let used = 0;
        let most = 0;
        await Promise.all(
          programs.map(async (wanted) => {
            for (const threads of wanted) {
              const ticket = await queue(threads);
              while (!(await ticket.isGranted())) await new Promise(setImmediate);
              used += threads;
              most = Math.max(most, used);
              await new Promise(setImmediate);
              used -= threads;
              await ticket.release();
            }
          }),
        );
        expect(most).toBeLessThanOrEqual(4);
        expect(await readdir(folder)).toEqual([]);
      },
    ),
    { numRuns: 20 },
  );
});

it("takes back what processes had that are gone", async () => {
  const child = spawn(process.execPath, ["-e", ""]);
  await new Promise((resolve) => child.on("exit", resolve));
  for (const start of ["1~4~50", "entering"]) await writeFile(join(folder, `${start}~${child.pid}~~x`), "");
  expect(await (await queue(4)).isGranted()).toBe(true);
  expect(await readdir(folder)).toHaveLength(1);
});

it("waits for whoever is drawing a number", async () => {
  const ticket = await queue(1);
  const birth = (await readdir(folder))[0].split("~").slice(-2)[0];
  await writeFile(join(folder, `entering~${process.pid}~${birth}~x`), "");
  expect(await ticket.isGranted()).toBe(false);
  await rm(join(folder, `entering~${process.pid}~${birth}~x`));
  expect(await ticket.isGranted()).toBe(true);
});

it("goes without the others where the folder cannot be used", async () => {
  await writeFile(join(folder, "file"), "");
  const messages: string[] = [];
  const elsewhere = new Machine({ folder: join(folder, "file", "x"), log: (message) => messages.push(message) });
  expect(
    await granted([await elsewhere.queue({ threads: 9, bytes: 1 }), await elsewhere.take({ threads: 9, bytes: 1 })]),
  ).toEqual([true, true]);
  const [, waiting] = [await queue(4), await queue(4)];
  expect(await waiting.isGranted()).toBe(false);
  await rm(folder, { recursive: true });
  expect(await waiting.isGranted()).toBe(true);
  expect(messages[0]).toMatch(/^Other programs cannot be told what this one uses\. Cannot make the directory /);
});

it("is taken at once by `hebb run`, for which the queue waits", async () => {
  const { HEBB_CACHE: before } = process.env;
  process.env.HEBB_CACHE = folder;
  try {
    const shared = new Machine({ limits: { threads: 4, bytes: 2 ** 40 } });
    const first = await shared.queue({ threads: 4, bytes: 1 });
    expect(await first.isGranted()).toBe(true);
    let late: Ticket | undefined;
    const seen: boolean[] = [];
    const study: typeof tinyStudy = {
      ...tinyStudy,
      async run(context) {
        late = await shared.queue({ threads: 4, bytes: 1 });
        await first.release();
        seen.push(await late.isGranted());
        await tinyStudy.run(context);
      },
    };
    expect(await hebb(world(), "run tiny-claim --json --threads 1", study)).toBe(0);
    expect([...seen, await late!.isGranted()]).toEqual([false, true]);
  } finally {
    if (before === undefined) delete process.env.HEBB_CACHE;
    else process.env.HEBB_CACHE = before;
  }
});
