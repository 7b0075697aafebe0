import { readFile } from "node:fs/promises";
import * as native from "onnxruntime-node";
import * as web from "onnxruntime-web";
import { beforeAll, describe, expect, it } from "vitest";
import {
  crossEntropy,
  flattenTree,
  hostRandom,
  jit,
  mean,
  type Tensor,
  tensor,
  treeEntries,
} from "../../src/engine/index.js";
import { fromOnnx, type OnnxModel, toOnnx } from "../../src/interop/index.js";
import { trainStep } from "../../src/nn/train-step.js";
import { adam } from "../../src/optim/adam.js";
import { assertClose, numbers, onEachBackend } from "../engine/helpers.js";

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url);

/** What a runtime itself computes from a file. */
async function runPlainly(
  { InferenceSession, Tensor }: Pick<typeof native, "InferenceSession" | "Tensor">,
  bytes: Uint8Array,
  image: number[],
  shape: number[],
): Promise<number[]> {
  const session = await InferenceSession.create(bytes);
  const { logits } = await session.run({ image: new Tensor("float32", Float32Array.from(image), shape) });
  return Array.from(logits.data as Float32Array);
}

describe("a classifier exported by PyTorch", () => {
  let bytes: Uint8Array;
  let golden: { shape: number[]; image: number[]; logits: number[] };
  let model: OnnxModel<any>;
  let image: Tensor;

  beforeAll(async () => {
    bytes = new Uint8Array(await readFile(fixture("classifier.onnx")));
    golden = JSON.parse(await readFile(fixture("classifier.json"), "utf8"));
    model = fromOnnx(bytes);
    image = tensor(Float32Array.from(golden.image), { shape: golden.shape });
  });

  it("has its inputs, outputs and parameters; running statistics are not among these", () => {
    expect(model.inputs).toEqual([{ name: "image", dtype: "float32", shape: ["batch", 1, 8, 8] }]);
    expect(model.outputs).toEqual([{ name: "logits", dtype: "float32", shape: ["batch", 10] }]);
    expect(flattenTree(model.params).paths.toSorted()).toEqual(
      ["0.bias", "0.weight", "1.bias", "1.weight", "10.bias", "10.weight", "11.bias", "11.weight", "13.bias"].concat([
        "13.weight",
        "4.weight",
        "5.bias",
        "5.weight",
      ]),
    );
    expect(model.params["10"].weight.shape).toEqual([32, 64]);
  });

  onEachBackend("gives PyTorch's outputs, and fine-tunes", (backend) => {
    it("agrees with PyTorch, for any number of examples", async () => {
      const logits = await numbers(await jit(model.apply)(model.params, image));
      assertClose(logits, golden.logits, 1e-5, "logits");
      const two = await numbers(model.apply(model.params, { image: image.slice([0], [2]) }));
      assertClose(two, golden.logits.slice(0, 20), 1e-5, "logits of two images");
    });

    it("learns new data, and the written file computes the same everywhere", async () => {
      // Training uses the parameters up.
      const model = fromOnnx<any>(bytes);
      const random = hostRandom(3);
      const size = 64;
      const labels = Int32Array.from({ length: size }, (_, i) => i % 10);
      const patterns = Array.from({ length: 10 * 64 }, () => random.normal());
      const pixels = Float32Array.from(
        { length: size * 64 },
        (_, i) => patterns[labels[Math.floor(i / 64)] * 64 + (i % 64)] + 0.5 * random.normal(),
      );
      const x = { data: pixels, shape: [size, 1, 8, 8], dtype: "float32" as const };
      const y = { data: labels, shape: [size], dtype: "int32" as const };
      const loss = (params: any, x: Tensor, y: Tensor) => mean(crossEntropy(model.apply(params, x), y));
      const optimizer = adam({ learningRate: 1e-3 });
      const step = trainStep(loss, optimizer);
      let params = model.params;
      let state = optimizer.init(params);
      const losses: number[] = [];
      for (let i = 0; i < 100; i++) {
        const done = await step(params, state, x as any, y as any);
        ({ params, state } = done);
        if (i === 0 || i === 99) losses.push(await done.loss.item());
      }
      expect(losses[0]).toBeGreaterThan(2);
      expect(losses[1]).toBeLessThan(0.2 * losses[0]);

      const written = await toOnnx(model.apply, params, [image], { inputs: ["image"], outputs: ["logits"] });
      const ours = await numbers(model.apply(params, image));
      for (const runtime of [native, web as unknown as typeof native]) {
        const plain = await runPlainly(runtime, written, golden.image, golden.shape);
        assertClose(plain, ours, 1e-5, `a plain runtime against ${backend}`);
      }
      const again = fromOnnx(written);
      expect(treeEntries(again.params).map(([path, t]) => [path, t.shape])).toEqual(
        treeEntries(params).map(([path, t]) => [path, t.shape]),
      );
      assertClose(await numbers(again.apply(again.params, image)), ours, 1e-6, "read again");
    });
  });
});
