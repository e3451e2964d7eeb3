import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { Expected, Inputs } from '../../verify/expected.js';
import type { BenchShape } from '../shapes.js';
import { type Peer, type PeerContender, checkLoosely } from './peer.js';

type Backend = 'webgpu' | 'cpu';

/**
 * Batch normalization as a user of TensorFlow.js composes it: `tf.moments`, then `tf.batchNorm`; its gradient by
 * `tf.grads`. That runs the forward too and cannot be had without it, so the row is a `step`, forward and backward.
 *
 * `tf.batchNorm` normalizes the last axis, so channels-first has the formula in its place.
 */
export async function tfjsContenders(shape: BenchShape, inputs: Inputs, want: Expected, backend: Backend): Promise<Peer> {
  const tf = await import('@tensorflow/tfjs-core');
  await import('@tensorflow/tfjs-core/dist/register_all_gradients');
  const finish = backend === 'webgpu' ? await openWebGpu() : () => Promise.resolve();
  if (backend === 'cpu') await import('@tensorflow/tfjs-backend-cpu');
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs has no ${backend} backend here.`);

  const { rows, channels, spatial, eps } = inputs;
  const last = shape.layout === 'channelsLast';
  const dims = last ? [rows, channels] : [rows / spatial, channels, spatial];
  const along = last ? [channels] : [1, channels, 1];
  const [x, dy] = [tf.tensor(inputs.x, dims), tf.tensor(inputs.dy, dims)];
  const [gamma, beta] = [tf.tensor(inputs.gamma!, along), tf.tensor(inputs.beta!, along)];
  if (backend === 'webgpu') {
    const { uploadToGPU } = tf.backend() as unknown as { uploadToGPU: (dataId: object) => void };
    for (const { dataId } of [x, dy, gamma, beta]) uploadToGPU.call(tf.backend(), dataId);
  }
  const formula = last
    ? (x: Tensor, gamma: Tensor, beta: Tensor) => {
        const { mean, variance } = tf.moments(x, 0);
        return tf.batchNorm(x, mean as Tensor1D, variance as Tensor1D, beta as Tensor1D, gamma as Tensor1D, eps);
      }
    : (x: Tensor, gamma: Tensor, beta: Tensor) => {
        const { mean, variance } = tf.moments(x, [0, 2], true);
        return tf.add(tf.mul(tf.sub(x, mean), tf.mul(tf.rsqrt(tf.add(variance, eps)), gamma)), beta);
      };
  const step = tf.grads(formula);

  const row = (name: string, outputs: () => Tensor[], output: string, expected: Float64Array): PeerContender => {
    const batch = async (runs: number) => {
      await tf.setBackend(backend); // the other tfjs backend may have run since
      for (let i = 0; i < runs; i++) tf.dispose(outputs()); // their buffers are reused only after the work that is recorded
      await finish();
    };
    return {
      name: `tfjs ${backend}: ${name}`, kind: 'async', bytes: null, dispatches: null, batch,
      run: () => batch(1),
      async check() {
        await tf.setBackend(backend);
        const made = outputs();
        const got = await made[0].data();
        tf.dispose(made);
        checkLoosely(output, got, expected);
      },
    };
  };
  return {
    contenders: [
      row('forward', () => [tf.tidy(() => formula(x, gamma, beta))], 'y', want.y),
      row('step', () => step([x, gamma, beta], dy), 'dx', want.dx),
    ],
    dispose: () => tf.dispose([x, dy, gamma, beta]),
  };
}

/** Opens the backend; resolves to what submits its pending work and waits for all of it. */
async function openWebGpu(): Promise<() => Promise<void>> {
  const tf = await import('@tensorflow/tfjs-core');
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs has no webgpu backend here.');
  const opened = tf.backend();
  if (!(opened instanceof WebGPUBackend)) throw new Error('tfjs opened another backend than webgpu.');
  const inside = opened as unknown as { commandEncoder: GPUCommandEncoder | null };
  return async () => {
    opened.endComputePassEncoder();
    if (inside.commandEncoder) opened.submitQueue(); // throws when nothing pends
    await opened.device.queue.onSubmittedWorkDone();
  };
}
