import { createBatchNorm } from '../kernels/create.js';
import { STORAGE } from '../core/gpuFlags.js';
import { DEFAULTS } from '../core/options.js';
import { type Dispatch, type PlanChoice, plan } from '../plan/plan.js';
import type { PlanLimits } from '../plan/tiles.js';
import type { AdapterClass } from '../core/options.js';
import { geometryOf } from '../core/shape.js';
import type { BenchShape } from './shapes.js';

/** What a plan costs, counted and not timed. */
export interface Count {
  shape: string;
  adapterClass: AdapterClass;
  plan: string;
  /** Workgroups of the reduction and of the elementwise pass; of a single dispatch the first alone. */
  workgroups: string;
  /** Threads of the reduction that have a member, and values each iterations at most. */
  threads: number;
  iterations: number;
  /** Mebibytes a forward and a backward move, caches aside, and of scratch. */
  forwardMiB: number;
  backwardMiB: number;
  scratchMiB: number;
}

export function count(shape: BenchShape, choice: PlanChoice, limits: PlanLimits): Count {
  const geometry = geometryOf('count', shape.layout, shape.channels, shape.shape);
  const { kind, reduce, apply, momentsBytes } = plan(geometry, DEFAULTS, choice, limits);
  const groups = (dispatches: readonly Dispatch[]) => sum(dispatches, ({ params }) => params.tiles * params.parts);
  const mib = (bytes: number) => bytes / 2 ** 20;
  const reads = kind === 'single' && reduce[0].tile.registers ? 1 : 2; // of x, and of dy
  return {
    shape: shape.name,
    adapterClass: choice.adapterClass,
    plan: kind,
    workgroups: kind === 'single' ? String(groups(reduce)) : `${groups(reduce)}, ${groups(apply)}`,
    threads: sum(reduce, ({ params }) => params.tiles * params.parts * params.tile_channels * params.members),
    iterations: Math.max(...reduce.map(({ params: { inner_per_part, inner_members, outer_per_part, outer_members } }) =>
      Math.ceil(inner_per_part / inner_members) * Math.ceil(outer_per_part / outer_members))),
    forwardMiB: mib((reads + 1) * 4 * shape.elements),
    backwardMiB: mib((2 * reads + 1) * 4 * shape.elements),
    scratchMiB: kind === 'single' ? 0 : mib(momentsBytes),
  };
}

function sum<T>(list: readonly T[], of: (item: T) => number): number {
  return list.reduce((total, item) => total + of(item), 0);
}

/** What one call did to its pass, its device and its queue. */
export interface Calls {
  dispatches: number;
  /** GPU objects: calls of the device's `create…` methods. */
  objects: number;
  /** Writes to buffers: the queue's `write…`, and buffers that are created mapped. */
  writes: number;
  submits: number;
}

/** The first call with its shape and buffers, and the most that any of those after it did. */
export interface CallCount {
  first: Calls;
  steady: Calls;
}

export const OPERATIONS = ['forward', 'backward', 'infer', 'backwardFrozen'] as const;
export type OperationName = (typeof OPERATIONS)[number];

const STEADY_CALLS = 100;

/** Makes the library's calls at a shape on this device, whose methods are wrapped meanwhile, and counts what they call. */
export async function countCalls(device: GPUDevice, shape: BenchShape, choice: PlanChoice): Promise<Record<OperationName, CallCount>> {
  const { layout, channels, elements, shape: given } = shape;
  const bn = await createBatchNorm(device, { channels, layout, adapterClass: choice.adapterClass, plan: choice.kind, shapes: [given] });
  const owned: GPUBuffer[] = [];
  const make = (length: number) => {
    const buffer = device.createBuffer({ label: 'batchnorm/count', size: 4 * length, usage: STORAGE });
    owned.push(buffer);
    return buffer;
  };
  const [x, dy, y, dx] = [0, 1, 2, 3].map(() => make(elements));
  const [gamma, beta, dgamma, dbeta, runningMean, runningVar] = [0, 1, 2, 3, 4, 5].map(() => make(channels));
  const saved = bn.createSaved();
  owned.push(saved);
  const encoder = device.createCommandEncoder({ label: 'batchnorm/count' });
  const pass = encoder.beginComputePass();
  const record: Record<OperationName, () => void> = {
    forward: () => bn.forward(pass, { x, gamma, beta, y, saved, runningMean, runningVar }, given),
    backward: () => bn.backward(pass, { x, dy, gamma, saved, dx, dgamma, dbeta }, given),
    infer: () => bn.infer(pass, { x, gamma, beta, runningMean, runningVar, y }, given),
    backwardFrozen: () => bn.backwardFrozen(pass, { x, dy, gamma, runningMean, runningVar, dx, dgamma, dbeta }, given),
  };

  let calls = noCalls();
  const restores = [
    watch(device, (name, [descriptor]) => {
      if (name.startsWith('create')) calls.objects++;
      if (name === 'createBuffer' && (descriptor as GPUBufferDescriptor).mappedAtCreation) calls.writes++;
    }),
    watch(device.queue, (name) => {
      if (name.startsWith('write')) calls.writes++;
      if (name === 'submit') calls.submits++;
    }),
    watch(pass, (name) => {
      if (name.startsWith('dispatch')) calls.dispatches++;
    }),
  ];
  const counted = (run: () => void) => {
    calls = noCalls();
    run();
    return calls;
  };
  try {
    return Object.fromEntries(OPERATIONS.map((name): [OperationName, CallCount] => {
      const first = counted(record[name]);
      const steady = noCalls();
      for (let i = 0; i < STEADY_CALLS; i++) {
        const seen = counted(record[name]);
        for (const kind of Object.keys(steady) as (keyof Calls)[]) steady[kind] = Math.max(steady[kind], seen[kind]);
      }
      return [name, { first, steady }];
    })) as Record<OperationName, CallCount>;
  } finally {
    for (const restore of restores) restore();
    pass.end(); // never submitted
    bn.dispose();
    for (const buffer of owned) buffer.destroy();
  }
}

const noCalls = (): Calls => ({ dispatches: 0, objects: 0, writes: 0, submits: 0 });

/** Tells of every method call of an object until what it returns is called. */
function watch(target: object, tell: (name: string, args: unknown[]) => void): () => void {
  const restores: (() => unknown)[] = [];
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(target))) {
    const own = Object.getOwnPropertyDescriptor(target, name);
    const { value } = own ?? Object.getOwnPropertyDescriptor(Object.getPrototypeOf(target), name)!; // a getter has none
    if (typeof value !== 'function' || name === 'constructor') continue;
    Object.defineProperty(target, name, {
      configurable: true,
      value: (...args: unknown[]) => {
        tell(name, args);
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      },
    });
    restores.push(() => (own ? Object.defineProperty(target, name, own) : delete (target as Record<string, unknown>)[name]));
  }
  return () => restores.forEach((restore) => restore());
}

/** WebGPU's default limits: what a device has that was asked for no more. */
export const DEFAULT_LIMITS = {
  maxBindGroups: 4,
  maxBindingsPerBindGroup: 1000,
  maxStorageBuffersPerShaderStage: 8,
  maxUniformBuffersPerShaderStage: 12,
  maxUniformBufferBindingSize: 65536,
  maxStorageBufferBindingSize: 2 ** 27,
  minUniformBufferOffsetAlignment: 256,
  minStorageBufferOffsetAlignment: 256,
  maxBufferSize: 2 ** 28,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65535,
};

/** Default limits, but that the tensors of a shape can be bound whole. */
export function limitsFor({ elements }: BenchShape): typeof DEFAULT_LIMITS {
  const bytes = 4 * elements;
  return {
    ...DEFAULT_LIMITS,
    maxBufferSize: Math.max(DEFAULT_LIMITS.maxBufferSize, bytes),
    maxStorageBufferBindingSize: Math.max(DEFAULT_LIMITS.maxStorageBufferBindingSize, bytes),
  };
}
