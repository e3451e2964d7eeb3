import type { Backend } from '../backend/backend.js';
import { BatchNorm } from '../layer/batchNorm.js';
import type { Floats } from '../reference/types.js';
import { type Comparison, compare } from './compare.js';
import { type Expected, type Inputs, MATRIX_OUTPUTS, OUTPUTS, type Output, boundsOf, runOf } from './expected.js';

/** What a backend made of a case; an output the case does not have is left out. */
export type Got = Partial<Record<Output, Floats>>;

/** Training forward and backward, then inference and the frozen backward, of one case on a backend. */
export async function runCase(backend: Backend, inputs: Inputs): Promise<Got> {
  const { layout, rows, channels, spatial, eps, momentum, runningVariance, gamma, beta } = inputs;
  const layer = await BatchNorm.create(backend, {
    layout, channels, eps, momentum, runningVariance, gamma: gamma !== null, beta: beta !== null,
  });
  const learned = { ...(gamma ? { gamma } : {}), ...(beta ? { beta } : {}) };
  const shape = layout === 'channelsLast' ? [rows, channels] : [rows / spatial, channels, spatial];
  const x = backend.tensor(inputs.x, shape);
  const dy = backend.tensor(inputs.dy, shape);
  try {
    layer.load({ ...learned, runningMean: inputs.runningMean, runningVar: inputs.runningVar, batches: 0 });
    const got: Got = { y: await layer.forward(x).read(), dx: await layer.backward(dy).read() };
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
    got.inferY = await layer.forward(x).read();
    got.frozenDx = await layer.backward(dy).read();
    got.frozenDgamma = await layer.dgamma?.read();
    got.frozenDbeta = await layer.dbeta?.read();
    return got;
  } finally {
    layer.dispose();
    x.dispose();
    dy.dispose();
  }
}

/** Every output the case has, against its bound. */
export function compareAll(inputs: Inputs, got: Got, want: Expected, plain: boolean, skip: readonly number[] = []): Comparison[] {
  const bounds = boundsOf(inputs, want, plain);
  return OUTPUTS.flatMap((output) => {
    if (!inputs.gamma && /dgamma/i.test(output)) return [];
    if (!inputs.beta && /dbeta/i.test(output)) return [];
    const values = got[output];
    if (!values) throw new Error(`"${output}" is missing, needs to be computed`);
    const run = (MATRIX_OUTPUTS as readonly string[]).includes(output) ? runOf(inputs) : 1;
    return [compare(output, values, want[output], bounds[output], skip, run)];
  });
}
