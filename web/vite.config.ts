import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Native kernels never run in a page; its runs are computed by WebAssembly, without the larger build for WebGPU. */
const external = ["onnxruntime-node", "onnxruntime-web/webgpu"];

/** The lab's pages: static files that work in any folder. */
export default defineConfig({
  root: here("."),
  base: "./",
  publicDir: here("public"),
  resolve: {
    alias: [{ find: "#platform", replacement: here("../src/platform/browser.ts") }],
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  worker: { format: "es", rollupOptions: { external } },
  server: {
    headers: { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" },
  },
  build: {
    outDir: here("../dist/web"),
    emptyOutDir: true,
    target: "es2022",
    // The runtime is a file of its own, loaded when something runs.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
    rollupOptions: { external },
  },
});
