// Times off the page's thread, where a CPU row would freeze it. Ending the worker frees all devices.
import { openBackend } from '../../src/index.js';
import { SHAPES } from '../../src/benchmark/index.js';
import { PEERS, benchmarkShape } from '../../src/benchmark/peers/index.js';
import { messageOf } from '../dom.js';
import type { News, Settings } from './messages.js';

const SAMPLE_MS = 20;

addEventListener('message', ({ data }: MessageEvent<Settings>) => {
  work(data).then(() => tell({ kind: 'end' }), (error: unknown) => tell({ kind: 'error', message: messageOf(error) }));
});

function tell(news: News): void {
  postMessage(news);
}

async function work({ shapes, samples, peers }: Settings): Promise<void> {
  const device = await requestDevice();
  device.lost.then(({ message, reason }) => tell({ kind: 'lost', why: message || reason }));
  const { adapter } = await openBackend({ device });
  tell({ kind: 'opened', opened: { adapter, timestamps: device.features.has('timestamp-query') } });
  for (const shape of SHAPES.filter(({ name }) => shapes.includes(name))) {
    const done = await benchmarkShape(device, shape, {
      samples, sampleTime: SAMPLE_MS,
      peers: PEERS.filter(({ name }) => peers.includes(name)),
      onStep: (words) => tell({ kind: 'step', shape: shape.name, words }),
    });
    tell({ kind: 'shape', done });
  }
}

/** With timestamp queries where the adapter has them, and its limits for buffers. */
async function requestDevice(): Promise<GPUDevice> {
  const adapter = await (navigator as Partial<Navigator>).gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('WebGPU has no adapter in this worker. Nothing can be timed.');
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return adapter.requestDevice({
    label: 'batchnorm/benchmark',
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
    requiredFeatures: adapter.features.has('timestamp-query') ? ['timestamp-query'] : [],
  });
}
