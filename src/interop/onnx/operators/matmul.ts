import { einsum } from "../../../engine/composites/einsum.js";
import { add, mul } from "../../../engine/primitives/elementwise.js";
import { matmul } from "../../../engine/primitives/matmul.js";
import type { Tensor } from "../../../engine/tensor.js";
import type { Call, Operator } from "../call.js";

/** alpha A B + beta C, with A and B read transposed where the attributes say so. */
function gemm(call: Call): Tensor {
  const { attributes } = call;
  const product = matmul(call.tensor(0), call.tensor(1), {
    transposeA: attributes.int("transA", 0) !== 0,
    transposeB: attributes.int("transB", 0) !== 0,
  });
  const scaled = mul(product, attributes.float("alpha", 1));
  const bias = call.optional(2);
  return bias ? add(scaled, mul(bias, attributes.float("beta", 1))) : scaled;
}

function fusedMatMul(call: Call): Tensor {
  call.fixed("transBatchA", 0);
  call.fixed("transBatchB", 0);
  const transposeA = call.attributes.int("transA", 0) !== 0;
  const transposeB = call.attributes.int("transB", 0) !== 0;
  const product = matmul(call.tensor(0), call.tensor(1), { transposeA, transposeB });
  return mul(product, call.attributes.float("alpha", 1));
}

export const matmulOperators: Readonly<Record<string, Operator>> = {
  Einsum: (call) => einsum(call.attributes.text("equation", ""), ...call.inputs.map((_, i) => call.tensor(i))),
  Gemm: gemm,
  MatMul: (call) => matmul(call.tensor(0), call.tensor(1)),
};

export const microsoftMatmulOperators: Readonly<Record<string, Operator>> = { FusedMatMul: fusedMatMul };
