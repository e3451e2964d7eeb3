import { type Argument, type BufferView, type Requirement, checkSharing, checkView } from '../plan/checks.js';
import { PARAMS_BYTES, writeParams } from '../plan/params.js';
import type { Plan } from '../plan/plan.js';
import { BufferCache } from './cache.js';
import { type BufferName, type Variant, bindingsOf } from './table.js';

/** An argument of an operation and how many bytes of it a shape uses. */
export interface Slot {
  name: BufferName;
  /** By any of the operation's dispatches. */
  reads: boolean;
  writes: boolean;
  bytes(rows: number): number;
  from(rows: number): string;
}

/** One dispatch: which pipeline, and which of the plan's grids. */
export interface Step {
  variant: Variant;
  pipeline: GPUComputePipeline;
  grid: 'reduce' | 'finish' | 'apply';
}

export interface Recipe {
  /** As it stands in errors: `BatchNorm.forward`. */
  call: string;
  slots: readonly Slot[];
  steps: readonly Step[];
  /** The plan's own buffers: which, and which number of the plan sizes it. */
  scratch: readonly { name: BufferName; bytes(plan: Plan): number }[];
}

/** Buffers and bind groups of one batch size. */
interface Ready {
  plan: Plan;
  params: GPUBuffer;
  scratch: Map<BufferName, GPUBuffer>;
  bindGroups: BufferCache<GPUBindGroup[]>;
  lastUse: number;
}

/** Batch sizes an operation keeps planned; the one unused longest goes first. */
const MAX_PLANS = 64;

const STORAGE = 0x80; // GPUBufferUsage.STORAGE
const UNIFORM = 0x40; // GPUBufferUsage.UNIFORM

/** Stands where no call is under way. */
const NONE = Object.freeze({}) as GPUBuffer;

/** Checks, plans and records one operation. A call with known rows and buffers creates nothing. */
export class Operation {
  readonly #device: GPUDevice;
  readonly #recipe: Recipe;
  readonly #planFor: (rows: number) => Plan;
  readonly #report: (error: Error) => void;
  readonly #ready = new Map<number, Ready>();
  readonly #arguments: Argument[];
  readonly #needs: Requirement;
  #uses = 0;

  constructor(device: GPUDevice, recipe: Recipe, planFor: (rows: number) => Plan, report: (error: Error) => void) {
    this.#device = device;
    this.#recipe = recipe;
    this.#planFor = planFor;
    this.#report = report;
    this.#arguments = recipe.slots.map(({ name, reads, writes }) => ({
      name, reads, writes, buffer: NONE, offset: 0, bytes: 0,
    }));
    this.#needs = { name: '', bytes: 0, reads: false, writes: false, rows: 0, from: () => '' };
  }

  /** Throws before anything is recorded; `rows` has been checked. */
  record(pass: GPUComputePassEncoder, buffers: Partial<Record<BufferName, BufferView>>, rows: number): void {
    try {
      this.#check(buffers, rows);
      const ready = this.#ready.get(rows) ?? this.#prepare(rows);
      ready.lastUse = ++this.#uses;
      const groups = ready.bindGroups.get(this.#arguments) ?? this.#bind(ready);
      const { steps } = this.#recipe;
      for (let i = 0; i < steps.length; i++) {
        const { pipeline, grid } = steps[i];
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, groups[i]);
        pass.dispatchWorkgroups(ready.plan[grid][0], ready.plan[grid][1]);
      }
    } finally {
      for (const argument of this.#arguments) argument.buffer = NONE; // or it would outlive its owner
    }
  }

  destroy(): void {
    for (const { params, scratch } of this.#ready.values()) {
      params.destroy();
      for (const buffer of scratch.values()) buffer.destroy();
    }
    this.#ready.clear();
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

  #prepare(rows: number): Ready {
    const device = this.#device;
    const { call, scratch } = this.#recipe;
    const plan = this.#planFor(rows);
    device.pushErrorScope('out-of-memory');
    const params = device.createBuffer({ label: `batchnorm/${call} params`, size: PARAMS_BYTES, usage: UNIFORM, mappedAtCreation: true });
    writeParams(params.getMappedRange(), plan.params);
    params.unmap();
    const ready: Ready = {
      plan,
      params,
      scratch: new Map(
        scratch.map(({ name, bytes }) => [
          name,
          device.createBuffer({ label: `batchnorm/${call} ${name}`, size: bytes(plan), usage: STORAGE }),
        ]),
      ),
      bindGroups: new BufferCache(),
      lastUse: 0,
    };
    void device.popErrorScope().then((error) => {
      if (error) this.#report(new Error(`${call}: no memory for the scratch of rows ${rows}: ${error.message}`));
    });
    // An unsubmitted pass may still use what is dropped here, so it is left to the garbage collector.
    if (this.#ready.size >= MAX_PLANS) this.#ready.delete(oldest(this.#ready));
    this.#ready.set(rows, ready);
    return ready;
  }

  #bind(ready: Ready): GPUBindGroup[] {
    const device = this.#device;
    const list = this.#arguments.map((argument) => ({ ...argument }));
    device.pushErrorScope('validation');
    const groups = this.#recipe.steps.map(({ variant, pipeline }) =>
      device.createBindGroup({
        label: `${pipeline.label} buffers`,
        layout: pipeline.getBindGroupLayout(0),
        entries: [
          { binding: 0, resource: { buffer: ready.params } },
          ...bindingsOf(variant).map(({ name }, i) => ({ binding: i + 1, resource: resourceOf(name, ready, list) })),
        ],
      }),
    );
    void device.popErrorScope().then((error) => {
      if (error) void this.#diagnose(list, error.message);
    });
    ready.bindGroups.set(list, groups);
    return groups;
  }

  /** Finds which argument the device refuses by binding each alone. */
  async #diagnose(list: readonly Argument[], message: string): Promise<void> {
    const device = this.#device;
    const layout = device.createBindGroupLayout({
      entries: [{ binding: 0, visibility: 4, buffer: { type: 'read-only-storage' } }],
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

function resourceOf(name: BufferName, ready: Ready, list: readonly Argument[]): GPUBufferBinding {
  const argument = list.find((candidate) => candidate.name === name);
  if (argument) return { buffer: argument.buffer, offset: argument.offset, size: argument.bytes };
  return { buffer: ready.scratch.get(name)! };
}

function oldest(plans: Map<number, Ready>): number {
  let found = -1;
  let lastUse = Infinity;
  for (const [rows, ready] of plans) {
    if (ready.lastUse < lastUse) [found, lastUse] = [rows, ready.lastUse];
  }
  return found;
}
