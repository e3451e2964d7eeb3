import { type Argument, type BufferView, type Requirement, checkSharing, checkView } from '../plan/checks.js';
import { COMPUTE, STORAGE, UNIFORM } from '../plan/gpuFlags.js';
import { PARAMS_BYTES, writeParams } from '../plan/params.js';
import type { Dispatch, Grid, Plan, PlanKind } from '../plan/plan.js';
import type { Geometry } from '../plan/shape.js';
import { BufferCache } from './cache.js';
import { type BufferName, type KernelName, type Variant, KERNELS, bindingsOf, variantKey } from './table.js';

/** An argument of an operation and how many bytes of it a shape uses. */
export interface Slot {
  name: BufferName;
  /** By any of the operation's dispatches. */
  reads: boolean;
  writes: boolean;
  bytes(rows: number): number;
  from(rows: number): string;
}

export interface Recipe {
  /** As it stands in errors: `BatchNorm.forward`. */
  call: string;
  slots: readonly Slot[];
  /** Buffers that its kernels go without. */
  absent: readonly BufferName[];
  /** The dispatches of each kind of plan, in order. */
  steps: Record<PlanKind, readonly KernelName[]>;
  /** A split plan's own buffers: which, and what of the plan sizes it. */
  scratch: readonly { name: BufferName; bytes(plan: Plan): number }[];
  /** Every variant some shape can need, compiled. */
  pipelines: ReadonlyMap<string, GPUComputePipeline>;
}

/** What was made for one shape. */
interface Ready {
  dispatches: { variant: Variant; pipeline: GPUComputePipeline; grid: Grid }[];
  /** The uniform blocks of all dispatches, each at a multiple of PARAMS_OFFSET. */
  params: GPUBuffer;
  scratch: Map<BufferName, GPUBuffer>;
  bindGroups: BufferCache<GPUBindGroup[]>;
  lastUse: number;
}

/** Shapes an operation keeps planned; the one unused longest goes first. */
const MAX_PLANS = 64;

/** WebGPU's default minUniformBufferOffsetAlignment, the largest a device may have. */
const PARAMS_OFFSET = 256;

/** Stands where no call is under way. */
const NONE = Object.freeze({}) as GPUBuffer;

/** Checks, plans and records one operation. A call with known rows and buffers creates nothing. */
export class Operation {
  readonly #device: GPUDevice;
  readonly #recipe: Recipe;
  readonly #planFor: (geometry: Geometry, call: string) => Plan;
  readonly #report: (error: Error) => void;
  /** By rows, then batch. */
  readonly #ready = new Map<number, Map<number, Ready>>();
  readonly #arguments: Argument[];
  readonly #needs: Requirement;
  readonly #scratch = new Map<BufferName, GPUBuffer>();
  #plans = 0;
  #uses = 0;

  constructor(device: GPUDevice, recipe: Recipe, planFor: (geometry: Geometry, call: string) => Plan, report: (error: Error) => void) {
    this.#device = device;
    this.#recipe = recipe;
    this.#planFor = planFor;
    this.#report = report;
    this.#arguments = recipe.slots.map(({ name, reads, writes }) => ({
      name, reads, writes, buffer: NONE, offset: 0, bytes: 0,
    }));
    this.#needs = { name: '', bytes: 0, reads: false, writes: false, rows: 0, from: () => '' };
  }

  /** Throws before anything is recorded; the geometry has been checked. */
  record(pass: GPUComputePassEncoder, buffers: Partial<Record<BufferName, BufferView>>, geometry: Geometry): void {
    try {
      this.#check(buffers, geometry.rows);
      const ready = this.#ready.get(geometry.rows)?.get(geometry.batch) ?? this.#prepare(geometry);
      ready.lastUse = ++this.#uses;
      const groups = ready.bindGroups.get(this.#arguments) ?? this.#bind(ready);
      for (let i = 0; i < groups.length; i++) {
        const { pipeline, grid } = ready.dispatches[i];
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, groups[i]);
        pass.dispatchWorkgroups(grid[0], grid[1]);
      }
    } finally {
      for (const argument of this.#arguments) argument.buffer = NONE; // or it would outlive its owner
    }
  }

  destroy(): void {
    for (const { params, scratch } of this.#all()) {
      params.destroy();
      for (const buffer of scratch.values()) buffer.destroy();
    }
    this.#ready.clear();
    this.#scratch.clear();
    this.#plans = 0;
  }

  #check(buffers: Partial<Record<BufferName, BufferView>>, rows: number): void {
    const { call, slots } = this.#recipe;
    for (const name in buffers) {
      if (buffers[name as BufferName] === undefined || slots.some((slot) => slot.name === name)) continue;
      throw new TypeError(
        `${call}: "${name}" is given, needs only ${slots.map((slot) => slot.name).join(', ')} (from the options it was created with). Leave it out.`,
      );
    }
    const needs = this.#needs;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i];
      needs.name = slot.name;
      needs.reads = slot.reads;
      needs.writes = slot.writes;
      needs.bytes = slot.bytes(rows);
      needs.rows = rows;
      needs.from = slot.from;
      checkView(call, buffers[slot.name], needs, this.#device.limits, this.#arguments[i]);
    }
    checkSharing(call, this.#arguments);
  }

  #prepare(geometry: Geometry): Ready {
    const device = this.#device;
    const { call, absent, steps, scratch, pipelines } = this.#recipe;
    const plan = this.#planFor(geometry, call);
    const chosen = steps[plan.kind];
    device.pushErrorScope('out-of-memory');
    const params = device.createBuffer({
      label: `batchnorm/${call} params`, size: (chosen.length - 1) * PARAMS_OFFSET + PARAMS_BYTES, usage: UNIFORM, mappedAtCreation: true,
    });
    const bytes = params.getMappedRange();
    const dispatches = chosen.map((kernel) => dispatchOf(kernel, plan));
    dispatches.forEach((dispatch, i) => writeParams(new DataView(bytes, i * PARAMS_OFFSET), dispatch.params));
    params.unmap();
    const ready: Ready = {
      dispatches: dispatches.map(({ tile, grid }, i) => {
        const variant: Variant = { kernel: chosen[i], absent, tile };
        return { variant, pipeline: pipelines.get(variantKey(variant))!, grid };
      }),
      params,
      scratch: new Map(
        (plan.kind === 'split' && chosen.length > 1 ? scratch : []).map(({ name, bytes: size }) => [
          name,
          this.#scratchOf(name, size(plan)),
        ]),
      ),
      bindGroups: new BufferCache(),
      lastUse: 0,
    };
    void device.popErrorScope().then((error) => {
      if (!error) return;
      this.#ready.get(geometry.rows)?.delete(geometry.batch); // so that the next call tries again
      this.#report(new Error(`${call}: no memory for the scratch of rows ${geometry.rows}: ${error.message}`));
    });
    if (this.#plans >= MAX_PLANS) this.#dropOldest();
    let sameRows = this.#ready.get(geometry.rows);
    if (!sameRows) this.#ready.set(geometry.rows, (sameRows = new Map()));
    sameRows.set(geometry.batch, ready);
    this.#plans++;
    return ready;
  }

  /** One buffer for all plans: each call writes it before reading it, and dispatches run in order. */
  #scratchOf(name: BufferName, bytes: number): GPUBuffer {
    const known = this.#scratch.get(name);
    if (known && known.size >= bytes) return known;
    // What plans made before still use stays theirs; doubling bounds the sum of all.
    const size = Math.max(bytes, 2 * (known?.size ?? 0));
    const { maxStorageBufferBindingSize } = this.#device.limits;
    const buffer = this.#device.createBuffer({
      label: `batchnorm/${this.#recipe.call} ${name}`, size: Math.max(bytes, Math.min(size, maxStorageBufferBindingSize)), usage: STORAGE,
    });
    this.#scratch.set(name, buffer);
    return buffer;
  }

  *#all(): Iterable<Ready> {
    for (const sameRows of this.#ready.values()) yield* sameRows.values();
  }

  /** An unsubmitted pass may still use what is dropped here, so it is left to the garbage collector. */
  #dropOldest(): void {
    const oldest = Math.min(...[...this.#all()].map(({ lastUse }) => lastUse));
    for (const [rows, sameRows] of this.#ready) {
      for (const [batch, { lastUse }] of sameRows) if (lastUse === oldest) sameRows.delete(batch);
      if (sameRows.size === 0) this.#ready.delete(rows);
    }
    this.#plans--;
  }

  #bind(ready: Ready): GPUBindGroup[] {
    const device = this.#device;
    const list = this.#arguments.map((argument) => ({ ...argument }));
    device.pushErrorScope('validation');
    const groups = ready.dispatches.map(({ variant, pipeline }, step) =>
      device.createBindGroup({
        label: `${pipeline.label} buffers`,
        layout: pipeline.getBindGroupLayout(0),
        entries: [
          { binding: 0, resource: { buffer: ready.params, offset: step * PARAMS_OFFSET, size: PARAMS_BYTES } },
          ...bindingsOf(variant).map(({ name }, i) => ({ binding: i + 1, resource: resourceOf(name, ready, list) })),
        ],
      }),
    );
    void device.popErrorScope().then((error) => {
      if (!error) return;
      ready.bindGroups.clear(); // so that the next call tries, and reports, again
      void this.#diagnose(list, error.message);
    });
    ready.bindGroups.set(list, groups);
    return groups;
  }

  /** Finds which argument the device refuses by binding each alone. */
  async #diagnose(list: readonly Argument[], message: string): Promise<void> {
    const device = this.#device;
    const layout = device.createBindGroupLayout({
      entries: [{ binding: 0, visibility: COMPUTE, buffer: { type: 'read-only-storage' } }],
    });
    const refusals = list.map(({ buffer, offset, bytes }) => {
      device.pushErrorScope('validation');
      device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer, offset, size: bytes } }] });
      return device.popErrorScope();
    });
    const errors = await Promise.all(refusals);
    const culprit = list.find((_, i) => errors[i]);
    const { call } = this.#recipe;
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

function dispatchOf(kernel: KernelName, plan: Plan): Dispatch {
  const { role } = KERNELS[kernel];
  return plan[role === 'single' ? 'reduce' : role];
}

function resourceOf(name: BufferName, ready: Ready, list: readonly Argument[]): GPUBufferBinding {
  const argument = list.find((candidate) => candidate.name === name);
  if (argument) return { buffer: argument.buffer, offset: argument.offset, size: argument.bytes };
  return { buffer: ready.scratch.get(name)! };
}
