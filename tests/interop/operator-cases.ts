import { type DType, dtypes, type NDArray } from "../../src/engine/dtype.js";
import { hostRandom } from "../../src/engine/random/host.js";
import { type AttributeValue, onnxModel } from "./onnx-models.js";

/** An input: fed at each call, or a constant of the model. */
export type Input = { readonly feed: NDArray } | { readonly constant: NDArray } | undefined;

let seed = 1;
const array = (values: readonly number[], shape: readonly number[], dtype: DType): NDArray => {
  const data = new dtypes[dtype].array(values.length);
  values.forEach((v, i) => {
    data[i] = dtypes[dtype].big ? BigInt(v) : v;
  });
  return { data, shape, dtype };
};
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
/** Normal numbers. */
export const f = (...shape: number[]): Input => {
  const random = hostRandom(seed++);
  return {
    feed: array(
      Array.from({ length: size(shape) }, () => random.normal()),
      shape,
      "float32",
    ),
  };
};
/** Numbers between 0.1 and 0.9. */
export const unit = (...shape: number[]): Input => {
  const random = hostRandom(seed++);
  return {
    feed: array(
      Array.from({ length: size(shape) }, () => 0.1 + 0.8 * random.uniform()),
      shape,
      "float32",
    ),
  };
};
export const whole = (values: number[], shape = [values.length], dtype: DType = "int64"): Input => ({
  feed: array(values, shape, dtype),
});
export const ints = (values: number[], shape = [values.length]): Input => ({ constant: array(values, shape, "int64") });
export const floats = (values: number[], shape = [values.length]): Input => ({
  constant: array(values, shape, "float32"),
});
const flags = (values: number[], shape = [values.length]): Input => ({ feed: array(values, shape, "bool") });

export interface Case {
  readonly op: string;
  readonly inputs: readonly Input[];
  readonly attrs?: Readonly<Record<string, AttributeValue>>;
  readonly out?: readonly DType[];
  readonly opset?: number;
  readonly domain?: string;
  readonly note?: string;
}

export const on = (
  op: string,
  inputs: readonly Input[],
  attrs: Case["attrs"] = {},
  rest: Partial<Case> = {},
): Case => ({
  op,
  inputs,
  attrs,
  ...rest,
});
const int64: Partial<Case> = { out: ["int64"] };
const bool: Partial<Case> = { out: ["bool"] };

export const image = () => f(2, 4, 7, 6);
const statistics = (n: number): Input[] => [f(n), f(n), f(n), unit(n)];

/** Applications of each operator that can be read. */
export const cases: readonly Case[] = [
  ...["Abs", "Ceil", "Cos", "Cosh", "Erf", "Exp", "Floor", "HardSwish", "Identity", "Mish", "Neg", "Relu", "Round"].map(
    (op) => on(op, [f(3, 4)]),
  ),
  ...["Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Tanh", "Atan", "Asinh", "Tan"].map((op) =>
    on(op, [f(3, 4)]),
  ),
  ...["Acos", "Asin", "Atanh", "Log", "Reciprocal", "Sqrt"].map((op) => on(op, [unit(3, 4)])),
  on("Acosh", [floats([1, 1.5, 2, 10])]),
  on("Celu", [f(3, 4)], { alpha: 0.7 }),
  on("Elu", [f(3, 4)], { alpha: 0.7 }),
  on("Gelu", [f(3, 4)]),
  on("Gelu", [f(3, 4)], { approximate: "tanh" }),
  on("HardSigmoid", [f(3, 4)], { alpha: 0.3 }),
  on("LeakyRelu", [f(3, 4)], { alpha: 0.3 }),
  on("PRelu", [f(2, 3, 4), unit(3, 1)]),
  on("Selu", [f(3, 4)]),
  on("ThresholdedRelu", [f(3, 4)], { alpha: 0.3 }),
  on("Clip", [f(3, 4), floats([-0.5], []), floats([0.7], [])]),
  on("Clip", [f(3, 4), undefined, floats([0.7], [])], {}, { note: "above" }),
  on("Clip", [f(3, 4)], { min: -0.25, max: { float: 1 } }, { opset: 7 }),
  ...["Add", "Sub", "Mul", "Div"].map((op) => on(op, [f(3, 4), f(4)])),
  ...["Add", "Sub", "Mul", "Div"].map((op) => on(op, [whole([7, -7, 9]), whole([2, 2, -4])], {}, int64)),
  on("Mod", [whole([7, -7, 9, -9]), whole([3, 3, -4, -4])], {}, int64),
  on("Pow", [unit(3, 4), f(4)]),
  on("Pow", [f(3, 4), floats([2], [])]),
  on("Pow", [f(3, 4), ints([3], [])]),
  ...["Max", "Min", "Sum", "Mean"].map((op) => on(op, [f(3, 4), f(4), f(3, 1)])),
  ...["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"].map((op) =>
    on(op, [whole([1, 2, 3], [3], "int32"), whole([2, 2, 2], [3], "int32")], {}, bool),
  ),
  ...["And", "Or", "Xor"].map((op) => on(op, [flags([1, 0, 1, 0]), flags([1, 1, 0, 0])], {}, bool)),
  on("Not", [flags([1, 0])], {}, bool),
  on(
    "BitShift",
    [whole([1, 2, 3], [3], "uint32"), whole([1, 2, 3], [3], "uint32")],
    { direction: "LEFT" },
    { out: ["uint32"] },
  ),
  ...["BitwiseAnd", "BitwiseOr", "BitwiseXor"].map((op) => on(op, [whole([5, 6]), whole([3, 12])], {}, int64)),
  on("IsNaN", [floats([1, Number.NaN, Number.POSITIVE_INFINITY])], {}, bool),
  on("IsInf", [floats([1, Number.NaN, Number.NEGATIVE_INFINITY])], {}, bool),
  on("Where", [flags([1, 0, 1]), f(2, 3), f(3)]),
  on("Cast", [f(3, 4)], { to: 7 }, int64),
  on("Cast", [whole([0, 1, -2])], { to: 9 }, bool),
  on("CastLike", [whole([1, 2]), f(1)]),
  on("Dropout", [f(3, 4), floats([0.5], [])]),

  on("MatMul", [f(2, 3, 4), f(4, 5)]),
  on("MatMul", [f(4), f(2, 4, 5)], {}, { note: "vector" }),
  on("Gemm", [f(4, 3), f(5, 4), f(5)], { transA: 1, transB: 1, alpha: 0.5, beta: 0.25 }),
  on("Gemm", [f(3, 4), f(4, 5)]),
  on("Einsum", [f(2, 3, 4), f(2, 4, 5)], { equation: "bij,bjk->bik" }),
  on("FusedMatMul", [f(2, 4, 3), f(2, 5, 4)], { transA: 1, transB: 1, alpha: 0.5 }, { domain: "com.microsoft" }),
  on("Gelu", [f(3, 4)], {}, { domain: "com.microsoft" }),
  on("BiasGelu", [f(3, 4), f(4)], {}, { domain: "com.microsoft" }),
  on("FastGelu", [f(3, 4), f(4)], {}, { domain: "com.microsoft" }),
  on("QuickGelu", [f(3, 4)], { alpha: 1.5 }, { domain: "com.microsoft" }),

  on("Conv", [image(), f(6, 4, 3, 3), f(6)], { pads: [1, 1, 1, 1] }),
  on("Conv", [image(), f(6, 2, 3, 2)], { group: 2, strides: [2, 1], dilations: [1, 2], pads: [0, 1, 2, 1] }),
  on("Conv", [image(), f(6, 4, 3, 3)], { auto_pad: "SAME_UPPER", strides: [2, 2] }),
  on("Conv", [image(), f(6, 4, 4, 4)], { auto_pad: "SAME_LOWER", strides: [3, 2] }),
  on("Conv", [f(2, 3, 9), f(5, 3, 3)], { auto_pad: "VALID" }, { note: "1-D" }),
  on("Conv", [f(1, 2, 4, 5, 4), f(3, 2, 2, 2, 2)], {}, { note: "3-D" }),
  on("ConvTranspose", [image(), f(4, 3, 3, 3), f(3)], { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 0] }),
  on("ConvTranspose", [image(), f(4, 2, 3, 3)], { group: 2, pads: [0, 1, 1, 0], dilations: [2, 1] }),
  on("ConvTranspose", [image(), f(4, 3, 3, 3)], { auto_pad: "SAME_UPPER", strides: [2, 2] }),
  on("ConvTranspose", [image(), f(4, 3, 3, 3)], { output_shape: [15, 13], strides: [2, 2] }),
  on("MaxPool", [image()], { kernel_shape: [2, 2], strides: [2, 2] }),
  on("MaxPool", [image()], { kernel_shape: [3, 2], pads: [1, 0, 0, 1] }),
  on("MaxPool", [image()], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 }),
  on("MaxPool", [image()], { kernel_shape: [3, 3], strides: [2, 2], auto_pad: "SAME_LOWER" }),
  on("AveragePool", [image()], { kernel_shape: [2, 3], strides: [2, 3] }),
  on("AveragePool", [image()], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  on("AveragePool", [image()], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 0, 1, 1], count_include_pad: 1 }),
  on("AveragePool", [image()], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
  on("AveragePool", [image()], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    ceil_mode: 1,
    count_include_pad: 1,
  }),
  on("AveragePool", [image()], { kernel_shape: [3, 3], strides: [2, 2], auto_pad: "SAME_UPPER" }),
  on("GlobalAveragePool", [image()]),
  on("GlobalMaxPool", [image()]),
  on("DepthToSpace", [f(2, 8, 2, 3)], { blocksize: 2 }),
  on("DepthToSpace", [f(2, 8, 2, 3)], { blocksize: 2, mode: "CRD" }),
  on("SpaceToDepth", [f(2, 2, 4, 6)], { blocksize: 2 }),
  ...["nearest", "linear"].flatMap((mode) => [
    on("Resize", [image(), undefined, floats([1, 1, 2, 2])], { mode }),
    on("Resize", [image(), undefined, floats([1, 1, 2, 3])], {
      mode,
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    }),
    on("Resize", [image(), undefined, undefined, ints([2, 4, 5, 9])], {
      mode,
      coordinate_transformation_mode: "align_corners",
    }),
    on("Resize", [image(), undefined, floats([1, 1, 0.6, 1.7])], {
      mode,
      coordinate_transformation_mode: "pytorch_half_pixel",
    }),
    on("Resize", [image(), undefined, floats([1, 1, 0.6, 1.7])], {
      mode,
      coordinate_transformation_mode: "half_pixel",
      nearest_mode: "ceil",
    }),
    on("Resize", [image(), undefined, floats([1, 1, 0.7, 1.6])], {
      mode,
      coordinate_transformation_mode: "half_pixel_symmetric",
      nearest_mode: "round_prefer_ceil",
    }),
  ]),
  on("Upsample", [image(), floats([1, 1, 2, 2])], { mode: "nearest" }, { opset: 9 }),
  on("Upsample", [image()], { mode: "nearest", scales: { floats: [1, 1, 2, 3] } }, { opset: 7 }),

  on("BatchNormalization", [image(), ...statistics(4)], { epsilon: 0.01 }),
  on("BatchNormalization", [f(5, 4), ...statistics(4)]),
  on("InstanceNormalization", [image(), f(4), f(4)]),
  on("GroupNormalization", [image(), f(4), f(4)], { num_groups: 2 }),
  on("GroupNormalization", [image(), f(2), f(2)], { num_groups: 2 }, { opset: 18 }),
  on("LayerNormalization", [f(2, 3, 5), f(5), f(5)]),
  on("LayerNormalization", [f(2, 3, 5), f(3, 5)], { axis: 1, epsilon: 0.01 }),
  on("RMSNormalization", [f(2, 3, 5), f(5)], {}, { opset: 23 }),
  on("LpNormalization", [f(3, 4)], { axis: 0, p: 1 }),
  on("LpNormalization", [f(3, 4)]),
  on("Softmax", [f(2, 3, 4)], { axis: 1 }),
  on("Softmax", [f(2, 3, 4)], { axis: 1 }, { opset: 11 }),
  on("LogSoftmax", [f(2, 3, 4)]),

  ...[
    "ReduceSum",
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceSumSquare",
    "ReduceLogSumExp",
  ].flatMap((op) => [
    on(op, [f(2, 3, 4), ints([0, -1])], { keepdims: 0 }),
    on(op, [f(2, 3, 4)]),
    on(op, [f(2, 3, 4)], op === "ReduceSum" ? { axes: [1] } : { axes: [1], keepdims: 1 }, { opset: 11 }),
  ]),
  on("ReduceLogSum", [unit(2, 3), ints([1])]),
  on("ReduceSum", [f(2, 3), ints([])], { noop_with_empty_axes: 1 }),
  on("ArgMax", [f(3, 4)], { axis: 1 }, int64),
  on("ArgMin", [f(3, 4)], { keepdims: 0 }, int64),
  on("CumSum", [f(3, 4), ints([1], [])], { exclusive: 1 }),
  on("CumSum", [f(3, 4), ints([0], [])], { reverse: 1 }),
  on("TopK", [f(3, 5), ints([2])], {}, { out: ["float32", "int64"] }),
  on("TopK", [f(3, 5), ints([2])], { axis: 0, largest: 0 }, { out: ["float32", "int64"] }),

  on("Flatten", [f(2, 3, 4)]),
  on("Flatten", [f(2, 3, 4)], { axis: -1 }),
  on("Reshape", [f(2, 3, 4), ints([0, -1, 2])]),
  on("Transpose", [f(2, 3, 4)], { perm: [1, 2, 0] }),
  on("Transpose", [f(2, 3, 4)]),
  on("Squeeze", [f(2, 1, 3, 1), ints([-1])]),
  on("Squeeze", [f(2, 1, 3, 1)]),
  on("Squeeze", [f(2, 1, 3, 1)], { axes: [1] }, { opset: 11 }),
  on("Unsqueeze", [f(2, 3), ints([0, -1])]),
  on("Unsqueeze", [f(2, 3)], { axes: [1] }, { opset: 11 }),
  on("Concat", [f(2, 3), f(1, 3), f(2, 3)], { axis: 0 }),
  on("Split", [f(2, 7), ints([2, 5])], { axis: 1 }, { out: ["float32", "float32"] }),
  on("Split", [f(2, 7)], { axis: 1, num_outputs: 3 }, { out: ["float32", "float32", "float32"] }),
  on("Split", [f(2, 6)], { axis: 1 }, { out: ["float32", "float32"], opset: 11 }),
  on("Slice", [f(4, 5, 6), ints([1, -4]), ints([2 ** 40, -1]), ints([0, 2]), ints([2, 1])]),
  on("Slice", [f(4, 5, 6), ints([-1, 4]), ints([-(2 ** 40), 0]), ints([0, 2]), ints([-1, -2])]),
  on("Slice", [f(4, 5)], { starts: [1], ends: [3], axes: [1] }, { opset: 9 }),
  on("Gather", [f(4, 5), whole([3, -1, 0, 0], [2, 2])], { axis: 1 }),
  on("GatherElements", [f(3, 4), whole([0, -1, 2, 1], [2, 2])], { axis: 1 }),
  on("GatherND", [f(3, 4, 2), whole([0, -1, 2, 1], [2, 2])]),
  on("GatherND", [f(3, 4, 2), whole([0, -1], [2, 1])]),
  on("ScatterElements", [f(3, 4), whole([0, -1, 2, 1], [2, 2]), f(2, 2)], { axis: 1 }),
  on("ScatterElements", [f(3, 4), whole([0, 0, 2, 2], [2, 2]), f(2, 2)], { axis: 0, reduction: "add" }),
  on("ScatterND", [f(3, 4), whole([0, -1, 2, 1], [2, 2]), f(2)]),
  on("ScatterND", [f(3, 4), whole([1, 1], [2, 1]), f(2, 4)], { reduction: "add" }),
  on("OneHot", [whole([0, -1, 2], [3]), ints([4], []), floats([0.5, 2])], { axis: 0 }),
  on("Expand", [f(3, 1), ints([2, 1, 4])]),
  on("Tile", [f(2, 3), ints([2, 3])]),
  on("Pad", [f(3, 4), ints([1, 0, -1, 2])]),
  on("Pad", [f(3, 4), ints([1, 2]), floats([-3], []), ints([1])]),
  ...["reflect", "edge", "wrap"].map((mode) => on("Pad", [f(3, 4), ints([2, 1, 1, 2])], { mode })),
  on("Pad", [f(3, 4)], { pads: [1, 0, 0, 2], value: 1.5 }, { opset: 9 }),
  on("Trilu", [f(3, 4)]),
  on("Trilu", [f(2, 3, 4), ints([1], [])], { upper: 0 }),
  on("EyeLike", [f(3, 4)], { k: 1 }),
  on("Constant", [], { value: array([1.5, 2], [2], "float32") }),
  on("Constant", [], { value_float: 1.5 }),
  on("Constant", [], { value_floats: { floats: [1, 2] } }),
  on("Constant", [], { value_int: 3 }, int64),
  on("Constant", [], { value_ints: [3, 4] }, int64),
  on("ConstantOfShape", [ints([2, 3])], { value: array([7], [1], "int32") }, { out: ["int32"] }),
  on("ConstantOfShape", [ints([2, 3])]),
  on("ConstantOfShape", [ints([70, 70])], {}, { note: "large" }),
  on("Range", [ints([1], []), ints([9], []), ints([3], [])], {}, int64),
  on("Range", [floats([5], []), floats([-1], []), floats([-1.5], [])]),
  on("Range", [ints([0], []), ints([3000], []), ints([2], [])], {}, int64),
  on("Shape", [f(2, 3, 4)], { start: 1 }, int64),
  on("Size", [f(2, 3, 4)], {}, int64),
  on("NonZero", [ints([1, 0, 2, 0, 3, 4], [2, 3])], {}, int64),
  // On the host: constants that are folded.
  ...["Add", "Sub", "Mul", "Div", "Mod", "Max", "Min"].map((op) =>
    on(op, [ints([7, -7, 9], [3, 1]), ints([3, -4])], {}, { ...int64, note: "folded" }),
  ),
  ...["Abs", "Neg"].map((op) => on(op, [ints([7, -7])], {}, { ...int64, note: "folded" })),
  ...["Floor", "Ceil", "Sqrt"].map((op) => on(op, [floats([1.5, 2.25])], {}, { note: "folded" })),
  ...["Equal", "Greater", "LessOrEqual"].map((op) =>
    on(op, [ints([1, 2, 3]), ints([2])], {}, { ...bool, note: "folded" }),
  ),
  ...["ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"].map((op) =>
    on(op, [ints([1, 2, 3, 4, 5, 6], [2, 3]), ints([0])], {}, { ...int64, note: "folded" }),
  ),
  on("Cast", [floats([1.7, -1.7])], { to: 7 }, { ...int64, note: "folded" }),
  on("Gather", [ints([1, 2, 3, 4], [2, 2]), ints([-1])], { axis: 1 }, { ...int64, note: "folded" }),
  on("Concat", [ints([1, 2], [1, 2]), ints([3, 4, 5, 6], [2, 2])], { axis: 0 }, { ...int64, note: "folded" }),
  on("Slice", [ints([1, 2, 3, 4]), ints([-1]), ints([-9]), ints([0]), ints([-2])], {}, { ...int64, note: "folded" }),
  on("Transpose", [ints([1, 2, 3, 4, 5, 6], [2, 3])], {}, { ...int64, note: "folded" }),
  on("Expand", [ints([1, 2], [2, 1]), ints([2, 3])], {}, { ...int64, note: "folded" }),
  on("Where", [{ constant: array([1, 0], [2], "bool") }, ints([1, 2]), ints([3])], {}, { ...int64, note: "folded" }),
];

/** The model of one node, and what is fed to it. */
export function build({ op, inputs, attrs, out = ["float32"], opset, domain }: Case) {
  const names = inputs.map((input, i) => (input ? `x${i}` : ""));
  const fed = inputs.flatMap((input, i) => (input && "feed" in input ? [{ name: names[i], array: input.feed }] : []));
  const constants = inputs.flatMap((input, i) =>
    input && "constant" in input ? [{ name: names[i], array: input.constant }] : [],
  );
  const outputs = out.map((dtype, i) => ({ name: `y${i}`, dtype }));
  const bytes = onnxModel({
    nodes: [
      ...constants.map(({ name, array: value }) => ({ op: "Constant", inputs: [], outputs: [name], attrs: { value } })),
      { op, inputs: names, outputs: outputs.map(({ name }) => name), attrs, domain, name: "it" },
    ],
    inputs: fed.map(({ name, array: { shape, dtype } }) => ({ name, dtype, shape })),
    outputs,
    opset,
  });
  return { bytes, fed, outputs };
}
