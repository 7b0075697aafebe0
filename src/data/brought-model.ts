import { isFloat } from "../engine/dtype.js";
import { oneLine } from "../engine/quote.js";
import { readModel, type ValueInfo } from "../interop/onnx/model.js";
import { operatorOf, settingsOf } from "../interop/onnx/operators/index.js";
import type { ModelLook, PortLook } from "./brought-look.js";
import type { BroughtFile } from "./brought-names.js";
import { plural } from "./brought-words.js";

/**
 * What an ONNX model takes, gives and consists of; `beside` are files that hold weights of it. Nothing is run, so operators
 * that cannot be run are no error. Throws `HebbError` for bytes that are no sound ONNX model.
 */
export function modelLook(model: BroughtFile, beside: readonly BroughtFile[], bytes: number): ModelLook {
  const external = new Map(beside.map((file) => [file.name, file.bytes]));
  const { inputs, outputs, initializers, nodes, opset, producer } = readModel(model.bytes, external, model.name);
  const settings = new Set(nodes.flatMap(settingsOf));
  let parameters = 0;
  for (const [name, { dtype, shape, data }] of initializers) {
    // Scalars and what nodes read as settings, such as running statistics, are not learned.
    if (isFloat(dtype) && (producer === "hebb" || (shape.length > 0 && !settings.has(name)))) parameters += data.length;
  }
  const operators = new Map<string, { name: string; count: number; supported: boolean }>();
  for (const node of nodes) {
    const name = oneLine(node.domain === "" ? node.op : `${node.domain}.${node.op}`);
    const entry = operators.get(name) ?? { name, count: 0, supported: operatorOf(node) !== undefined };
    entry.count++;
    operators.set(name, entry);
  }
  const ports = [inputs, outputs].map((list) => list.map(port));
  const about = `a model of ${plural(parameters, "parameter")} and ${plural(nodes.length, "operation")}: ${ports.map((list) => list.map(({ type }) => type).join(", ")).join(" to ")}`;
  return {
    kind: "onnx",
    bytes,
    about: oneLine(about),
    inputs: ports[0],
    outputs: ports[1],
    parameters,
    opset,
    producer: oneLine(producer),
    operators: [...operators.values()].sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1)),
  };
}

const port = ({ name, dtype, shape }: ValueInfo): PortLook => ({
  name: oneLine(name),
  type: oneLine(`${dtype}${shape ? `[${shape.join(", ")}]` : " of any shape"}`),
});
