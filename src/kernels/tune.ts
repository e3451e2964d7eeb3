import { COPY_DST, STORAGE } from '../core/gpuFlags.js';
import { storageBytes } from '../core/storage.js';
import { isActivated } from '../core/activations.js';
import { hasResidualGradient, resolveOptions } from '../core/options.js';
import type { PlanKind } from '../core/options.js';
import { savedBytes } from '../core/saved.js';
import { type BatchShape, geometryOf } from '../core/shape.js';
import type { BatchNormOptions, RowBuffers } from './calls.js';
import { createKernels } from './create.js';
import type { Kernels } from './kernels.js';

/** What `tune` found: give `plan` to `createBatchNorm`, now or another day on the same adapter. */
export interface Tuning {
  plan: PlanKind;
  /** Milliseconds of one forward and backward under each plan that can take the shape: the median of the samples. */
  milliseconds: Partial<Record<PlanKind, number>>;
}

const SAMPLES = 7;

/**
 * Times every plan for one shape on this device and names the fastest.
 *
 * Makes buffers of its own and runs forward and backward on them, the plans in turn, after a warm-up: it
 * takes tens of passes over a tensor of that shape, and frees everything at its end. What else the device is
 * doing meanwhile counts in.
 *
 * @param options - as for `createBatchNorm`, without `plan`, `modes` and `shapes`.
 * @throws as `createBatchNorm` and `forward` for options and shape that cannot be computed with.
 * @example const { plan } = await tune(device, { channels: 64 }, { rows: 65536 });
 */
export async function tune(device: GPUDevice, options: Omit<BatchNormOptions, 'plan' | 'modes' | 'shapes'>, shape: BatchShape): Promise<Tuning> {
  const settings = resolveOptions('tune', options as BatchNormOptions, []);
  const candidates = new Map<PlanKind, Kernels>();
  const buffers: GPUBuffer[] = [];
  try {
    for (const plan of ['single', 'split'] as const) candidates.set(plan, await createKernels('tune', device, { ...settings, plan }, ['train'], []));
    const { channels, layout, gamma, beta, storage, activation, mask } = settings;
    const { rows } = geometryOf('tune', layout, channels, shape);
    const make = (size: number) => {
      const buffer = device.createBuffer({ label: 'batchnorm/tune', size, usage: STORAGE | COPY_DST });
      buffers.push(buffer);
      return buffer;
    };
    const [x, dy, y, dx] = [0, 1, 2, 3].map(() => make(storageBytes(rows * channels, storage)));
    const saved = make(savedBytes(channels));
    const vectors = <K extends string>(...names: (K | false)[]) =>
      Object.fromEntries(names.filter((name) => name !== false).map((name) => [name, make(4 * channels)])) as { [name in K]?: GPUBuffer };
    const affine = vectors(gamma && 'gamma', beta && 'beta');
    const gradients = vectors(gamma && 'dgamma', beta && 'dbeta');
    const residual = settings.residual ? { residual: make(x.size) } : {};
    const masks: RowBuffers = {
      ...(mask === 'rows' ? { mask: make(4 * rows) } : {}),
      ...(mask === 'count' ? { validRows: make(4) } : {}),
    };
    if (masks.mask) device.queue.writeBuffer(masks.mask as GPUBuffer, 0, new Uint32Array(rows).fill(1));
    if (masks.validRows) device.queue.writeBuffer(masks.validRows as GPUBuffer, 0, Uint32Array.of(rows));
    const before = isActivated(activation) ? { ...affine, ...residual } : gamma ? { gamma: affine.gamma } : {};
    const dresidual = hasResidualGradient(settings) ? { dresidual: make(x.size) } : {};
    const time = async (bn: Kernels) => {
      const encoder = device.createCommandEncoder({ label: 'batchnorm/tune' });
      const pass = encoder.beginComputePass({ label: 'batchnorm/tune' });
      bn.forward(pass, { x, ...residual, ...affine, ...masks, y, saved }, shape);
      bn.backward(pass, { x, dy, ...before, ...masks, saved, dx, ...dresidual, ...gradients }, shape);
      pass.end();
      const commands = encoder.finish();
      const start = performance.now();
      device.queue.submit([commands]);
      await device.queue.onSubmittedWorkDone();
      return performance.now() - start;
    };
    const samples = new Map<PlanKind, number[]>();
    for (const [plan, bn] of candidates) {
      try {
        await bn.prepare({ ...shape, running: false });
        await time(bn); // warm-up
        samples.set(plan, []);
      } catch (error) {
        if (!(error instanceof RangeError) || plan !== 'single') throw error; // one that cannot take the shape is none
      }
    }
    for (let turn = 0; turn < SAMPLES; turn++) {
      for (const [plan, times] of samples) times.push(await time(candidates.get(plan)!));
    }
    const medians = [...samples].map(([plan, times]) => [plan, times.sort((a, b) => a - b)[SAMPLES >> 1]] as const);
    const [plan] = medians.reduce((best, next) => (next[1] < best[1] ? next : best));
    return { plan, milliseconds: Object.fromEntries(medians) };
  } finally {
    for (const buffer of buffers) buffer.destroy();
    for (const bn of candidates.values()) bn.dispose();
  }
}
