import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { memoryCache } from "../../src/lab/cache.js";
import { type RunOptions, runStudy } from "../../src/lab/runner.js";
import { RunStore } from "../../src/lab/store.js";
import type { Study } from "../../src/lab/study.js";
import lotteryTicket from "../../studies/compress/lottery-ticket.js";
import lazyToRich from "../../studies/phenomena/lazy-to-rich.js";
import dataDiet from "../../studies/select/data-diet.js";
import { prunedArms } from "../../studies/select/data-diet-options.js";

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "hebb-checkpoint-"));
});
afterEach(() => rm(out, { recursive: true }));

const images = { ...lazyToRich.scales.smoke!.options.transfer, hidden: [8], images: 40, testImages: 20, alphas: [5] };

/** The studies, each cut down to the least that has all of its loops. */
const small: [Study, RunOptions["options"], number][] = [
  [
    lotteryTicket,
    {
      sizes: [64, 12, 8, 10],
      rounds: 1,
      steps: 40,
      batchSize: 20,
      evaluateEvery: 20,
      stepsPerCall: 10,
      reinitAt: [1],
      randomMaskAt: [],
      oneShotAt: [1],
    },
    5,
  ],
  [
    dataDiet,
    {
      trainRows: 400,
      hidden: 8,
      batchSize: 40,
      epochs: 2,
      unroll: 5,
      together: 2,
      scoreSeeds: [11, 12, 13],
      pruned: prunedArms.filter((arm) => ["el2n", "grand", "grand-init", "forgetting"].includes(arm)),
      learningRates: {
        "full@1": 0.1,
        "el2n@0.5": 0.1,
        "grand@0.5": 0.1,
        "grand-init@0.5": 0.1,
        "forgetting@0.5": 0.1,
      },
    },
    5,
  ],
  [
    lazyToRich,
    {
      D: 4,
      N: 8,
      steps: 9,
      measured: 3,
      alphas: [0.3, 3],
      points: 12,
      sizes: [6],
      eta: 1,
      smallEtas: [0.1, 0.2],
      tuningSteps: 6,
      transfer: { ...images, steps: 6, measured: 3 },
    },
    7,
  ],
];

/** So few steps give no verdict. */
const judge: Study["judge"] = () => ({ verdict: "not at this scale", reason: "Too small.", conditions: [] });

it.each(small.map((entry) => [entry[0].slug, ...entry] as const))(
  "%s, interrupted again and again within its units, ends as if it had not been",
  async (_slug, study, options, saves) => {
    const settings: RunOptions = { out, cache: memoryCache(), checkpoint: { milliseconds: 0, share: 1e9 } };
    const whole = await runStudy({ ...study, judge }, { ...settings, options });
    expect(whole.error).toBeUndefined();

    /** One part of the run: up to the checkpoint that is the last allowed. */
    const part = (more: RunOptions) => {
      const control = new AbortController();
      let left = saves;
      const cut: Study = {
        ...study,
        judge,
        run: (context) => {
          const { restore, save } = context.checkpoint;
          const cutSave: typeof save = async (state) => {
            await save(state);
            if (--left === 0) control.abort();
          };
          return study.run({ ...context, checkpoint: { restore, save: cutSave } });
        },
      };
      return runStudy(cut, {
        ...settings,
        ...more,
        signal: control.signal,
        onEvent: (event) => event.type === "unit" && event.state === "continued" && continued++,
      });
    };
    let continued = 0;
    let record = await part({ options });
    while (record.status === "stopped") record = await part({ resume: record.id });
    expect(record.status).toBe("done");
    expect(continued).toBeGreaterThan(2);
    expect(record.rows).toEqual(whole.rows);
    expect({ ...record.cost, seconds: 0 }).toEqual({ ...whole.cost, seconds: 0 });
    const store = new RunStore(out);
    const left = async (id: string) => {
      const folder = await store.open(id);
      const units = await folder.readUnits();
      return {
        metrics: await readFile(join(folder.path, "metrics.jsonl"), "utf8"),
        units: units.map((unit) => ({ ...unit, cost: { ...unit.cost, seconds: 0 } })),
      };
    };
    expect(await left(record.id)).toEqual(await left(whole.id));
  },
);
