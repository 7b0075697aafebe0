import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { checkRequest } from "../../src/lab/controls.js";
import { runStudy } from "../../src/lab/runner.js";
import type { Control, Scale } from "../../src/lab/study.js";
import { studies } from "../../studies/index.js";

it.each(Object.keys(studies))(
  "the controls of %s name its options, and its own values lie within them",
  async (slug) => {
    const { default: study } = await studies[slug]();
    const controls = Object.entries((study.controls ?? {}) as Readonly<Record<string, Control>>);
    for (const [scale, info] of Object.entries(study.scales)) {
      for (const [name] of controls) {
        expect(Object.keys(info!.options)).toContain(name);
        expect(() =>
          checkRequest(study, { slug, scale: scale as Scale, options: { [name]: info!.options[name] } }),
        ).not.toThrow();
      }
    }
  },
);

it("a request is held to the controls", async () => {
  const { default: study } = await studies["lottery-ticket"]();
  const check = (options: Record<string, unknown>, scale: Scale = "smoke") =>
    checkRequest(study, { slug: "lottery-ticket", scale, options });
  expect(() => check({ steps: 200 })).not.toThrow();
  expect(() => check({ steps: 1e9 })).toThrow(/"steps" of "lottery-ticket" is a whole number from 100 to 100000, got/);
  expect(() => check({ steps: "300" })).toThrow("is a whole number");
  expect(() => check({ stepz: 300 })).toThrow(/"stepz" of "lottery-ticket" cannot be changed here; steps can/);
  expect(() => check({ constructor: 1 })).toThrow("cannot be changed here");
  expect(() => check({}, "huge" as Scale)).toThrow(/has no scale "huge"; it has smoke, standard, full/);
});

it("a study runs with a changed control", async () => {
  const out = await mkdtemp(join(tmpdir(), "hebb-controls-"));
  try {
    const { default: study } = await studies["lottery-ticket"]();
    const record = await runStudy(study, { out, seeds: [0], options: { steps: 100, batchSize: 40 } });
    expect(record.error).toBeUndefined();
    expect(record.status).toBe("done");
  } finally {
    await rm(out, { recursive: true });
  }
});
