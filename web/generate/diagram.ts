import { Graph, layout } from "@dagrejs/dagre";
import { isLeaf, literalPrimitive, partPrimitive, topological } from "../../src/engine/core.js";
import { traceCall } from "../../src/engine/inspect/trace.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { escapeHtml } from "../../src/lab/escape.js";
import { batchSize, type DrawnModel } from "./models.js";

interface Box {
  readonly label: string;
  /** Weights and settings, below the operation's name. */
  readonly detail: string;
  readonly kind: "input" | "operation" | "output";
}

const height = 46;
const widthOf = ({ label, detail }: Box): number => 28 + Math.max(label.length * 8.4, detail.length * 6.4);

/** Of the text along an arrow. */
const shapeWidth = (text: string): number => text.length * 6.4;

/** Operations that only arrange what is there; a chain of them is one arrow. */
const silent = new Set(["alias", "stopGradient", "broadcastTo", "reshape", "expandDims", "squeeze", "cast"]);

/** The forward pass of a model as an SVG picture, from its traced graph: operations as boxes, shapes along the arrows. */
export function diagram({ title, apply, params, inputs }: DrawnModel): string {
  const trace = traceCall("diagram", (p, ...x) => apply(p, ...x), [params, ...inputs]);
  const graph = new Graph();
  graph.setGraph({ rankdir: "TB", nodesep: 28, ranksep: 44, marginx: 12, marginy: 12 });
  const boxes = new Map<string, Box>();
  const names = new Map<Tensor, string>();
  const parameters = new Map<Tensor, string>();
  trace.args.forEach(([path, t]) => {
    const own = /^\[0\]\.?(.*)$/.exec(path);
    if (own) parameters.set(t, own[1]);
    else names.set(t, add({ label: trace.args.length > 0 ? `input ${shape(t)}` : "", detail: t.dtype, kind: "input" }));
  });
  const outputs = trace.outputs.map(([, t]) => t);
  for (const t of topological(outputs)) {
    if (names.has(t) || parameters.has(t) || isLeaf(t.node) || t.node.primitive === literalPrimitive) continue;
    const { primitive, inputs: operands } = t.node;
    const through = operands.length === 1 && (silent.has(primitive.name) || primitive === partPrimitive);
    if (through && parameters.has(operands[0])) {
      parameters.set(t, parameters.get(operands[0])!);
      continue;
    }
    if (through && names.has(operands[0])) {
      names.set(t, names.get(operands[0])!);
      continue;
    }
    const weights = operands.flatMap((one) => (parameters.has(one) ? [`${parameters.get(one)} ${shape(one)}`] : []));
    const sources = operands.filter((one) => names.has(one));
    // What is made of weights alone belongs to the weights.
    if (sources.length === 0) {
      if (weights.length > 0) parameters.set(t, operands.flatMap((one) => parameters.get(one) ?? []).join(", "));
      continue;
    }
    const id = add({ label: primitive.name, detail: weights.join(", "), kind: "operation" });
    names.set(t, id);
    for (const one of sources)
      graph.setEdge(names.get(one)!, id, { label: shape(one), width: shapeWidth(shape(one)), height: 14 });
  }
  outputs.forEach((t) => {
    const id = add({ label: `output ${shape(t)}`, detail: t.dtype, kind: "output" });
    graph.setEdge(names.get(t)!, id, { label: "", width: 0, height: 0 });
  });
  graph.setDefaultEdgeLabel(() => ({}));
  layout(graph);
  return draw(title, graph, boxes);

  function add(box: Box): string {
    const id = `n${boxes.size}`;
    boxes.set(id, box);
    graph.setNode(id, { width: widthOf(box), height: box.detail === "" ? 32 : height });
    return id;
  }
}

/** `batch × 64`. */
const shape = ({ shape: sizes }: Tensor): string =>
  sizes.length === 0
    ? "scalar"
    : sizes
        .map((n) => (n === batchSize ? "batch" : n % batchSize === 0 && n > 0 ? `${n / batchSize}·batch` : n))
        .join(" × ");

function draw(title: string, graph: Graph, boxes: ReadonlyMap<string, Box>): string {
  const { width = 0, height: tall = 0 } = graph.graph() as { width?: number; height?: number };
  const round = (x: number) => Math.round(x * 10) / 10;
  const edges = graph.edges().map((edge: { v: string; w: string }) => {
    const { points, label, x, y } = graph.edge(edge) as {
      points: { x: number; y: number }[];
      label: string;
      x?: number;
      y?: number;
    };
    const line = points.map(({ x: px, y: py }, i) => `${i === 0 ? "M" : "L"}${round(px)} ${round(py)}`).join("");
    const text =
      label && x !== undefined
        ? `<text class="shape" x="${round(x - shapeWidth(label) / 2 + 2)}" y="${round(y! + 4)}">${escapeHtml(label)}</text>`
        : "";
    return `<path d="${line}" marker-end="url(#arrow)"/>${text}`;
  });
  const nodes = [...boxes].map(([id, { label, detail, kind }]) => {
    const { x, y, width: w, height: h } = graph.node(id) as { x: number; y: number; width: number; height: number };
    const name = `<text x="${round(x)}" y="${round(detail === "" ? y + 5 : y - 3)}">${escapeHtml(label)}</text>`;
    const more =
      detail === "" ? "" : `<text class="detail" x="${round(x)}" y="${round(y + 14)}">${escapeHtml(detail)}</text>`;
    return `<g class="${kind}"><rect x="${round(x - w / 2)}" y="${round(y - h / 2)}" width="${round(w)}" height="${h}" rx="8"/>${name}${more}</g>`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="model" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(tall)}" width="${Math.ceil(width)}" height="${Math.ceil(tall)}" role="img" aria-label="${escapeHtml(title)}">` +
    `<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>` +
    `<g class="edges">${edges.join("")}</g>${nodes.join("")}</svg>`
  );
}
