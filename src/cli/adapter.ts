import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Where WebGPU was found, or why it was not. */
export interface FoundGpu {
  gpu: GPU | undefined;
  /** Which implementation, with its version. */
  engine: string;
  why: string;
}

/** A software Vulkan driver that Dawn accepts; Chromium brings one. Debian's own (Mesa 22.3) is too old for it. */
const SOFTWARE_DRIVERS = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

export const INSTALL_HINT =
  'Install Chromium, which brings a software adapter (Debian: apt-get install chromium libvulkan1), or a Vulkan driver for the GPU.';

/**
 * WebGPU for the command line: the engine's own (Deno), else the npm package `webgpu` (Dawn).
 * Adapters in this order: what VK_DRIVER_FILES or VK_ICD_FILENAMES sets, hardware, software.
 */
export async function findGpu(): Promise<FoundGpu> {
  const own = (globalThis.navigator as Navigator | undefined)?.gpu;
  const deno = (globalThis as { Deno?: { version: { deno: string } } }).Deno;
  if (own) return { gpu: own, engine: deno ? `Deno ${deno.version.deno} (wgpu)` : 'the runtime’s own', why: '' };
  if (deno) return { gpu: undefined, engine: `Deno ${deno.version.deno}`, why: 'Deno needs --unstable-webgpu.' };
  let dawn: typeof import('webgpu');
  let version: string;
  try {
    dawn = await import('webgpu');
    version = (createRequire(import.meta.url)('webgpu/package.json') as { version: string }).version;
  } catch (error) {
    return { gpu: undefined, engine: 'none', why: `The npm package webgpu did not load (${error instanceof Error ? error.message : error}).` };
  }
  Object.assign(globalThis, dawn.globals);
  const engine = `Dawn (npm webgpu ${version})`;
  const set = process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES;
  const gpu = dawn.create([]);
  if (await gpu.requestAdapter()) return { gpu, engine, why: '' };
  if (set) return { gpu: undefined, engine, why: `The Vulkan driver that was set (${set}) gives no adapter.` };
  const driver = [...SOFTWARE_DRIVERS, ...playwrightDrivers()].find((file) => existsSync(file));
  if (!driver) return { gpu: undefined, engine, why: `There is no adapter. ${INSTALL_HINT}` };
  process.env.VK_ICD_FILENAMES = driver; // read by the Vulkan loader when the next instance is made
  const software = dawn.create([]);
  if (await software.requestAdapter()) return { gpu: software, engine, why: '' };
  return { gpu: undefined, engine, why: `Not even the software driver ${driver} gives an adapter. ${INSTALL_HINT}` };
}

/** Drivers beside the browsers that Playwright has downloaded. */
function playwrightDrivers(): string[] {
  const cache = process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(process.env.HOME ?? dirname('.'), '.cache/ms-playwright');
  if (!existsSync(cache)) return [];
  return readdirSync(cache).flatMap((browser) =>
    ['chrome-linux', 'chrome-linux64'].map((folder) => join(cache, browser, folder, 'vk_swiftshader_icd.json')),
  );
}
