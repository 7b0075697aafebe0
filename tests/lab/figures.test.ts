import * as Plot from "@observablehq/plot";
import { decode } from "fast-png";
import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { bandLine, dotInterval, imageGrid } from "../../src/lab/figures/marks.js";
import { palette } from "../../src/lab/figures/palette.js";
import { renderPng } from "../../src/lab/figures/png.js";
import { renderSvg } from "../../src/lab/figures/svg.js";
import { type Shown, type View, viewed } from "../../src/lab/figures/view.js";
import type { Figure } from "../../src/lab/study.js";

const points = ["new", "old"].flatMap((arm, a) =>
  [1, 2, 3].flatMap((seed) => [1, 10, 100].map((x) => ({ arm, x, y: 1 + a + Math.log10(x) + 0.1 * seed }))),
);
const figure = (plot: Figure["plot"], title = "A title"): Figure => ({ name: "figure", title, caption: "", plot });
const parse = (svg: string) => parseHTML(svg).document.querySelector("svg")!;
const texts = (svg: string) => [...parse(svg).querySelectorAll("text")].map((text) => text.textContent);

/** How many pixels of a picture differ from white by more than anti-aliasing of a thin line would. */
function darkPixels(png: Uint8Array): number {
  const { data, channels } = decode(png);
  let dark = 0;
  for (let i = 0; i < data.length; i += channels) if (data[i] < 100 && data[i + 1] < 100 && data[i + 2] < 100) dark++;
  return dark;
}

describe("renderSvg", () => {
  const curve = figure((plot) =>
    bandLine(plot, points, {
      x: { label: "steps", log: true },
      y: { label: "loss (nats)" },
      arms: { new: "N & <n>", old: "O" },
    }),
  );

  it("gives one stand-alone, well-formed file with title, axis labels with units, and legend", async () => {
    const svg = await renderSvg(curve);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg).toContain("prefers-color-scheme:dark");
    expect(svg.match(/<style/g)).toHaveLength(1);
    expect(svg).not.toMatch(/href="http|url\(http|<figure|NaN|undefined/);
    expect(texts(svg)).toEqual(expect.arrayContaining(["A title", "steps", "loss (nats)", "N & <n>", "O"]));
    expect(svg).toContain("N &amp; &lt;n&gt;");
  });

  it("leaves the title to the page when asked", async () => {
    expect(texts(await renderSvg(curve, { heading: false }))).not.toContain("A title");
  });

  it("draws several plots below one another", async () => {
    const one = figure(() => ({ height: 100, marks: [Plot.dot([[1, 2]])] }));
    const two = figure(() => [
      { height: 100, marks: [Plot.dot([[1, 2]])] },
      { height: 150, marks: [Plot.dot([[1, 2]])] },
    ]);
    const height = async (drawn: Figure) => Number(parse(await renderSvg(drawn)).getAttribute("height"));
    expect((await height(two)) - (await height(one))).toBe(150);
  });

  it("draws a ramp for a continuous colour scale", async () => {
    const cells = [0, 1, 2, 3].map((x) => ({ x, v: x * 100 }));
    const svg = await renderSvg(
      figure((plot) => ({
        color: { legend: true, label: "loss", scheme: "viridis" },
        marks: [plot.cell(cells, { x: "x", fill: "v" })],
      })),
    );
    expect(texts(svg)).toEqual(expect.arrayContaining(["loss", "0", "300"]));
  });
});

describe("bandLine", () => {
  it("gives each arm its colour in the order of the legend", async () => {
    const options = { x: { label: "x" }, y: { label: "y" } };
    const chart = bandLine(Plot, points, { ...options, arms: { old: "old", new: "new" } });
    expect(chart.color).toMatchObject({ domain: ["old", "new"], range: palette.slice(0, 2) });
    expect(bandLine(Plot, points, options).color).toMatchObject({ domain: ["new", "old"] });
  });

  it("draws a line without a band for a single seed, and bands that stay positive on a log axis", async () => {
    const axes = { x: { label: "x" }, y: { label: "y", log: true } };
    const single = points.filter(({ y }) => Math.abs((y % 1) - 0.1) < 1e-9);
    const wide = [1, 2].flatMap((x) => [0.01, 5].map((y) => ({ arm: "a", x, y })));
    for (const data of [single, wide]) {
      const svg = await renderSvg(figure((plot) => bandLine(plot, data, axes)));
      expect(svg).not.toMatch(/NaN|Infinity/);
      expect(svg).toContain('aria-label="line"');
    }
  });
});

describe("dotInterval", () => {
  it("names the arms and marks the reference", async () => {
    const values = points.map(({ arm, y }) => ({ arm, value: y }));
    const svg = await renderSvg(
      figure((plot) =>
        dotInterval(plot, values, { value: { label: "score" }, references: [{ at: 2, label: "chance" }] }),
      ),
    );
    expect(texts(svg)).toEqual(expect.arrayContaining(["new", "old", "chance", "score"]));
  });
});

describe("imageGrid", () => {
  it("holds each image as data, scaled to the common range", async () => {
    const images = [
      { width: 2, height: 2, pixels: [0, 1, 2, 4], label: "four" },
      { width: 2, height: 2, pixels: new Float32Array([4, 4, 4, 4]), label: "all" },
    ];
    const svg = await renderSvg(figure((plot) => imageGrid(plot, images, { columns: 1 })));
    const sources = [...parse(svg).querySelectorAll("image")].map((image) => image.getAttribute("href")!);
    const pixels = sources.map((source) => [...decode(Buffer.from(source.split(",")[1], "base64")).data]);
    expect(pixels).toEqual([
      [0, 64, 128, 255],
      [255, 255, 255, 255],
    ]);
    expect(texts(svg)).toEqual(expect.arrayContaining(["four", "all"]));
  });
});

describe("renderPng", () => {
  it("shows text with the font that Hebb brings, on white", async () => {
    const empty = figure(() => ({ height: 60, axis: null, marks: [] }), " ");
    const titled = figure(() => ({ height: 60, axis: null, marks: [] }), "Words that can be read: α ≤ 0.05");
    const [without, withTitle] = await Promise.all(
      [empty, titled].map(async (drawn) => renderPng(await renderSvg(drawn))),
    );
    expect(decode(without).data.slice(0, 3)).toEqual(new Uint8Array([255, 255, 255]));
    expect(darkPixels(without)).toBe(0);
    expect(darkPixels(withTitle)).toBeGreaterThan(500);
  });
});

describe("a figure on a page", () => {
  const points = [0, 1].flatMap((seed) =>
    ["a", "b"].flatMap((arm) => [0, 1, 2].map((x) => ({ arm, x, y: x + seed + (arm === "b" ? 10 : 0) }))),
  );
  const draw = (view: View) => {
    const told: { arms?: ReadonlyMap<string, string>; data?: readonly Shown[] } = {};
    const own = viewed(Plot, {
      ...view,
      onArms: (arms) => Object.assign(told, { arms }),
      onData: (_, data) => Object.assign(told, { data }),
    });
    const options = bandLine(own, points, { x: { label: "x" }, y: { label: "y" }, arms: { a: "first", b: "second" } });
    return { ...told, marks: options.marks!.length };
  };

  it("tells its arms and values, leaves arms out and keeps the colours of the others", () => {
    const whole = draw({});
    expect([...whole.arms!.keys()]).toEqual(["first", "second"]);
    expect(whole.data).toHaveLength(6);
    expect(whole.data![0]).toMatchObject({ arm: "first", x: 0, mean: 0.5 });
    const part = draw({ hidden: new Set(["first"]) });
    expect(part.data!.map(({ arm }) => arm)).toEqual(["second", "second", "second"]);
    expect(part.arms).toEqual(whole.arms);
    expect(draw({ tips: true }).marks).toBe(whole.marks + 1);
  });
});
