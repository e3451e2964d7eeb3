import type { Backend, Tensor, TensorStorage } from '../backend/backend.js';
import { BatchNorm } from '../layer/batchNorm.js';
import { type Activation, resolveActivation } from '../core/activations.js';
import { type RowMask, hasResidualGradient } from '../core/options.js';
import type { Floats } from '../reference/types.js';
import { type Comparison, compare } from './compare.js';
import { type Expected, type Inputs, MATRIX_OUTPUTS, OUTPUTS, type Output, boundsOf, runOf } from './expected.js';

/** What a backend made of a case; an output the case does not have is left out. */
export type Got = Partial<Record<Output, Floats>>;

/** What follows gamma · xHat + beta in a case, as options. */
export function epilogueOf({ activation = 'none', residual }: Inputs): { activation: Activation; residual: boolean } {
  return { activation, residual: Boolean(residual) };
}

/** How a case says which rows count. */
export function maskOf({ mask, validRows }: Inputs): RowMask {
  return mask ? 'rows' : typeof validRows === 'number' ? 'count' : 'none';
}

/** Whether a backward of a case writes the residual's gradient. */
export const writesDresidual = (inputs: Inputs): boolean => {
  const { activation, residual } = epilogueOf(inputs);
  return hasResidualGradient({ activation: resolveActivation('', activation), residual, mask: maskOf(inputs) });
};

/** Training forward and backward, then inference and the frozen backward, of one case on a backend. */
export async function runCase(backend: Backend, inputs: Inputs): Promise<Got> {
  const { layout, rows, channels, spatial, eps, momentum, runningVariance, gamma, beta, storage = 'f32', inPlace = false } = inputs;
  const shape = layout === 'channelsLast' ? [rows, channels] : [rows / spatial, channels, spatial];
  const layer = await BatchNorm.create(backend, {
    shapes: [shape], layout, channels, eps, momentum, runningVariance, gamma: gamma !== null, beta: beta !== null, storage, inPlace,
    ...epilogueOf(inputs), mask: maskOf(inputs),
  });
  const learned = { ...(gamma ? { gamma } : {}), ...(beta ? { beta } : {}) };
  const owned: Tensor[] = [];
  const upload = (values: Float32Array, dims: readonly number[] = shape, as: TensorStorage = storage): Tensor => {
    const tensor = backend.tensor(values, dims, as);
    owned.push(tensor);
    return tensor;
  };
  const [x, dy] = [upload(inputs.x), upload(inputs.dy)];
  const also = {
    ...(inputs.residual ? { residual: upload(inputs.residual) } : {}),
    ...(inputs.mask ? { mask: upload(Float32Array.from(inputs.mask), [rows], 'u32') } : {}),
    ...(typeof inputs.validRows === 'number' ? { validRows: upload(Float32Array.of(inputs.validRows), [1], 'u32') } : {}),
  };
  // In place, dx goes over a dy of its own, since dy is needed again.
  const backward = () => {
    if (!inPlace) return layer.backward(dy);
    const over = upload(inputs.dy);
    return layer.backward(over, { out: over });
  };
  const { batches = 0 } = inputs;
  try {
    layer.load({ ...learned, runningMean: inputs.runningMean, runningVar: inputs.runningVar, batches });
    const got: Got = { y: await layer.forward(x, also).read(), dx: await backward().read() };
    got.dresidual = await layer.dresidual?.read();
    const { mean, meanLow, variance, invStd } = await layer.statistics();
    got.mean = Float64Array.from(mean, (high, c) => high + meanLow[c]);
    got.variance = variance;
    got.invStd = invStd;
    got.runningMean = await layer.runningMean!.read();
    got.runningVar = await layer.runningVar!.read();
    got.dgamma = await layer.dgamma?.read();
    got.dbeta = await layer.dbeta?.read();

    layer.load({ ...learned, runningMean: inputs.frozenMean, runningVar: inputs.frozenVar, batches: 0 });
    layer.eval();
    got.inferY = await layer.forward(x, also).read();
    got.frozenDx = await backward().read();
    got.frozenDresidual = await layer.dresidual?.read();
    got.frozenDgamma = await layer.dgamma?.read();
    got.frozenDbeta = await layer.dbeta?.read();
    if (inPlace) {
      const over = upload(inputs.x);
      const same = await layer.forward(over, { ...also, out: over }).read();
      got.inferY = got.inferY.map((value, i) => (Object.is(value, same[i]) ? value : NaN)); // to the bit, or it is wrong
    }
    return got;
  } finally {
    layer.dispose();
    for (const tensor of owned) tensor.dispose();
  }
}

/** Every output the case has, against its bound. */
export function compareAll(inputs: Inputs, got: Got, want: Expected, plain: boolean, skip: readonly number[] = []): Comparison[] {
  const bounds = boundsOf(inputs, want, plain);
  return OUTPUTS.flatMap((output) => {
    if (!inputs.gamma && /dgamma/i.test(output)) return [];
    if (!inputs.beta && /dbeta/i.test(output)) return [];
    if (!writesDresidual(inputs) && /dresidual/i.test(output)) return []; // it is dy
    const values = got[output];
    if (!values) throw new Error(`"${output}" is missing, needs to be computed`);
    const matrix = (MATRIX_OUTPUTS as readonly string[]).includes(output);
    return [compare(output, values, want[output], bounds[output], skip, matrix ? runOf(inputs) : 1, matrix ? inputs.storage : 'f32')];
  });
}
