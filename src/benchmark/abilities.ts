import addReluText from '../../shaders/benchmark/add_relu.wgsl?raw';
import reluText from '../../shaders/benchmark/relu.wgsl?raw';
import { createBatchNorm } from '../kernels/create.js';
import { COPY_DST, COPY_SRC, STORAGE } from '../core/gpuFlags.js';
import { type Storage, packHalf, storageBytes, unpackHalf } from '../core/storage.js';
import type { ActivationName } from '../core/activations.js';
import type { AdapterClass, PlanKind } from '../core/options.js';
import { geometryOf } from '../core/shape.js';
import { inputsOf } from '../verify/cases.js';
import { expected } from '../verify/expected.js';
import { type Got, compareAll } from '../verify/run.js';
import type { Contender } from './measure.js';
import { download, elementwise, inPass, runOnce } from './record.js';
import type { BenchShape } from './shapes.js';

/** What is timed beside the plain f32 operations: half storage, and fused activations and residuals beside the passes they replace. */
const VARIANTS: readonly { storage: Storage; activation: ActivationName; adds: boolean }[] = [
  { storage: 'f16', activation: 'none', adds: false },
  { storage: 'bf16', activation: 'none', adds: false },
  { storage: 'f32', activation: 'relu', adds: false },
  { storage: 'f32', activation: 'relu', adds: true },
  { storage: 'f32', activation: 'silu', adds: false },
  { storage: 'f32', activation: 'gelu', adds: false },
];

/** The rows of the abilities for one shape; each answer is checked before it is timed. `dispose` frees what they need. */
export async function abilityRows(
  device: GPUDevice, shape: BenchShape, adapterClass: AdapterClass, plan: PlanKind | undefined,
): Promise<{ contenders: Contender[]; dispose(): void }> {
  const { layout, channels, rows, elements } = shape;
  const spatial = layout === 'channelsFirst' ? geometryOf('benchmark', layout, channels, shape.shape).spatial : undefined;
  const contenders: Contender[] = [];
  const owned: GPUBuffer[] = [];
  const kernels: { dispose(): void }[] = [];
  for (const { storage, activation, adds } of VARIANTS) {
    const words = `${adds ? ' + add' : ''}${activation === 'none' ? '' : ` + ${activation === 'relu' ? 'ReLU' : activation}`}`;
    const inputs = inputsOf({ name: '', rows, channels, spatial, storage, activation, residual: adds }, 1);
    const bn = await createBatchNorm(device, {
      channels, layout, storage, activation, residual: adds, adapterClass, plan, modes: ['train', 'infer'], shapes: [{ ...shape.shape, running: false }],
    });
    kernels.push(bn);
    const make = (size: number) => {
      const buffer = device.createBuffer({ label: 'batchnorm/benchmark', size, usage: STORAGE | COPY_SRC | COPY_DST });
      owned.push(buffer);
      return buffer;
    };
    const vector = (values: Float32Array) => {
      const buffer = make(values.byteLength);
      device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
      return buffer;
    };
    const bytes = storageBytes(elements, storage);
    const matrix = (values: Float32Array) => {
      if (storage === 'f32') return vector(values);
      const buffer = make(bytes);
      device.queue.writeBuffer(buffer, 0, packHalf(values, storage).buffer as ArrayBuffer);
      return buffer;
    };
    const [x, dy, y, dx] = [matrix(inputs.x), matrix(inputs.dy), make(bytes), make(bytes)];
    const residual = inputs.residual ? { residual: matrix(inputs.residual) } : {};
    const dresidual = adds ? { dresidual: make(bytes) } : {};
    const [gamma, beta, runningMean, runningVar] = [inputs.gamma!, inputs.beta!, inputs.frozenMean, inputs.frozenVar].map(vector);
    const [dgamma, dbeta, saved] = [make(4 * channels), make(4 * channels), bn.createSaved()];
    owned.push(saved);
    const before = activation === 'none' ? { gamma } : { gamma, beta, ...residual };
    const forward = (pass: GPUComputePassEncoder) => bn.forward(pass, { x, ...residual, gamma, beta, y, saved }, shape.shape);
    const backward = (pass: GPUComputePassEncoder) => bn.backward(pass, { x, dy, ...before, saved, dx, ...dresidual, dgamma, dbeta }, shape.shape);
    const infer = (pass: GPUComputePassEncoder) => bn.infer(pass, { x, ...residual, gamma, beta, runningMean, runningVar, y }, shape.shape);
    const read = async (buffer: GPUBuffer) => {
      const values = await download(device, buffer);
      return storage === 'f32' ? values : unpackHalf(new Uint16Array(values.buffer, 0, elements), storage);
    };
    const want = expected(inputs);
    const check = (record: (pass: GPUComputePassEncoder) => void, outputs: () => Promise<Got>) => async () => {
      runOnce(device, record);
      const wrong = compareAll(inputs, { ...want, ...(await outputs()) }, want, false).find(({ beyond }) => beyond > 0);
      if (wrong) throw new Error(
        `benchmark: ${wrong.output} of ${storage}${words} is ${wrong.ratio.toPrecision(3)} × its bound. Nothing wrong is timed.`,
      );
    };
    const added = Number(adds) * bytes;
    const label = `${storage === 'f32' ? '' : `, ${storage}`}${words}`;
    contenders.push(
      inPass(`forward${label}`, 3 * bytes + added, null, forward, check(forward, async () => ({ y: await read(y) }))),
      inPass(`backward${label}`, 5 * bytes + 3 * added, null, backward, check(
        (pass) => {
          forward(pass);
          backward(pass);
        },
        async () => ({ dx: await read(dx), dgamma: await download(device, dgamma), dbeta: await download(device, dbeta) }),
      )),
      inPass(`inference${label}`, 2 * bytes + added, 1, infer, check(infer, async () => ({ inferY: await read(y) }))),
    );
    if (elements % 4 === 0 && activation === 'relu' && !adds) contenders.push(await elementwise(device, 'ReLU pass', reluText, [x], y, 2 * bytes, elements));
    if (elements % 4 === 0 && activation === 'relu' && adds) {
      contenders.push(await elementwise(device, 'add + ReLU pass', addReluText, [x, residual.residual!], y, 3 * bytes, elements));
    }
  }
  return {
    contenders,
    dispose: () => {
      for (const each of kernels) each.dispose();
      for (const buffer of owned) buffer.destroy();
    },
  };
}
