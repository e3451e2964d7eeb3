// What every module here needs of jax-js. Its functions consume the arrays they are given: `.ref` keeps one.
import { type Array as Tensor, blockUntilReady, numpy as np } from '@jax-js/jax';

export type { Tensor };

/** Where jax-js computes. */
export type Place = 'webgpu' | 'wasm';

export function upload(values: Float32Array | Int32Array, shape: number[], place: Place): Tensor {
  return np.array(values as Float32Array<ArrayBuffer>, { shape, device: place });
}

/** The values; the array stays. */
export async function download(tensor: Tensor): Promise<Float32Array> {
  return (await tensor.ref.data()) as Float32Array;
}

/**
 * jax-js computes what is asked for and not before: this has it submit all that these arrays wait for, so that a buffer may
 * be written anew that their making reads.
 */
export async function submit(tensors: Tensor[], place: Place): Promise<void> {
  const kept = tensors.map((tensor) => tensor.ref);
  if (place === 'webgpu') await Promise.all(kept.map((tensor) => tensor.gpuBuffer())); // gives the reference up
  else {
    await blockUntilReady(kept);
    dispose(kept);
  }
}

export function dispose(tensors: Iterable<Tensor>): void {
  for (const tensor of tensors) tensor.dispose();
}
