// One deterministic generator for the initial weights and the batches of every workload.
// Each workload becomes one safetensors file that all peers read: weights under `params/`, batches as `x` and `y`.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatSafetensors } from "./peers/safetensors.mjs";

const here = dirname(fileURLToPath(import.meta.url));
export const definitions = JSON.parse(readFileSync(join(here, "workloads.json"), "utf8"));

/** Writes the workload's file unless an up-to-date one is there; returns its path relative to `bench/`. */
export function ensureData(name) {
  const workload = definitions.workloads[name];
  const source = readFileSync(fileURLToPath(import.meta.url), "utf8");
  const { batches, seed } = definitions;
  const hash = createHash("sha256").update(JSON.stringify({ batches, seed, workload, source })).digest("hex");
  const relative = `.cache/${name}-${hash.slice(0, 12)}.safetensors`;
  const path = join(here, relative);
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    const random = generator(seed);
    const params = initialParams(workload.model, random);
    const { x, y } = (workload.model.kind === "gpt" ? tokens : images)(workload, batches, random);
    const tensors = { x, y };
    for (const [key, value] of Object.entries(params)) tensors[`params/${key}`] = value;
    writeFileSync(`${path}.part`, formatSafetensors(tensors, { workload: name }));
    renameSync(`${path}.part`, path);
  }
  return relative;
}

/** Weights by name: linear `[in, out]`, convolution `[out, in, kh, kw]`. */
function initialParams(model, random) {
  const params = {};
  const normal = (name, shape, deviation) => {
    params[name] = { shape, data: filled(shape, () => random.normal() * deviation) };
  };
  const constant = (name, shape, value) => {
    params[name] = { shape, data: filled(shape, () => value) };
  };
  const linear = (name, inputs, outputs, deviation) => {
    normal(`${name}.w`, [inputs, outputs], deviation);
    constant(`${name}.b`, [outputs], 0);
  };
  if (model.kind === "mlp") {
    for (let i = 0; i + 1 < model.sizes.length; i++) {
      linear(`layers.${i}`, model.sizes[i], model.sizes[i + 1], Math.sqrt(2 / model.sizes[i]));
    }
  } else if (model.kind === "cnn") {
    let [inputs, height, width] = model.image;
    model.channels.forEach((outputs, i) => {
      const fan = inputs * model.kernel * model.kernel;
      normal(`convs.${i}.w`, [outputs, inputs, model.kernel, model.kernel], Math.sqrt(2 / fan));
      constant(`convs.${i}.b`, [outputs], 0);
      inputs = outputs;
      height /= 2;
      width /= 2;
    });
    linear("head", inputs * height * width, model.classes, Math.sqrt(1 / (inputs * height * width)));
  } else {
    const { layers, width, vocabulary, context } = model;
    const norm = (name) => {
      constant(`${name}.g`, [width], 1);
      constant(`${name}.b`, [width], 0);
    };
    const residual = 0.02 / Math.sqrt(2 * layers);
    normal("tokens", [vocabulary, width], 0.02);
    normal("positions", [context, width], 0.02);
    for (let i = 0; i < layers; i++) {
      norm(`blocks.${i}.norm1`);
      linear(`blocks.${i}.qkv`, width, 3 * width, 0.02);
      linear(`blocks.${i}.out`, width, width, residual);
      norm(`blocks.${i}.norm2`);
      linear(`blocks.${i}.up`, width, 4 * width, 0.02);
      linear(`blocks.${i}.down`, 4 * width, width, residual);
    }
    norm("norm");
    linear("head", width, vocabulary, 0.02);
  }
  return params;
}

/** Ten noisy prototypes with a tenth of the labels wrong, so that the loss falls but never reaches zero. */
function images({ model, batch }, batches, random) {
  const shape = model.kind === "cnn" ? model.image : [model.sizes[0]];
  const classes = model.kind === "cnn" ? model.classes : model.sizes.at(-1);
  const pixels = shape.reduce((a, b) => a * b, 1);
  const prototypes = filled([classes, pixels], () => Math.max(0, random.normal()) * 0.5);
  const x = new Float32Array(batches * batch * pixels);
  const y = new Int32Array(batches * batch);
  for (let i = 0; i < y.length; i++) {
    const label = random.integer(classes);
    y[i] = random.uniform() < 0.1 ? random.integer(classes) : label;
    for (let p = 0; p < pixels; p++) x[i * pixels + p] = prototypes[label * pixels + p] + 0.5 * random.normal();
  }
  return { x: { shape: [batches, batch, ...shape], data: x }, y: { shape: [batches, batch], data: y } };
}

/** Sequences in which three of four tokens follow from the one before; `y` is `x` one token later. */
function tokens({ model, batch }, batches, random) {
  const { vocabulary, context } = model;
  const x = new Int32Array(batches * batch * context);
  const y = new Int32Array(x.length);
  for (let row = 0; row < batches * batch; row++) {
    let token = random.integer(vocabulary);
    for (let t = 0; t < context; t++) {
      x[row * context + t] = token;
      token = random.uniform() < 0.75 ? (token * 5 + 7) % vocabulary : random.integer(vocabulary);
      y[row * context + t] = token;
    }
  }
  const shape = [batches, batch, context];
  return { x: { shape, data: x }, y: { shape, data: y } };
}

function filled(shape, make) {
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, make);
}

/** mulberry32 with a Box-Muller normal. */
function generator(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal, integer: (n) => Math.floor(uniform() * n) };
}
