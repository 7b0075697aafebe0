import type * as ort from "onnxruntime-web";
import type { Backend, BackendOptions } from "./backend.js";
import { inNode } from "./in-node.js";
import { ortBackend } from "./ort.js";

/** ONNX Runtime Web: WASM with SIMD, and with threads where the page is cross-origin isolated (always in Node). */
export async function wasmBackend({ threads }: BackendOptions = {}): Promise<Backend> {
  const loaded = await load();
  const runtime: typeof ort = (loaded as any).default ?? loaded;
  if (threads !== undefined) runtime.env.wasm.numThreads = threads;
  return ortBackend("wasm", runtime, { executionProviders: ["wasm"], logSeverityLevel: 3 }, { isNative: false });
}

/** The build for Node; in a browser the one without WebGPU, which is half the download and twice as fast on WASM. */
function load(): Promise<typeof ort> {
  // Named at run time, so that bundlers for browsers leave it out.
  const forNode = "onnxruntime-web";
  return inNode ? import(/* @vite-ignore */ forNode) : import("onnxruntime-web/wasm");
}
