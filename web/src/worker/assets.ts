/// <reference types="vite/client" />
/** The package's own files, as the pages' build has placed them. */
const urls = import.meta.glob<string>("../../../assets/*", { query: "?url", import: "default", eager: true });

/** The bytes of a file of the package's `assets` directory. */
export async function builtAsset(name: string): Promise<Uint8Array | undefined> {
  const url = urls[`../../../assets/${name}`];
  if (url === undefined) return undefined;
  const response = await fetch(new URL(url, import.meta.url));
  return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
}
