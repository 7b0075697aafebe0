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
  const { seed, batches = definitions.batches } = { ...definitions, ...workload };
  const hash = createHash("sha256").update(JSON.stringify({ batches, seed, workload, source })).digest("hex");
  const relative = `.cache/${name}-${hash.slice(0, 12)}.safetensors`;
  const path = join(here, relative);
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    const random = generator(seed);
    const tensors = {};
    for (const [key, shape, deviation, mean = 0] of weightsOf(workload.model)) {
      const data = filled(shape, () => mean + (deviation && random.normal() * deviation));
      tensors[`params/${key}`] = { shape, data };
    }
    const make = workload.model.vocabulary ? tokens : workload.model.kind === "matmul" ? matrices : images;
    Object.assign(tensors, make(workload, batches, random));
    writeFileSync(`${path}.part`, formatSafetensors(tensors, { workload: name }));
    renameSync(`${path}.part`, path);
  }
  return relative;
}

/**
 * Every weight as [name, shape, standard deviation, mean]. Names are paths in the parameter trees of `hebb/nn`; linear
 * weights are `[in, out]`, those of convolutions `[out, in, height, width]`.
 */
function weightsOf(model) {
  const weights = [];
  const constant = (name, shape, value) => weights.push([name, shape, 0, value]);
  const linear = (name, inputs, outputs, deviation, bias = true) => {
    weights.push([`${name}.w`, [inputs, outputs], deviation]);
    if (bias) constant(`${name}.b`, [outputs], 0);
  };
  const conv = (name, inputs, outputs, kernel, bias = true) => {
    weights.push([`${name}.w`, [outputs, inputs, kernel, kernel], Math.sqrt(2 / (inputs * kernel * kernel))]);
    if (bias) constant(`${name}.b`, [outputs], 0);
  };
  const norm = (name, width) => {
    constant(`${name}.scale`, [width], 1);
    constant(`${name}.shift`, [width], 0);
  };
  const embedding = (name, count, width, deviation = 0.02) => weights.push([`${name}.w`, [count, width], deviation]);
  const kinds = {
    matmul: ({ size }) => weights.push(["w", [size, size], 1 / Math.sqrt(size)]),
    mlp({ sizes }) {
      for (let i = 0; i + 1 < sizes.length; i++) linear(`layers.${i}`, sizes[i], sizes[i + 1], Math.sqrt(2 / sizes[i]));
    },
    cnn({ image, channels, kernel, classes }) {
      let [inputs, height, width] = image;
      channels.forEach((outputs, i) => {
        conv(`convs.${i}`, inputs, outputs, kernel);
        [inputs, height, width] = [outputs, height / 2, width / 2];
      });
      linear("layers.0", inputs * height * width, classes, Math.sqrt(1 / (inputs * height * width)));
    },
    resnet({ image, channels, blocks, classes }) {
      const part = (name, inputs, outputs) => {
        conv(`${name}.conv`, inputs, outputs, 3, false);
        norm(`${name}.norm`, outputs);
      };
      let inputs = channels[0];
      part("stem", image[0], inputs);
      channels.forEach((outputs, stage) => {
        for (let i = 0; i < blocks; i++) {
          const name = `blocks.${stage * blocks + i}`;
          part(`${name}.first`, inputs, outputs);
          part(`${name}.second`, outputs, outputs);
          inputs = outputs;
        }
      });
      linear("head", inputs, classes, Math.sqrt(1 / inputs));
    },
    gpt({ layers, width, vocabulary, context }) {
      const residual = 0.02 / Math.sqrt(2 * layers);
      embedding("tokens", vocabulary, width);
      embedding("positions", context, width);
      for (let i = 0; i < layers; i++) {
        const name = `blocks.${i}`;
        norm(`${name}.norm1`, width);
        linear(`${name}.attention.qkv`, width, 3 * width, 0.02);
        linear(`${name}.attention.out`, width, width, residual);
        norm(`${name}.norm2`, width);
        linear(`${name}.up`, width, 4 * width, 0.02);
        linear(`${name}.down`, 4 * width, width, residual);
      }
      norm("norm", width);
      linear("head", width, vocabulary, 0.02, false);
    },
    vit({ image, patch, layers, width, classes }) {
      const count = (image[1] / patch) * (image[2] / patch);
      conv("patches", image[0], width, patch);
      embedding("token", 1, width);
      embedding("positions", count + 1, width);
      for (let i = 0; i < layers; i++) {
        const name = `encoder.blocks.${i}`;
        norm(`${name}.norm1`, width);
        for (const part of ["q", "k", "v", "out"]) linear(`${name}.attention.${part}`, width, width, width ** -0.5);
        norm(`${name}.norm2`, width);
        linear(`${name}.feedForward.up`, width, 4 * width, width ** -0.5);
        linear(`${name}.feedForward.down`, 4 * width, width, (4 * width) ** -0.5);
      }
      norm("encoder.norm", width);
      linear("head", width, classes, 0.02);
    },
    lstm({ layers, width, vocabulary }) {
      embedding("tokens", vocabulary, width, 1);
      for (let i = 0; i < layers; i++) {
        linear(`lstm.${i}.0.input`, width, 4 * width, width ** -0.5 / 2);
        linear(`lstm.${i}.0.hidden`, width, 4 * width, width ** -0.5 / 2, false);
      }
      linear("head", width, vocabulary, width ** -0.5);
    },
  };
  kinds[model.kind](model);
  return weights;
}

/** Random matrices for the matrix product. */
function matrices({ model: { size } }, batches, random) {
  const shape = [batches, size, size];
  return {
    x: { shape, data: filled(shape, random.normal) },
    y: { shape: [batches, 1], data: new Int32Array(batches) },
  };
}

/** Ten noisy prototypes with a tenth of the labels wrong, so that the loss falls but never reaches zero. */
function images({ model, batch, steps }, batches, random) {
  const shape = model.image ?? [model.sizes[0]];
  const classes = model.classes ?? model.sizes.at(-1);
  const pixels = shape.reduce((a, b) => a * b, 1);
  const lead = [batches, ...(steps ? [steps] : []), batch];
  const count = lead.reduce((a, b) => a * b, 1);
  const prototypes = filled([classes, pixels], () => Math.max(0, random.normal()) * 0.5);
  const x = new Float32Array(count * pixels);
  const y = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const label = random.integer(classes);
    y[i] = random.uniform() < 0.1 ? random.integer(classes) : label;
    for (let p = 0; p < pixels; p++) x[i * pixels + p] = prototypes[label * pixels + p] + 0.5 * random.normal();
  }
  return { x: { shape: [...lead, ...shape], data: x }, y: { shape: lead, data: y } };
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
