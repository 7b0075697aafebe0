import { test } from "vitest";
import { grad, jit, random, realise, sum, treeLeaves, tensor, type Tensor, setBackend } from "/work/main/src/engine/index.js";
import { gpt, lstm, gru } from "/work/main/src/nn/index.js";
const time = async (f: () => Promise<unknown>, n: number) => {
  await f(); await f();
  const wall: number[] = []; const c = process.cpuUsage(); 
  for (let i = 0; i < n; i++) { const t = performance.now(); await f(); wall.push(performance.now() - t); }
  const u = process.cpuUsage(c);
  wall.sort((a, b) => a - b);
  return `best wall ${wall[0].toFixed(1)} ms, median ${wall[n >> 1].toFixed(1)} ms, cpu ${((u.user + u.system) / 1000 / n).toFixed(1)} ms`;
};
test("bench", async () => {
  await setBackend("node", { threads: 1 });
  const key = random.key(0);
  for (const [name, make] of [["lstm", lstm], ["gru", gru]] as const) {
    const m = make(64, 128);
    const p = m.init(key); const x = random.normal(key, [32, 64, 64]);
    await realise([...treeLeaves(p), x]);
    const fwd = jit((q: any, t: Tensor) => m.apply(q, t)[0]);
    const step = jit((q: any, t: Tensor) => grad((r: any) => { const [y] = m.apply(r, t); return sum(y.mul(y)); })(q));
    console.log(name, "forward", await time(async () => (await fwd(p, x)).data(), 8));
    console.log(name, "grad", await time(async () => treeLeaves(await step(p, x))[0].data(), 8));
  }
  const g = gpt({ vocabulary: 256, context: 256, layers: 4, width: 128, heads: 4 });
  const gp = g.init(key); await realise(treeLeaves(gp));
  const prompt = tensor([Array.from({ length: 16 }, (_, i) => i)], { dtype: "int32" });
  const gen = jit((q: any, t: Tensor, k: any) => g.generate(q, t, { steps: 200, key: k, topK: 20 }));
  console.log("gpt 200 tokens cached", await time(async () => (await gen(gp, prompt, key)).data(), 3));
  const full = jit((q: any, t: Tensor) => g.apply(q, t));
  const whole = tensor([Array.from({ length: 216 }, (_, i) => i)], { dtype: "int32" });
  console.log("gpt one full forward at 216", await time(async () => (await full(gp, whole)).data(), 5));
}, 300000);
