import { getWebGPUDevice, init } from '@jax-js/jax';
import { openBackend } from '../../src/index.js';
import type { News, Settings } from './messages.js';
import type { Place } from './nets/tensors.js';

export interface Opened {
  place: Place;
  news: Extract<News, { kind: 'opened' }>;
  /** Resolves when the device is lost; never on the CPU. */
  lost: Promise<string>;
}

const NEVER = new Promise<string>(() => {});
const LIBRARY = 'jax-js 0.1.25';

/** Opens jax-js on a GPU, else in WebAssembly; batch norm then runs on jax-js's own device, or in JavaScript. */
export async function openPlace(wanted: Settings['backend']): Promise<Opened> {
  if (wanted === 'gpu' && (await init('webgpu')).includes('webgpu')) {
    const device = getWebGPUDevice();
    const { adapter } = await openBackend({ device });
    const reason = adapter?.software ? 'WebGPU has only a software adapter here: its kernels run on the CPU’s cores.' : 'WebGPU has an adapter here.';
    return {
      place: 'webgpu',
      news: { kind: 'opened', backend: 'gpu', reason, adapter, library: `${LIBRARY}, WebGPU` },
      lost: device.lost.then(({ message, reason }) => message || reason),
    };
  }
  const { reason } = await noGpu(wanted);
  return { place: 'wasm', news: { kind: 'opened', backend: 'cpu', reason, adapter: null, library: `${LIBRARY}, WebAssembly` }, lost: NEVER };
}

/** Why there is none, in this library's words. */
async function noGpu(wanted: Settings['backend']): Promise<{ reason: string }> {
  const backend = await openBackend({ prefer: wanted });
  backend.dispose();
  return backend.kind === 'cpu' ? backend : { reason: 'jax-js opened no WebGPU device here. The CPU runs instead.' };
}
