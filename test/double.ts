import { DEFAULT_LIMITS } from '../src/benchmark/count.js';

/** A buffer of the double's. */
export interface DoubleBuffer {
  label: string;
  size: number;
  usage: number;
  destroyed: boolean;
}

/**
 * Stands in for a device, computes nothing, and keeps account: error scopes that are open, buffers that are not destroyed, objects
 * that were made. Told to, it throws where it is asked for its n-th object, finds fault with a shader, or is lost.
 */
export class DoubleDevice {
  readonly limits = { ...DEFAULT_LIMITS };
  readonly features = new Set<GPUFeatureName>();
  readonly lost: Promise<GPUDeviceLostInfo>;
  readonly queue = { submit: () => this.#made('submit'), writeBuffer: () => this.#made('writeBuffer'), onSubmittedWorkDone: () => Promise.resolve() };
  readonly scopes: { filter: string; error: GPUError | null }[] = [];
  /** The most that were open at once, and how many were ever. */
  pushed = 0;
  /** Calls by name. */
  readonly calls = new Map<string, number>();
  /** Labels of the pipelines, in the order they were asked for: with '!' those made at once. */
  readonly pipelines: string[] = [];
  /** Buffers made and not destroyed. */
  alive = 0;
  /** Throws at this one of all objects and writes; 0 never. */
  failAt = 0;
  /** Shaders whose label includes it do not compile. */
  spoiled: string | null = null;
  #count = 0;
  #lose!: (info: GPUDeviceLostInfo) => void;

  constructor() {
    this.lost = new Promise((resolve) => (this.#lose = resolve));
  }

  get device(): GPUDevice {
    return this as unknown as GPUDevice;
  }

  lose(reason: GPUDeviceLostReason = 'unknown'): void {
    this.#lose({ reason, message: 'pulled out' } as GPUDeviceLostInfo);
  }

  /** How many objects and writes it has been asked for. */
  get asked(): number {
    return this.#count;
  }

  pushErrorScope(filter: string): void {
    this.pushed++;
    this.scopes.push({ filter, error: null });
  }

  popErrorScope(): Promise<GPUError | null> {
    const scope = this.scopes.pop();
    if (!scope) return Promise.reject(new Error('no scope is open'));
    return Promise.resolve(scope.error);
  }

  createBuffer({ label = '', size, usage }: GPUBufferDescriptor) {
    this.#made('createBuffer');
    this.alive++;
    const buffer: DoubleBuffer = { label, size, usage, destroyed: false };
    return {
      ...buffer,
      getMappedRange: () => new ArrayBuffer(size),
      unmap: () => this.#made('unmap'),
      mapAsync: () => Promise.resolve(),
      destroy: () => {
        if (!buffer.destroyed) this.alive--;
        buffer.destroyed = true;
      },
    };
  }

  createShaderModule({ label = '' }: GPUShaderModuleDescriptor) {
    this.#made('createShaderModule');
    if (this.#isSpoiled(label)) this.#error('this shader is spoiled');
    const messages = this.#isSpoiled(label) ? [{ type: 'error', lineNum: 90, linePos: 7, message: 'unresolved value' }] : [];
    return { getCompilationInfo: () => Promise.resolve({ messages }) };
  }

  createBindGroupLayout() {
    return this.#made('createBindGroupLayout');
  }

  createPipelineLayout() {
    return this.#made('createPipelineLayout');
  }

  createBindGroup() {
    return this.#made('createBindGroup');
  }

  createComputePipeline({ label = '' }: GPUComputePipelineDescriptor) {
    this.pipelines.push(`${label}!`);
    if (this.#isSpoiled(label)) this.#error('its module is invalid');
    return this.#made('createComputePipeline');
  }

  async createComputePipelineAsync({ label = '' }: GPUComputePipelineDescriptor) {
    this.pipelines.push(label);
    this.#made('createComputePipelineAsync');
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (this.#isSpoiled(label)) throw new Error('its module is invalid');
    return {};
  }

  createCommandEncoder() {
    this.#made('createCommandEncoder');
    return {
      beginComputePass: () => this.pass(),
      copyBufferToBuffer: () => this.#made('copyBufferToBuffer'),
      finish: () => this.#made('finish'),
    };
  }

  /** A pass that takes what is recorded. */
  pass(): GPUComputePassEncoder {
    return { setPipeline() {}, setBindGroup() {}, dispatchWorkgroups() {}, end() {} } as unknown as GPUComputePassEncoder;
  }

  destroy(): void {
    this.lose('destroyed');
  }

  #isSpoiled(label: string): boolean {
    return this.spoiled !== null && label.includes(this.spoiled);
  }

  #error(message: string): void {
    const scope = this.scopes.findLast(({ filter }) => filter === 'validation');
    if (!scope) throw new Error(`${message}, and no scope is open`);
    scope.error ??= { message } as GPUError;
  }

  #made(name: string): object {
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
    if (++this.#count === this.failAt) throw new Error(`${name} failed, as it was told to`);
    return {};
  }
}
