/** Where a JavaScript peer runs, in words. */
export function where(threads) {
  const brand = globalThis.navigator?.userAgent?.match(/(?:Headless)?Chrome\/(\d+)/)?.[1];
  const place = brand ? `Chromium ${brand}` : `Node ${process.versions.node}`;
  return `WASM, ${place}, ${threads} thread${threads === 1 ? "" : "s"}`;
}
