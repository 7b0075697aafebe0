import { platform } from "#platform";
import type { Environment } from "./record.js";
import { version } from "./version.js";

/** Describes the machine and the software that a run uses. */
export async function describeEnvironment(): Promise<Environment> {
  const { runtime, platform: system, processor, threads } = platform.environmentInfo();
  const onnxruntime = await packageVersion("onnxruntime-node");
  return { hebb: version, ...(onnxruntime ? { onnxruntime } : {}), runtime, processor, threads, platform: system };
}

async function packageVersion(name: string): Promise<string | undefined> {
  const dir = await platform.packageDir(name);
  if (!dir) return undefined;
  const manifest = JSON.parse(new TextDecoder().decode(await platform.readFile(`${dir}/package.json`)));
  return typeof manifest.version === "string" ? manifest.version : undefined;
}
