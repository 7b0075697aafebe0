// TensorFlow.js on its WASM backend. Images are NHWC there, convolution weights HWIO; both are converted beforehand.

import { where } from "./runtime.mjs";

let tf;
let version;

export async function describe({ threads }) {
  const backend = await load();
  backend.setThreadsCount(threads);
  await tf.setBackend("wasm");
  await tf.ready();
  return { version, runtime: where(backend.getThreadsCount()) };
}

async function load() {
  let backend;
  if (typeof document === "undefined") {
    const { createRequire } = await import("node:module");
    const require = createRequire(import.meta.url);
    tf = require("@tensorflow/tfjs");
    backend = require("@tensorflow/tfjs-backend-wasm");
  } else {
    const folder = "/bench/peers/node_modules/@tensorflow";
    for (const source of [`${folder}/tfjs/dist/tf.min.js`, `${folder}/tfjs-backend-wasm/dist/tf-backend-wasm.min.js`]) {
      await new Promise((resolve, reject) => {
        const script = Object.assign(document.createElement("script"), { src: source, onload: resolve });
        script.onerror = () => reject(new Error(`${source} did not load`));
        document.head.append(script);
      });
    }
    tf = globalThis.tf;
    backend = tf.wasm;
    backend.setWasmPaths(`${folder}/tfjs-backend-wasm/dist/`);
  }
  version = tf.version.tfjs;
  return backend;
}

export async function prepare({ workload, params, batches }) {
  const { task, model } = workload;
  if (task === "norms") throw new Error("no gradients of single examples (no vmap)");
  const variables = {};
  for (const [name, { shape, data }] of Object.entries(params)) {
    variables[name] = tf.tidy(() => {
      const value = tf.tensor(data, shape);
      return tf.variable(shape.length === 4 && model.kind !== "vit" ? tf.transpose(value, [2, 3, 1, 0]) : value);
    });
  }
  const apply = (x) => models[model.kind](model, variables, x);
  const arrays = batches.map(({ x, y }) => {
    const labels = tf.tensor(y.data, task === "many" ? y.shape : [y.data.length], "int32");
    if (model.image && model.kind !== "vit") {
      return { x: tf.tidy(() => tf.transpose(tf.tensor(x.data, x.shape), [0, 2, 3, 1])), labels };
    }
    return { x: tf.tensor(x.data, x.shape, x.data instanceof Int32Array ? "int32" : "float32"), labels };
  });
  const run = tasks[task](apply, variables, workload);
  return (i) => run(arrays[i % arrays.length], i);
}

/** A number of a tensor, which it disposes of. */
async function read(tensor) {
  const [value] = await tensor.data();
  tensor.dispose();
  return value;
}

const tasks = {
  train(apply, variables, { optimizer }) {
    const step = trainStep(apply, variables, optimizer);
    return ({ x, labels }, i) => read(tf.tidy(() => step(x, labels, i)));
  },

  many(apply, variables, { optimizer, steps }) {
    const step = trainStep(apply, variables, optimizer);
    return ({ x, labels }, i) =>
      read(
        tf.tidy(() => {
          const losses = [];
          for (let j = 0; j < steps; j++) {
            losses.push(tf.tidy(() => step(tf.gather(x, j), tf.gather(labels, j), i * steps + j)));
          }
          return tf.mean(tf.stack(losses));
        }),
      );
  },

  hvp(apply, variables) {
    const names = Object.keys(variables);
    const direction = names.map((name) => variables[name].clone());
    return ({ x, labels }) => {
      const slope = () => {
        const { grads } = tf.variableGrads(() => loss(apply(x), labels));
        return names.map((name, i) => tf.sum(tf.mul(grads[variables[name].name], direction[i]))).reduce(tf.add);
      };
      return read(
        tf.tidy(() => {
          const { grads } = tf.variableGrads(slope);
          return tf.sqrt(tf.addN(Object.values(grads).map((g) => tf.sum(tf.square(g)))));
        }),
      );
    };
  },

  infer:
    (apply) =>
    async ({ x }) => {
      const result = tf.tidy(() => apply(x));
      const data = await result.data();
      result.dispose();
      return data;
    },
};

/** Mean cross-entropy; logits [..., classes]. */
function loss(logits, labels) {
  const classes = logits.shape.at(-1);
  return tf.losses.softmaxCrossEntropy(tf.oneHot(labels, classes), tf.reshape(logits, [-1, classes]));
}

function trainStep(apply, variables, optimizer) {
  const update = makeOptimizer(optimizer, variables);
  return (x, labels, i) => {
    const { value, grads } = tf.variableGrads(() => loss(apply(x), labels));
    const byName = {};
    for (const [name, variable] of Object.entries(variables)) byName[name] = grads[variable.name];
    update(byName, i);
    return value;
  };
}

function makeOptimizer(o, variables) {
  if (o.name !== "adamw") {
    const descent = o.momentum ? () => tf.train.momentum(o.lr, o.momentum) : () => tf.train.sgd(o.lr);
    const rule = o.name === "sgd" ? descent() : tf.train.adam(o.lr, o.b1, o.b2, o.eps);
    return (grads) => {
      const named = {};
      for (const [name, variable] of Object.entries(variables)) named[variable.name] = grads[name];
      rule.applyGradients(named);
    };
  }
  // TensorFlow.js has no AdamW.
  const state = {};
  for (const [name, { shape }] of Object.entries(variables)) {
    state[name] = { m: tf.variable(tf.zeros(shape), false), v: tf.variable(tf.zeros(shape), false) };
  }
  return (grads, i) => {
    const rate = o.lr / (1 - o.b1 ** (i + 1));
    const correction = 1 / (1 - o.b2 ** (i + 1));
    for (const [name, variable] of Object.entries(variables)) {
      const { m, v } = state[name];
      m.assign(tf.add(tf.mul(m, o.b1), tf.mul(grads[name], 1 - o.b1)));
      v.assign(tf.add(tf.mul(v, o.b2), tf.mul(tf.square(grads[name]), 1 - o.b2)));
      const change = tf.div(tf.mul(m, rate), tf.add(tf.sqrt(tf.mul(v, correction)), o.eps));
      variable.assign(tf.sub(tf.mul(variable, 1 - o.lr * o.weightDecay), change));
    }
  };
}

/** x [..., in] to [..., out]. */
function linear(p, name, x) {
  const [inputs, outputs] = p[`${name}.w`].shape;
  const rows = tf.matMul(tf.reshape(x, [-1, inputs]), p[`${name}.w`]);
  const y = p[`${name}.b`] ? tf.add(rows, p[`${name}.b`]) : rows;
  return tf.reshape(y, [...x.shape.slice(0, -1), outputs]);
}

function mlp({ sizes }, p, x) {
  const last = sizes.length - 2;
  for (let i = 0; i <= last; i++) {
    x = linear(p, `layers.${i}`, x);
    if (i < last) x = tf.relu(x);
  }
  return x;
}

function cnn({ channels }, p, x) {
  channels.forEach((_, i) => {
    x = tf.relu(tf.add(tf.conv2d(x, p[`convs.${i}.w`], 1, "same"), p[`convs.${i}.b`]));
    x = tf.maxPool(x, 2, 2, "valid");
  });
  return linear(p, "layers.0", tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [x.shape[0], -1]));
}

/** Training mode, with the batch's statistics. */
function resnet({ channels, blocks }, p, x) {
  const convNorm = (name, h, stride) => {
    const y = tf.conv2d(h, p[`${name}.conv.w`], stride, 1);
    const { mean, variance } = tf.moments(y, [0, 1, 2]);
    return tf.batchNorm(y, mean, variance, p[`${name}.norm.shift`], p[`${name}.norm.scale`], 1e-5);
  };
  x = tf.relu(convNorm("stem", x, 1));
  for (let i = 0; i < channels.length * blocks; i++) {
    const more = channels[Math.floor(i / blocks)] - x.shape[3];
    const ends = [
      [0, 0],
      [0, 0],
      [0, 0],
      [0, more],
    ];
    const shortcut = more > 0 ? tf.pad(tf.stridedSlice(x, [0, 0, 0, 0], x.shape, [1, 2, 2, 1]), ends) : x;
    const first = tf.relu(convNorm(`blocks.${i}.first`, x, more > 0 ? 2 : 1));
    x = tf.relu(tf.add(convNorm(`blocks.${i}.second`, first, 1), shortcut));
  }
  return linear(p, "head", tf.mean(x, [1, 2]));
}

function norm(p, name, x) {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  const normal = tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5)));
  return tf.add(tf.mul(normal, p[`${name}.scale`]), p[`${name}.shift`]);
}

const gelu = (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));

function attend(parts, heads, mask) {
  const [batch, time, width] = parts[0].shape;
  const split = (t) => tf.transpose(tf.reshape(t, [batch, time, heads, width / heads]), [0, 2, 1, 3]);
  const [q, k, v] = parts.map(split);
  const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width / heads));
  const mixed = tf.matMul(tf.softmax(mask ? tf.add(scores, mask) : scores), v);
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, time, width]);
}

// A gather's gradient (UnsortedSegmentSum) is missing from the WASM backend; a one-hot product does the same.
function embed(weight, tokens) {
  const [count, width] = weight.shape;
  return tf.reshape(tf.matMul(tf.oneHot(tf.reshape(tokens, [-1]), count), weight), [...tokens.shape, width]);
}

function gpt({ layers, heads, context }, p, tokens) {
  const mask = tf.tensor2d(
    Float32Array.from({ length: context ** 2 }, (_, i) => (i % context > Math.floor(i / context) ? -1e9 : 0)),
    [context, context],
  );
  let x = tf.add(embed(p["tokens.w"], tokens), p["positions.w"]);
  for (let i = 0; i < layers; i++) {
    const name = `blocks.${i}`;
    const qkv = tf.split(linear(p, `${name}.attention.qkv`, norm(p, `${name}.norm1`, x)), 3, 2);
    x = tf.add(x, linear(p, `${name}.attention.out`, attend(qkv, heads, mask)));
    const hidden = gelu(linear(p, `${name}.up`, norm(p, `${name}.norm2`, x)));
    x = tf.add(x, linear(p, `${name}.down`, hidden));
  }
  return linear(p, "head", norm(p, "norm", x));
}

function vit({ patch, layers, width, heads }, p, x) {
  const [batch, c, h, w] = x.shape;
  // Convolutions that do not overlap, as one product. (TensorFlow.js transposes at most 6 axes.)
  const patches = tf.transpose(tf.reshape(x, [batch, c, h / patch, patch, w / patch, patch]), [0, 2, 4, 1, 3, 5]);
  const rows = tf.reshape(patches, [-1, c * patch * patch]);
  const seen = tf.add(tf.matMul(rows, tf.reshape(p["patches.w"], [width, -1]), false, true), p["patches.b"]);
  const token = tf.tile(tf.reshape(p["token.w"], [1, 1, width]), [batch, 1, 1]);
  x = tf.add(tf.concat([token, tf.reshape(seen, [batch, -1, width])], 1), p["positions.w"]);
  for (let i = 0; i < layers; i++) {
    const name = `encoder.blocks.${i}`;
    const y = norm(p, `${name}.norm1`, x);
    const parts = ["q", "k", "v"].map((part) => linear(p, `${name}.attention.${part}`, y));
    x = tf.add(x, linear(p, `${name}.attention.out`, attend(parts, heads)));
    const hidden = gelu(linear(p, `${name}.feedForward.up`, norm(p, `${name}.norm2`, x)));
    x = tf.add(x, linear(p, `${name}.feedForward.down`, hidden));
  }
  const first = tf.slice(norm(p, "encoder.norm", x), [0, 0, 0], [batch, 1, width]);
  return linear(p, "head", tf.reshape(first, [batch, width]));
}

function lstm({ layers, width }, p, tokens) {
  const [batch, time] = tokens.shape;
  let x = embed(p["tokens.w"], tokens);
  for (let layer = 0; layer < layers; layer++) {
    const projected = tf.unstack(linear(p, `lstm.${layer}.0.input`, x), 1);
    const hidden = p[`lstm.${layer}.0.hidden.w`];
    let h = tf.zeros([batch, width]);
    let c = tf.zeros([batch, width]);
    const outputs = [];
    for (let t = 0; t < time; t++) {
      const [i, f, g, o] = tf.split(tf.add(projected[t], tf.matMul(h, hidden)), 4, 1);
      c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
      h = tf.mul(tf.sigmoid(o), tf.tanh(c));
      outputs.push(h);
    }
    x = tf.stack(outputs, 1);
  }
  return linear(p, "head", x);
}

const models = { mlp, cnn, resnet, gpt, vit, lstm, matmul: (_, { w }, x) => tf.matMul(x, w) };
