// jax-js on its WASM device: the whole step (loss, gradient, update) inside one jit.
// Ownership rule of the library: passing an array consumes it, `.ref` keeps it.

import { blockUntilReady, init, jit, lax, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { where } from "./runtime.mjs";

export async function describe({ threads, load }) {
  const file = await load("peers/node_modules/@jax-js/jax/package.json");
  const { version } = JSON.parse(new TextDecoder().decode(file));
  return { name: "jax-js", version, runtime: where(threads) };
}

export async function prepare({ workload, params, batches }) {
  await init("wasm");
  const toArray = ({ shape, data }) =>
    np.array(data, { dtype: data instanceof Int32Array ? np.int32 : np.float32 }).reshape(shape);
  const { model, optimizer } = workload;
  let weights = Object.fromEntries(Object.entries(params).map(([k, v]) => [k, toArray(v)]));
  const arrays = batches.map(({ x, y }) => ({ x: toArray(x), y: toArray(y) }));
  const logits = { mlp, cnn, gpt }[model.kind];
  const classes = model.classes ?? model.vocabulary ?? model.sizes.at(-1);

  const lossOf = (p, x, y) => {
    const logProbabilities = nn.logSoftmax(logits(model, p, x), -1);
    const picked = nn.oneHot(y.reshape([-1]), classes).mul(logProbabilities);
    return picked.sum(-1).mean().mul(-1);
  };

  const adaptive = optimizer.name !== "sgd";
  const zeros = () => tree.map((w) => np.zeros(w.shape), weights);
  let state = adaptive ? { m: zeros(), v: zeros() } : {};

  // `rates` holds [lr / (1 - b1^t), 1 / (1 - b2^t)]: the step counter must not be a constant of the compiled step.
  const step = jit((p, s, rates, x, y) => {
    const [loss, grads] = valueAndGrad(lossOf)(tree.ref(p), x, y);
    const next = {};
    if (!adaptive) {
      rates.dispose();
      for (const key of Object.keys(p)) next[key] = p[key].sub(grads[key].mul(optimizer.lr));
      return { loss, params: next, state: {} };
    }
    const { b1, b2, eps, weightDecay, lr } = optimizer;
    const m = {};
    const v = {};
    const first = rates.ref.slice(0);
    const second = rates.slice(1);
    for (const key of Object.keys(p)) {
      const g = grads[key];
      m[key] = s.m[key].mul(b1).add(g.ref.mul(1 - b1));
      v[key] = s.v[key].mul(b2).add(np.square(g).mul(1 - b2));
      const scale = np.sqrt(v[key].ref.mul(second.ref)).add(eps);
      next[key] = p[key].mul(1 - lr * weightDecay).sub(m[key].ref.mul(first.ref).div(scale));
    }
    first.dispose();
    second.dispose();
    return { loss, params: next, state: { m, v } };
  });

  return async (i) => {
    const { x, y } = arrays[i % arrays.length];
    const rates = adaptive ? [optimizer.lr / (1 - optimizer.b1 ** (i + 1)), 1 / (1 - optimizer.b2 ** (i + 1))] : [0, 0];
    const result = step(weights, state, np.array(rates), x.ref, y.ref);
    // The loss is there before the gradients are: without this, their work would run on after the clock stops.
    await blockUntilReady(result);
    weights = result.params;
    state = result.state;
    const [loss] = await result.loss.data();
    return loss;
  };
}

const linear = (p, name, x) => np.matmul(x, p[`${name}.w`]).add(p[`${name}.b`]);

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
  return linear(p, "head", x.reshape([x.shape[0], -1]));
}

function norm(p, name, x) {
  const mean = x.ref.mean(-1, { keepdims: true });
  const centred = x.sub(mean);
  const variance = np.square(centred.ref).mean(-1, { keepdims: true });
  return centred
    .div(np.sqrt(variance.add(1e-5)))
    .mul(p[`${name}.g`])
    .add(p[`${name}.b`]);
}

function gpt({ layers, width, heads, vocabulary }, p, tokens) {
  const [batch, time] = tokens.shape;
  let x = np.matmul(nn.oneHot(tokens, vocabulary), p.tokens).add(p.positions);
  for (let i = 0; i < layers; i++) {
    const name = `blocks.${i}`;
    const qkv = linear(p, `${name}.qkv`, norm(p, `${name}.norm1`, x.ref));
    const parts = np.split(qkv, 3, -1).map((t) => t.reshape([batch, time, heads, width / heads]));
    const attended = nn.dotProductAttention(...parts, { isCausal: true }).reshape([batch, time, width]);
    x = x.add(linear(p, `${name}.out`, attended));
    const hidden = nn.gelu(linear(p, `${name}.up`, norm(p, `${name}.norm2`, x.ref)));
    x = x.add(linear(p, `${name}.down`, hidden));
  }
  return linear(p, "head", norm(p, "norm", x)).reshape([batch * time, vocabulary]);
}
