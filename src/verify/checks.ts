import type { Tensor } from '../backend/backend.js';
import { random } from '../data/random.js';
import { checkText } from '../shader/pipelines.js';
import { allVariants } from './variants.js';
import { classOf } from '../plan/plan.js';
import { BatchNorm } from '../layer/batchNorm.js';
import type { Exchange } from '../layer/options.js';
import { backward } from '../reference/backward.js';
import { forward } from '../reference/forward.js';
import { gradientCheck } from '../reference/gradientCheck.js';
import { moments } from '../reference/moments.js';
import { populationStatistics } from '../reference/population.js';
import { backwardStaged } from '../reference/staged.js';
import type { Floats } from '../reference/types.js';
import { BROKEN } from './broken.js';
import type { Check } from './check.js';
import { inputsOf } from './cases.js';
import type { Comparison } from './compare.js';
import { OUTPUTS, expected } from './expected.js';
import { type Got, compareAll, runCase } from './run.js';

export const CHECKS: readonly Check[] = [
  {
    name: 'the compiler takes every shader variant',
    gpu: true,
    async run({ device }) {
      const variants = allVariants(classOf(device!.adapterInfo), device!.limits);
      for (const variant of variants) await checkText(device!, variant);
      return `${variants.length} variants`;
    },
  },
  {
    name: 'the same input gives the same bits',
    async run(backend, seed) {
      const inputs = inputsOf({ name: '', rows: 1021, channels: 67 }, seed);
      const first = await runCase(backend, inputs);
      const second = await runCase(backend, inputs);
      return sameBits(first, second, inputs.channels, []);
    },
  },
  {
    name: 'one row alone is inferred to the same bits as in its batch',
    async run(backend, seed) {
      let compared = 0;
      for (const channels of [3, 64, 67]) {
        const inputs = inputsOf({ name: '', rows: 257, channels }, seed);
        const layer = await BatchNorm.create(backend, { channels });
        const { gamma, beta, frozenMean, frozenVar } = inputs;
        layer.load({ gamma: gamma!, beta: beta!, runningMean: frozenMean, runningVar: frozenVar, batches: 0 });
        layer.eval();
        const batch = await layer.forward(backend.tensor(inputs.x, [257, channels])).read();
        for (const row of [0, 100, 256]) {
          const range = [row * channels, (row + 1) * channels] as const;
          const alone = await layer.forward(backend.tensor(inputs.x.subarray(...range), [1, channels])).read();
          compared += sameArrays(`y of row ${row}, ${channels} channels`, alone, batch.subarray(...range), channels, []);
        }
        layer.dispose();
      }
      return `${compared} values`;
    },
  },
  {
    name: 'NaN or infinity in one column changes no bit of the others',
    async run(backend, seed, plain) {
      let seen = '';
      for (const channels of [5, 8]) {
        const inputs = inputsOf({ name: '', rows: 300, channels }, seed);
        const clean = await runCase(backend, inputs);
        for (const poison of [NaN, Infinity, -Infinity]) {
          const x = inputs.x.slice();
          x[17 * channels + 2] = poison;
          const got = await runCase(backend, { ...inputs, x });
          seen = sameBits(clean, got, channels, [2]);
        }
        const failed = compareAll(inputs, clean, expected(inputs), plain).find(({ beyond }) => beyond > 0);
        if (failed) throw new Error(`without it ${failed.output} is beyond its bound`);
      }
      return seen;
    },
  },
  {
    name: 'a constant column gives beta to the bit, and with eps 0 a dx of 0',
    async run(backend, seed) {
      let compared = 0;
      for (const value of [3.7, -1e6, 1e-3, 16777217, 1e30]) {
        for (const [rows, channels] of [[2, 3], [1000, 5], [4099, 8]]) {
          const inputs = inputsOf({ name: '', rows, channels, numbers: { eps: 0 } }, seed);
          inputs.x.fill(value);
          const got = await runCase(backend, inputs);
          const beta = Float32Array.from(inputs.x, (_, i) => inputs.beta![i % channels]);
          compared += sameArrays(`y of ${value}`, got.y!, beta, channels, []);
          compared += sameArrays(`dx of ${value}`, got.dx!.map(Math.abs), new Float32Array(rows * channels), channels, []);
        }
      }
      return `${compared} values`;
    },
  },
  {
    name: 'inputs are left as they were',
    async run(backend, seed) {
      const { x, dy, rows, channels, gamma, beta } = inputsOf({ name: '', rows: 300, channels: 7 }, seed);
      const layer = await BatchNorm.create(backend, { channels });
      layer.load({ ...(await layer.state()), gamma: gamma!, beta: beta! });
      const xTensor = backend.tensor(x, [rows, channels]);
      const dyTensor = backend.tensor(dy, [rows, channels]);
      layer.forward(xTensor);
      layer.backward(dyTensor);
      layer.eval().forward(xTensor);
      layer.backward(dyTensor);
      const same =
        sameArrays('x', await xTensor.read(), x, channels, []) + sameArrays('dy', await dyTensor.read(), dy, channels, []) +
        sameArrays('gamma', await layer.gamma!.read(), gamma!, channels, []) + sameArrays('beta', await layer.beta!.read(), beta!, channels, []);
      layer.dispose();
      return `${same} values`;
    },
  },
  {
    name: 'parts of a batch, of unequal size and one without a row, give the whole batch’s answers',
    async run(backend, seed, plain) {
      const inputs = inputsOf({ name: '', rows: 300, channels: 10, column: () => ({ offset: 1e4 }), activation: 'relu' }, seed);
      const { channels, gamma, beta, runningMean, runningVar } = inputs;
      const parts = await Promise.all([[0, 170], [170, 171], [171, 171], [171, 300]].map(async ([first, end]) => {
        const layer = await BatchNorm.create(backend, { channels, activation: 'relu', synchronized: true, mask: 'count' });
        layer.load({ gamma: gamma!, beta: beta!, runningMean, runningVar, batches: 0 });
        const share = (values: Float32Array) => (end > first ? values.subarray(first * channels, end * channels) : new Float32Array(channels).fill(NaN));
        const upload = (values: Float32Array) => backend.tensor(share(values), [Math.max(1, end - first), channels]);
        return { layer, x: upload(inputs.x), dy: upload(inputs.dy), validRows: backend.tensor([end - first], [1], 'u32'), rows: end - first };
      }));
      const [forwards, backwards] = [gather(parts.length), gather(parts.length)];
      const y = await Promise.all(parts.map(({ layer, x, validRows }) => layer.forwardSynchronized(x, forwards, { validRows })));
      const dx = await Promise.all(parts.map(({ layer, dy }) => layer.backwardSynchronized(dy, backwards)));
      const joined = async (tensors: readonly Tensor[]) => {
        const values = await Promise.all(tensors.map((tensor, i) => tensor.read().then((read) => [...read.subarray(0, parts[i].rows * channels)])));
        return Float32Array.from(values.flat());
      };
      const [{ layer: first }, ...others] = parts;
      const want = expected(inputs);
      const got: Got = { ...want, y: await joined(y), dx: await joined(dx) };
      for (const name of ['dgamma', 'dbeta', 'runningMean', 'runningVar'] as const) {
        got[name] = await first[name]!.read();
        for (const { layer } of others) sameArrays(`${name} of another part`, await layer[name]!.read(), got[name], channels, []);
      }
      for (const { layer, x, dy, validRows } of parts) for (const owned of [layer, x, dy, validRows]) owned.dispose();
      return within(compareAll(inputs, got, want, plain));
    },
  },
  {
    name: 'gradients add up where asked, and dx is each batch’s own',
    async run(backend, seed, plain) {
      const inputs = inputsOf({ name: '', rows: 200, channels: 9 }, seed);
      const { channels, rows, gamma, beta } = inputs;
      const layer = await BatchNorm.create(backend, { channels });
      layer.load({ ...(await layer.state()), gamma: gamma!, beta: beta! });
      for (const gradient of [layer.dgamma!, layer.dbeta!]) gradient.write(new Float32Array(channels).fill(NaN));
      const [x, dy] = [backend.tensor(inputs.x, [rows, channels]), backend.tensor(inputs.dy, [rows, channels])];
      layer.forward(x);
      layer.backward(dy);
      const once = { dgamma: await layer.dgamma!.read(), dbeta: await layer.dbeta!.read() };
      const dx = await layer.backward(dy, { accumulate: true }).read();
      const twice = { dgamma: await layer.dgamma!.read(), dbeta: await layer.dbeta!.read() };
      for (const name of ['dgamma', 'dbeta'] as const) sameArrays(name, twice[name], once[name].map((value) => value + value), channels, []);
      for (const owned of [layer, x, dy]) owned.dispose();
      const want = expected(inputs);
      return within(compareAll(inputs, { ...want, ...once, dx }, want, plain));
    },
  },
  {
    name: 'population statistics are the paper’s, or those of all rows together',
    async run(backend, seed) {
      const channels = 6;
      const layer = await BatchNorm.create(backend, { channels });
      const batches = [8, 50, 3].map((rows, i) => inputsOf({ name: '', rows, channels, column: (c) => ({ offset: 100 * c, deviation: c + 1 }) }, seed + i));
      const tensors = batches.map(({ x, rows }) => backend.tensor(x, [rows, channels]));
      let worst = 0;
      for (const method of ['paper', 'pooled'] as const) {
        await layer.estimatePopulation(tensors, method);
        const want = populationStatistics(batches.map((batch) => moments(batch.x, batch)), method);
        const [mean, variance] = [await layer.runningMean!.read(), await layer.runningVar!.read()];
        for (let c = 0; c < channels; c++) {
          const errors =
            [Math.abs(mean[c] - want.mean[c]) / Math.max(Math.abs(want.mean[c]), Math.sqrt(want.variance[c])), Math.abs(variance[c] / want.variance[c] - 1)];
          worst = Math.max(worst, ...errors);
          if (!(Math.max(...errors) <= 2e-6)) {
            throw new Error(`${method}: channel ${c} is ${mean[c]}, ${variance[c]}, needs ${want.mean[c]}, ${want.variance[c]}`);
          }
        }
      }
      for (const owned of [layer, ...tensors]) owned.dispose();
      return `largest error ${worst.toExponential(1)}`;
    },
  },
  {
    name: 'state saved and loaded gives the same bits',
    async run(backend, seed) {
      const { x, rows, channels } = inputsOf({ name: '', rows: 64, channels: 6 }, seed);
      const tensor = backend.tensor(x, [rows, channels]);
      const trained = await BatchNorm.create(backend, { channels });
      for (let step = 0; step < 3; step++) trained.forward(tensor);
      const loaded = await BatchNorm.create(backend, { channels });
      loaded.load(JSON.parse(JSON.stringify(await trained.state(), (_, value) => (value instanceof Float32Array ? [...value] : value))));
      const want = await trained.eval().forward(tensor).read();
      const got = await loaded.eval().forward(tensor).read();
      const compared = sameArrays('y', got, want, channels, []);
      if (loaded.batches !== 3) throw new Error(`batches is ${loaded.batches}, needs 3`);
      trained.dispose();
      loaded.dispose();
      return `${compared} values, 3 batches`;
    },
  },
  {
    name: 'gradients are those of central differences',
    async run(backend, seed) {
      const rows = 7;
      const channels = 3;
      const inputs = inputsOf({ name: '', rows, channels, column: (c) => ({ offset: c, deviation: c + 0.5 }) }, seed);
      const { x, dy, eps } = inputs;
      const gamma = inputs.gamma!;
      const beta = inputs.beta!;
      const got = await runCase(backend, inputs);
      const loss = (at: { x: Floats; gamma: Floats; beta: Floats }) =>
        forward(at, { rows, channels }, eps).y.reduce((sum, y, i) => sum + y * dy[i], 0);
      const checks = {
        dx: gradientCheck((at) => loss({ x: at, gamma, beta }), x, got.dx!),
        dgamma: gradientCheck((at) => loss({ x, gamma: at, beta }), gamma, got.dgamma!),
        dbeta: gradientCheck((at) => loss({ x, gamma, beta: at }), beta, got.dbeta!),
      };
      // f32 results round to 2⁻²⁴, five of them in a row; the differences themselves are good to 1e-9.
      const worst = Math.max(...Object.values(checks).map(({ error }) => error));
      for (const [name, { error, index, analytic, numeric }] of Object.entries(checks)) {
        if (!(error <= 1e-6)) throw new Error(`${name}[${index}] is ${analytic}, central differences give ${numeric}`);
      }
      return `largest error ${worst.toExponential(1)}`;
    },
  },
  {
    name: 'nine staged steps give the closed form',
    async run(_backend, seed) {
      let worst = 0;
      for (let draw = 0; draw < 20; draw++) {
        const rows = 100;
        const channels = 500;
        const { x, dy, gamma, beta, eps } = drawn(seed + draw, rows, channels);
        const { mean, invStd } = forward({ x, gamma, beta }, { rows, channels }, eps);
        const closed = backward({ x, dy, gamma, mean, invStd }, { rows, channels });
        const staged = backwardStaged({ x, dy, gamma, beta }, { rows, channels }, eps);
        for (const output of ['dx', 'dgamma', 'dbeta'] as const) {
          const largest = closed[output].reduce((max, value) => Math.max(max, Math.abs(value)), 0);
          const apart = closed[output].reduce((max, value, i) => Math.max(max, Math.abs(value - staged[output][i])), 0);
          worst = Math.max(worst, apart / largest);
          if (!(apart <= 1e-13 * largest)) throw new Error(`${output} differs by ${apart}, largest value ${largest}, draw ${draw}`);
        }
      }
      return `largest difference ${worst.toExponential(1)} of the largest value, 20 draws`;
    },
  },
  ...BROKEN,
];

/** An exchange among parts in one place: each waits for all. */
function gather(parts: number): Exchange {
  const given: Uint32Array[] = [];
  let complete: (all: readonly Uint32Array[]) => void;
  const all = new Promise<readonly Uint32Array[]>((resolve) => (complete = resolve));
  return (part) => {
    given.push(part);
    if (given.length === parts) complete(given);
    return all;
  };
}

/** Throws unless every output is within its bound. */
function within(comparisons: readonly Comparison[]): string {
  const failed = comparisons.find(({ beyond }) => beyond > 0);
  if (failed) throw new Error(`${failed.output} is ${failed.ratio.toPrecision(3)} × its bound`);
  return `largest error ${Math.max(...comparisons.map(({ ratio }) => ratio)).toPrecision(2)} of its bound`;
}

function drawn(seed: number, rows: number, channels: number) {
  const source = random(seed);
  const normals = (length: number) => Float64Array.from({ length }, () => source.normal());
  return { x: normals(rows * channels), dy: normals(rows * channels), gamma: normals(channels), beta: normals(channels), eps: 1e-5 };
}

function sameBits(a: Got, b: Got, channels: number, skip: readonly number[]): string {
  let compared = 0;
  for (const output of OUTPUTS) if (a[output]) compared += sameArrays(output, b[output]!, a[output], channels, skip);
  return `${compared} values`;
}

/** Counts the values compared; throws at the first that differs in any bit. */
function sameArrays(name: string, got: Floats, want: Floats, channels: number, skip: readonly number[]): number {
  let compared = 0;
  for (let i = 0; i < want.length; i++) {
    if (skip.includes(i % channels)) continue;
    compared++;
    if (!Object.is(got[i], want[i])) throw new Error(`${name} is ${got[i]} at element ${i}, needs ${want[i]} to the bit`);
  }
  return compared;
}
