import type { NDArray } from "../dtype.js";
import { HebbError } from "../errors.js";
import type { Backend, BackendOptions, DeviceValue } from "./backend.js";
import { inNode } from "./in-node.js";

let current: Promise<Backend> | undefined;
let chosen: { name: string; options: BackendOptions } = { name: "default", options: {} };

/**
 * Chooses what executes graphs: `"node"` (native CPU kernels), `"wasm"` (ONNX Runtime Web, also in Node), `"webgpu"`
 * (a graphics processor, in Node through Vulkan, Metal or Direct3D) or a backend of your own. Without a call, the native runtime in Node and WASM in a browser. Values made under one backend are
 * copied when they meet another.
 */
export function setBackend(backend: "node" | "wasm" | "webgpu" | Backend, options: BackendOptions = {}): void {
  if (typeof backend === "string") {
    chosen = { name: backend, options };
    current = undefined;
  } else {
    current = Promise.resolve(backend);
  }
}

/** The backend in force, loaded on first use. */
export function getBackend(): Promise<Backend> {
  current ??= load(chosen.name, chosen.options);
  return current;
}

async function load(name: string, options: BackendOptions): Promise<Backend> {
  const which = name === "default" ? (inNode ? "node" : "wasm") : name;
  if (which === "node") return (await import("./node.js")).nodeBackend(options);
  if (which === "wasm") return (await import("./wasm.js")).wasmBackend(options);
  if (which === "webgpu") return (await import("./webgpu.js")).webgpuBackend();
  throw new HebbError(`There is no backend "${name}"; choose "node", "wasm" or "webgpu".`);
}

/** Whether `value` lives with `backend` already. */
export const isOn = (backend: Backend, value: NDArray | DeviceValue): value is DeviceValue =>
  "backend" in value && value.backend === backend;

/** `value` as a value of `backend`, copied only if it belongs elsewhere. */
export async function onBackend(backend: Backend, value: NDArray | DeviceValue): Promise<DeviceValue> {
  if (!("backend" in value)) return backend.write(value);
  return value.backend === backend ? value : backend.write(await value.read());
}
