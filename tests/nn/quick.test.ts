import { expect, test } from "vitest";
import { crossEntropy, jit, mean, random, vmap, valueAndGrad } from "../../src/engine/index.js";
import { accuracy, cnn, countParameters, fit, gpt, mlp, trainStep } from "../../src/nn/index.js";
import { adam, adamW, sgd, chain, clipByGlobalNorm, applyUpdates } from "../../src/optim/index.js";
import { digits } from "../../src/data/index.js";

test("digits", async () => {
  const data: any = await digits();
  console.log(Object.keys(data));
  const d = data.train ?? data;
  const model = mlp({ sizes: [64, 64, 10] });
  const { params, loss } = await fit({
    loss: (p, x, y) => mean(crossEntropy(model.apply(p, x), y)),
    params: model.init(random.key(0)), optimizer: adam({ learningRate: 1e-3 }), data: d, batchSize: 64, epochs: 10,
  }).run();
  const acc = await jit((p: typeof params, x: any, y: any) => accuracy(model.apply(p, x), y))(params, d.x, d.y);
  console.log(loss, await acc.item(), countParameters(params));
});
test("vmapped seeds", async () => {
  const model = mlp({ sizes: [8, 16, 3] });
  const opt = chain(clipByGlobalNorm(1), adamW({ learningRate: 1e-2 }));
  const keys = random.split(random.key(0), 5);
  const params = vmap(model.init)(keys);
  const state = vmap(opt.init)(params);
  const step = jit((p: any, s: any, x: any, y: any) => vmap((p: any, s: any) => {
    const [l, g] = valueAndGrad((q: any) => mean(crossEntropy(model.apply(q, x), y)))(p);
    const [u, s2] = opt.update(g, s, p);
    return { p: applyUpdates(p, u), s: s2, l };
  })(p, s));
  const x = random.normal(random.key(1), [10, 8]); const y = random.integers(random.key(2), [10], 0, 3);
  let p = params, s = state;
  for (let i = 0; i < 20; i++) { const r = await step(p, s, x, y); p = r.p; s = r.s; if (i % 10 === 9) console.log(await r.l.tolist()); }
});
test("gpt, cnn", async () => {
  const m = gpt({ vocabulary: 96, context: 64, layers: 4, width: 128, heads: 4 });
  const params = m.init(random.key(0));
  const opt = adamW({ learningRate: 1e-3 });
  let t = performance.now();
  const step = trainStep((p: typeof params, x: any, y: any) => mean(crossEntropy(m.apply(p, x), y)), opt);
  const x = await random.integers(random.key(2), [16, 64], 0, 96).array();
  let p: any = params, s: any = opt.init(params);
  for (let i = 0; i < 12; i++) { t = performance.now(); const r: any = await step(p, s, x as any, x as any); p = r.params; s = r.state; console.log(i, performance.now() - t, await r.loss.item()); }
  const c = cnn({ inputShape: [1, 28, 28], classes: 10, channels: [32, 64], kernel: 5 });
  const o = sgd({ learningRate: 0.01 });
  const st = trainStep((p: any, x: any, y: any) => mean(crossEntropy(c.apply(p, x), y)), o);
  p = c.init(random.key(0)); s = o.init(p);
  const xs = await random.normal(random.key(2), [64, 1, 28, 28]).array(), ys = await random.integers(random.key(2), [64], 0, 10).array();
  for (let i = 0; i < 8; i++) { t = performance.now(); const r: any = await st(p, s, xs as any, ys as any); p = r.params; s = r.state; console.log(i, performance.now() - t, await r.loss.item()); }
});
