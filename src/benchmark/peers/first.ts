import { inputsOf } from '../../verify/cases.js';
import { type Inputs, expected } from '../../verify/expected.js';
import { SHAPES } from '../shapes.js';
import { checkLoosely } from './peer.js';

/** Milliseconds from nothing to the first y, and on to the first dx, both read back. */
export interface Arrival {
  toY: number;
  toDx: number;
}

/** A library comes from nothing to its first y and dx: it is loaded, gets a device, uploads, compiles, runs and reads back. */
export type Traveller = (inputs: Inputs) => Promise<Arrival & { check(): Promise<void> }>;

export function inputsFor(shape: string): Inputs {
  const { rows, channels } = SHAPES.find(({ name }) => name === shape)!;
  return inputsOf({ name: '', rows, channels }, 1);
}

/** By name, ours first; the last does nothing but what every one has to: a device, the tensors up, one down. */
export const travellers: Readonly<Record<string, Traveller>> = {
  'this library': ours,
  'jax-js: two passes, jit and vjp': jaxJs,
  'a device alone': device,
};

function arrived(inputs: Inputs, arrival: Arrival, y: Float32Array, dx: Float32Array) {
  return {
    ...arrival,
    async check() {
      const want = expected(inputs);
      checkLoosely('y', y, want.y);
      checkLoosely('dx', dx, want.dx);
    },
  };
}

async function ours(inputs: Inputs) {
  const start = performance.now();
  const { BatchNorm, openBackend } = await import('../../index.js');
  const { rows, channels } = inputs;
  const backend = await openBackend({ fallback: 'throw' });
  const layer = await BatchNorm.create(backend, { channels, trackRunning: false, shapes: [[rows, channels]] });
  layer.gamma!.write(inputs.gamma!);
  layer.beta!.write(inputs.beta!);
  const y = await layer.forward(backend.tensor(inputs.x, [rows, channels])).read();
  const toY = performance.now() - start;
  const dx = await layer.backward(backend.tensor(inputs.dy, [rows, channels])).read();
  return arrived(inputs, { toY, toDx: performance.now() - start }, y, dx);
}

async function jaxJs(inputs: Inputs) {
  const start = performance.now();
  const { init, jit, numpy: np, vjp } = await import('@jax-js/jax');
  if (!(await init('webgpu')).includes('webgpu')) throw new Error('jax-js has no webgpu backend here.');
  type Tensor = ReturnType<typeof np.array>;
  const { rows, channels, eps } = inputs;
  const upload = (values: Float32Array, shape: number[]) => np.array(values as Float32Array<ArrayBuffer>, { shape, device: 'webgpu' });
  const mean = (values: Tensor) => np.mean(values, [0], { keepdims: true });
  const forward = jit((x: Tensor, gamma: Tensor, beta: Tensor) => {
    const centred = x.ref.sub(mean(x));
    return centred.ref.div(np.sqrt(mean(np.square(centred)).add(eps))).mul(gamma).add(beta);
  });
  const [y, pull] = vjp(forward, [upload(inputs.x, [rows, channels]), upload(inputs.gamma!, [1, channels]), upload(inputs.beta!, [1, channels])]);
  const firstY = (await y.data()) as Float32Array;
  const toY = performance.now() - start;
  const [dx, dgamma, dbeta] = pull(upload(inputs.dy, [rows, channels])) as Tensor[];
  const firstDx = (await dx.data()) as Float32Array;
  await dgamma.data();
  await dbeta.data();
  return arrived(inputs, { toY, toDx: performance.now() - start }, firstY, firstDx);
}

async function device(inputs: Inputs) {
  const start = performance.now();
  const { openBackend } = await import('../../index.js');
  const backend = await openBackend({ fallback: 'throw' });
  const upload = (values: Float32Array) => backend.tensor(values, [inputs.rows, inputs.channels]);
  await upload(inputs.x).read();
  const toY = performance.now() - start;
  await upload(inputs.dy).read();
  return { toY, toDx: performance.now() - start, check: async () => {} };
}
