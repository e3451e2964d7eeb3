import type { Backend, Tensor, TensorStorage } from '../backend/backend.js';
import { type RowMask, checkNames } from '../core/options.js';
import { describe } from '../core/shape.js';
import type { Storage } from '../core/storage.js';
import type { Exchange, ForwardOptions } from './options.js';
import { keyOf } from './results.js';

/** What a forward takes beside x. */
export interface Also {
  residual: Tensor | null;
  mask: Tensor | null;
  validRows: Tensor | null;
}

/** A forward as its backward needs it. */
export interface Last extends Also {
  x: Tensor;
  training: boolean;
  /** The statistics are of more rows than x has. */
  synchronized: boolean;
  /** y stands where x was. */
  overwritten: boolean;
}

/** What the checks ask of a layer. */
interface Checked {
  readonly backend: Backend;
  readonly storage: Storage;
  readonly residual: boolean;
  readonly mask: RowMask;
  readonly training: boolean;
}

/** Throws unless it is a live tensor of this backend with that storage. */
export function checkTensor(call: string, name: string, tensor: Tensor, backend: Backend, storage: TensorStorage): void {
  if (typeof tensor?.read !== 'function') {
    throw new TypeError(`${call}: "${name}" is ${describe(tensor)}, needs a tensor. Make one by backend.tensor(data, shape).`);
  }
  if (tensor.backend !== backend) {
    throw new TypeError(`${call}: "${name}" is on another backend (${tensor.backend.kind}), needs the layer's (${backend.kind}). Make it there.`);
  }
  if (tensor.disposed) throw new TypeError(`${call}: "${name}" was disposed, needs a live tensor. Dispose it after its last use.`);
  if (tensor.storage !== storage) {
    throw new TypeError(`${call}: "${name}" is ${tensor.storage}, needs ${storage}. Make it by backend.tensor(data, shape, '${storage}').`);
  }
}

/** Throws unless a pass, where one is given, is one that this backend can record into. */
export function checkPass(call: string, pass: GPUComputePassEncoder | undefined, backend: Backend): void {
  if (pass === undefined) return;
  if (backend.kind === 'cpu') throw new TypeError(`${call}: "pass" is given, needs none (the backend is the CPU). Leave it out.`);
  if (typeof pass?.dispatchWorkgroups !== 'function') {
    throw new TypeError(`${call}: "pass" is ${describe(pass)}, needs an open GPUComputePassEncoder. Begin one on a command encoder.`);
  }
}

/** Throws unless a layer can exchange its parts' statistics, and the call says how. */
export function checkSynchronized(call: string, synchronized: boolean, exchange: Exchange, options: object, names: readonly string[]): void {
  checkNames(call, options, names);
  if (!synchronized) throw new Error(`${call}: the layer was created without it, needs synchronized: true. Add it to the options.`);
  if (typeof exchange !== 'function') throw new TypeError(`${call}: "exchange" is ${describe(exchange)}, needs a function that gives a part to the others.`);
  if ('pass' in options) throw new TypeError(`${call}: "pass" is given, needs none (the call awaits its own work). Leave it out.`);
}

/** The tensors that the options have beside x. */
export function checkAlso(call: string, layer: Checked, x: Tensor, rows: number, options: ForwardOptions): Also {
  const wanted = { residual: layer.residual, mask: layer.mask === 'rows', validRows: layer.mask === 'count' };
  for (const name of ['residual', 'mask', 'validRows'] as const) {
    const tensor = options[name];
    if (tensor !== undefined && !wanted[name]) {
      const option = name === 'residual' ? 'residual is false' : `mask is '${layer.mask}'`;
      throw new TypeError(`${call}: "${name}" is given, needs none (the layer's ${option}). Leave it out.`);
    }
    if (!wanted[name]) continue;
    checkTensor(call, name, tensor as Tensor, layer.backend, name === 'residual' ? layer.storage : 'u32');
    if (name === 'residual' && keyOf(tensor!) !== keyOf(x)) {
      throw new RangeError(`${call}: "residual" has shape [${keyOf(tensor!)}], needs [${keyOf(x)}] (that of x). Give that.`);
    }
    const size = name === 'mask' ? rows : 1;
    if (name !== 'residual' && tensor!.size !== size) {
      throw new RangeError(`${call}: "${name}" has ${tensor!.size} elements, needs ${size}${name === 'mask' ? ' (one a row)' : ''}. Give as many.`);
    }
  }
  const { residual = null, mask = null, validRows = null } = options;
  return { residual, mask, validRows };
}

/** Throws unless there was a forward that a backward by `dy` can follow. */
export function checkLast(call: string, last: Last | null, dy: Tensor, synchronized: boolean): asserts last is Last {
  if (!last) throw new Error(`${call}: there was no forward, needs one. Call forward(x) first.`);
  if (synchronized && !last.synchronized) throw new Error(`${call}: the last forward was not synchronized, needs that. Use backward(dy).`);
  if (last.synchronized && !synchronized) {
    throw new Error(`${call}: the last forward was synchronized, needs one that was not. Use backwardSynchronized(dy, exchange).`);
  }
  for (const name of ['x', 'residual', 'mask', 'validRows'] as const) {
    if (last[name]?.disposed) throw new Error(`${call}: the ${name} of the last forward was disposed, needs its values. Dispose it after backward.`);
  }
  if (last.overwritten) throw new Error(`${call}: the x of the last forward was overwritten by its y, needs its values. Give forward another "out".`);
  if (keyOf(dy) !== keyOf(last.x)) {
    throw new RangeError(`${call}: "dy" has shape [${keyOf(dy)}], needs [${keyOf(last.x)}] (that of x in the last forward).`);
  }
}

/**
 * Throws unless the call can write its result: to `out`, or else to `next`, the tensor kept for this shape. Nothing that is read may be
 * what the call would write, but `over`, the names of what `out` may stand over.
 */
export function checkTarget(
  call: string, layer: Checked, result: 'y' | 'dx', like: Tensor, out: Tensor | undefined, next: Tensor | undefined,
  inputs: Record<string, Tensor | null>, over: readonly string[],
): void {
  if (out !== undefined) {
    checkTensor(call, 'out', out, layer.backend, layer.storage);
    if (keyOf(out) !== keyOf(like)) {
      throw new RangeError(`${call}: "out" has shape [${keyOf(out)}], needs [${keyOf(like)}]. Create it with that shape.`);
    }
  }
  const target = out ?? next;
  for (const [name, tensor] of Object.entries(inputs)) {
    if (!tensor || tensor !== target || (out && over.includes(name))) continue;
    if (!out) {
      throw new TypeError(`${call}: "${name}" is this layer's own last result, which this call would overwrite, needs another tensor. Give "out".`);
    }
    const advice = (name === 'x' && result === 'y' && !layer.training) || name === 'dy' ? ' Or create the layer with inPlace: true.' : '';
    throw new TypeError(`${call}: "out" is also "${name}", needs another tensor (WebGPU forbids reading and writing one buffer in a dispatch).${advice}`);
  }
}
