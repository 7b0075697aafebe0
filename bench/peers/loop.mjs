// What every JavaScript peer shares: timing and the two commands. Runs in Node and in a page.
//
// A peer module exports
//   describe({ threads, backend, load }) -> { version, runtime }
//   prepare({ workload, params, batches, threads }) -> async (i) => value
// `prepare` puts weights and batches into the library's own tensors, untimed; the function it returns does step i on
// batch i modulo the number of batches and resolves to the loss as a number, or to the result as a typed array.

import { parseSafetensors } from "./safetensors.mjs";

/** `load(path)` resolves to the ArrayBuffer of a file named relative to `bench/`. */
export function createLoop(peer, load) {
  let step;
  let count = 0;

  const timed = async () => {
    const start = performance.now();
    const result = await step(count++);
    const ms = performance.now() - start;
    return { ms, value: typeof result === "number" ? result : digest(result) };
  };

  return {
    async setup({ workload, data, threads }) {
      const about = await peer.describe({ threads, load });
      const { tensors } = parseSafetensors(await load(data));
      const { x, y, ...rest } = tensors;
      const params = Object.fromEntries(Object.entries(rest).map(([k, v]) => [k.slice("params/".length), v]));
      step = await peer.prepare({ workload, params, batches: split({ x, y }), threads });
      const { ms, value } = await timed();
      return { firstStepMs: ms, firstValue: value, ...about };
    },
    async steps({ n }) {
      const times = [];
      const values = [];
      for (let i = 0; i < n; i++) {
        const { ms, value } = await timed();
        times.push(ms);
        values.push(value);
      }
      return { times, values };
    },
  };
}

/** One number that changes when any element of a result does, to compare results without sending them. */
function digest(data) {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += (data[i] * (1 + (i % 7) / 7)) ** 2;
  return Math.sqrt(sum / data.length);
}

/** The batches one by one, of tensors that hold them along their first axis. */
export function split({ x, y }) {
  const part = ({ shape, data }, i) => {
    const size = data.length / shape[0];
    return { shape: shape.slice(1), data: data.slice(i * size, (i + 1) * size) };
  };
  return Array.from({ length: x.shape[0] }, (_, i) => ({ x: part(x, i), y: part(y, i) }));
}
