import { expect } from 'vitest';
import type { BatchNormKernels, BatchNormOptions, BufferView, SavedViews, Storage, TensorView } from '../../src/index.js';
import { createBatchNorm, packHalf, savedBytes, savedViews, storageBytes, unpackHalf } from '../../src/index.js';
import type { Inputs } from '../../src/verify/expected.js';
import { type Got, epilogueOf, writesDresidual } from '../../src/verify/run.js';

/** Bytes past the end of every output. Bindings end where their argument does, so this guards the host's sizes. */
const TAIL = 64;
const SENTINEL = 12345.675;

let shared: Promise<GPUDevice> | null = null;

/** One device for a file's tests; errors nobody asked for make the test that caused them fail. */
export function sharedDevice(): Promise<GPUDevice> {
  return (shared ??= newDevice());
}

export async function newDevice(): Promise<GPUDevice> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) {
    throw new Error('The GPU tests need an adapter, and there was one when they began. Run them again.');
  }
  const device = await adapter.requestDevice();
  device.addEventListener('uncapturederror', (event) => {
    errors.push((event as GPUUncapturedErrorEvent).error.message);
  });
  return device;
}

const errors: string[] = [];

/** What the device reported outside any error scope since the last call. */
export function takeErrors(): string[] {
  return errors.splice(0);
}

/** The same, with what the device has yet to tell: errors come in order, so one made now is the last. */
export async function takeAllErrors(device: GPUDevice): Promise<string[]> {
  const size = device.limits.maxBufferSize + 4;
  device.createBuffer({ size, usage: GPUBufferUsage.STORAGE });
  await device.queue.onSubmittedWorkDone(); // which has Chromium send what it holds back
  await expect.poll(() => errors.at(-1)).toContain(String(size));
  return takeErrors().slice(0, -1);
}

/** A buffer with values and, behind them, a sentinel. */
export function upload(
  device: GPUDevice, values: ArrayLike<number>, usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
): GPUBuffer {
  const size = values.length * 4 + TAIL;
  const buffer = device.createBuffer({ size, usage, mappedAtCreation: true });
  const all = new Float32Array(buffer.getMappedRange()).fill(SENTINEL);
  all.set(values);
  buffer.unmap();
  return buffer;
}

/** An output: sentinel throughout. */
export function blank(device: GPUDevice, length: number): GPUBuffer {
  return upload(device, new Float32Array(length).fill(SENTINEL));
}

/** Reads the values; throws when the sentinel behind them was overwritten. */
export async function download(device: GPUDevice, buffer: GPUBuffer, tail = TAIL): Promise<Float32Array> {
  const staging = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const all = new Float32Array(staging.getMappedRange()).slice();
  staging.destroy();
  const values = all.subarray(0, all.length - tail / 4);
  const written = all.subarray(values.length).findIndex((value) => value !== Math.fround(SENTINEL));
  if (written >= 0) throw new Error(`written ${written + 1} elements past the end`);
  return values;
}

/** Records into one pass and submits. */
export function run(device: GPUDevice, record: (pass: GPUComputePassEncoder) => void): void {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  record(pass);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

/** Kernels with every argument in a buffer of its own, for `rows` rows of random-looking data. */
export async function fixture(device: GPUDevice, rows: number, options: BatchNormOptions) {
  const { channels } = options;
  const matrix = (seed: number) => Float32Array.from({ length: rows * channels }, (_, i) => Math.sin(i * 1.7 + seed) * 2);
  const vector = (seed: number) => Float32Array.from({ length: channels }, (_, c) => 1 + 0.3 * Math.sin(c + seed));
  const bn = await createBatchNorm(device, options);
  return {
    bn,
    x: upload(device, matrix(1)),
    dy: upload(device, matrix(2)),
    gamma: upload(device, vector(3)),
    beta: upload(device, vector(4)),
    runningMean: upload(device, vector(5)),
    runningVar: upload(device, vector(6)),
    saved: bn.createSaved(),
    y: blank(device, rows * channels),
    dx: blank(device, rows * channels),
    dgamma: blank(device, channels),
    dbeta: blank(device, channels),
  };
}

const SENTINEL_WORD = new Uint32Array(Float32Array.of(SENTINEL).buffer)[0];
/** What stands in the unused half of an odd tensor's last word, were it read: NaN in f16 and in bf16. */
const PAD = 0x7fff;
const USAGE = 0x80 | 0x4 | 0x8; // STORAGE, COPY_SRC, COPY_DST

/** An argument on the device: its words in one buffer, or in several that follow each other. */
export interface Placed {
  view: TensorView;
  /** Where the words lie; around them stand sentinels. */
  pieces: { buffer: GPUBuffer; offset: number; words: number }[];
}

/** Where a tensor is cut into buffers: bytes, ascending, multiples of 256. And how far into each buffer it lies. */
export interface Placement {
  cuts?: readonly number[];
  offset?: number;
}

/** Puts words into buffers that begin (from `offset` on) and end with sentinels. */
export function place(device: GPUDevice, words: Uint32Array, { cuts = [], offset = 0 }: Placement = {}): Placed {
  const ends = [...cuts.filter((cut) => cut < words.length * 4), words.length * 4];
  const pieces = ends.map((end, i) => {
    const part = words.subarray(i === 0 ? 0 : ends[i - 1] / 4, end / 4);
    const buffer = device.createBuffer({ size: offset + part.length * 4 + TAIL, usage: USAGE, mappedAtCreation: true });
    const all = new Uint32Array(buffer.getMappedRange()).fill(SENTINEL_WORD);
    all.set(part, offset / 4);
    buffer.unmap();
    return { buffer, offset, words: part.length };
  });
  const views = pieces.map(({ buffer, offset: at, words: count }): BufferView => ({ buffer, offset: at, size: count * 4 }));
  return { view: cuts.length > 0 ? views : offset > 0 ? views[0] : pieces[0].buffer, pieces };
}

/** Words of values as a storage holds them. */
export function wordsOf(values: Float32Array | Float64Array | readonly number[], storage: Storage = 'f32'): Uint32Array {
  if (storage === 'f32') return new Uint32Array(Float32Array.from(values).buffer);
  const halves = new Uint16Array(storageBytes(values.length, storage) / 2).fill(PAD);
  packHalf(values, storage, halves);
  return new Uint32Array(halves.buffer);
}

/** Sentinels in the place of a tensor. */
export function sentinels(elements: number, storage: Storage = 'f32'): Uint32Array {
  return new Uint32Array(storageBytes(elements, storage) / 4).fill(SENTINEL_WORD);
}

/** Values of a tensor; throws where the unused half of its last word is another than it was. */
export function valuesOf(words: Uint32Array, elements: number, storage: Storage = 'f32', pad = SENTINEL_WORD >>> 16): Float32Array {
  if (storage === 'f32') return new Float32Array(words.buffer, words.byteOffset, elements);
  const halves = new Uint16Array(words.buffer, words.byteOffset, words.length * 2);
  if (elements % 2 === 1 && halves[elements] !== pad) throw new Error(`written to the unused half of the last word: ${halves[elements].toString(16)}`);
  return unpackHalf(halves.subarray(0, elements), storage);
}

/** The words of arguments by name, in one copy; throws where a sentinel around one was overwritten. */
export async function readWords(device: GPUDevice, args: ReadonlyMap<string, Placed>): Promise<Map<string, Uint32Array>> {
  const buffers = [...args.values()].flatMap(({ pieces }) => pieces.map(({ buffer }) => buffer));
  const staging = device.createBuffer({ size: buffers.reduce((sum, { size }) => sum + size, 0), usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  let at = 0;
  for (const buffer of buffers) {
    encoder.copyBufferToBuffer(buffer, 0, staging, at, buffer.size);
    at += buffer.size;
  }
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const all = new Uint32Array(staging.getMappedRange()).slice();
  staging.destroy();
  const found = new Map<string, Uint32Array>();
  at = 0;
  for (const [name, { pieces }] of args) {
    const words = new Uint32Array(pieces.reduce((sum, piece) => sum + piece.words, 0));
    let into = 0;
    for (const { buffer, offset, words: count } of pieces) {
      const bytes = all.subarray(at / 4, (at + buffer.size) / 4);
      const [before, own, behind] = [bytes.subarray(0, offset / 4), bytes.subarray(offset / 4, offset / 4 + count), bytes.subarray(offset / 4 + count)];
      if (before.some((word) => word !== SENTINEL_WORD)) throw new Error(`"${name}" was written before its beginning`);
      if (behind.some((word) => word !== SENTINEL_WORD)) throw new Error(`"${name}" was written past its end`);
      words.set(own, into);
      into += count;
      at += buffer.size;
    }
    found.set(name, words);
  }
  return found;
}

/** What the kernels made of a case, and what else they wrote. */
export interface RawGot extends Got {
  saved: SavedViews;
  /** With `momentum: 'cumulative'`. */
  batches?: Uint32Array;
}

export interface RawOptions {
  /** Where each tensor lies. Default a buffer of its own. */
  placement?: (name: string, bytes: number) => Placement;
  /** Whether running statistics are given to forward. Default true. */
  tracked?: boolean;
}

/** How a call says the shape of a case. */
export const shapeOf = ({ layout, rows, spatial }: Pick<Inputs, 'layout' | 'rows' | 'spatial'>) =>
  (layout === 'channelsLast' ? { rows } : { batch: rows / spatial, spatial });

/** The options that kernels for a case are made with. */
export function optionsOf(inputs: Inputs): BatchNormOptions {
  const { channels, layout, storage = 'f32', inPlace = false, eps, momentum, runningVariance } = inputs;
  return {
    channels, layout, storage, inPlace, eps, momentum, runningVariance, ...epilogueOf(inputs), gamma: inputs.gamma !== null, beta: inputs.beta !== null,
    mask: inputs.mask ? 'rows' : typeof inputs.validRows === 'number' ? 'count' : 'none',
  };
}

/** The tensors and vectors of a case on the device, by name, with outputs that begin as sentinels. */
export class Arguments {
  readonly placed = new Map<string, Placed>();
  readonly #given = new Map<string, Uint32Array>();
  readonly #device: GPUDevice;
  readonly #placement: NonNullable<RawOptions['placement']>;

  constructor(device: GPUDevice, placement: NonNullable<RawOptions['placement']> = () => ({})) {
    this.#device = device;
    this.#placement = placement;
  }

  /** An input, checked by `read` to be as it was. */
  input(name: string, words: Uint32Array): TensorView {
    this.#given.set(name, words);
    return this.output(name, words);
  }

  /** What is written, or updated. */
  output(name: string, words: Uint32Array): TensorView {
    const placed = place(this.#device, words, this.#placement(name, words.length * 4));
    this.placed.set(name, placed);
    return placed.view;
  }

  /** Everything by name; throws where an input, or a sentinel around anything, was written. */
  async read(): Promise<Map<string, Uint32Array>> {
    const found = await readWords(this.#device, this.placed);
    for (const [name, given] of this.#given) {
      const changed = given.findIndex((word, i) => word !== found.get(name)![i]);
      if (changed >= 0) throw new Error(`"${name}" is an input and was changed at word ${changed}`);
    }
    return found;
  }

  dispose(): void {
    for (const { pieces } of this.placed.values()) for (const { buffer } of pieces) buffer.destroy();
  }
}

/** Masks say which rows count by any number but 0. */
const maskWords = (mask: Uint32Array): Uint32Array => mask.map((counts, row) => (counts ? (row % 2 ? 1 : 0x80000000) : 0));

/** Forward, backward, inference and the frozen backward of a case, recorded into one pass on buffers of its own. */
export async function runRaw(device: GPUDevice, bn: BatchNormKernels, inputs: Inputs, { placement, tracked = true }: RawOptions = {}): Promise<RawGot> {
  const { channels, rows, storage = 'f32', inPlace, activation = 'none' } = inputs;
  const elements = rows * channels;
  const args = new Arguments(device, (name, bytes) => (MATRIX_NAMES.includes(name) ? placement?.(name, bytes) : undefined) ?? {});
  const one = (view: TensorView) => view as BufferView;
  const matrix = (name: string, values: Float32Array) => args.input(name, wordsOf(values, storage));
  const vector = (name: string, values: Float32Array) => one(args.input(name, wordsOf(values)));
  const out = (name: string) => args.output(name, sentinels(elements, storage));
  const outVector = (name: string) => one(args.output(name, sentinels(channels)));
  const over = (name: string, values: Float32Array) => args.output(name, wordsOf(values, storage));

  const x = matrix('x', inputs.x);
  const dy = matrix('dy', inputs.dy);
  const residual = inputs.residual ? { residual: matrix('residual', inputs.residual) } : {};
  const gamma = inputs.gamma ? { gamma: vector('gamma', inputs.gamma) } : {};
  const beta = inputs.beta ? { beta: vector('beta', inputs.beta) } : {};
  const counted = {
    ...(inputs.mask ? { mask: one(args.input('mask', maskWords(inputs.mask))) } : {}),
    ...(typeof inputs.validRows === 'number' ? { validRows: one(args.input('validRows', Uint32Array.of(inputs.validRows))) } : {}),
  };
  const cumulative = inputs.momentum === 'cumulative';
  const running = {
    runningMean: one(args.output('runningMean', wordsOf(inputs.runningMean))),
    runningVar: one(args.output('runningVar', wordsOf(inputs.runningVar))),
    ...(cumulative ? { batches: one(args.output('batches', new Uint32Array(channels).fill(inputs.batches ?? 0))) } : {}),
  };
  const frozen = { runningMean: vector('frozenMean', inputs.frozenMean), runningVar: vector('frozenVar', inputs.frozenVar) };
  const saved = one(args.output('saved', new Uint32Array(savedBytes(channels) / 4).fill(SENTINEL_WORD)));
  const before = activation !== 'none' ? { ...residual, ...gamma, ...beta } : gamma; // what a backward reads of the forward
  const gradients = (dgamma: string, dbeta: string) => ({
    ...(inputs.gamma ? { dgamma: outVector(dgamma) } : {}), ...(inputs.beta ? { dbeta: outVector(dbeta) } : {}),
  });
  const backwards = (dx: string, dresidual: string) => {
    const both = inPlace ? over(dx, inputs.dy) : undefined;
    return { dy: both ?? dy, dx: both ?? out(dx), ...(writesDresidual(inputs) ? { dresidual: out(dresidual) } : {}) };
  };
  const shape = shapeOf(inputs);
  run(device, (pass) => {
    bn.forward(pass, { x, ...residual, ...gamma, ...beta, ...counted, y: out('y'), saved, ...(tracked ? running : {}) }, shape);
    bn.backward(pass, { x, ...before, saved, ...counted, ...backwards('dx', 'dresidual'), ...gradients('dgamma', 'dbeta') }, shape);
    const from = inPlace ? over('inferY', inputs.x) : undefined;
    bn.infer(pass, { x: from ?? x, ...residual, ...gamma, ...beta, ...frozen, ...counted, y: from ?? out('inferY') }, shape);
    const gradient = gradients('frozenDgamma', 'frozenDbeta');
    bn.backwardFrozen(pass, { x, ...before, ...frozen, ...counted, ...backwards('frozenDx', 'frozenDresidual'), ...gradient }, shape);
  });
  const found = await args.read();
  const words = found.get('saved')!;
  const views = savedViews(words, channels);
  const got: RawGot = {
    saved: views, mean: Float64Array.from(views.mean, (high, c) => high + views.meanLow[c]), variance: views.variance, invStd: views.invStd,
  };
  for (const name of ['y', 'dx', 'dresidual', 'inferY', 'frozenDx', 'frozenDresidual'] as const) {
    const wrote = found.get(name);
    const stands = inPlace && !name.endsWith('esidual') && name !== 'y'; // over an input, whose pad is another
    if (wrote) got[name] = valuesOf(wrote, elements, storage, stands ? PAD : undefined);
  }
  for (const name of ['runningMean', 'runningVar', 'dgamma', 'dbeta', 'frozenDgamma', 'frozenDbeta'] as const) {
    const wrote = found.get(name);
    if (wrote) got[name] = valuesOf(wrote, channels);
  }
  if (found.has('batches')) got.batches = found.get('batches');
  args.dispose();
  return got;
}

const MATRIX_NAMES = ['x', 'dy', 'residual', 'y', 'dx', 'dresidual', 'inferY', 'frozenDx', 'frozenDresidual'];

/** A pass on which nothing may be recorded. */
export const untouched = new Proxy({} as GPUComputePassEncoder, {
  get: (_, name) => () => {
    throw new Error(`${String(name)} was recorded`);
  },
});

/** Notes the largest storage binding of every bind group a device makes, until `restore`. */
export function watchBindings(device: GPUDevice): { largest(): number; groups(): number; restore(): void } {
  const original = device.createBindGroup.bind(device);
  let [largest, groups] = [0, 0];
  device.createBindGroup = (descriptor) => {
    groups++;
    for (const { resource } of descriptor.entries) {
      const { buffer, offset = 0, size = buffer.size - offset } = resource as GPUBufferBinding;
      if (buffer.usage & GPUBufferUsage.STORAGE) largest = Math.max(largest, size);
    }
    return original(descriptor);
  };
  return { largest: () => largest, groups: () => groups, restore: () => (device.createBindGroup = original) };
}

/** Counts every call of a device and its queue, until `restore`. */
export function countCalls(device: GPUDevice): { calls: Map<string, number>; restore(): void } {
  const calls = new Map<string, number>();
  const restores: (() => void)[] = [];
  for (const [prefix, target] of [['device', device], ['queue', device.queue]] as const) {
    const prototype = Object.getPrototypeOf(target) as object;
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const original = Object.getOwnPropertyDescriptor(prototype, name)?.value as unknown;
      if (typeof original !== 'function' || name === 'constructor') continue;
      Object.defineProperty(target, name, {
        configurable: true,
        value: (...args: unknown[]) => {
          calls.set(`${prefix}.${name}`, (calls.get(`${prefix}.${name}`) ?? 0) + 1);
          return original.apply(target, args) as unknown;
        },
      });
      restores.push(() => delete (target as unknown as Record<string, unknown>)[name]);
    }
  }
  return { calls, restore: () => restores.forEach((restore) => restore()) };
}
