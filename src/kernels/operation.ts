import { type Argument, type BufferView, type Requirement, type TensorView, checkSharing, checkView } from '../core/buffers.js';
import { COMPUTE, STORAGE, UNIFORM } from '../core/gpuFlags.js';
import type { DeviceLimits } from '../core/options.js';
import { type Storage, storageBytes } from '../core/storage.js';
import { PARAMS_BYTES, writeParams } from '../plan/params.js';
import type { Grid, Plan, PlanChoice } from '../plan/plan.js';
import { type Geometry, describe } from '../core/shape.js';
import type { Window } from '../plan/windows.js';
import { BufferCache } from './cache.js';
import { type ResolvedOperation, type Step, stepsOf, variantOf } from './operations.js';
import { type Compiled, compileNow } from '../shader/pipelines.js';
import { inScopes } from '../core/scope.js';
import { type BufferName, MATRICES, type Variant, bindingsOf } from '../shader/kernels.js';

/** Buffers of a call by argument name. */
export type Buffers = Partial<Record<BufferName, TensorView>>;

/** Plans a shape; `parts` are the caller's own, to be merged. */
export type Planner = (geometry: Geometry, choice: Pick<PlanChoice, 'single' | 'cuts' | 'accumulate' | 'part'>, parts: number, call: string) => Plan;

/** What a call says beside its shape. */
export interface CallOptions {
  accumulate: boolean;
  /** Where the call's own moments or sums go among several. */
  part: number;
  /** How many the caller gives to be merged; 0 where the call makes its own. */
  parts: number;
}

/** What was made for one shape. */
interface Prepared {
  dispatches: { variant: Variant; compiled: Compiled; pipeline: GPUComputePipeline; grid: Grid; window: Window; partials?: BufferName }[];
  /** The uniform blocks of all dispatches, each at a multiple of PARAMS_OFFSET. */
  params: GPUBuffer;
  scratch: Map<BufferName, GPUBuffer>;
  /** What of it did not compile, once that is known. */
  failure: Error | null;
  lastUse: number;
}

/** Plans of one operation, by everything a plan depends on; `text` is of the buffers a tensor is cut into, '' for one. */
type Plans = Map<number, Map<number, Map<number, Map<string, Prepared>>>>;

/** Shapes an operation keeps planned; the one unused longest goes first. */
const MAX_PLANS = 64;

/** WebGPU's default minUniformBufferOffsetAlignment, the largest a device may have. */
const PARAMS_OFFSET = 256;

/** Stands where no call is under way. */
const NONE = Object.freeze({}) as GPUBuffer;

/** Checks, plans and records one operation. A call with known shape and buffers creates nothing. */
export class Operation {
  readonly #device: GPUDevice;
  readonly #limits: DeviceLimits;
  readonly #operation: ResolvedOperation;
  readonly #planFor: Planner;
  readonly #report: (error: Error) => void;
  readonly #plans: Plans = new Map();
  /** One for each slot; the further buffers of cut tensors follow them in a list of the call's own. */
  readonly #arguments: Argument[];
  readonly #needs: Requirement;
  readonly #scratch = new Map<BufferName, GPUBuffer>();
  readonly #bindGroups = new BufferCache<Prepared, GPUBindGroup[]>();
  /** Of plans that were dropped and scratch that was outgrown, which an unsubmitted pass may still use: for `dispose`. */
  #retired: WeakRef<GPUBuffer>[] = [];
  /** How many of them are worth a look at which are gone. */
  #sweepAt = 2 * MAX_PLANS;
  #count = 0;
  #uses = 0;

  constructor(device: GPUDevice, operation: ResolvedOperation, planFor: Planner, limits: DeviceLimits, report: (error: Error) => void) {
    this.#device = device;
    this.#limits = limits;
    this.#operation = operation;
    this.#planFor = planFor;
    this.#report = report;
    this.#arguments = operation.slots.map(({ name, reads, writes }) => ({ name, reads, writes, buffer: NONE, offset: 0, bytes: 0, from: 0 }));
    this.#needs = { name: '', bytes: 0, reads: false, writes: false, windowed: false, rows: 0, parts: 0, from: () => '' };
  }

  /** Throws before anything is recorded; the geometry and the options have been checked. */
  record(pass: GPUComputePassEncoder, buffers: Buffers, geometry: Geometry, options: CallOptions): void {
    try {
      const list = this.#check(buffers, geometry.rows, options.parts || options.part + 1);
      const inPlace = this.#isInPlace(list);
      checkSharing(this.#operation.call, list, inPlace ? this.#operation.inPlace : null);
      const prepared = this.#preparedFor(geometry, options, inPlace, list);
      if (prepared.failure) throw prepared.failure;
      prepared.lastUse = ++this.#uses;
      const groups = this.#bindGroups.get(prepared, list) ?? this.#bind(prepared, list);
      for (let i = 0; i < groups.length; i++) {
        const { pipeline, grid } = prepared.dispatches[i];
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, groups[i]);
        pass.dispatchWorkgroups(grid[0], grid[1]);
      }
    } finally {
      for (const argument of this.#arguments) argument.buffer = NONE; // or it would outlive its owner
    }
  }

  /** The texts that calls of a shape run, where every tensor is in one buffer. */
  variants(geometry: Geometry, inPlace: boolean): Variant[] {
    const { call, single } = this.#operation;
    const over = inPlace && this.#operation.inPlace !== null;
    const made = this.#planFor(geometry, { single: single !== null, cuts: [], accumulate: false, part: 0 }, 0, call);
    return stepsOf(this.#operation, made).map((step) => variantOf(this.#operation, step, step.dispatch.tile, over));
  }

  dispose(): void {
    for (const { prepared } of this.#all()) prepared.params.destroy();
    for (const buffer of this.#scratch.values()) buffer.destroy();
    for (const buffer of this.#retired) buffer.deref()?.destroy();
    this.#plans.clear();
    this.#scratch.clear();
    this.#bindGroups.clear();
    this.#retired = [];
    this.#count = 0;
  }

  /** The arguments, one or more a slot. */
  #check(buffers: Buffers, rows: number, parts: number): Argument[] {
    const { call, slots } = this.#operation;
    for (const name in buffers) {
      if (buffers[name as BufferName] === undefined || slots.some((slot) => slot.name === name)) continue;
      throw new TypeError(
        `${call}: "${name}" is given, needs only ${slots.map((slot) => slot.name).join(', ')} (from the options it was created with). Leave it out.`,
      );
    }
    const needs = this.#needs;
    let list = this.#arguments;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i];
      needs.name = slot.name;
      needs.reads = slot.reads;
      needs.writes = slot.writes;
      needs.windowed = slot.matrix;
      needs.bytes = slot.bytes(rows, parts);
      needs.rows = rows;
      needs.parts = parts;
      needs.from = slot.from;
      const view = buffers[slot.name];
      if (slot.matrix && Array.isArray(view)) list = this.#checkPieces(view, i, list);
      else checkView(call, view, needs, this.#limits, this.#arguments[i]);
    }
    return list;
  }

  /** The buffers of a cut tensor: the first in its slot's place, the others at the end of the list. */
  #checkPieces(views: readonly BufferView[], index: number, list: Argument[]): Argument[] {
    const { call } = this.#operation;
    const { name, reads, writes, bytes } = this.#needs;
    if (views.length === 0) throw new RangeError(`${call}: "${name}" is [], needs at least one buffer.`);
    const longer = [...list];
    let from = 0;
    views.forEach((view, i) => {
      if (from >= bytes) throw new RangeError(`${call}: "${name}" has ${views.length} buffers, needs ${i} (${bytes} bytes end there). Leave the others out.`);
      const into = i === 0 ? this.#arguments[index] : { name, reads, writes, buffer: NONE, offset: 0, bytes: 0, from: 0 };
      checkView(call, view, this.#needs, this.#limits, into, { from, last: i === views.length - 1 });
      from += into.bytes;
      if (i > 0) longer.push(into);
    });
    return longer;
  }

  #isInPlace(list: readonly Argument[]): boolean {
    const over = this.#operation.inPlace;
    if (!over) return false;
    for (const read of list) {
      if (read.name !== over[0]) continue;
      const stands = list.some((written) =>
        written.name === over[1] && written.buffer === read.buffer && written.offset === read.offset && written.from === read.from
          && written.bytes === read.bytes);
      if (!stands) return false;
    }
    return true;
  }

  #preparedFor(geometry: Geometry, options: CallOptions, inPlace: boolean, list: Argument[]): Prepared {
    const key = 4 * (options.part * 65536 + options.parts) + 2 * Number(options.accumulate) + Number(inPlace);
    const text = list === this.#arguments ? '' : cutsText(list);
    const known = this.#plans.get(geometry.rows)?.get(geometry.batch)?.get(key)?.get(text);
    if (known) return known;
    const forget = (failed: Prepared) => {
      const from = this.#plans.get(geometry.rows)?.get(geometry.batch)?.get(key);
      if (from?.get(text) !== failed) return;
      from.delete(text);
      this.#retire(failed.params);
      this.#count--;
    };
    const prepared = this.#prepare(geometry, options, inPlace, list, forget);
    if (this.#count >= MAX_PLANS) this.#dropOldest();
    child(child(child(this.#plans, geometry.rows), geometry.batch), key).set(text, prepared);
    this.#count++;
    return prepared;
  }

  #prepare(geometry: Geometry, options: CallOptions, inPlace: boolean, list: readonly Argument[], forget: (failed: Prepared) => void): Prepared {
    const device = this.#device;
    const { call, single, scratch, settings } = this.#operation;
    const cuts = cutsOf(list, settings.storage);
    const plan = this.#planFor(geometry, { single: single !== null, cuts, accumulate: options.accumulate, part: options.part }, options.parts, call);
    const steps = stepsOf(this.#operation, plan);
    const needed = scratch.filter(({ name }) => steps.some((step) => needsScratch(step, name, this.#operation, inPlace)));
    const most = this.#limits.maxStorageBufferBindingSize;
    for (const { name, bytes } of needed) {
      if (bytes(plan) <= most) continue;
      throw new RangeError(
        `${call}: "shape" takes ${bytes(plan)} bytes of ${name} (parts ${plan.parts}, channels ${geometry.channels}), the device binds at most ${most} ` +
          `(maxStorageBufferBindingSize). Request the device with a higher limit, or split the tensor.`,
      );
    }
    const dispatches = steps.map((step) => {
      const { dispatch: { tile, grid, window }, partials } = step;
      const variant = variantOf(this.#operation, step, tile, inPlace);
      const compiled = compileNow(device, variant);
      return { variant, compiled, pipeline: compiled.pipeline, grid, window, partials };
    });
    const { value: prepared, error } = inScopes(device, ['out-of-memory'], (): Prepared => {
      const buffers = new Map(needed.map(({ name, bytes }) => [name, this.#scratchOf(name, bytes(plan))]));
      const params = device.createBuffer({
        label: `batchnorm/${call} params`, size: (steps.length - 1) * PARAMS_OFFSET + PARAMS_BYTES, usage: UNIFORM, mappedAtCreation: true,
      });
      try {
        const bytes = params.getMappedRange();
        steps.forEach(({ dispatch }, i) => writeParams(new DataView(bytes, i * PARAMS_OFFSET), dispatch.params));
        params.unmap();
      } catch (cause) {
        params.destroy();
        throw cause;
      }
      return { dispatches, params, scratch: buffers, failure: null, lastUse: 0 };
    });
    for (const { compiled } of dispatches) {
      void compiled.verdict?.then((failure) => {
        if (!failure || prepared.failure) return;
        prepared.failure = failure;
        this.#report(failure);
      });
    }
    void error.then((found) => {
      if (!found) return;
      forget(prepared); // so that the next call tries again, its scratch included
      for (const [name, buffer] of prepared.scratch) if (this.#scratch.get(name) === buffer) this.#dropScratch(name);
      this.#report(new Error(`${call}: no memory for the scratch of rows ${geometry.rows}: ${found.message}`));
    });
    return prepared;
  }

  /** One buffer for all plans: each call writes it before reading it, and dispatches run in order. */
  #scratchOf(name: BufferName, bytes: number): GPUBuffer {
    const known = this.#scratch.get(name);
    if (known && known.size >= bytes) return known;
    // What plans made before still use stays theirs; doubling bounds the sum of all.
    const size = Math.max(bytes, 2 * (known?.size ?? 0));
    const buffer = this.#device.createBuffer({
      label: `batchnorm/${this.#operation.call} ${name}`, size: Math.max(bytes, Math.min(size, this.#limits.maxStorageBufferBindingSize)), usage: STORAGE,
    });
    this.#dropScratch(name);
    this.#scratch.set(name, buffer);
    return buffer;
  }

  #dropScratch(name: BufferName): void {
    const known = this.#scratch.get(name);
    if (known) this.#retire(known);
    this.#scratch.delete(name);
  }

  /** Leaves a buffer to the garbage collector: an unsubmitted pass may still use it. */
  #retire(buffer: GPUBuffer): void {
    if (this.#retired.length >= this.#sweepAt) {
      this.#retired = this.#retired.filter((each) => each.deref());
      this.#sweepAt = 2 * Math.max(MAX_PLANS, this.#retired.length);
    }
    this.#retired.push(new WeakRef(buffer));
  }

  *#all(): Iterable<{ prepared: Prepared; from: Map<string, Prepared>; text: string }> {
    for (const batches of this.#plans.values()) {
      for (const keys of batches.values()) {
        for (const from of keys.values()) for (const [text, prepared] of from) yield { prepared, from, text };
      }
    }
  }

  #dropOldest(): void {
    const oldest = [...this.#all()].reduce((a, b) => (b.prepared.lastUse < a.prepared.lastUse ? b : a));
    oldest.from.delete(oldest.text);
    this.#retire(oldest.prepared.params);
    for (const [rows, batches] of this.#plans) {
      for (const [batch, keys] of batches) {
        for (const [key, from] of keys) if (from.size === 0) keys.delete(key);
        if (keys.size === 0) batches.delete(batch);
      }
      if (batches.size === 0) this.#plans.delete(rows);
    }
    this.#count--;
  }

  #bind(prepared: Prepared, called: readonly Argument[]): GPUBindGroup[] {
    const device = this.#device;
    const { storage } = this.#operation.settings;
    const list = called.map((argument) => ({ ...argument }));
    const { value: groups, error } = inScopes(device, ['validation'], () => {
      try {
        return prepared.dispatches.map(({ variant, compiled: { label, bindings }, window, partials }, step) =>
          device.createBindGroup({
            label: `${label} buffers`,
            layout: bindings,
            entries: [
              { binding: 0, resource: { buffer: prepared.params, offset: step * PARAMS_OFFSET, size: PARAMS_BYTES } },
              ...bindingsOf(variant).map(({ name }, i) => ({
                binding: i + 1,
                resource: resourceOf(name === 'partials' && partials ? partials : name, prepared, list, window, storage),
              })),
            ],
          }),
        );
      } catch (cause) {
        throw this.#refusal(list, cause);
      }
    });
    void error.then((found) => {
      if (!found) return;
      this.#bindGroups.delete(prepared); // so that the next call tries, and reports, again
      void this.#diagnose(list, found.message);
    });
    this.#bindGroups.set(prepared, list, groups);
    return groups;
  }

  /** What to throw where the device takes an argument for no buffer at all, although it looks like one. */
  #refusal(list: readonly Argument[], cause: unknown): unknown {
    for (const argument of list) {
      try {
        void this.#bindAlone(argument);
      } catch {
        return new TypeError(
          `${this.#operation.call}: "${argument.name}" is ${describe(argument.buffer)}, needs a GPUBuffer or { buffer, offset, size }.`, { cause },
        );
      }
    }
    return cause;
  }

  /** Binds one argument, and gives what the device says of it. */
  #bindAlone({ buffer, offset, bytes }: Argument): Promise<GPUError | null> {
    const device = this.#device;
    return inScopes(device, ['validation'], () => {
      const layout = device.createBindGroupLayout({ entries: [{ binding: 0, visibility: COMPUTE, buffer: { type: 'read-only-storage' } }] });
      const size = Math.min(bytes, this.#limits.maxStorageBufferBindingSize);
      device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer, offset, size } }] });
    }).error;
  }

  /** Finds which argument the device refuses by binding each alone. */
  async #diagnose(list: readonly Argument[], message: string): Promise<void> {
    const errors = await Promise.all(list.map((argument) => this.#bindAlone(argument)));
    const culprit = list.find((_, i) => errors[i]);
    const { call } = this.#operation;
    this.#report(
      culprit
        ? new Error(
            `${call}: "${culprit.name}"${culprit.buffer.label ? ` (label ${JSON.stringify(culprit.buffer.label)})` : ''} cannot be bound: ` +
              `it belongs to another device, or its creation failed. Create it on the device given to createBatchNorm. ${message}`,
          )
        : new Error(`${call}: the buffers cannot be bound together. ${message}`),
    );
  }
}

/** The map under a key, made where there is none. */
function child<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let found = map.get(key);
  if (!found) map.set(key, (found = new Map()));
  return found;
}

const isMatrix = ({ name }: Argument): boolean => MATRICES.includes(name as BufferName);

/** Where the tensors' buffers end. */
function cutsText(list: readonly Argument[]): string {
  return list.filter(isMatrix).map(({ name, from }) => `${name}${from}`).join(' ');
}

/** The elements at which some tensor's buffer ends and its next begins. */
function cutsOf(list: readonly Argument[], storage: Storage): number[] {
  const bytesPerElement = storage === 'f32' ? 4 : 2;
  const cuts = new Set(list.filter(isMatrix).map(({ from }) => from / bytesPerElement));
  cuts.delete(0);
  return [...cuts].sort((a, b) => a - b);
}

function needsScratch(step: Step, name: BufferName, operation: ResolvedOperation, inPlace: boolean): boolean {
  if (name === 'partials' && step.partials) return false;
  return bindingsOf(variantOf(operation, step, step.dispatch.tile, inPlace)).some((binding) => binding.name === name);
}

/** What a dispatch binds of an argument: of a tensor the window, in the buffer that has it. */
function resourceOf(name: BufferName, prepared: Prepared, list: readonly Argument[], window: Window, storage: Storage): GPUBufferBinding {
  const scratch = prepared.scratch.get(name);
  if (scratch) return { buffer: scratch };
  if (!MATRICES.includes(name)) {
    const { buffer, offset, bytes } = list.find((candidate) => candidate.name === name)!;
    return { buffer, offset, size: bytes };
  }
  const start = storageBytes(window.start, storage);
  const { buffer, offset, from } = list.findLast((candidate) => candidate.name === name && candidate.from <= start)!;
  return { buffer, offset: offset + start - from, size: storageBytes(window.end - window.start, storage) };
}
