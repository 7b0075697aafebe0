import { toBinary } from "@bufbuild/protobuf";
import { modelProto, valueInfo } from "../compile.js";
import { type DType, dtypes, type NDArray } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { Emitter } from "../onnx/emitter.js";
import { ModelProtoSchema } from "../onnx/onnx_pb.js";
import { show } from "../shape.js";
import type { Backend, Executable } from "./backend.js";
import type { HostTools } from "./host.js";

/**
 * Matrix products of host arrays. One model of open sizes serves all shapes: a decomposition asks for products of hundreds
 * of shapes, and a session for each would cost more than they do.
 */
export function hostProducts(backend: Backend): HostTools["matmul"] {
  const models = new Map<string, Promise<Executable>>();
  return async (a, b, { transposeA = false, transposeB = false } = {}) => {
    const [m, k] = transposeA ? [a.shape[1], a.shape[0]] : a.shape;
    const [k2, n] = transposeB ? [b.shape[1], b.shape[0]] : b.shape;
    if (k !== k2 || a.dtype !== b.dtype) {
      throw new ShapeError("matmul", `${a.dtype}${show(a.shape)} and ${b.dtype}${show(b.shape)} do not fit`);
    }
    const key = `${a.dtype}${transposeA}${transposeB}`;
    let model = models.get(key);
    if (!model) models.set(key, (model = compile(backend, a.dtype, transposeA, transposeB)));
    const target: NDArray = { data: new dtypes[a.dtype].array(m * n), shape: [m, n], dtype: a.dtype };
    const [product] = await (await model).run([backend.write(a), backend.write(b)], [backend.write(target)]);
    return product.read();
  };
}

function compile(backend: Backend, dtype: DType, transposeA: boolean, transposeB: boolean): Promise<Executable> {
  const e = new Emitter();
  const [a, b] = [e.fresh(), e.fresh()];
  const out = e.node("Gemm", [a, b], { transA: Number(transposeA), transB: Number(transposeB) });
  const open = (name: string, shape: readonly string[]) => valueInfo(name, { shape, dtype });
  const inputs = [open(a, transposeA ? ["k", "m"] : ["m", "k"]), open(b, transposeB ? ["n", "k"] : ["k", "n"])];
  const model = modelProto(e, inputs, [open(out, ["m", "n"])]);
  return backend.compile(toBinary(ModelProtoSchema, model), {
    inputs: [a, b].map((name, index) => ({ name, dtype, values: [{ index, shape: [] }] })),
    outputs: [{ name: out, dtype, values: [{ index: 0, shape: [] }] }],
    double: dtype === "float64",
    once: false,
    // Between two products the host works alone; threads that wait for the next one by spinning would take its core.
    spin: false,
  });
}
