import { fontFamily, paper } from "../../../src/lab/figures/palette.js";

/** What style sheets may say of an SVG element and its children inherit. */
const inherited = [
  ...["color", "fill", "fill-opacity", "fill-rule", "font-family", "font-size", "font-style", "font-weight"],
  ...["font-variant-numeric", "letter-spacing", "paint-order", "stroke", "stroke-dasharray", "stroke-dashoffset"],
  ...["stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-opacity", "stroke-width", "text-anchor"],
  ...["visibility", "white-space"],
] as const;

/** What they may say that is not inherited, and what is so where they say nothing. */
const own: Readonly<Record<string, string>> = {
  display: "inline",
  "dominant-baseline": "auto",
  "image-rendering": "auto",
  "mix-blend-mode": "normal",
  opacity: "1",
};

/** What is so of the root where it says nothing. */
const initial: Known = {
  fill: "rgb(0, 0, 0)",
  stroke: "none",
  visibility: "visible",
  "fill-opacity": "1",
  "fill-rule": "nonzero",
  "font-style": "normal",
  "font-variant-numeric": "normal",
  "font-weight": "400",
  "letter-spacing": "normal",
  "paint-order": "normal",
  "stroke-dasharray": "none",
  "stroke-dashoffset": "0px",
  "stroke-linecap": "butt",
  "stroke-linejoin": "miter",
  "stroke-miterlimit": "4",
  "stroke-opacity": "1",
  "stroke-width": "1px",
  "text-anchor": "start",
};

/** Parts of a drawing that only a page can use. */
const ofThePage = "script, style, foreignObject, [data-export='no']";

/**
 * An SVG of the page as a file that stands alone: what the page's style sheets say of it is written into its elements, so
 * that it looks the same without them, on its own ground.
 */
export function standAloneSvg(svg: SVGElement): string {
  const copy = svg.cloneNode(true) as SVGElement;
  settle(svg, copy, initial);
  for (const part of [...copy.querySelectorAll(ofThePage)]) part.remove();
  const { width, height } = size(svg);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  if (!copy.hasAttribute("viewBox")) copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  copy.style.background = ground(svg);
  if (!copy.style.fontFamily) copy.style.fontFamily = fontFamily;
  return new XMLSerializer().serializeToString(copy);
}

type Known = Readonly<Record<string, string>>;

/** Writes into `copy` what the page says of `source` and what it does not have from its parent anyway. */
function settle(source: Element, copy: Element, parent: Known): void {
  const computed = getComputedStyle(source);
  const here: Record<string, string> = {};
  const declarations: string[] = [];
  for (const name of inherited) {
    here[name] = computed.getPropertyValue(name);
    if (here[name] !== "" && here[name] !== parent[name]) declarations.push(`${name}:${here[name]}`);
  }
  for (const [name, usual] of Object.entries(own)) {
    const value = computed.getPropertyValue(name);
    // The root is a block on the page, which a file does not need to know.
    if (value !== "" && value !== usual && !(parent === initial && name === "display")) {
      declarations.push(`${name}:${value}`);
    }
  }
  copy.removeAttribute("class");
  if (declarations.length > 0) copy.setAttribute("style", declarations.join(";"));
  else copy.removeAttribute("style");
  const children = [...source.children];
  [...copy.children].forEach((child, i) => {
    if (child instanceof SVGElement) settle(children[i], child, here);
  });
}

/** The size on the page where it has one, else the one it says. */
function size(svg: SVGElement): { width: number; height: number } {
  const box = svg.getBoundingClientRect();
  const said = (name: string, measured: number) => Math.round(measured || Number(svg.getAttribute(name)) || 300);
  return { width: said("width", box.width), height: said("height", box.height) };
}

/** The colour behind the drawing: that of the nearest element that has one. */
export function ground(element: Element): string {
  for (let at: Element | null = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (colour && !/^(transparent|rgba\(.*, 0\))$/.test(colour)) return colour;
  }
  return paper.light;
}
