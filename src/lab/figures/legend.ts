import type { Scale } from "@observablehq/plot";
import { escapeHtml } from "../escape.js";

/** A legend drawn as SVG, since Plot makes HTML swatches, which a stand-alone file cannot hold. */
export interface Legend {
  readonly svg: string;
  readonly height: number;
}

const row = 20;

/** The legend of a colour scale: named swatches, or a ramp with its two ends for a continuous one. */
export function colourLegend(scale: Scale, label: string, width: number): Legend {
  return scale.type === "ordinal" || scale.type === "categorical" ? swatches(scale, label, width) : ramp(scale, label);
}

function swatches(scale: Scale, label: string, width: number): Legend {
  const parts: string[] = [];
  let x = 0;
  let y = 0;
  const place = (text: string, colour?: string) => {
    const swatch = colour === undefined ? 0 : 22;
    const wide = swatch + textWidth(text) + 18;
    if (x > 0 && x + wide > width) {
      x = 0;
      y += row;
    }
    if (colour !== undefined) {
      parts.push(`<rect x="${x}" y="${y + 6}" width="16" height="8" rx="2" fill="${escapeHtml(colour)}"/>`);
    }
    parts.push(`<text x="${x + swatch}" y="${y + 14}">${escapeHtml(text)}</text>`);
    x += wide;
  };
  if (label !== "") place(label);
  for (const value of scale.domain ?? []) place(String(value), String(scale.apply(value)));
  return { svg: `<g class="legend">${parts.join("")}</g>`, height: y + row + 6 };
}

function ramp(scale: Scale, label: string): Legend {
  const steps = 48;
  const wide = 192;
  const domain = (scale.domain ?? [0, 1]) as readonly number[];
  const [low, high] = [Number(domain[0]), Number(domain[domain.length - 1])];
  const at = (share: number) => (scale.type === "log" ? low * (high / low) ** share : low + (high - low) * share);
  const cells = Array.from({ length: steps }, (_, i) => {
    const colour = escapeHtml(String(scale.apply(at((i + 0.5) / steps))));
    return `<rect x="${(i * wide) / steps}" y="16" width="${wide / steps + 0.3}" height="8" fill="${colour}"/>`;
  });
  const end = (value: number, x: number, anchor: string) =>
    `<text x="${x}" y="38" text-anchor="${anchor}">${Number(value.toPrecision(3))}</text>`;
  return {
    svg:
      `<g class="legend"><text y="11">${escapeHtml(label)}</text>${cells.join("")}` +
      `${end(low, 0, "start")}${end(high, wide, "end")}</g>`,
    height: 46,
  };
}

/** About how wide `text` is at 12 px: there is no layout engine to ask. */
export const textWidth = (text: string): number => text.length * 6.7;
