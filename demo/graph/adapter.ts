import { type Backend, BatchNorm, openBackend } from '../../src/index.js';
import { forward } from '../../src/reference/index.js';
import { largestDifference } from './checks.js';
import { type Inputs, closedForm } from './trace.js';

export const OUTPUTS = ['y', 'dx', 'dgamma', 'dbeta'] as const;
export type Output = (typeof OUTPUTS)[number];

/** What the library's layer gives for the same matrix. */
export interface OnAdapter {
  backend: Backend;
  /** Largest |difference| from f64, and the same as a part of the scale of its column. */
  outputs: Record<Output, { difference: number; ofScale: number }>;
}

/** The library's layer, on this browser's adapter or, where there is none, the CPU. */
export class AdapterRun {
  #backend: Promise<Backend> | null = null;

  /** Both sides get the inputs rounded to f32, so that what differs is arithmetic and outputs. */
  async compare(inputs: Inputs): Promise<OnAdapter> {
    const backend = await this.#open();
    const { rows, channels } = inputs;
    const eps = Math.fround(inputs.eps);
    const single =
      { x: Float32Array.from(inputs.x), dy: Float32Array.from(inputs.dy), gamma: Float32Array.from(inputs.gamma), beta: Float32Array.from(inputs.beta) };
    const layer = await BatchNorm.create(backend, { channels, eps, trackRunning: false, shapes: [[rows, channels]] });
    const x = backend.tensor(single.x, [rows, channels]);
    const dy = backend.tensor(single.dy, [rows, channels]);
    try {
      layer.gamma!.write(single.gamma);
      layer.beta!.write(single.beta);
      const y = layer.forward(x);
      const dx = layer.backward(dy);
      const got = { y: await y.read(), dx: await dx.read(), dgamma: await layer.dgamma!.read(), dbeta: await layer.dbeta!.read() };
      return { backend, outputs: compared(got, { ...double(single), rows, channels, eps }) };
    } finally {
      for (const tensor of [x, dy]) tensor.dispose();
      layer.dispose();
    }
  }

  #open(): Promise<Backend> {
    if (this.#backend) return this.#backend;
    const opening = openBackend();
    this.#backend = opening;
    const forget = () => {
      if (this.#backend === opening) this.#backend = null; // the next comparison opens another
    };
    opening.then(({ lost }) => lost.then(forget), forget);
    return opening;
  }
}

function double({ x, dy, gamma, beta }: Record<'x' | 'dy' | 'gamma' | 'beta', Float32Array>) {
  return { x: Float64Array.from(x), dy: Float64Array.from(dy), gamma: Float64Array.from(gamma), beta: Float64Array.from(beta) };
}

/** Scales, a column: y max|y|; dx |gamma|·invStd·max|dy|; dgamma Σ|dy · xHat|; dbeta Σ|dy|. */
function compared(got: Record<Output, Float32Array>, inputs: Inputs): OnAdapter['outputs'] {
  const { rows, channels, x, dy, gamma, eps } = inputs;
  const { y, mean, invStd } = forward(inputs, { rows, channels }, eps);
  const want: Record<Output, Float64Array> = { y, ...closedForm(inputs) };
  const column = (array: ArrayLike<number>, c: number) => Array.from(array).filter((_, i) => i % channels === c);
  const worst = { y: 0, dx: 0, dgamma: 0, dbeta: 0 };
  for (let c = 0; c < channels; c++) {
    const gradients = column(dy, c);
    const scale: Record<Output, number> = {
      y: Math.max(...column(y, c).map(Math.abs)),
      dx: Math.abs(gamma[c]) * invStd[c] * Math.max(...gradients.map(Math.abs)),
      dgamma: column(x, c).reduce((sum, value, row) => sum + Math.abs(gradients[row] * (value - mean[c]) * invStd[c]), 0),
      dbeta: gradients.reduce((sum, value) => sum + Math.abs(value), 0),
    };
    for (const name of OUTPUTS) {
      const difference = largestDifference(column(got[name], c), column(want[name], c));
      worst[name] = Math.max(worst[name], difference === 0 ? 0 : difference / scale[name]);
    }
  }
  const entries = OUTPUTS.map((name) => [name, { difference: largestDifference(got[name], want[name]), ofScale: worst[name] }] as const);
  return Object.fromEntries(entries) as OnAdapter['outputs'];
}
