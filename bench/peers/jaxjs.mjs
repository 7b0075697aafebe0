// jax-js on its WASM device: each task inside one jit. It has no loops inside a compiled function, so many steps are many
// calls, and a recurrent network is unrolled. Ownership rule of the library: passing an array consumes it, `.ref` keeps it.

import { blockUntilReady, grad, init, jit, jvp, lax, nn, numpy as np, tree, valueAndGrad, vmap } from "@jax-js/jax";
import { split } from "./loop.mjs";
import { where } from "./runtime.mjs";

export async function describe({ threads, load }) {
  const file = await load("peers/node_modules/@jax-js/jax/package.json");
  const { version } = JSON.parse(new TextDecoder().decode(file));
  return { version, runtime: where(threads) };
}

export async function prepare({ workload, params, batches }) {
  await init("wasm");
  const toArray = ({ shape, data }) =>
    np.array(data, { dtype: data instanceof Int32Array ? np.int32 : np.float32 }).reshape(shape);
  const weights = Object.fromEntries(Object.entries(params).map(([k, v]) => [k, toArray(v)]));
  const toArrays = ({ x, y }) => ({ x: toArray(x), y: toArray(y) });
  // A slice at each of a thousand places would be a thousand compilations.
  const many = workload.task === "many";
  const arrays = batches.map((batch) => (many ? split(batch).map(toArrays) : toArrays(batch)));
  const { kind } = workload.model;
  const model = (p, x) => models[kind](workload.model, p, x);
  const run = tasks[workload.task](model, weights, workload);
  return (i) => run(arrays[i % arrays.length], i);
}

/** Mean cross-entropy; logits [..., classes]. */
function crossEntropy(logits, y) {
  const classes = logits.shape.at(-1);
  const logProbabilities = nn.logSoftmax(logits.reshape([-1, classes]), -1);
  const picked = nn.oneHot(y.reshape([-1]), classes).mul(logProbabilities);
  return picked.sum(-1).mean().mul(-1);
}

const number = async (array) => (await array.data())[0];

const tasks = {
  train(model, weights, { optimizer }) {
    const step = trainStep(model, optimizer);
    let state = initState(optimizer, weights);
    return async ({ x, y }, i) => {
      const result = step(weights, state, rates(optimizer, i), x.ref, y.ref);
      // The loss is there before the gradients are: without this, their work would run on after the clock stops.
      await blockUntilReady(result);
      ({ weights, state } = result);
      return number(result.loss);
    };
  },

  many(model, weights, { optimizer, steps }) {
    const step = trainStep(model, optimizer);
    let state = initState(optimizer, weights);
    return async (batches, i) => {
      const losses = batches.map(({ x, y }, j) => {
        const { loss, ...next } = step(weights, state, rates(optimizer, i * steps + j), x.ref, y.ref);
        ({ weights, state } = next);
        return loss;
      });
      await blockUntilReady([weights, state]);
      return number(np.stack(losses).mean());
    };
  },

  norms(model, weights) {
    const one = (p, x, y) => crossEntropy(model(p, np.expandDims(x, 0)), np.expandDims(y, 0));
    const norm = (p, x, y) => np.sqrt(sumOfSquares(grad(one)(p, x, y)));
    const each = jit(vmap(norm, [null, 0, 0]));
    return ({ x, y }) => each(tree.ref(weights), x.ref, y.ref).data();
  },

  hvp(model, weights) {
    const product = jit((p, v, x, y) => {
      const loss = (q) => crossEntropy(model(q, x), y);
      const [gradient, result] = jvp(grad(loss), [p], [v]);
      tree.dispose(gradient);
      return [tree.ref(result), np.sqrt(sumOfSquares(result))];
    });
    return async ({ x, y }) => {
      const [result, norm] = product(tree.ref(weights), tree.ref(weights), x.ref, y.ref);
      await blockUntilReady(tree.ref(result));
      tree.dispose(result);
      return number(norm);
    };
  },

  infer(model, weights) {
    const apply = jit(model);
    return ({ x }) => apply(tree.ref(weights), x.ref).data();
  },
};

const sumOfSquares = (p) =>
  Object.values(p)
    .map((g) => np.square(g).sum())
    .reduce((a, b) => a.add(b));

function initState({ name, momentum }, weights) {
  const zeros = () => tree.map((w) => np.zeros(w.shape), weights);
  if (name === "sgd") return momentum ? { m: zeros() } : {};
  return { m: zeros(), v: zeros() };
}

/** [lr / (1 - b1^t), 1 / (1 - b2^t)]: the step counter must not be a constant of the compiled step. */
const rates = ({ name, lr, b1, b2 }, i) =>
  np.array(name === "sgd" ? [0, 0] : [lr / (1 - b1 ** (i + 1)), 1 / (1 - b2 ** (i + 1))]);

function trainStep(model, { name, lr, momentum, b1, b2, eps, weightDecay = 0 }) {
  const loss = (p, x, y) => crossEntropy(model(p, x), y);
  return jit((p, s, rates, x, y) => {
    const [value, grads] = valueAndGrad(loss)(tree.ref(p), x, y);
    const weights = {};
    const m = {};
    const v = {};
    if (name === "sgd") {
      rates.dispose();
      for (const key of Object.keys(p)) {
        if (momentum) m[key] = s.m[key].mul(momentum).add(grads[key]);
        weights[key] = p[key].sub((momentum ? m[key].ref : grads[key]).mul(lr));
      }
      return { loss: value, weights, state: momentum ? { m } : {} };
    }
    const first = rates.ref.slice(0);
    const second = rates.slice(1);
    for (const key of Object.keys(p)) {
      const g = grads[key];
      m[key] = s.m[key].mul(b1).add(g.ref.mul(1 - b1));
      v[key] = s.v[key].mul(b2).add(np.square(g).mul(1 - b2));
      const scale = np.sqrt(v[key].ref.mul(second.ref)).add(eps);
      weights[key] = p[key].mul(1 - lr * weightDecay).sub(m[key].ref.mul(first.ref).div(scale));
    }
    first.dispose();
    second.dispose();
    return { loss: value, weights, state: { m, v } };
  });
}

function linear(p, name, x) {
  const y = np.matmul(x, p[`${name}.w`]);
  return p[`${name}.b`] ? y.add(p[`${name}.b`]) : y;
}

function mlp({ sizes }, p, x) {
  const last = sizes.length - 2;
  for (let i = 0; i <= last; i++) {
    x = linear(p, `layers.${i}`, x);
    if (i < last) x = nn.relu(x);
  }
  return x;
}

function cnn({ channels, kernel }, p, x) {
  const pad = [Math.floor(kernel / 2), Math.floor(kernel / 2)];
  channels.forEach((count, i) => {
    x = lax.convGeneralDilated(x, p[`convs.${i}.w`], [1, 1], [pad, pad]);
    x = nn.relu(x.add(p[`convs.${i}.b`].reshape([count, 1, 1])));
    const [n, c, h, w] = x.shape;
    x = x.reshape([n, c, h / 2, 2, w / 2, 2]).max([3, 5]);
  });
  return linear(p, "layers.0", x.reshape([x.shape[0], -1]));
}

function resnet({ channels, blocks }, p, x) {
  const one = [1, 1];
  const convNorm = (name, x, stride) => {
    const h = lax.convGeneralDilated(x, p[`${name}.conv.w`], [stride, stride], [one, one]);
    const mean = h.ref.mean([0, 2, 3], { keepdims: true });
    const centred = h.sub(mean);
    const variance = np.square(centred.ref).mean([0, 2, 3], { keepdims: true });
    const [scale, shift] = ["scale", "shift"].map((part) => p[`${name}.norm.${part}`].reshape([-1, 1, 1]));
    return centred
      .div(np.sqrt(variance.add(1e-5)))
      .mul(scale)
      .add(shift);
  };
  x = nn.relu(convNorm("stem", x, 1));
  for (let i = 0; i < channels.length * blocks; i++) {
    const [n, c, h, w] = x.shape;
    const more = channels[Math.floor(i / blocks)] - c;
    let shortcut = x.ref;
    if (more > 0) {
      const halved = shortcut.reshape([n, c, h / 2, 2, w / 2, 2]).slice([], [], [], 0, [], 0);
      shortcut = np.pad(halved, [
        [0, 0],
        [0, more],
        [0, 0],
        [0, 0],
      ]);
    }
    const first = nn.relu(convNorm(`blocks.${i}.first`, x, more > 0 ? 2 : 1));
    x = nn.relu(convNorm(`blocks.${i}.second`, first, 1).add(shortcut));
  }
  return linear(p, "head", x.mean([2, 3]));
}

function norm(p, name, x) {
  const mean = x.ref.mean(-1, { keepdims: true });
  const centred = x.sub(mean);
  const variance = np.square(centred.ref).mean(-1, { keepdims: true });
  return centred
    .div(np.sqrt(variance.add(1e-5)))
    .mul(p[`${name}.scale`])
    .add(p[`${name}.shift`]);
}

function attend(parts, heads, isCausal) {
  const [batch, time, width] = parts[0].shape;
  const split = parts.map((t) => t.reshape([batch, time, heads, width / heads]));
  return nn.dotProductAttention(...split, { isCausal }).reshape([batch, time, width]);
}

const forward = (p, up, down, x) => linear(p, down, nn.gelu(linear(p, up, x), { approximate: false }));

function gpt({ layers, heads, vocabulary }, p, tokens) {
  let x = np.matmul(nn.oneHot(tokens, vocabulary), p["tokens.w"]).add(p["positions.w"]);
  for (let i = 0; i < layers; i++) {
    const name = `blocks.${i}`;
    const qkv = np.split(linear(p, `${name}.attention.qkv`, norm(p, `${name}.norm1`, x.ref)), 3, -1);
    x = x.add(linear(p, `${name}.attention.out`, attend(qkv, heads, true)));
    x = x.add(forward(p, `${name}.up`, `${name}.down`, norm(p, `${name}.norm2`, x.ref)));
  }
  return linear(p, "head", norm(p, "norm", x));
}

function vit({ patch, layers, width, heads }, p, x) {
  const [batch, c, h, w] = x.shape;
  // Convolutions that do not overlap, as one product.
  const patches = x.reshape([batch, c, h / patch, patch, w / patch, patch]).transpose([0, 2, 4, 1, 3, 5]);
  const rows = patches.reshape([batch, -1, c * patch * patch]);
  const seen = np.matmul(rows, p["patches.w"].reshape([width, -1]).transpose([1, 0])).add(p["patches.b"]);
  const token = np.broadcastTo(p["token.w"], [batch, 1, width]);
  x = np.concatenate([token, seen], 1).add(p["positions.w"]);
  for (let i = 0; i < layers; i++) {
    const name = `encoder.blocks.${i}`;
    const y = norm(p, `${name}.norm1`, x.ref);
    const parts = ["q", "k", "v"].map((part) => linear(p, `${name}.attention.${part}`, y.ref));
    y.dispose();
    x = x.add(linear(p, `${name}.attention.out`, attend(parts, heads, false)));
    const inner = norm(p, `${name}.norm2`, x.ref);
    x = x.add(forward(p, `${name}.feedForward.up`, `${name}.feedForward.down`, inner));
  }
  return linear(p, "head", norm(p, "encoder.norm", x).slice([], 0));
}

function lstm({ layers, width, vocabulary }, p, tokens) {
  const [batch, time] = tokens.shape;
  let x = np.matmul(nn.oneHot(tokens, vocabulary), p["tokens.w"]);
  for (let layer = 0; layer < layers; layer++) {
    const projected = np.split(linear(p, `lstm.${layer}.0.input`, x), time, 1);
    const hidden = p[`lstm.${layer}.0.hidden.w`];
    let h = np.zeros([batch, width]);
    let c = np.zeros([batch, width]);
    const outputs = projected.map((now) => {
      const gates = now.reshape([batch, 4 * width]).add(np.matmul(h, hidden.ref));
      const [i, f, g, o] = np.split(gates, 4, 1);
      c = nn
        .sigmoid(f)
        .mul(c)
        .add(nn.sigmoid(i).mul(np.tanh(g)));
      h = nn.sigmoid(o).mul(np.tanh(c.ref));
      return h.ref;
    });
    for (const used of [hidden, h, c]) used.dispose();
    x = np.stack(outputs, 1);
  }
  return linear(p, "head", x);
}

const models = { mlp, cnn, resnet, gpt, vit, lstm, matmul: (_, { w }, x) => np.matmul(x, w) };
