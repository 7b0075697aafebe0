// Runs a JavaScript peer (peers/<name>.mjs) in this Node process.
//
//   node node_peer.mjs hebb [webgpu]

import { createRequire } from "node:module";
import { createLoop } from "./loop.mjs";
import { loadFile, serve } from "./protocol.mjs";

const [name, backend = "node"] = process.argv.slice(2);
const peer = await import(`./${name}.mjs`);

async function describe({ threads, ...rest }) {
  const about = await peer.describe({ ...rest, threads, backend });
  const { versions } = createRequire(import.meta.url)("onnxruntime-node").env;
  const runtime = `onnxruntime-node ${versions.node}, Node ${process.versions.node}`;
  const where = backend === "webgpu" ? "WebGPU" : `${threads} thread${threads === 1 ? "" : "s"}`;
  return { ...about, runtime: `${runtime}, ${where}` };
}

serve(createLoop({ ...peer, describe }, loadFile));
