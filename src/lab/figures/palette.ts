/**
 * Okabe and Ito's colours, without yellow, which vanishes on white. They stay apart for the common kinds of colour
 * blindness, and each can be seen on a light and on a dark page.
 */
export const palette = [
  "#0072B2",
  "#D55E00",
  "#009E73",
  "#CC79A7",
  "#E69F00",
  "#56B4E9",
  "#8A8A8A",
  "#8C564B",
] as const;

/** Ink and paper of figures and reports, on a light and on a dark screen. */
export const ink = { light: "#1b1f24", dark: "#e6e8eb" } as const;
export const paper = { light: "#ffffff", dark: "#14171c" } as const;

/** The font that PNG files are drawn with, then the reader's own. */
export const fontFamily = "Inter, system-ui, sans-serif";
