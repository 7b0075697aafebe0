import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

/** Chromium brings a Vulkan driver that computes on the processor: slow, and the same kernels. */
const driver = ["/usr/lib/chromium/vk_swiftshader_icd.json", "/usr/share/chromium/vk_swiftshader_icd.json"].find(
  existsSync,
);

it("training on WebGPU gives the losses and gradients that training on the processor gives", async (context) => {
  const program = fileURLToPath(new URL("webgpu/compare.ts", import.meta.url));
  const env = { ...process.env, ...(driver ? { VK_ICD_FILENAMES: driver } : {}) };
  // Drivers may fault while the process ends, when all is said: what counts is what it printed.
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", program], { env }).catch(
    (error: { stdout?: string; stderr?: string }) => ({
      stdout: error.stdout || JSON.stringify({ reason: error.stderr }),
    }),
  );
  const { reason, webgpu, node } = JSON.parse(stdout) as Record<string, any>;
  if (reason && /no graphics processor/.test(reason)) return context.skip(reason);
  expect(reason).toBeUndefined();
  for (const name of ["cnn", "gpt"]) {
    expect(webgpu[name].length).toBeGreaterThan(3);
    webgpu[name].forEach((value: number, i: number) => {
      expect(Math.abs(value - node[name][i])).toBeLessThan(2e-4 * Math.max(1, Math.abs(node[name][i])));
    });
  }
});
