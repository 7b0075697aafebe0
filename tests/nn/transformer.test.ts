import { describe, expect, test } from "vitest";
import { arange, concat, gather, grad, jit, random, sum, type Tensor, tensor } from "../../src/engine/index.js";
import {
  countParameters,
  decoderBlock,
  encoderBlock,
  gpt,
  layerNorm,
  mixer,
  paddingMask,
  patchEmbedding,
  sampleToken,
  sinusoidal,
  transformer,
  transformerDecoder,
  transformerEncoder,
  vit,
} from "../../src/nn/index.js";
import { onEachBackend } from "../engine/helpers.js";
import { allClose, golden, ints } from "./golden.js";

const key = random.key(8);
const tokens = (...rows: number[][]) => tensor(rows, { dtype: "int32" });

describe.each(["pre", "post"] as const)("blocks with %s-normalisation", (norm) => {
  const given = golden("nn-models").transformer[norm];
  const options = { heads: 2, hidden: 8, activation: "relu", norm, dtype: "float64" } as const;
  const [encoder, decoder] = [encoderBlock(6, options), decoderBlock(6, options)];
  test("give PyTorch's values and gradients", async () => {
    const { x, target, lengths, memory, y, dx, dtarget } = given;
    const run = jit((source: Tensor, into: Tensor) => {
      const mask = paddingMask(ints(lengths), 4);
      const encode = (t: Tensor) => encoder.apply(given.encoder, t, { mask });
      const apply = (t: Tensor, u: Tensor) =>
        decoder.apply(given.decoder, u, { context: encode(t), contextMask: mask });
      const squares = (t: Tensor, u: Tensor) => sum(apply(t, u).mul(apply(t, u)));
      const [gx, gt] = grad(squares, { argnums: [0, 1] })(source, into);
      return { memory: encode(source), y: apply(source, into), dx: gx, dtarget: gt };
    });
    await allClose(await run(x, target), { memory, y, dx, dtarget });
  });
});

describe("transformerEncoder", () => {
  test("has a last norm only where parts normalise their inputs", () => {
    const size = { heads: 2, layers: 2 };
    expect(transformerEncoder(4, size).init(key).norm).toBeDefined();
    expect(transformerEncoder(4, { ...size, norm: "post" }).init(key).norm).toBeUndefined();
    expect(() => transformerEncoder(4, { heads: 2, layers: 0 })).toThrow("needs at least one layer, got 0");
  });
  test("a LLaMA-like block: RMS norms, SwiGLU, rotary positions, grouped keys, no biases", () => {
    const block = encoderBlock(16, {
      heads: 4,
      groups: 2,
      positions: "rotary",
      normKind: "rms",
      gated: true,
      activation: "silu",
      bias: false,
      hidden: 24,
    });
    const params = block.init(key);
    expect(countParameters(params)).toBe(2 * 16 + 16 * (16 + 8 + 8 + 16) + 3 * 16 * 24);
    expect(block.apply(params, random.normal(key, [2, 3, 16])).shape).toEqual([2, 3, 16]);
  });
  test("is equivariant to the order of positions without any", async () => {
    const model = transformerEncoder(4, { heads: 2, layers: 2, dtype: "float64" });
    const params = model.init(key);
    const x = random.normal(key, [1, 3, 4], { dtype: "float64" });
    const turned = (t: Tensor) => t.reshape(3, 4).transpose().matmul(turn).transpose().reshape(1, 3, 4);
    const turn = tensor(
      [
        [0, 1, 0],
        [0, 0, 1],
        [1, 0, 0],
      ],
      { dtype: "float64" },
    );
    await allClose(model.apply(params, turned(x)), turned(model.apply(params, x)), 1e-12);
  });
  test("dropout is random by key", async () => {
    const model = transformerEncoder(4, { heads: 2, layers: 1, dropout: 0.3 });
    const params = model.init(key);
    const x = random.normal(key, [1, 3, 4]);
    const at = async (k?: random.Key) => (await model.apply(params, x, { key: k }).data()).toString();
    expect(await at(random.key(1))).toBe(await at(random.key(1)));
    expect(await at(random.key(1))).not.toBe(await at());
  });
});

describe("transformer", () => {
  const model = transformer({ width: 8, heads: 2, layers: 1, sourceVocabulary: 7, targetVocabulary: 5 });
  const params = model.init(key);
  test("is embeddings times sqrt(width) and positions, through encoder, decoder and head", async () => {
    const options = { heads: 2, layers: 1 };
    const [source, target] = [tokens([1, 2, 3]), tokens([4, 0])];
    const embed = (w: Tensor, t: Tensor) => {
      const vectors = gather(w, t).mul(Math.sqrt(8));
      return vectors.add(sinusoidal(arange(t.shape[1]), 8));
    };
    const context = transformerEncoder(8, options).apply(params.encoder, embed(params.source.w, source));
    const decoded = transformerDecoder(8, options).apply(params.decoder, embed(params.target.w, target), { context });
    const logits = decoded.matmul(params.head.w).add(params.head.b!);
    const found = [model.encode(params, { source }), model.apply(params, { source, target })];
    await allClose(found, [context, logits], 1e-5);
  });
  test("later targets and padding of the source change nothing before them", async () => {
    const lengths = tensor([2], { dtype: "int32" });
    const run = (source: Tensor, target: Tensor) => model.apply(params, { source, target, lengths });
    const a = run(tokens([1, 2, 3]), tokens([1, 2, 3]));
    const b = run(tokens([1, 2, 6]), tokens([1, 2, 4]));
    expect(a.shape).toEqual([1, 3, 5]);
    await allClose(a.slice([0, 0], [1, 2]), b.slice([0, 0], [1, 2]), 1e-6);
    const c = run(tokens([1, 5, 3]), tokens([1, 2, 3]));
    expect(await a.sub(c).mul(a.sub(c)).sum().item()).toBeGreaterThan(1e-6);
  });
  test("errors", () => {
    const flat = tensor([1], { dtype: "int32" });
    expect(() => model.apply(params, { source: flat, target: flat })).toThrow(
      "transformer: tokens are [B, T], got [1]",
    );
  });
});

describe("gpt with a cache", () => {
  const model = gpt({
    vocabulary: 11,
    context: 8,
    layers: 2,
    width: 12,
    heads: 3,
    tied: true,
  });
  const params = model.init(random.key(1));
  test("gives the logits of the whole sequence step by step", async () => {
    const run = jit((x: Tensor) => {
      let cache = model.initCache(2);
      const parts = [
        [0, 2],
        [2, 3],
        [3, 5],
      ].map(([start, end]) => {
        const [logits, next] = model.step(params, x.slice([0, start], [2, end]), cache);
        cache = next;
        return logits;
      });
      const all = model.apply(params, x);
      return [parts, [all.slice([0, 0], [2, 2]), all.slice([0, 2], [2, 3]), all.slice([0, 3], [2, 5])]];
    });
    const [parts, all] = await run(tokens([1, 2, 3, 4, 5], [9, 8, 7, 6, 5]));
    await allClose(parts, all, 1e-5);
  });
});

onEachBackend("gpt", () => {
  const model = gpt({ vocabulary: 11, context: 8, layers: 1, width: 12, heads: 3 });
  const params = model.init(random.key(1));
  const prompt = tokens([1, 2, 3], [4, 5, 6]);
  test("writes greedily what the whole forward pass would choose", async () => {
    const written = (await model.generate(params, prompt, { steps: 4 }).tolist()) as number[][];
    expect(written.map((row) => row.slice(0, 3))).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const logits = (await model.apply(params, tokens(...written)).tolist()) as number[][][];
    written.forEach((row, b) => {
      for (let t = 3; t < 7; t++) expect(row[t]).toBe(logits[b][t - 1].indexOf(Math.max(...logits[b][t - 1])));
    });
  });
});

describe("sampling", () => {
  const model = gpt({ vocabulary: 11, context: 8, layers: 1, width: 8, heads: 2 });
  const params = model.init(random.key(1));
  const prompt = tokens([1, 2]);
  test("the same key writes the same, another key something else; topK 1 is greedy", async () => {
    const write = async (options: object) =>
      (await model.generate(params, prompt, { steps: 6, ...options }).data()).toString();
    expect(await write({ key })).toBe(await write({ key }));
    expect(await write({ key })).not.toBe(await write({ key: random.key(5) }));
    expect(await write({ key, topK: 1 })).toBe(await write({}));
  });
  test("each step draws anew", async () => {
    const flat = gpt({ vocabulary: 11, context: 8, layers: 1, width: 8, heads: 2, init: "zeros" });
    const written = await flat.generate(flat.init(key), prompt, { steps: 6, key }).data();
    expect(new Set(Array.from(written, Number).slice(2)).size).toBeGreaterThan(2);
  });
  test("draws in proportion to softmax(logits / temperature), among the topK", async () => {
    const logits = tensor(
      new Float32Array(4000 * 3).map((_, i) => Math.log([0.2, 0.3, 0.5][i % 3])),
      {
        shape: [4000, 3],
      },
    );
    const share = async (options: object) => {
      const drawn = Array.from(await sampleToken(logits, { key, ...options }).data(), Number);
      return [0, 1, 2].map((token) => drawn.filter((d) => d === token).length / 4000);
    };
    const near = (...values: number[]) => values.map((v) => expect.closeTo(v, 1));
    expect(await share({})).toEqual(near(0.2, 0.3, 0.5));
    expect(await share({ temperature: 0.5 })).toEqual(near(0.04 / 0.38, 0.09 / 0.38, 0.25 / 0.38));
    const top = await share({ topK: 2 });
    expect(top).toEqual(near(0, 0.375, 0.625));
    expect(top[0]).toBe(0);
  });
  test("one step, and errors", async () => {
    expect(model.generate(params, prompt, { steps: 1 }).shape).toEqual([1, 3]);
    expect(() => model.generate(params, prompt, { steps: 7 })).toThrow(
      "generate: a prompt [1, 2] and 7 steps do not fit a context of 8",
    );
    expect(() => model.generate(params, prompt, { steps: 2, temperature: 0, key })).toThrow("must be positive, got 0");
    expect(() => model.generate(params, prompt, { steps: 0 })).toThrow("steps must be a positive integer, got 0");
    expect(() => model.generate(params, prompt, { steps: 2, topK: 0, key })).toThrow("a positive integer, got 0");
  });
});

describe("vision models", () => {
  test("ViT-B/16 has 86,567,656 parameters, Mixer-B/16 59,880,472", () => {
    const size = { inputShape: [3, 224, 224], classes: 1000, patch: 16, layers: 12, width: 768 } as const;
    expect(countParameters(vit({ ...size, heads: 12 }).init(key))).toBe(86_567_656);
    expect(countParameters(mixer(size).init(key))).toBe(59_880_472);
  });
  const small = { inputShape: [2, 4, 6], classes: 3, patch: 2, layers: 1, width: 8 } as const;
  test.each(["token", "mean"] as const)("ViT reads the class off the %s", (pool) => {
    const model = vit({ ...small, heads: 2, pool, dropout: 0.1 });
    const params = model.init(key);
    expect(params.positions.w.shape).toEqual([pool === "token" ? 7 : 6, 8]);
    expect(model.apply(params, random.normal(key, [2, 2, 4, 6])).shape).toEqual([2, 3]);
    expect(model.apply(params, random.normal(key, [2, 2, 4, 6]), { key }).shape).toEqual([2, 3]);
  });
  test("ViT knows where a patch stands", async () => {
    const model = vit({ ...small, heads: 2, pool: "mean" });
    const params = model.init(key);
    const x = random.normal(key, [1, 2, 4, 6]);
    const turned = concat([x.slice([0, 0, 2], [1, 2, 4]), x.slice([0, 0, 0], [1, 2, 2])], 2);
    const gap = async (p: typeof params) => {
      const d = model.apply(p, x).sub(model.apply(p, turned));
      return sum(d.mul(d)).item();
    };
    expect(await gap(params)).toBeGreaterThan(1e-8);
    expect(await gap({ ...params, positions: { w: params.positions.w.mul(0) } })).toBeLessThan(1e-10);
  });
  test("Mixer adds what each mixing makes to its input", async () => {
    const model = mixer(small);
    const params = model.init(key);
    const x = random.normal(key, [1, 2, 4, 6]);
    const [block] = params.blocks;
    const silent = ({ up, down }: typeof block.tokens) => ({ up, down: { w: down.w.mul(0), b: down.b!.mul(0) } });
    const logits = (change: object) => model.apply({ ...params, blocks: [{ ...block, ...change }] }, x);
    const [tokensOff, channelsOff] = [{ tokens: silent(block.tokens) }, { channels: silent(block.channels) }];
    const seen = layerNorm(8).apply(params.norm, patchEmbedding([2, 4, 6], 2, 8).apply(params.patches, x));
    const head = (h: Tensor) => h.mean(1).matmul(params.head.w).add(params.head.b!);
    await allClose(logits({ ...tokensOff, ...channelsOff }), head(seen), 1e-5);
    const d = logits(channelsOff).sub(head(seen));
    expect(await sum(d.mul(d)).item()).toBeGreaterThan(1e-6);
  });
  test("patches are embedded row by row", async () => {
    const layer = patchEmbedding([1, 2, 4], 2, 1);
    const params = {
      w: tensor([
        [
          [
            [1, 10],
            [100, 1000],
          ],
        ],
      ]),
    };
    const image = tensor([
      [
        [
          [1, 2, 5, 6],
          [3, 4, 7, 8],
        ],
      ],
    ]);
    expect(await layer.apply(params, image).tolist()).toEqual([[[4321], [8765]]]);
    expect(() => patchEmbedding([1, 3, 4], 2, 1)).toThrow("patches of 2 do not divide images of [1, 3, 4]");
    expect(() => layer.apply(params, tensor([[1]]))).toThrow("the model takes [B, 1, 2, 4], got [1, 1]");
  });
});
