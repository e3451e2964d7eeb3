import { COPY_DST, COPY_SRC, MAP_READ, READ } from '../core/gpuFlags.js';

/** Something to be timed, many times over. */
export interface Contender {
  name: string;
  /** `'gpu'` is recorded into an encoder and submitted; `'cpu'` runs when called; `'async'` runs until its promise resolves. */
  kind: 'gpu' | 'cpu' | 'async';
  /** Bytes a run has to read and write, its caches aside; null where that says nothing. */
  bytes: number | null;
  /** Dispatches of a run; 0 for a copy, null on the CPU. */
  dispatches: number | null;
  /** Throws when the contender's answer is wrong. Called once, before anything is timed. */
  check?(): Promise<void>;
  /** One run. On the GPU `encoder` and `timestamps` are given, the latter for the pass or copy that is timed. */
  run(encoder: GPUCommandEncoder | null, timestamps?: GPUComputePassTimestampWrites): unknown;
}

/** Times of one contender, in milliseconds a run. */
export interface Timing {
  name: string;
  bytes: number | null;
  dispatches: number | null;
  /** From submit to done, or of the call on the CPU: the median of the samples. */
  wall: number;
  /** Fastest and slowest sample. */
  wallRange: readonly [number, number];
  /** By timestamp queries, the median; null where the device has none, or on the CPU. */
  gpu: number | null;
  samples: number;
  /** Runs in a sample. */
  repeats: number;
}

export interface MeasureOptions {
  samples: number;
  /** Milliseconds a sample should last at least: short runs are repeated within it. */
  sampleTime: number;
}

/**
 * Times contenders against each other: all are checked and warmed up, then sampled in turn, so that a machine
 * that slows down slows all of them.
 */
export async function measure(device: GPUDevice, contenders: readonly Contender[], { samples, sampleTime }: MeasureOptions): Promise<Timing[]> {
  const clock = device.features.has('timestamp-query') ? new Clock(device) : null;
  const runs = [];
  for (const contender of contenders) {
    await contender.check?.();
    await sample(device, contender, 1, null); // first use compiles and touches memory
    // Awaited alone a short run is mostly submit and wait; ten in one submit say more.
    const alone = (await sample(device, contender, 1, null)).wall;
    const wall = alone < sampleTime ? (await sample(device, contender, 10, null)).wall : alone;
    const repeats = Math.min(200, Math.max(1, Math.ceil(sampleTime / Math.max(wall, 1e-3))));
    runs.push({ contender, repeats, wall: [] as number[], gpu: [] as number[] });
  }
  for (let turn = 0; turn < samples; turn++) {
    for (const run of runs) {
      const { wall, gpu } = await sample(device, run.contender, run.repeats, clock);
      run.wall.push(wall);
      if (gpu !== null) run.gpu.push(gpu);
    }
  }
  clock?.dispose();
  return runs.map(({ contender, repeats, wall, gpu }) => ({
    name: contender.name, bytes: contender.bytes, dispatches: contender.dispatches,
    wall: median(wall), wallRange: [Math.min(...wall), Math.max(...wall)],
    gpu: gpu.length > 0 ? median(gpu) : null, samples, repeats,
  }));
}

/** Milliseconds a run, on average over the sample. */
async function sample(device: GPUDevice, contender: Contender, repeats: number, clock: Clock | null): Promise<{ wall: number; gpu: number | null }> {
  if (contender.kind !== 'gpu') {
    const start = performance.now();
    for (let i = 0; i < repeats; i++) {
      const running = contender.run(null);
      if (contender.kind === 'async') await running;
    }
    return { wall: (performance.now() - start) / repeats, gpu: null };
  }
  const encoder = device.createCommandEncoder({ label: 'batchnorm/benchmark' });
  for (let i = 0; i < repeats; i++) contender.run(encoder);
  const commands = encoder.finish();
  const start = performance.now();
  device.queue.submit([commands]);
  await device.queue.onSubmittedWorkDone();
  const wall = (performance.now() - start) / repeats;
  return { wall, gpu: clock && contender.dispatches !== 0 ? await clock.time(contender) : null };
}

/** Timestamp queries around one run. */
class Clock {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#queries = device.createQuerySet({ label: 'batchnorm/benchmark', type: 'timestamp', count: 2 });
    this.#resolved = device.createBuffer({ label: 'batchnorm/benchmark resolved', size: 16, usage: 0x0200 | COPY_SRC }); // QUERY_RESOLVE
    this.#staging = device.createBuffer({ label: 'batchnorm/benchmark staging', size: 16, usage: MAP_READ | COPY_DST });
  }

  /** Milliseconds; null where the device's clock gave nothing. */
  async time(contender: Contender): Promise<number | null> {
    const encoder = this.#device.createCommandEncoder({ label: 'batchnorm/benchmark' });
    contender.run(encoder, { querySet: this.#queries, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 });
    encoder.resolveQuerySet(this.#queries, 0, 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, 16);
    this.#device.queue.submit([encoder.finish()]);
    await this.#staging.mapAsync(READ);
    const [begin, end] = new BigUint64Array(this.#staging.getMappedRange());
    this.#staging.unmap();
    return end > begin ? Number(end - begin) / 1e6 : null;
  }

  dispose(): void {
    this.#queries.destroy();
    this.#resolved.destroy();
    this.#staging.destroy();
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
