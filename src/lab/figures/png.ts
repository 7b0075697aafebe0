import { createRequire } from "node:module";
import { paper } from "./palette.js";

export interface PngOptions {
  /** Pixels per SVG unit. Default: 2. */
  readonly zoom?: number;
}

/** An SVG of `renderSvg` as a PNG file, on a light page. Node only. The fonts come with Hebb: a machine may have none. */
export async function renderPng(svg: string, { zoom = 2 }: PngOptions = {}): Promise<Uint8Array> {
  const { Resvg } = await import("@resvg/resvg-js");
  const require = createRequire(import.meta.url);
  const font = (file: string) => require.resolve(`@expo-google-fonts/inter/${file}`);
  // The renderer knows neither custom properties nor media queries, and nearest-pixel scaling by another name.
  const plain = svg
    .replaceAll("var(--plot-background)", paper.light)
    .replace(/<style>.*?<\/style>/s, "")
    .replaceAll('image-rendering="pixelated"', 'image-rendering="optimizeSpeed"');
  const image = new Resvg(plain, {
    background: paper.light,
    fitTo: { mode: "zoom", value: zoom },
    font: {
      fontFiles: [font("400Regular/Inter_400Regular.ttf"), font("600SemiBold/Inter_600SemiBold.ttf")],
      loadSystemFonts: false,
      defaultFontFamily: "Inter",
      sansSerifFamily: "Inter",
    },
  });
  return image.render().asPng();
}
