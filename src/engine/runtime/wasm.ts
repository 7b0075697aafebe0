import * as ort from "onnxruntime-web";
import type { Backend, BackendOptions } from "./backend.js";
import { ortBackend } from "./ort.js";

/** ONNX Runtime Web: WASM with SIMD, and with threads where the page is cross-origin isolated (always in Node). */
export function wasmBackend({ threads }: BackendOptions = {}): Backend {
  const runtime: typeof ort = (ort as any).default ?? ort;
  if (threads !== undefined) runtime.env.wasm.numThreads = threads;
  return ortBackend("wasm", runtime, { executionProviders: ["wasm"], logSeverityLevel: 3 }, { writesInto: false });
}
