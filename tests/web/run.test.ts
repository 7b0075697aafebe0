import { describe, expect, it } from "vitest";
import type { JobEvent } from "../../src/lab/job.js";
import { SeriesStore } from "../../web/src/figures/series.js";
import { type FormState, readForm } from "../../web/src/run/form.js";
import { applyEvent, emptyView, noPace, pacedBy, timeLeft } from "../../web/src/run/job-view.js";

const study = {
  scales: {
    smoke: { seeds: [0, 1], about: "", options: { steps: 300, rate: 0.2, data: "digits8", arms: ["a", "b"] } },
  },
  controls: {
    steps: { kind: "integer", label: "Steps", min: 100, max: 1000 },
    rate: { kind: "number", label: "Rate", min: 0, max: 1 },
    arms: { kind: "choices", label: "Arms", of: ["a", "b", "c"] },
  },
  dataOption: "data",
} as never;
const form: FormState = { scale: "smoke", seeds: "", options: {}, data: "" };
const read = (change: Partial<FormState>) => readForm("x", study, { ...form, ...change }) as any;

describe("the form", () => {
  it("asks for what differs from the scale, and says when something does", () => {
    expect(read({})).toEqual({ request: { slug: "x", scale: "smoke" }, changed: false });
    expect(read({ options: { steps: "300" } }).changed).toBe(false);
    expect(read({ seeds: "3", options: { steps: "500", arms: ["c", "a"] }, data: "brought:mine" })).toEqual({
      request: { slug: "x", scale: "smoke", seeds: 3, options: { steps: 500, arms: ["a", "c"], data: "brought:mine" } },
      changed: true,
    });
    expect(read({ seeds: "0, 2 5" }).request.seeds).toEqual([0, 2, 5]);
  });

  it.each([
    [{ seeds: "-1" }, "seeds", /whole numbers/],
    [{ seeds: "0" }, "seeds", /1 to 100/],
    [{ seeds: "1, 1" }, "seeds", /twice/],
    [{ options: { steps: "1.5" } }, "steps", /Steps: expected a whole number, got "1.5"/],
    [{ options: { steps: "50" } }, "steps", /expected 100 to 1000, got 50/],
    [{ options: { rate: "much" } }, "rate", /expected a number/],
    [{ options: { arms: [] } }, "arms", /at least one/],
  ] as [Partial<FormState>, string, RegExp][])("says what is wrong with %j", (change, field, message) => {
    expect(read(change).problems[field]).toMatch(message);
  });
});

describe("time left", () => {
  const at = (done: number, time: number) => ({ done, total: 100, time });
  const paceOf = (...marks: [number, number][]) =>
    marks.reduce((pace, [done, time]) => pacedBy(pace, at(done, time)), noPace);

  it("is not said before enough is seen, then follows the pace", () => {
    expect(timeLeft(paceOf([0, 0], [2, 1000]))).toBeUndefined();
    expect(timeLeft(paceOf([0, 0], [1, 3000]))).toBeUndefined();
    expect(timeLeft(paceOf([0, 0], [10, 5000]))).toBeCloseTo(45_000);
    const slower = timeLeft(paceOf([0, 0], [10, 5000], [20, 15_000]))!;
    expect(slower).toBeGreaterThan(45_000);
    expect(slower).toBeLessThan(80_000);
  });

  it("starts anew when the count does", () => {
    expect(timeLeft(paceOf([0, 0], [50, 5000], [3, 6000]))).toBeUndefined();
  });
});

it("events become what the page shows", () => {
  const events = [
    { type: "job", job: { id: "j", state: "running" } },
    { type: "log", message: "hello" },
    { type: "metric", point: { arm: "a", seed: 0, step: 1, values: { loss: 1 } } },
    { type: "progress", done: 1, total: 2, label: "a" },
    { type: "error", error: "It broke." },
  ].map((event, at) => ({ at, time: at, event }) as unknown as JobEvent);
  const view = events.reduce(applyEvent, emptyView());
  expect(view).toMatchObject({
    job: { state: "running" },
    log: ["hello"],
    progress: { done: 1, label: "a" },
    error: "It broke.",
  });
  expect(view.points).toHaveLength(1);
});

it("live curves keep the ends of each series, and start anew with another run", () => {
  const store = new SeriesStore();
  const points = Array.from({ length: 5000 }, (_, step) => ({
    arm: "a",
    seed: step % 2,
    step,
    values: { loss: 1 / (step + 1) },
  }));
  store.take(points);
  const curve = store.curves("loss", { points: 50 });
  expect(curve).toHaveLength(100);
  expect(curve.map(({ step }) => step)).toEqual(expect.arrayContaining([0, 1, 4998, 4999]));
  store.take(points.slice(0, 3));
  expect(store.curves("loss")).toHaveLength(3);
});
