import { DEFAULTS } from '../core/options.js';
import type { Expected, Inputs } from './expected.js';
import pytorch from './figures/pytorch.json';

/** One case computed by PyTorch in f64; how, says figures/pytorch.py. */
export interface Figure {
  name: string;
  inputs: Inputs;
  want: Expected;
  /** Three batches in a row and the running statistics after them, in some. */
  batches: Float32Array[];
  runningMean3: number[];
  runningVar3: number[];
}

export const FIGURES_MADE_BY: string = pytorch.madeBy;

export const FIGURES: readonly Figure[] = pytorch.cases.map((given) => {
  const f32 = (values: readonly number[]) => Float32Array.from(values);
  const maybe = (values: readonly number[] | null) => (values ? f32(values) : null);
  // Without gamma or beta PyTorch gives no gradient for it, and none is compared.
  const gradient = (values: readonly number[] | null) => Float64Array.from(values ?? new Array<number>(given.channels).fill(NaN));
  const { rows, channels, eps, momentum } = given;
  return {
    name: given.name,
    inputs: {
      ...DEFAULTS, layout: 'channelsLast', rows, channels, spatial: 1, eps, momentum, x: f32(given.x), dy: f32(given.dy), gamma: maybe(given.gamma),
        beta: maybe(given.beta),
      runningMean: f32(given.runningMean0), runningVar: f32(given.runningVar0),
      frozenMean: f32(given.runningMean0), frozenVar: f32(given.runningVar0),
    },
    want: {
      y: Float64Array.from(given.y), dx: Float64Array.from(given.dx),
      inferY: Float64Array.from(given.inferY), frozenDx: Float64Array.from(given.frozenDx),
      mean: Float64Array.from(given.mean), variance: Float64Array.from(given.variance), invStd: Float64Array.from(given.invStd),
      runningMean: Float64Array.from(given.runningMean), runningVar: Float64Array.from(given.runningVar),
      dgamma: gradient(given.dgamma), dbeta: gradient(given.dbeta),
      frozenDgamma: gradient(given.frozenDgamma), frozenDbeta: gradient(given.frozenDbeta),
      dresidual: Float64Array.from(given.dy), frozenDresidual: Float64Array.from(given.dy), // neither residual nor activation
    },
    batches: (given.batches ?? []).map(f32),
    runningMean3: given.runningMean3 ?? [],
    runningVar3: given.runningVar3 ?? [],
  };
});
