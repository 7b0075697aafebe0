import type { Spec } from "./core.js";
import { dtypes } from "./dtype.js";
import type { Emitter } from "./onnx/emitter.js";
import type { Port } from "./runtime/backend.js";
import { sizeOf } from "./shape.js";

/** Up to so many bytes, copying a value in and out takes less time than a tensor of its own at the model's border. */
const small = 16 * 1024;

/**
 * How values pass a model's border. Every tensor there costs the runtime as much as ten small operations, so with `pack`
 * small values of one dtype pass behind one another in one tensor.
 */
function grouped(specs: readonly Spec[], pack: boolean): Port["values"][] {
  const groups = new Map<string, Port["values"][number][]>();
  specs.forEach(({ shape, dtype }, index) => {
    const { array, kind } = dtypes[dtype];
    const bytes = sizeOf(shape) * array.BYTES_PER_ELEMENT;
    const known = (kind === "float" && dtype !== "float16") || kind === "int";
    const key = pack && known && bytes > 0 && bytes <= small ? dtype : `alone ${index}`;
    groups.set(key, [...(groups.get(key) ?? []), { index, shape }]);
  });
  return [...groups.values()];
}

/** The ports through which values of these shapes and dtypes come in, and the name of each value behind them. */
export function emitInputs(e: Emitter, specs: readonly Spec[], pack: boolean): { ports: Port[]; names: string[] } {
  const names: string[] = [];
  const ports = grouped(specs, pack).map((values): Port => {
    const name = e.fresh();
    if (values.length === 1) names[values[0].index] = name;
    else {
      const sizes = e.ints(values.map(({ shape }) => sizeOf(shape)));
      const parts = e.nodes("Split", [name, sizes], values.length, { axis: 0 });
      values.forEach(({ index, shape }, i) => {
        names[index] = shape.length === 1 ? parts[i] : e.node("Reshape", [parts[i], e.ints(shape)]);
      });
    }
    return { name, dtype: specs[values[0].index].dtype, values };
  });
  return { ports, names };
}

/** The ports through which the values of these names go out. */
export function emitOutputs(e: Emitter, specs: readonly Spec[], names: readonly string[], pack: boolean): Port[] {
  return grouped(specs, pack).map((values): Port => {
    const flat = ({ index, shape }: Port["values"][number]) =>
      shape.length === 1 ? names[index] : e.node("Reshape", [names[index], e.ints([-1])]);
    const name = values.length === 1 ? names[values[0].index] : e.node("Concat", values.map(flat), { axis: 0 });
    return { name, dtype: specs[values[0].index].dtype, values };
  });
}

/** The shape of the tensor at a port. */
export const portShape = ({ values }: Port): readonly number[] =>
  values.length === 1 ? values[0].shape : [values.reduce((sum, { shape }) => sum + sizeOf(shape), 0)];
