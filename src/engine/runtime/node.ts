import os from "node:os";
import * as ort from "onnxruntime-node";
import type { Backend, BackendOptions } from "./backend.js";
import { ortBackend } from "./ort.js";

/** ONNX Runtime's native CPU kernels. */
export function nodeBackend({ threads = os.availableParallelism() }: BackendOptions = {}): Backend {
  return ortBackend(
    "node",
    (ort as any).default ?? ort,
    {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      logSeverityLevel: 3,
    },
    { isNative: true },
  );
}
