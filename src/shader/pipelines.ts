import { COMPUTE } from '../core/gpuFlags.js';
import { inScopes } from '../core/scope.js';
import { type Variant, bindingsOf, variantKey } from './kernels.js';
import { type Linked, originOf } from './link.js';
import { variantText } from './text.js';

/** A variant on a device. */
export interface Compiled {
  readonly label: string;
  readonly bindings: GPUBindGroupLayout;
  readonly pipeline: GPUComputePipeline;
  /** Resolves to what is wrong with a pipeline that was made at once; null where it is known to be good. */
  readonly verdict: Promise<Error | null> | null;
}

/** What of a variant is made, under way or wrong. */
interface Entry {
  label: string;
  descriptor: GPUComputePipelineDescriptor;
  bindings: GPUBindGroupLayout;
  /** What the module's text or the layout has wrong. */
  invalid: Promise<Error | null>;
  pipeline: GPUComputePipeline | null;
  verdict: Promise<Error | null> | null;
  /** A compile ahead of its first call. */
  ahead: Promise<void> | null;
  failure: Error | null;
}

const entries = new WeakMap<GPUDevice, Map<string, Entry>>();

/**
 * Compiles a variant ahead of its first call, once per device, whoever asks, while others are compiled and JavaScript runs on.
 *
 * @throws {Error} the file and line of what did not compile.
 */
export async function compileAhead(device: GPUDevice, variant: Variant): Promise<void> {
  const entry = entryOf(device, variant);
  if (!entry.pipeline && !entry.failure) await (entry.ahead ??= compile(device, entry));
  await entry.verdict;
  if (entry.failure) throw entry.failure;
}

/**
 * The pipeline of a variant, made now where it was not before: the device waits, and tells of what is wrong only later.
 *
 * @throws {Error} the variant is known not to compile.
 */
export function compileNow(device: GPUDevice, variant: Variant): Compiled {
  const entry = entryOf(device, variant);
  if (entry.failure) throw entry.failure;
  if (!entry.pipeline) {
    const { value, error } = inScopes(device, ['internal', 'validation'], () => device.createComputePipeline(entry.descriptor));
    entry.pipeline = value;
    entry.verdict = error.then(async (found) => {
      const failure = (await entry.invalid) ?? (found && failureOf(entry.label, found.message));
      if (failure) fail(entry, failure);
      entry.verdict = null;
      return failure;
    });
  }
  return entry as Compiled;
}

/** Rejects, with the file and line, unless the device's compiler takes the variant's text; makes no pipeline. */
export async function checkText(device: GPUDevice, variant: Variant): Promise<void> {
  const label = labelOf(variant);
  const linked = variantText(variant);
  const { value: module, error } = inScopes(device, ['validation'], () => device.createShaderModule({ label, code: linked.code }));
  const failure = await moduleFailure(module, linked, label, error);
  if (failure) throw failure;
}

const labelOf = (variant: Variant): string => `batchnorm/${variantKey(variant)}`;

function entryOf(device: GPUDevice, variant: Variant): Entry {
  const key = variantKey(variant);
  let known = entries.get(device);
  if (!known) entries.set(device, (known = new Map()));
  let entry = known.get(key);
  if (!entry) known.set(key, (entry = begin(device, variant)));
  return entry;
}

/** Module and layouts: what the device makes without compiling. */
function begin(device: GPUDevice, variant: Variant): Entry {
  const label = labelOf(variant);
  const linked = variantText(variant);
  const { value, error } = inScopes(device, ['validation'], () => {
    const module = device.createShaderModule({ label, code: linked.code });
    const bindings = device.createBindGroupLayout({
      label: `${label} bindings`,
      entries: [
        { binding: 0, visibility: COMPUTE, buffer: { type: 'uniform' } },
        ...bindingsOf(variant).map(({ access }, i): GPUBindGroupLayoutEntry => ({
          binding: i + 1,
          visibility: COMPUTE,
          buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
        })),
      ],
    });
    const layout = device.createPipelineLayout({ label: `${label} layout`, bindGroupLayouts: [bindings] });
    return { module, bindings, layout };
  });
  const { module, bindings, layout } = value;
  return {
    label, bindings,
    descriptor: { label, layout, compute: { module, entryPoint: 'main' } },
    invalid: moduleFailure(module, linked, label, error),
    pipeline: null, verdict: null, ahead: null, failure: null,
  };
}

async function compile(device: GPUDevice, entry: Entry): Promise<void> {
  try {
    const pipeline = await device.createComputePipelineAsync(entry.descriptor);
    entry.pipeline ??= pipeline; // a call that could not wait may have made one
  } catch (cause) {
    fail(entry, (await entry.invalid) ?? failureOf(entry.label, cause instanceof Error ? cause.message : String(cause), cause));
  } finally {
    entry.ahead = null;
  }
}

/** From now on whoever asks for it is told. */
function fail(entry: Entry, failure: Error): void {
  entry.failure = failure;
  entry.pipeline = null;
}

const failureOf = (label: string, why: string, cause?: unknown): Error => new Error(`${label} did not compile: ${why}`, { cause });

/** What a scope around a module's creation caught, in the words of the module's own messages where it has some. */
async function moduleFailure(module: GPUShaderModule, linked: Linked, label: string, caught: Promise<GPUError | null>): Promise<Error | null> {
  const found = await caught;
  if (!found) return null;
  const messages = await module.getCompilationInfo().then((info) => info.messages, () => []); // a lost device has none
  const error = messages.find((message) => message.type === 'error');
  if (!error) return failureOf(label, found.message);
  if (error.lineNum === 0) return failureOf(label, error.message);
  return failureOf(label, `${originOf(linked, error.lineNum)}:${error.linePos} ${error.message}`);
}
