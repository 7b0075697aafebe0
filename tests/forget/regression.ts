import { abs, hostRandom, mean, random, relu, reshape, sub } from "../../src/engine/index.js";
import type { Labelled, UnlearnProblem } from "../../src/forget/index.js";
import { conv2d, linear } from "../../src/nn/index.js";

/** Noisy images [n, 1, 4, 4] whose target is about their mean. */
export function images(name: string, n: number, seed: number): Labelled {
  const draw = hostRandom(seed);
  const targets = Float32Array.from({ length: n }, () => draw.uniform());
  const data = Float32Array.from({ length: n * 16 }, (_, i) => targets[Math.floor(i / 16)] + 0.3 * draw.normal());
  return {
    name,
    x: { data, shape: [n, 1, 4, 4], dtype: "float32" },
    y: { data: targets, shape: [n], dtype: "float32" },
  };
}

const [conv, head] = [conv2d(1, 3, 3, { padding: 1 }), linear(3, 1)];
const init = (seed: number) => {
  const [a, b] = random.splitList(random.key(seed), 2);
  return { conv: conv.init(a), head: head.init(b) };
};
export type ToyParams = ReturnType<typeof init>;

/** One convolution, whose activations it shows, and the mean of their maps; the loss is the absolute error. */
export const apply = (params: ToyParams, x: Parameters<typeof conv.apply>[1]) => {
  const act = relu(conv.apply(params.conv, x));
  const feat = mean(act, [2, 3]);
  return { out: reshape(head.apply(params.head, feat), [x.shape[0]]), acts: [act], feat };
};

export function regressionProblem(changes: Partial<UnlearnProblem<ToyParams>> = {}): UnlearnProblem<ToyParams> {
  return {
    params: init(0),
    apply,
    perExampleLoss: (params, { x, y }) => abs(sub(apply(params, x).out, y)),
    forget: images("forget", 6, 1),
    retain: images("retain", 14, 2),
    init,
    seed: 3,
    ...changes,
  };
}
