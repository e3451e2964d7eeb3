import type { AdapterDescription } from '../../backend/backend.js';
import { openBackend } from '../../backend/open.js';
import type { PlanKind } from '../../core/options.js';
import { openTimedDevice } from '../run.js';
import { SHAPES } from '../shapes.js';
import { PEERS } from './list.js';
import { type ShapeWithPeers, benchmarkShape } from './run.js';

/** What is to be timed, by name, so that a page and a command can ask a worker for it. */
export interface Job {
  shapes: readonly string[];
  samples: number;
  peers: readonly string[] | 'all';
  abilities: boolean;
  plan?: PlanKind;
}

export interface Opened {
  adapter: AdapterDescription | null;
  /** Whether the device has timestamp queries; null before one was asked. */
  timestamps: boolean | null;
}

/** What a worker tells of its job; `end` and `error` are the last. */
export type News =
  | { kind: 'opened'; opened: Opened }
  | { kind: 'step'; shape: string; words: string }
  | { kind: 'shape'; done: ShapeWithPeers }
  | { kind: 'lost'; why: string }
  | { kind: 'end' }
  | { kind: 'error'; message: string };

const SAMPLE_MS = 20;

/** Times shape after shape on a device of its own, which ends with the worker. */
export async function runJob({ shapes, samples, peers, abilities, plan }: Job, tell: (news: News) => void): Promise<void> {
  const device = await openTimedDevice((navigator as Partial<Navigator>).gpu);
  if (!device) throw new Error('WebGPU has no adapter in this worker. Nothing can be timed.');
  void device.lost.then(({ message, reason }) => tell({ kind: 'lost', why: message || reason }));
  const { adapter } = await openBackend({ device });
  tell({ kind: 'opened', opened: { adapter, timestamps: device.features.has('timestamp-query') } });
  for (const shape of SHAPES.filter(({ name }) => shapes.includes(name))) {
    const done = await benchmarkShape(device, shape, {
      samples, plan, abilities, sampleTime: SAMPLE_MS,
      peers: PEERS.filter(({ name }) => peers === 'all' || peers.includes(name)),
      onStep: (words) => tell({ kind: 'step', shape: shape.name, words }),
    });
    tell({ kind: 'shape', done });
  }
}
