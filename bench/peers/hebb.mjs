// Hebb: the models of hebb/nn, and each task inside one jit with donated parameters and optimiser state.
// Runs in Node and in a page.

import { where } from "./runtime.mjs";

const dist = globalThis.process?.env.HEBB_BENCH_DIST ?? "../dist/src";
let h;
let nn;
let optim;

/** `backend`: "node", or "wasm" where there is no native runtime. */
export async function describe({ threads, load, backend = "wasm" }) {
  const part = (name) => import(new URL(`../${dist}/${name}/index.js`, import.meta.url));
  try {
    [h, nn, optim] = await Promise.all(["engine", "nn", "optim"].map(part));
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error(
      `Hebb is not built (npm run build): ${error.message.split("\n")[0].replaceAll(/'\/[^']*\//g, "'")}`,
    );
  }
  h.setBackend(backend, { threads });
  const { version } = JSON.parse(new TextDecoder().decode(await load("../package.json")));
  return { version, runtime: where(threads) };
}

export async function prepare({ workload, params, batches }) {
  const toTensor = ({ shape, data }) => h.tensor(data, { shape });
  const model = models[workload.model.kind](workload.model);
  const template = model.init(h.random.key(0));
  const names = h.treeEntries(template).map(([path]) => path.replaceAll("[", ".").replaceAll("]", ""));
  const unknown = Object.keys(params).filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`the model has no weight ${unknown}`);
  const weights = h.unflattenTree(
    h.flattenTree(template).def,
    names.map((name) => toTensor(params[name])),
  );
  const arrays = batches.map(({ x, y }) => [toTensor(x), toTensor(y)]);
  const run = tasks[workload.task](model, weights, workload);
  return (i) => run(...arrays[i % arrays.length]);
}

const loss = (logits, y) => h.mean(h.crossEntropy(logits, y));

const tasks = {
  train(model, weights, { optimizer }) {
    const rule = makeOptimizer(optimizer);
    let state = rule.init(weights);
    if (!model.train) {
      const step = nn.trainStep((p, x, y) => loss(model.apply(p, x), y), rule);
      return async (x, y) => {
        const result = await step(weights, state, x, y);
        ({ params: weights, state } = result);
        return result.loss.item();
      };
    }
    let modelState = model.initState();
    const step = nn.statefulTrainStep((p, before, x, y) => {
      const [logits, after] = model.train(p, x, before);
      return [loss(logits, y), after];
    }, rule);
    return async (x, y) => {
      const result = await step(weights, modelState, state, x, y);
      ({ params: weights, modelState, state } = result);
      return result.loss.item();
    };
  },

  many(model, weights, { optimizer }) {
    const rule = makeOptimizer(optimizer);
    let state = rule.init(weights);
    const step = ([p, s], { x, y }) => {
      const [value, grads] = h.valueAndGrad((q) => loss(model.apply(q, x), y))(p);
      const [updates, next] = rule.update(grads, s, p);
      return [[optim.applyUpdates(p, updates), next], value];
    };
    const all = h.jit(
      (p, s, x, y) => {
        const [end, losses] = h.scan(step, [p, s], { x, y });
        return [...end, h.mean(losses)];
      },
      { donate: [0, 1] },
    );
    return async (x, y) => {
      const [p, s, value] = await all(weights, state, x, y);
      [weights, state] = [p, s];
      return value.item();
    };
  },

  norms(model, weights) {
    const one = (p, x, y) => loss(model.apply(p, h.expandDims(x, 0)), h.expandDims(y, 0));
    const norm = (p, x, y) => {
      const squares = h.treeLeaves(h.grad(one)(p, x, y)).map((g) => h.sum(h.square(g)));
      return h.sqrt(squares.reduce((a, b) => h.add(a, b)));
    };
    const norms = h.jit((p, x, y) => h.vmap(norm, { inAxes: [null, 0, 0] })(p, x, y));
    return async (x, y) => (await norms(weights, x, y)).data();
  },

  hvp(model, weights) {
    const product = h.jit((p, v, x, y) => {
      const result = h.hvp((q) => loss(model.apply(q, x), y), p, v);
      const squares = h.treeLeaves(result).map((g) => h.sum(h.square(g)));
      return [result, h.sqrt(squares.reduce((a, b) => h.add(a, b)))];
    });
    return async (x, y) => (await product(weights, weights, x, y))[1].item();
  },

  infer(model, weights) {
    const apply = h.jit((p, x) => model.apply(p, x));
    return async (x) => (await apply(weights, x)).data();
  },
};

const models = {
  mlp: ({ sizes }) => nn.mlp({ sizes }),
  cnn: ({ image, channels, kernel, classes }) => nn.cnn({ inputShape: image, channels, kernel, classes }),
  resnet: ({ blocks, classes }) => nn.cifarResnet(6 * blocks + 2, { classes }),
  gpt: ({ layers, width, heads, vocabulary, context }) => nn.gpt({ layers, width, heads, vocabulary, context }),
  vit: ({ image, patch, layers, width, heads, classes }) =>
    nn.vit({ inputShape: image, patch, layers, width, heads, classes }),
  lstm({ layers, width, vocabulary }) {
    const tokens = nn.embedding(vocabulary, width);
    const lstm = nn.lstm(width, width, { layers });
    const head = nn.linear(width, vocabulary);
    return {
      init: (key) => ({ tokens: tokens.init(key), lstm: lstm.init(key), head: head.init(key) }),
      apply: (p, x) => head.apply(p.head, lstm.apply(p.lstm, tokens.apply(p.tokens, x))[0]),
    };
  },
  matmul: ({ size }) => ({ init: () => ({ w: h.zeros([size, size]) }), apply: ({ w }, x) => h.matmul(x, w) }),
};

function makeOptimizer({ name, lr, momentum, b1, b2, eps, weightDecay }) {
  if (name === "sgd") return optim.sgd({ learningRate: lr, momentum });
  const options = { learningRate: lr, beta1: b1, beta2: b2, epsilon: eps };
  return name === "adam" ? optim.adam(options) : optim.adamW({ ...options, weightDecay });
}
