// What every JavaScript peer shares: timing and the two commands. Runs in Node and in a page.
//
// A peer module exports
//   describe({ threads, load }) -> { name, version, runtime }
//   prepare({ workload, params, batches, threads }) -> async (i) => loss
// `prepare` puts weights and batches into the library's own tensors, untimed; the function it returns does training
// step i on batch i modulo the number of batches and resolves to the loss as a number.

import { parseSafetensors } from "./safetensors.mjs";

/** `load(path)` resolves to the ArrayBuffer of a data file. */
export function createLoop(peer, load) {
  let step;
  let count = 0;

  const timed = async () => {
    const start = performance.now();
    const loss = await step(count++);
    return { ms: performance.now() - start, loss };
  };

  return {
    async setup({ workload, data, threads }) {
      const { tensors } = parseSafetensors(await load(data));
      const { x, y, ...rest } = tensors;
      const params = Object.fromEntries(Object.entries(rest).map(([k, v]) => [k.slice("params/".length), v]));
      const about = await peer.describe({ threads, load });
      step = await peer.prepare({ workload, params, batches: split(x, y), threads });
      const { ms, loss } = await timed();
      return { ready: true, firstStepMs: ms, firstLoss: loss, ...about };
    },
    async steps({ n }) {
      const times = [];
      const losses = [];
      for (let i = 0; i < n; i++) {
        const { ms, loss } = await timed();
        times.push(ms);
        losses.push(loss);
      }
      return { times, losses };
    },
  };
}

function split(x, y) {
  const part = ({ shape, data }, i) => {
    const size = data.length / shape[0];
    return { shape: shape.slice(1), data: data.slice(i * size, (i + 1) * size) };
  };
  return Array.from({ length: x.shape[0] }, (_, i) => ({ x: part(x, i), y: part(y, i) }));
}
