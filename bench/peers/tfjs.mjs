// TensorFlow.js on its WASM backend. Images are NHWC there, convolution weights HWIO; both are converted beforehand.

import { where } from "./runtime.mjs";

let tf;
let version;

export async function describe({ threads }) {
  const backend = await load();
  backend.setThreadsCount(threads);
  await tf.setBackend("wasm");
  await tf.ready();
  return { name: "TensorFlow.js", version, runtime: where(backend.getThreadsCount()) };
}

async function load() {
  let backend;
  if (typeof document === "undefined") {
    const { createRequire } = await import("node:module");
    const require = createRequire(import.meta.url);
    tf = require("@tensorflow/tfjs");
    backend = require("@tensorflow/tfjs-backend-wasm");
  } else {
    const folder = "/peers/node_modules/@tensorflow";
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
  const { model, optimizer } = workload;
  const variables = {};
  for (const [name, { shape, data }] of Object.entries(params)) {
    variables[name] = tf.tidy(() => {
      const value = tf.tensor(data, shape);
      return tf.variable(shape.length === 4 ? tf.transpose(value, [2, 3, 1, 0]) : value);
    });
  }
  const arrays = batches.map(({ x, y }) => {
    const labels = tf.tensor(y.data, [y.data.length], "int32");
    if (model.kind !== "cnn")
      return { x: tf.tensor(x.data, x.shape, model.kind === "gpt" ? "int32" : "float32"), labels };
    return { x: tf.tidy(() => tf.transpose(tf.tensor(x.data, x.shape), [0, 2, 3, 1])), labels };
  });
  const logits = { mlp, cnn, gpt }[model.kind];
  const classes = model.classes ?? model.vocabulary ?? model.sizes.at(-1);
  const update = makeOptimizer(optimizer, variables);

  return async (i) => {
    const { x, labels } = arrays[i % arrays.length];
    const loss = tf.tidy(() => {
      const lossOf = () => tf.losses.softmaxCrossEntropy(tf.oneHot(labels, classes), logits(model, variables, x));
      const { value, grads } = tf.variableGrads(lossOf);
      const byName = {};
      for (const [name, variable] of Object.entries(variables)) byName[name] = grads[variable.name];
      update(byName, i);
      return value;
    });
    const [number] = await loss.data();
    loss.dispose();
    return number;
  };
}

function makeOptimizer(o, variables) {
  if (o.name !== "adamw") {
    const rule = o.name === "sgd" ? tf.train.sgd(o.lr) : tf.train.adam(o.lr, o.b1, o.b2, o.eps);
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

const linear = (p, name, x) => tf.add(tf.matMul(x, p[`${name}.w`]), p[`${name}.b`]);

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
  return linear(p, "head", tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [x.shape[0], -1]));
}

function norm(p, name, x) {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5))), p[`${name}.g`]), p[`${name}.b`]);
}

function gelu(x) {
  const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}

function gpt({ layers, width, heads, vocabulary }, p, tokens) {
  const [batch, time] = tokens.shape;
  const rows = batch * time;
  const split = (t) => tf.transpose(tf.reshape(t, [batch, time, heads, width / heads]), [0, 2, 1, 3]);
  const mask = tf.tensor2d(
    Float32Array.from({ length: time * time }, (_, i) => (i % time > Math.floor(i / time) ? -1e9 : 0)),
    [time, time],
  );
  // A gather's gradient (UnsortedSegmentSum) is missing from the WASM backend; a one-hot product does the same.
  const embedded = tf.matMul(tf.oneHot(tf.reshape(tokens, [rows]), vocabulary), p.tokens);
  let x = tf.reshape(tf.add(tf.reshape(embedded, [batch, time, width]), p.positions), [rows, width]);
  for (let i = 0; i < layers; i++) {
    const name = `blocks.${i}`;
    const qkv = linear(p, `${name}.qkv`, norm(p, `${name}.norm1`, x));
    const [q, k, v] = tf.split(qkv, 3, 1).map(split);
    const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width / heads)), mask);
    const mixed = tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]);
    x = tf.add(x, linear(p, `${name}.out`, tf.reshape(mixed, [rows, width])));
    x = tf.add(x, linear(p, `${name}.down`, gelu(linear(p, `${name}.up`, norm(p, `${name}.norm2`, x)))));
  }
  return linear(p, "head", norm(p, "norm", x));
}
