import type { LaunchOptions } from 'playwright';
import { findChromium } from '../chromium.js';

/** A name that is no localhost, so that http is insecure there: browsers hide WebGPU and the clipboard. */
export const INSECURE_HOST = 'batchnorm.test';

/** `gpu: false` leaves out the flags without which headless Chromium has no adapter. */
export function launchOptions({ gpu }: { gpu: boolean }): LaunchOptions {
  const { args, ...found } = findChromium();
  const kept = gpu ? args : args.filter((arg) => !arg.includes('webgpu'));
  return { headless: true, ...found, args: [...kept, `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`] };
}
