import {
  crossEntropy,
  grad,
  jit,
  mean,
  random,
  setBackend,
  type Tensor,
  treeLeaves,
} from "../../../src/engine/index.js";
import { cnn, gpt, trainStep } from "../../../src/nn/index.js";
import { adamW } from "../../../src/optim/index.js";

// Run as a program of its own, because a fault of a graphics driver ends the process: prints the losses of training steps
// on WebGPU and on the processor as JSON, or why there is no WebGPU.

async function losses(backend: "node" | "webgpu"): Promise<Record<string, number[]>> {
  setBackend(backend);
  const loss = (logits: Tensor, y: Tensor) => mean(crossEntropy(logits, y));
  const train = async (model: any, x: Tensor, y: Tensor) => {
    const rule = adamW({ learningRate: 1e-2 });
    const step = trainStep((p: any, a: Tensor, b: Tensor) => loss(model.apply(p, a), b), rule);
    let params = model.init(random.key(0));
    let state: any = rule.init(params);
    const values: number[] = [];
    for (let i = 0; i < 2; i++) {
      const result: any = await step(params, state, x, y);
      ({ params, state } = result);
      values.push(await result.loss.item());
    }
    // What stayed on the device comes back whole.
    const slope = await jit((p: any) => grad((q: any) => loss(model.apply(q, x), y))(p))(params);
    for (const leaf of treeLeaves(slope) as Tensor[]) values.push(Number((await leaf.data())[0]));
    return values;
  };
  const images = cnn({ inputShape: [1, 12, 12], channels: [8, 16], kernel: 3, classes: 4 });
  const words = gpt({ layers: 1, width: 32, heads: 2, vocabulary: 50, context: 16 });
  return {
    cnn: await train(images, random.normal(random.key(1), [16, 1, 12, 12]), random.integers(random.key(2), [16], 0, 4)),
    gpt: await train(
      words,
      random.integers(random.key(3), [8, 16], 0, 50),
      random.integers(random.key(4), [8, 16], 0, 50),
    ),
  };
}

let webgpu: Record<string, number[]> | undefined;
let reason: string | undefined;
try {
  webgpu = await losses("webgpu");
} catch (error) {
  reason = (error as Error).message;
}
console.log(JSON.stringify({ reason, webgpu, node: webgpu && (await losses("node")) }));
