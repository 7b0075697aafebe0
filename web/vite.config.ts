import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The lab's pages: static files that work in any folder. */
export default defineConfig({
  root: here("."),
  base: "./",
  publicDir: here("public"),
  resolve: {
    alias: [{ find: "#platform", replacement: here("../src/platform/browser.ts") }],
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  worker: { format: "es", rollupOptions: { external: ["onnxruntime-node"] } },
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
    rollupOptions: { external: ["onnxruntime-node"] },
  },
});
