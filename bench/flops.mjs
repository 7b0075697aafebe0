// The arithmetic of each workload, by the usual count: what the mathematics needs, however a library does it.
//
// Multiply-additions of matrix products and convolutions in one forward pass, times 3 for a gradient (one for the
// forward pass, two for the backward; also where the first layer needs no gradient of its input), times 6 for a
// Hessian-vector product (each of the three differentiated). Attention counts in full, also where a mask hides half.
// Norms of gradients count as the gradients. One multiply-addition is two floating-point operations.

const PASSES = { train: 3, many: 3, norms: 3, hvp: 6, infer: 1 };

/** Floating-point operations of one step of a workload. */
export function flopsOf({ task, model, batch, steps = 1 }) {
  return 2 * PASSES[task] * steps * batch * forward[model.kind](model);
}

/** Multiply-additions of a forward pass for one example (one sequence, one row). */
const forward = {
  matmul: ({ size }) => size * size,
  mlp: ({ sizes }) => pairs(sizes).reduce((sum, [a, b]) => sum + a * b, 0),
  cnn({ image, channels, kernel, classes }) {
    let [, height, width] = image;
    let sum = 0;
    for (const [a, b] of pairs([image[0], ...channels])) {
      sum += height * width * a * b * kernel ** 2;
      height /= 2;
      width /= 2;
    }
    return sum + height * width * channels.at(-1) * classes;
  },
  resnet({ image, channels, blocks, classes }) {
    let pixels = image[1] * image[2];
    let inputs = channels[0];
    let sum = pixels * image[0] * inputs * 9;
    channels.forEach((outputs, stage) => {
      if (stage > 0) pixels /= 4;
      sum += pixels * 9 * (inputs * outputs + (2 * blocks - 1) * outputs ** 2);
      inputs = outputs;
    });
    return sum + inputs * classes;
  },
  gpt: ({ layers, width, vocabulary, context }) => layers * block(context, width) + context * width * vocabulary,
  vit({ image, patch, layers, width, classes }) {
    const patches = (image[1] / patch) * (image[2] / patch);
    return patches * image[0] * patch ** 2 * width + layers * block(patches + 1, width) + width * classes;
  },
  lstm: ({ layers, width, vocabulary, context }) => context * (layers * 8 * width ** 2 + width * vocabulary),
};

/** A transformer block: four products for attention's projections, eight for the hidden layer, two with all positions. */
const block = (time, width) => time * (12 * width ** 2 + 2 * time * width);

const pairs = (list) => list.slice(1).map((next, i) => [list[i], next]);
