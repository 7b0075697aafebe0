import { HebbError } from "../../../src/engine/errors.js";
import { ink, paper } from "../../../src/lab/figures/palette.js";

/** Pixels that browsers are sure to draw on one canvas. */
const mostPixels = 16_384 * 4096;

/** An SVG file as a PNG file with `zoom` pixels per unit, on `background`. */
export async function pngOf(svg: string, zoom = 2, background: string = paper.light): Promise<Blob> {
  const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode().catch(() => {
      throw new HebbError("The browser could not draw the figure as an image: export it as SVG instead.");
    });
    const [width, height] = [image.naturalWidth * zoom, image.naturalHeight * zoom];
    if (width * height > mostPixels) {
      throw new HebbError("The figure is too large for a PNG file: export it as SVG instead.");
    }
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    if (!context) throw new HebbError("This browser gives no canvas to draw on: export the figure as SVG instead.");
    context.fillStyle = background;
    context.fillRect(0, 0, width, height);
    context.drawImage(image, 0, 0, width, height);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
    if (!blob) throw new HebbError("The browser could not write the PNG file: export the figure as SVG instead.");
    return blob;
  } finally {
    URL.revokeObjectURL(address);
  }
}

/**
 * A figure of `renderSvg` as it is on a light page, whatever the reader's screen is: an image inside a page would follow
 * the screen, and a picture for a document should not.
 */
export const onLightPage = (svg: string): string =>
  svg.replace(
    /<style>\.hebb-figure\{.*?<\/style>/s,
    `<style>.hebb-figure{--plot-background:${paper.light};color:${ink.light};background:${paper.light}}.hebb-figure text{white-space:pre}</style>`,
  );
