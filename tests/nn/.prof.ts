import { crossEntropy, mean, random, realise, treeLeaves } from "/work/main/src/engine/index.js";
import { gpt, trainStep } from "/work/main/src/nn/index.js";
import { adamW, adam, sgd } from "/work/main/src/optim/index.js";
const m = gpt({ vocabulary: 96, context: 64, layers: 4, width: 128, heads: 4 });
let t = performance.now(); const lap = (s: string) => { console.log(s, (performance.now() - t).toFixed(1)); t = performance.now(); };
const params = m.init(random.key(0)); lap("init graph");
await realise(treeLeaves(params)); lap("init realise");
const opt = process.argv[2] === "sgd" ? sgd({ learningRate: 0.01 }) : adamW({ learningRate: 1e-3 });
const s0 = opt.init(params); await realise(treeLeaves(s0)); lap("state");
const step = trainStep((p: typeof params, x: any, y: any) => mean(crossEntropy(m.apply(p, x), y)), opt);
const x = await random.integers(random.key(2), [16, 64], 0, 96).array(); lap("data");
let p: any = params, s: any = s0; const times: number[] = [];
for (let i = 0; i < 30; i++) { const a = performance.now(); const r: any = await step(p, s, x as any, x as any); p = r.params; s = r.state; times.push(performance.now() - a); }
console.log("first", times[0].toFixed(0), "min", Math.min(...times).toFixed(1), "median", times.sort((a, b) => a - b)[15].toFixed(1));
