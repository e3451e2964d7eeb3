import type { Backend } from '../backend/backend.js';
import { findAdapter, requestDeviceOf } from '../backend/device.js';
import { classOf } from '../plan/plan.js';
import type { AdapterClass, PlanKind } from '../core/options.js';
import { fieldOf } from './contenders.js';
import { type Timing, measure } from './measure.js';
import type { BenchShape } from './shapes.js';

/** One shape's timings. */
export interface ShapeReport {
  shape: string;
  elements: number;
  timings: Timing[];
  /** Microseconds of the CPU to record one forward and one backward. */
  recordMicroseconds: number;
}

export interface BenchReport {
  adapter: Backend['adapter'];
  adapterClass: AdapterClass;
  samples: number;
  shapes: ShapeReport[];
}

export interface BenchOptions {
  shapes: readonly BenchShape[];
  /** Default 9. */
  samples?: number;
  /** Milliseconds a sample should last at least. Default 20. */
  sampleTime?: number;
  /** Forces a plan. */
  plan?: PlanKind;
  /** Whether the CPU fallback and the staged backward are timed too. Default true. */
  cpu?: boolean;
  staged?: boolean;
  /** Whether half storage and fused activations are timed too. Default false. */
  abilities?: boolean;
  onProgress?: (done: ShapeReport) => void;
}

/**
 * Times this library against the ceilings of the device it runs on, shape by shape. Every answer is held to the
 * self-test's bounds before it is timed, and a wrong one ends the run.
 */
export async function benchmark(backend: Backend, options: BenchOptions): Promise<BenchReport> {
  const { device, adapter } = backend;
  if (!device) throw new TypeError('benchmark: "backend" is the CPU, needs a GPU. Open one with fallback: \'throw\'.');
  const { shapes, samples = 9, sampleTime = 20, plan, cpu = true, staged = true, abilities = false, onProgress } = options;
  const adapterClass = adapter ? (adapter.software ? 'software' : 'hardware') : classOf(device.adapterInfo);
  const report: BenchReport = { adapter, adapterClass, samples, shapes: [] };
  for (const shape of shapes) {
    const field = await fieldOf(device, shape, { adapterClass, plan, cpu, staged, abilities });
    try {
      const timings = await measure(device, field.contenders, { samples, sampleTime });
      const done = { shape: shape.name, elements: shape.elements, timings, recordMicroseconds: field.recordTime() };
      report.shapes.push(done);
      onProgress?.(done);
    } finally {
      field.dispose();
    }
  }
  return report;
}

/** A device to time on: with the adapter's limits for buffers (their sizes, their number), and timestamp queries where it has them. Null without an adapter. */
export async function openTimedDevice(gpu: GPU | undefined): Promise<GPUDevice | null> {
  const adapter = gpu && (await findAdapter(gpu, 'high-performance'));
  if (!gpu || !adapter) return null;
  const requiredFeatures: GPUFeatureName[] = adapter.features.has('timestamp-query') ? ['timestamp-query'] : [];
  return requestDeviceOf(gpu, adapter, { label: 'batchnorm/benchmark', requiredFeatures });
}
