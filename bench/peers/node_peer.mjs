// Runs a JavaScript peer (peers/<name>.mjs) in this Node process.
//
//   node node_peer.mjs hebb

import { createRequire } from "node:module";
import { createLoop } from "./loop.mjs";
import { loadFile, serve } from "./protocol.mjs";

const peer = await import(`./${process.argv[2]}.mjs`);

async function describe({ threads, ...rest }) {
  const about = await peer.describe({ ...rest, threads, backend: "node" });
  const { versions } = createRequire(import.meta.url)("onnxruntime-node").env;
  const runtime = `onnxruntime-node ${versions.node}, Node ${process.versions.node}`;
  return { ...about, runtime: `${runtime}, ${threads} thread${threads === 1 ? "" : "s"}` };
}

serve(createLoop({ ...peer, describe }, loadFile));
