import type { Backend, Tensor } from '../backend/backend.js';
import { random } from '../data/random.js';
import { BatchNorm } from '../layer/batchNorm.js';
import type { LayerOptions } from '../layer/options.js';
import { type Storage, roundTo } from '../core/storage.js';
import type { ActivationName } from '../core/activations.js';
import { formulaOf } from './activations.js';
import type { Check } from './check.js';
import { indexOf } from './expected.js';

// Broken values stay visible. What is right is written out here, or computed as the formulas stand in IEEE arithmetic,
// without any of the reference's or the kernels' guards.

/** A tensor, what it is computed with, and what a layer or the formulas make of it. */
interface Values {
  rows: number;
  channels: number;
  /** Given: channels-first. */
  spatial?: number;
  storage: Storage;
  activation: ActivationName;
  /** Whether the residual is added. */
  adds: boolean;
  eps: number;
  x: Float32Array;
  dy: Float32Array;
  residual: Float32Array;
  gamma: Float32Array;
  beta: Float32Array;
  runningMean: Float32Array;
  runningVar: Float32Array;
}

type Answers = Record<string, ArrayLike<number>>;

type Kind = Pick<Values, 'rows' | 'channels' | 'spatial' | 'storage' | 'activation' | 'adds'>;

const ACTIVATED: readonly Kind[] = [
  { rows: 6, channels: 5, storage: 'f32', activation: 'relu', adds: false },
  { rows: 8, channels: 5, spatial: 4, storage: 'f32', activation: 'relu', adds: true },
  { rows: 6, channels: 5, storage: 'f16', activation: 'relu', adds: true },
  { rows: 6, channels: 5, spatial: 3, storage: 'bf16', activation: 'relu', adds: false },
  { rows: 6, channels: 5, storage: 'f32', activation: 'leakyRelu', adds: true },
  { rows: 8, channels: 4, storage: 'f16', activation: 'relu6', adds: false },
  { rows: 8, channels: 5, spatial: 4, storage: 'f32', activation: 'silu', adds: true },
  { rows: 6, channels: 5, spatial: 3, storage: 'bf16', activation: 'hardSwish', adds: false },
  { rows: 6, channels: 5, storage: 'f16', activation: 'gelu', adds: true },
];

export const BROKEN: readonly Check[] = [
  {
    name: 'NaN before an activation stays NaN, forward and backward, in every storage',
    async run(backend) {
      let held = 0;
      for (const shape of ACTIVATED) {
        const values = valuesOf({ ...shape, eps: 1e-5 });
        values.gamma[1] = NaN;
        values.beta[2] = NaN;
        const one = indexOf(layoutOf(values), 4, 3);
        if (values.adds) values.residual[one] = NaN;
        else values.x[one] = NaN;
        held += holds(`${values.storage} ${values.activation}`, await layerOf(backend, values), formulas(values), TOLERANCE[values.storage]);
      }
      return `${held} values`;
    },
  },
  {
    name: 'a running variance that is NaN or below −eps gives NaN, one of +∞ gives beta',
    async run(backend) {
      const eps = 2 ** -10;
      let held = 0;
      for (const storage of ['f32', 'f16'] as const) {
        const values = valuesOf({ rows: 6, channels: 7, storage, activation: 'none', adds: false, eps });
        values.runningVar.set([1, NaN, -1, Infinity, -2 * eps, -eps / 2, -Infinity]);
        const [got, want] = [await layerOf(backend, values), formulas(values)];
        for (const output of ['inferY', 'frozenDx', 'frozenDgamma', 'frozenDbeta']) {
          held += holds(storage, { [output]: got[output] }, { [output]: want[output] }, TOLERANCE[storage]);
        }
        for (let row = 0; row < 6; row++) holds('+∞', { y: [got.inferY[row * 7 + 3]] }, { y: [roundTo(values.beta[3], storage)] }, 0);
      }
      return `${held} values`;
    },
  },
  {
    name: 'a batch that f32 cannot square, or with an infinity, is never answered wrongly, and evaluation after it is NaN',
    async run(backend) {
      let held = 0;
      for (const repeat of [1, 16]) {
        const values = valuesOf({ rows: 4 * repeat, channels: 5, storage: 'f32', activation: 'none', adds: false, eps: 1e-5 });
        for (let row = 0; row < values.rows; row++) {
          values.x[row * 5 + 1] = [1e20, -1e20, 2e20, 0][row % 4]; // its variance is beyond f32
          values.x[row * 5 + 2] = row === 1 ? Infinity : row;
          values.x[row * 5 + 3] = row === 2 ? -Infinity : row === 0 ? Infinity : 1;
        }
        const layer = await BatchNorm.create(backend, { channels: 5 });
        write(layer, values);
        const [x, dy] = [backend.tensor(values.x, [values.rows, 5]), backend.tensor(values.dy, [values.rows, 5])];
        const y = await layer.forward(x).read();
        const dx = await layer.backward(dy).read();
        const { mean, meanLow, variance } = await layer.statistics();
        const [runningMean, runningVar] = [await layer.runningMean!.read(), await layer.runningVar!.read()];
        const after = await layer.eval().forward(dy).read();
        const want = formulas(values);
        for (const [output, got] of Object.entries({ y, dx })) {
          for (let i = 0; i < got.length; i++) {
            if (Number.isNaN(got[i]) && i % 5 === 1) continue; // else it is the true value
            held += holds(output, { [output]: [got[i]] }, { [output]: [want[output][i]] }, TOLERANCE.f32);
          }
        }
        for (const c of [1, 2, 3]) {
          held += holds('running variance', { c: [runningVar[c]] }, { c: [NaN] }, 0);
          held += holds('variance', { c: [variance[c]] }, { c: [NaN] }, 0);
          for (let row = 0; row < values.rows; row++) held += holds('evaluation', { y: [after[row * 5 + c]] }, { y: [NaN] }, 0);
        }
        for (const c of [2, 3]) held += holds('mean', { running: [runningMean[c]], batch: [mean[c] + meanLow[c]] }, { running: [NaN], batch: [NaN] }, 0);
        for (const c of [0, 4]) {
          for (let row = 0; row < values.rows; row++) {
            if (!Number.isFinite(after[row * 5 + c])) throw new Error(`evaluation of another column is ${after[row * 5 + c]}`);
          }
        }
        for (const owned of [layer, x, dy]) owned.dispose();
      }
      return `${held} values`;
    },
  },
  {
    name: 'what f32 may flush counts as 0: a tiny variance with eps 0 or below f32 gives beta and a dx of 0',
    async run(backend) {
      let held = 0;
      for (const eps of [0, 1e-50, 1e-40]) {
        const values = valuesOf({ rows: 8, channels: 4, storage: 'f32', activation: 'none', adds: false, eps });
        const scales = [1e-40, 1e-30, 1e-21, 1e-17]; // of the last the variance is 1e-34, and counts
        for (let i = 0; i < values.x.length; i++) values.x[i] = scales[i % 4] * [-2, -1, 1, 2][(i >> 2) % 4];
        values.runningMean.fill(0);
        values.runningVar.set([1e-40, -1e-40, 1e-45, 1e-34]);
        const got = await layerOf(backend, values);
        const want = formulas({ ...values, eps: 0 });
        for (let i = 0; i < values.x.length; i++) {
          const c = i % 4;
          if (c === 3) {
            held += holds('x of 1e-17', pick(got, i), pick(want, i), 1e-5);
          } else {
            held += holds(`eps ${eps}, x of ${scales[c]}`, pick(got, i), { y: [values.beta[c]], dx: [0], inferY: [values.beta[c]], frozenDx: [0] }, 0);
          }
        }
      }
      return `${held} values`;
    },
  },
  {
    name: 'behind a plain add, dy of a masked row does not reach the residual’s gradient',
    async run(backend) {
      let held = 0;
      for (const storage of ['f32', 'f16', 'bf16'] as const) {
        for (const mask of ['rows', 'count'] as const) {
          const { x, residual, ...values } = valuesOf({ rows: 4, channels: 5, storage, activation: 'none', adds: true, eps: 1e-5 });
          const dy = values.dy.map((value, i) => (i < 15 ? value : NaN));
          const layer = await BatchNorm.create(backend, { channels: 5, storage, residual: true, mask });
          const upload = (data: Float32Array) => backend.tensor(data, [4, 5], storage);
          const counted = mask === 'rows' ? { mask: backend.tensor([1, 1, 1, 0], [4], 'u32') } : { validRows: backend.tensor([3], [1], 'u32') };
          const owned = [upload(x), upload(residual), upload(dy), ...Object.values(counted)] as Tensor[];
          for (const training of [true, false]) {
            if (training) layer.train();
            else layer.eval();
            layer.forward(owned[0], { residual: owned[1], ...counted });
            const dx = await layer.backward(owned[2]).read();
            if (!layer.dresidual) throw new Error('dresidual is missing, needs to be written where rows are masked');
            held += holds(`${storage}, mask by ${mask}`, { dresidual: await layer.dresidual.read(), dx: dx.subarray(15) }, {
              dresidual: dy.map((value, i) => (i < 15 ? value : 0)), dx: new Float32Array(5),
            }, 0);
          }
          for (const tensor of [layer, ...owned]) tensor.dispose();
        }
      }
      return `${held} values`;
    },
  },
  {
    name: 'any number but 0 in a mask counts its row, and more valid rows than there are count all',
    async run(backend) {
      const { x } = valuesOf({ rows: 6, channels: 5, storage: 'f32', activation: 'none', adds: false, eps: 1e-5 });
      const tensor = backend.tensor(x, [6, 5]);
      const answer = async (mask: 'rows' | 'count', words: readonly number[]) => {
        const layer = await BatchNorm.create(backend, { channels: 5, mask });
        const counted = backend.tensor(words, [words.length], 'u32');
        const y = await layer.forward(tensor, mask === 'rows' ? { mask: counted } : { validRows: counted }).read();
        const { count } = await layer.statistics();
        const answers = { y, count: count.slice(), runningVar: await layer.runningVar!.read() };
        layer.dispose();
        counted.dispose();
        return answers;
      };
      const held =
        holds('mask', await answer('rows', [1, 2, 0, 16777216, 0, 255]), await answer('rows', [1, 1, 0, 1, 0, 1]), 0) +
        holds('valid rows', await answer('count', [7]), await answer('count', [6]), 0) +
        holds('valid rows', await answer('count', [16777216]), await answer('count', [6]), 0);
      const { count } = await answer('rows', [1, 2, 0, 16777216, 0, 255]);
      if (count[0] !== 4) throw new Error(`count is ${count[0]}, needs 4`);
      tensor.dispose();
      return `${held} values`;
    },
  },
];

/** Shares of the largest value: halves are rounded to 2⁻¹¹ and 2⁻⁸. */
const TOLERANCE: Record<Storage, number> = { f32: 1e-5, f16: 2e-3, bf16: 2e-2 };

const layoutOf = ({ channels, spatial }: Values) =>
  ({ layout: spatial === undefined ? 'channelsLast' : 'channelsFirst', channels, spatial: spatial ?? 1 }) as const;

/** Ordinary values, none of them near a kink or without spread; the same in every run. */
function valuesOf(shape: Kind & Pick<Values, 'eps'>): Values {
  const { rows, channels, storage } = shape;
  const source = random(11);
  const matrix = () => Float32Array.from({ length: rows * channels }, () => roundTo(source.normal(), storage));
  const vector = (value: () => number) => Float32Array.from({ length: channels }, value);
  return {
    ...shape, x: matrix(), dy: matrix(), residual: matrix(), gamma: vector(() => 0.5 + source.uniform()), beta: vector(() => source.normal()),
    runningMean: vector(() => source.normal()), runningVar: vector(() => 0.5 + source.uniform()),
  };
}

function write(layer: BatchNorm, { gamma, beta, runningMean, runningVar }: Values): void {
  layer.gamma!.write(gamma);
  layer.beta!.write(beta);
  layer.runningMean!.write(runningMean);
  layer.runningVar!.write(runningVar);
}

/** What a layer gives. */
async function layerOf(backend: Backend, values: Values): Promise<Answers> {
  const { rows, channels, spatial, storage, activation, adds, eps } = values;
  const options: LayerOptions = { channels, storage, activation, residual: adds, eps, layout: spatial === undefined ? 'channelsLast' : 'channelsFirst' };
  const layer = await BatchNorm.create(backend, options);
  const shape = spatial === undefined ? [rows, channels] : [rows / spatial, channels, spatial];
  const [x, dy, added] = [values.x, values.dy, values.residual].map((data) => backend.tensor(data, shape, storage));
  const residual = adds ? { residual: added } : {};
  const answers: Answers = {};
  for (const [y, dx, dresidual, dgamma, dbeta] of [
    ['y', 'dx', 'dresidual', 'dgamma', 'dbeta'], ['inferY', 'frozenDx', 'frozenDresidual', 'frozenDgamma', 'frozenDbeta'],
  ]) {
    write(layer, values);
    answers[y] = await layer.forward(x, residual).read();
    answers[dx] = await layer.backward(dy).read();
    if (layer.dresidual) answers[dresidual] = await layer.dresidual.read();
    answers[dgamma] = await layer.dgamma!.read();
    answers[dbeta] = await layer.dbeta!.read();
    layer.eval();
  }
  for (const owned of [layer, x, dy, added]) owned.dispose();
  return answers;
}

/** What the formulas give as they stand, with no case of their own for any value. */
function formulas(values: Values): Answers {
  const { rows, channels, activation, adds, eps, x, dy, residual, gamma, beta, runningMean, runningVar } = values;
  const matrix = () => new Float64Array(rows * channels);
  const vector = () => new Float64Array(channels);
  const want = {
    y: matrix(), dx: matrix(), dresidual: matrix(), inferY: matrix(), frozenDx: matrix(), frozenDresidual: matrix(),
    dgamma: vector(), dbeta: vector(), frozenDgamma: vector(), frozenDbeta: vector(),
  };
  for (let c = 0; c < channels; c++) {
    const places = Array.from({ length: rows }, (_, row) => indexOf(layoutOf(values), row, c));
    const sum = (of: (i: number) => number) => places.reduce((total, i) => total + of(i), 0);
    const mean = sum((i) => x[i]) / rows;
    const variance = sum((i) => (x[i] - mean) ** 2) / rows;
    const pass = (center: number, spread: number, y: Float64Array, dz: Float64Array) => {
      const scale = 1 / Math.sqrt(spread + eps);
      for (const i of places) {
        const z = gamma[c] * ((x[i] - center) * scale) + beta[c] + (adds ? residual[i] : 0);
        const [f, slope] = formulaOf(activation)(z);
        y[i] = f;
        dz[i] = slope * dy[i];
      }
      return scale;
    };
    const scale = pass(mean, variance, want.y, want.dresidual);
    const { dresidual: dz, frozenDresidual: frozenDz } = want;
    want.dbeta[c] = sum((i) => dz[i]);
    want.dgamma[c] = sum((i) => dz[i] * ((x[i] - mean) * scale));
    for (const i of places) want.dx[i] = gamma[c] * scale * (dz[i] - want.dbeta[c] / rows - ((x[i] - mean) * scale * want.dgamma[c]) / rows);
    const frozen = pass(runningMean[c], runningVar[c], want.inferY, frozenDz);
    want.frozenDbeta[c] = sum((i) => frozenDz[i]);
    want.frozenDgamma[c] = sum((i) => frozenDz[i] * ((x[i] - runningMean[c]) * frozen));
    for (const i of places) want.frozenDx[i] = gamma[c] * frozen * frozenDz[i];
  }
  return want;
}

const pick = (answers: Answers, i: number): Answers =>
  Object.fromEntries(['y', 'dx', 'inferY', 'frozenDx'].map((output) => [output, [answers[output][i]]]));

/** Counts the values; throws where one is NaN and the other is not, or they are further apart than that share of the largest. */
function holds(name: string, got: Answers, want: Answers, tolerance: number): number {
  let held = 0;
  for (const output in got) {
    const [values, right] = [got[output], want[output]];
    let largest = 0;
    for (let i = 0; i < right.length; i++) if (Number.isFinite(right[i])) largest = Math.max(largest, Math.abs(right[i]));
    for (let i = 0; i < right.length; i++) {
      const [a, b] = [values[i], right[i]];
      const same = Number.isNaN(b) ? Number.isNaN(a) : a === b || Math.abs(a - b) <= tolerance * largest;
      if (!same) throw new Error(`${name}: ${output} is ${a} at element ${i}, needs ${b}`);
      held++;
    }
  }
  return held;
}
