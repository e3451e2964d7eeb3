import type { Array as Tensor } from '@jax-js/jax';
import type { Expected, Inputs } from '../../verify/expected.js';
import type { BenchShape } from '../shapes.js';
import { type Peer, type PeerContender, checkLoosely } from './peer.js';

type Backend = 'webgpu' | 'wasm';

/**
 * Batch normalization as a user of jax-js composes it: the formula, jitted; its gradient by `vjp`.
 *
 * Both ways to the variance, since jax-js fuses E[x²] − E[x]² into one pass over x, which is faster and wrong at large
 * means. `backward` pulls dy back through what the forward saved: jitted as a whole it starts from x and is slower (1.2 × at
 * [4096, 256]). All three gradients are computed.
 */
export async function jaxJsContenders(shape: BenchShape, inputs: Inputs, want: Expected, backend: Backend): Promise<Peer> {
  const { blockUntilReady, getWebGPUDevice, init, jit, numpy: np, vjp } = await import('@jax-js/jax');
  if (!(await init(backend)).includes(backend)) throw new Error(`jax-js has no ${backend} backend here.`);
  const { rows, channels, spatial, eps } = inputs;
  // [batch, channels, spatial] is every layout's: channels-last has spatial 1 and would only carry the axis along.
  const last = shape.layout === 'channelsLast';
  const dims = last ? [rows, channels] : [rows / spatial, channels, spatial];
  const axes = last ? [0] : [0, 2];
  const along = last ? [1, channels] : [1, channels, 1];
  const upload = (values: Float32Array, size: number[]) => np.array(values as Float32Array<ArrayBuffer>, { shape: size, device: backend });
  const [x, dy] = [upload(inputs.x, dims), upload(inputs.dy, dims)];
  const [gamma, beta] = [upload(inputs.gamma!, along), upload(inputs.beta!, along)];
  await blockUntilReady([x, dy, gamma, beta]);

  // jax-js is lazy: only asking for an output submits its work. Its wasm is done when that returns.
  const start = backend === 'webgpu'
    ? (outputs: Tensor[]) => Promise.all(outputs.map((output) => output.gpuBuffer())) // gives the output up
    : async (outputs: Tensor[]) => {
        await blockUntilReady(outputs);
        for (const output of outputs) output.dispose();
      };
  const finish = backend === 'webgpu' ? () => getWebGPUDevice().queue.onSubmittedWorkDone() : () => Promise.resolve();

  const mean = (values: Tensor) => np.mean(values, axes, { keepdims: true });
  const scaled = (centred: Tensor, variance: Tensor, scale: Tensor, shift: Tensor) =>
    centred.div(np.sqrt(variance.add(eps))).mul(scale).add(shift);
  const forms = {
    'two passes': (x: Tensor, gamma: Tensor, beta: Tensor) => {
      const centred = x.ref.sub(mean(x));
      return scaled(centred.ref, mean(np.square(centred)), gamma, beta);
    },
    'E[x²]−E[x]²': (x: Tensor, gamma: Tensor, beta: Tensor) => {
      const mu = mean(x.ref);
      const variance = mean(np.square(x.ref)).sub(np.square(mu.ref));
      return scaled(x.sub(mu), variance, gamma, beta);
    },
  };

  const contenders: PeerContender[] = [];
  const disposals: (() => void)[] = [() => [x, dy, gamma, beta].forEach((tensor) => tensor.dispose())];
  for (const [form, formula] of Object.entries(forms)) {
    const forward = jit(formula);
    const [y, pull] = vjp(forward, [x.ref, gamma.ref, beta.ref]);
    await blockUntilReady(y);
    y.dispose();
    disposals.push(() => {
      pull.dispose();
      forward.dispose();
    });
    const row = (name: string, outputs: () => Tensor[], output: string, expected: Float64Array): PeerContender => {
      const batch = async (runs: number) => {
        for (let i = 0; i < runs; i++) await start(outputs());
        await finish();
      };
      return {
        name: `jax-js ${backend}: ${name}, ${form}`, kind: 'async', bytes: null, dispatches: null, batch,
        run: () => batch(1),
        async check() {
          const [first, ...rest] = outputs();
          for (const tensor of rest) tensor.dispose();
          checkLoosely(output, await first.data(), expected);
        },
      };
    };
    contenders.push(
      row('forward', () => [forward(x.ref, gamma.ref, beta.ref)], 'y', want.y),
      row('backward', () => pull(dy.ref) as Tensor[], 'dx', want.dx),
    );
  }
  return { contenders, dispose: () => disposals.forEach((dispose) => dispose()) };
}
