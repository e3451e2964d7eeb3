import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { packagedChromium } from './packagedChromium.js';

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
  'Run npm ci, which on Linux on x64 brings a Chromium with a software adapter, or install one (Debian: apt-get install chromium), ' +
  'or a Vulkan driver for the GPU.';

const LOADER = 'libvulkan.so.1';

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
  const none = (why: string) => ({ gpu: undefined, engine, why });
  try {
    const set = process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES;
    // Where Vulkan's loader is missing there is no hardware driver either, for those bring it along.
    const bare = process.platform === 'linux' && !opens(LOADER);
    if (bare) keepLoader();
    if (set || !bare) {
      const gpu = dawn.create([]);
      if (await gpu.requestAdapter()) return { gpu, engine, why: '' };
      if (set) return none(`The Vulkan driver that was set (${set}) gives no adapter.`);
    }
    const driver = softwareDriver();
    if (!driver) return none(`There is no adapter. ${INSTALL_HINT}`);
    process.env.VK_ICD_FILENAMES = driver; // read by the Vulkan loader when the next instance is made
    const software = dawn.create([]);
    if (await software.requestAdapter()) return { gpu: software, engine, why: '' };
    return none(`Not even the software driver ${driver} gives an adapter. ${INSTALL_HINT}`);
  } catch (error) {
    return none((error as Error).message);
  }
}

/**
 * A software driver: that beside the Chromium which findChromium() would take, so that Node and the browser have the same adapter.
 *
 * @throws {Error} the npm package's Chromium cannot be unpacked.
 */
function softwareDriver(): string | undefined {
  const set = process.env.CHROMIUM_PATH;
  const beside = (folder: string) => join(folder, 'vk_swiftshader_icd.json');
  const own = set === 'npm' ? [] : [...(set ? [beside(dirname(set))] : []), ...SOFTWARE_DRIVERS, ...playwrightDrivers()];
  const driver = own.find((file) => existsSync(file));
  if (driver) return driver;
  const packaged = packagedChromium();
  return packaged ? beside(packaged.folder) : undefined;
}

/**
 * Keeps the Vulkan loader beside the software driver in this process, where Dawn, which asks for it by its name alone, finds
 * it. LD_LIBRARY_PATH would do that too, but only if it were set before Node starts.
 */
function keepLoader(): void {
  const driver = softwareDriver();
  if (driver) opens(join(dirname(driver), LOADER), RTLD_NODELETE);
}

/** glibc's flag: dlclose() leaves the library where it is. */
const RTLD_NODELETE = 0x1000;

/** Opens a shared library the one way Node has, as a module of its own; that it is none is said after it was opened. */
function opens(library: string, flags = 0): boolean {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | flags);
    return true;
  } catch (error) {
    return (error as Error).message.includes('did not self-register');
  }
}

/** Drivers beside the browsers that Playwright has downloaded. */
function playwrightDrivers(): string[] {
  const cache = process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(process.env.HOME ?? dirname('.'), '.cache/ms-playwright');
  if (!existsSync(cache)) return [];
  return readdirSync(cache).flatMap((browser) =>
    ['chrome-linux', 'chrome-linux64'].map((folder) => join(cache, browser, folder, 'vk_swiftshader_icd.json')),
  );
}
