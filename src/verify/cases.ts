import { ACTIVATION_NAMES, type Activation } from '../core/activations.js';
import { type Random, random } from '../data/random.js';
import { type Storage, roundTo } from '../core/storage.js';
import { DEFAULTS, type Numbers, type RowMask } from '../core/options.js';
import { pairs } from './pairs.js';
import { type Inputs, counts, indexOf, settleKinks } from './expected.js';

/** One row of the self-test's table: a shape, its numbers, and what is special about its data. */
export interface Case {
  name: string;
  rows: number;
  channels: number;
  /** Given: channels-first, [rows / spatial, channels, spatial]. Left out: channels-last, [rows, channels]. */
  spatial?: number;
  numbers?: Partial<Numbers>;
  gamma?: false;
  beta?: false;
  /** Of each column of x: mean and standard deviation. Default 0 and 1. */
  column?: (c: number) => { offset?: number; deviation?: number };
  storage?: Storage;
  activation?: Activation;
  residual?: boolean;
  /** Which rows count: by a mask drawn with a third of them out, or the first part of them. */
  mask?: RowMask;
  inPlace?: boolean;
  /** Batches before this one. */
  batches?: number;
  /** Changes the drawn inputs. */
  adjust?: (inputs: Inputs, random: Random) => void;
}

const biased = { runningVariance: 'biased' } as const;
const offset = (value: number, deviation = 1) => () => ({ offset: value, deviation });

const PLAIN_CASES: readonly Case[] = [
  { name: 'control: full workgroups', rows: 64, channels: 64 },

  // shapes
  { name: 'one value', rows: 1, channels: 1, numbers: biased },
  { name: 'one row: variance is 0, y is beta', rows: 1, channels: 7, numbers: biased },
  { name: 'two rows', rows: 2, channels: 1 },
  { name: 'one column', rows: 1000, channels: 1 },
  { name: 'small and odd', rows: 100, channels: 3 },
  { name: 'fewer rows than members', rows: 5, channels: 6 },
  { name: 'ragged: neither axis fills a workgroup', rows: 1021, channels: 67 },
  { name: 'ragged, four channels a member', rows: 1021, channels: 68 },
  { name: 'typical batch', rows: 256, channels: 64 },
  { name: 'typical batch, wide', rows: 256, channels: 1024 },
  { name: 'tall', rows: 4096, channels: 256 },
  { name: 'wide', rows: 5, channels: 40001 },
  { name: 'tall and odd', rows: 70001, channels: 3 },
  { name: 'wide and tall', rows: 1024, channels: 4096 },
  { name: 'very tall', rows: 1000000, channels: 8 },

  // channels-first
  { name: 'channels-first: NCHW 8×16×14×14', rows: 8 * 196, channels: 16, spatial: 196 },
  { name: 'channels-first: NCHW 32×64×28×28', rows: 32 * 784, channels: 64, spatial: 784 },
  { name: 'channels-first: odd planes, 7×7', rows: 32 * 49, channels: 24, spatial: 49 },
  { name: 'channels-first: spatial 1', rows: 257, channels: 10, spatial: 1 },
  { name: 'channels-first: spatial 2', rows: 600, channels: 70, spatial: 2 },
  { name: 'channels-first: spatial 4, one image', rows: 4, channels: 33, spatial: 4 },
  { name: 'channels-first: prime spatial, more than a workgroup', rows: 3 * 997, channels: 5, spatial: 997 },
  { name: 'channels-first: one long signal', rows: 300000, channels: 2, spatial: 300000 },
  { name: 'channels-first: long odd signals', rows: 3 * 65537, channels: 3, spatial: 65537 },
  { name: 'channels-first: one value', rows: 1, channels: 1, spatial: 1, numbers: biased },
  { name: 'channels-first: one row of many channels', rows: 1, channels: 5000, spatial: 1, numbers: biased },
  { name: 'channels-first: mean is 1e6 deviations', rows: 16 * 784, channels: 8, spatial: 784, column: offset(1e6) },
  { name: 'channels-first: odd planes, mean is −1e6 deviations', rows: 9 * 121, channels: 8, spatial: 121, column: offset(-1e6) },
  { name: 'channels-first: first row 1e6 deviations out', rows: 65536, channels: 4, spatial: 4096, adjust: outlier(0, 1e6) },
  { name: 'channels-first: constant channels', rows: 320, channels: 6, spatial: 20, column: (c) => ({ offset: 3.7 * 10 ** (2 * c), deviation: 0 }) },
  { name: 'channels-first: neither gamma nor beta', rows: 320, channels: 6, spatial: 20, gamma: false, beta: false },

  // means far from zero
  { name: '65536 rows, mean 0', rows: 65536, channels: 64 },
  { name: '65536 rows, mean is 1e4 deviations', rows: 65536, channels: 64, column: offset(1e4) },
  { name: '65536 rows, mean is 1e6 deviations', rows: 65536, channels: 64, column: offset(1e6) },
  { name: 'mean is −1e6 deviations', rows: 1021, channels: 5, column: offset(-1e6) },
  { name: 'mean is 1e6 small deviations', rows: 4096, channels: 4, column: offset(1e3, 1e-3), numbers: { eps: 1e-12 } },
  { name: 'mean is 1e6 deviations, two rows', rows: 2, channels: 4, column: offset(1e6) },
  {
    name: 'each column its own mean and deviation', rows: 2048, channels: 12,
    column: (c) => ({ offset: (c % 2 ? -1 : 1) * 10 ** (c / 2), deviation: 10 ** ((c % 7) - 3) }),
  },

  // order of the rows
  { name: 'first row 1e6 deviations out', rows: 65536, channels: 4, adjust: outlier(0, 1e6) },
  { name: 'first row 1e6 deviations out, few rows', rows: 50, channels: 3, adjust: outlier(0, 1e6) },
  { name: 'first row 1e6 deviations out, mean 1e6', rows: 65536, channels: 3, column: offset(1e6), adjust: outlier(0, 1e6) },
  { name: 'last row 1e6 deviations out', rows: 10007, channels: 5, adjust: outlier(10006, -1e6) },
  { name: 'sorted rows', rows: 8192, channels: 6, adjust: sorted },
  { name: 'two far clusters, one after the other', rows: 8192, channels: 6, adjust: clusters },
  { name: 'a step: rows all 0, then all one value', rows: 80, channels: 2000, adjust: step(32) },
  { name: 'channels-first: a step', rows: 4096, channels: 60, spatial: 4096, adjust: step(992) },

  // columns without spread
  { name: 'constant columns: y is beta', rows: 1000, channels: 5, column: (c) => ({ offset: 3.7 * 10 ** (2 * c), deviation: 0 }) },
  { name: 'constant columns, eps 0: y is beta, dx is 0', rows: 1000, channels: 4, column: offset(3.7, 0), numbers: { eps: 0 } },
  { name: 'eps 0 with spread', rows: 1000, channels: 4, numbers: { eps: 0 } },
  { name: 'deviation far below √eps', rows: 512, channels: 8, column: offset(0, 1e-6) },

  // gamma, beta and gradients
  { name: 'gamma 0, negative and large', rows: 300, channels: 9, adjust: ({ gamma }) => gamma!.set([0, -1, -0, -1000, 1e-3, 1, 0, 50, -2]) },
  { name: 'no gamma', rows: 300, channels: 10, gamma: false },
  { name: 'no beta', rows: 300, channels: 10, beta: false },
  { name: 'neither gamma nor beta', rows: 300, channels: 12, gamma: false, beta: false },
  { name: 'dy all equal: its sum has one sign', rows: 65536, channels: 2, adjust: ({ dy }) => dy.fill(0.1) },
  { name: 'dy is x: dgamma is large', rows: 4096, channels: 8, adjust: ({ dy, x }) => dy.set(x) },
  { name: 'dy on one row near the mean: dgamma is small', rows: 64, channels: 8, adjust: onOneRow },
  { name: 'dy is 0', rows: 100, channels: 4, adjust: ({ dy }) => dy.fill(0) },

  // running statistics
  { name: 'keras numbers', rows: 128, channels: 16, numbers: { eps: 1e-3, momentum: 0.01, runningVariance: 'biased' } },
  { name: 'momentum 0: running statistics stay', rows: 128, channels: 16, numbers: { momentum: 0 } },
  { name: 'momentum 1: running statistics are the batch’s', rows: 128, channels: 16, numbers: { momentum: 1 } },

  // storage, epilogues, masks at the edges
  { name: 'f16, one odd row', rows: 1, channels: 7, storage: 'f16', numbers: biased },
  { name: 'bf16, one value', rows: 1, channels: 1, storage: 'bf16', numbers: biased },
  { name: 'f16, odd and tall', rows: 10007, channels: 3, storage: 'f16', activation: 'relu', residual: true },
  { name: 'f16, channels-first, odd planes', rows: 16 * 49, channels: 13, spatial: 49, storage: 'f16', activation: 'relu' },
  { name: 'bf16, wide', rows: 64, channels: 1030, storage: 'bf16' },
  { name: 'f16, mean is 100 deviations', rows: 4096, channels: 12, storage: 'f16', column: offset(100) },
  { name: 'add + ReLU, tall', rows: 70001, channels: 8, activation: 'relu', residual: true },
  { name: 'mask, mean is 1e6 deviations', rows: 5000, channels: 6, mask: 'rows', column: offset(1e6) },
  { name: 'channels-first: mask, mean is −1e6 deviations', rows: 12 * 100, channels: 6, spatial: 100, mask: 'rows', column: offset(-1e6) },
  { name: 'mask: no row counts', rows: 40, channels: 6, mask: 'rows', adjust: ({ mask }) => mask!.fill(0) },
  { name: 'mask: one row counts, its running variance stays', rows: 40, channels: 6, mask: 'rows', adjust: ({ mask }) => mask!.fill(0).fill(1, 17, 18) },
  { name: 'valid rows: none', rows: 40, channels: 6, mask: 'count', adjust: (inputs) => { inputs.validRows = 0; } },
  { name: 'valid rows: all', rows: 40, channels: 6, mask: 'count', adjust: (inputs) => { inputs.validRows = 40; } },
  { name: 'valid rows: more than there are', rows: 40, channels: 6, mask: 'count', adjust: (inputs) => { inputs.validRows = 41; } },
  { name: 'mask: any number but 0 counts', rows: 40, channels: 6, mask: 'rows',
    adjust: ({ mask }) => mask!.forEach((counts, row) => { mask![row] = counts * (row + 1); }) },
  { name: 'add, rows masked: dresidual is written', rows: 300, channels: 8, mask: 'rows', residual: true },
  { name: 'mask, all options, frozen needs nine buffers', rows: 300, channels: 8, mask: 'rows', activation: 'relu', residual: true },
];

const SHAPES = {
  '[61, 8]': { rows: 61, channels: 8 },
  '[61, 7]': { rows: 61, channels: 7 },
  '[5, 6, 12]': { rows: 60, channels: 6, spatial: 12 },
  '[5, 7, 9]': { rows: 45, channels: 7, spatial: 9 },
  '[600, 20]': { rows: 600, channels: 20 },
} as const;

/** Layout × storage × activation × residual × mask × in place × gamma × beta × averaging: every two of them together somewhere. */
const ABILITIES: readonly Case[] = pairs({
  storage: ['f32', 'f16', 'bf16'] as Storage[],
  shape: Object.keys(SHAPES) as (keyof typeof SHAPES)[],
  activation: ACTIVATION_NAMES,
  residual: [false, true],
  mask: ['none', 'rows', 'count'] as RowMask[],
  inPlace: [false, true],
  gamma: [true, false],
  beta: [true, false],
  momentum: [0.1, 'cumulative'] as (number | 'cumulative')[],
}).map(({ shape, gamma, beta, momentum, ...rest }): Case => {
  const said = [
    rest.storage, rest.residual ? 'residual' : '', rest.activation === 'none' ? '' : rest.activation,
    rest.mask === 'none' ? '' : `mask by ${rest.mask}`, rest.inPlace ? 'in place' : '', gamma ? '' : 'no gamma',
      beta ? '' : 'no beta',
    momentum === 'cumulative' ? 'cumulative' : '',
  ];
  return {
    name: `${'spatial' in SHAPES[shape] ? 'channels-first' : 'channels-last'}: ${said.filter(Boolean).join(', ')}`, ...SHAPES[shape], ...rest,
    ...(gamma ? {} : { gamma: false as const }), ...(beta ? {} : { beta: false as const }),
    numbers: { momentum }, ...(momentum === 'cumulative' ? { batches: 3 } : {}),
  };
});

export const CASES: readonly Case[] = [...PLAIN_CASES, ...ABILITIES];

/** The inputs of a case, the same from the same seed in every engine. */
export function inputsOf(row: Case, seed: number): Inputs {
  const { rows, channels, column = () => ({}) } = row;
  const source = random(seed);
  const columns = Array.from({ length: channels }, (_, c) => ({ offset: 0, deviation: 1, ...column(c) }));
  const x = new Float32Array(rows * channels);
  const dy = new Float32Array(rows * channels);
  const run = row.spatial ?? 1;
  for (let i = 0, c = 0; i < x.length; c = c + 1 === channels ? 0 : c + 1) {
    for (const end = i + run; i < end; i++) {
      x[i] = columns[c].offset + columns[c].deviation * source.normal();
      dy[i] = source.normal();
    }
  }
  const vector = (value: (c: number) => number) => Float32Array.from({ length: channels }, (_, c) => value(c));
  const sign = () => (source.uniform() < 0.5 ? -1 : 1);
  const inputs: Inputs = {
    ...DEFAULTS, ...row.numbers, layout: row.spatial === undefined ? 'channelsLast' : 'channelsFirst', rows, channels, spatial: run, x, dy,
    gamma: row.gamma === false ? null : vector(() => sign() * (0.5 + 1.5 * source.uniform())),
    beta: row.beta === false ? null : vector(() => source.normal()),
    runningMean: vector((c) => columns[c].deviation * (source.uniform() - 0.5)),
    runningVar: vector(() => 0.5 + source.uniform()),
    frozenMean: vector((c) => columns[c].offset + columns[c].deviation * 0.1 * source.normal()),
    frozenVar: vector((c) => columns[c].deviation ** 2 * (0.5 + source.uniform())),
  };
  if (row.storage) inputs.storage = row.storage;
  if (row.batches) inputs.batches = row.batches;
  if (row.inPlace) inputs.inPlace = true;
  if (row.activation) inputs.activation = row.activation;
  if (row.residual) inputs.residual = Float32Array.from(x, () => source.normal());
  if (row.mask === 'rows') inputs.mask = Uint32Array.from({ length: rows }, () => Number(source.uniform() < 2 / 3));
  if (row.mask === 'count') inputs.validRows = Math.floor(rows * 0.7);
  row.adjust?.(inputs, source);
  const { storage } = inputs;
  for (const values of [x, dy, inputs.residual]) if (storage && values) for (let i = 0; i < values.length; i++) values[i] = roundTo(values[i], storage);
  settleKinks(inputs);
  spoilMasked(inputs);
  return inputs;
}

/** What stands in a row that does not count must not matter. */
function spoilMasked(inputs: Inputs): void {
  if (!inputs.mask && typeof inputs.validRows !== 'number') return;
  for (let row = 0; row < inputs.rows; row++) {
    if (counts(inputs, row)) continue;
    for (let c = 0; c < inputs.channels; c++) {
      const i = indexOf(inputs, row, c);
      for (const values of [inputs.x, inputs.dy, inputs.residual]) if (values) values[i] = row % 2 ? NaN : Infinity;
    }
  }
}

/** One row stands `distance` away from the others. */
function outlier(row: number, distance: number) {
  return (inputs: Inputs) => {
    for (let c = 0; c < inputs.channels; c++) inputs.x[indexOf(inputs, row, c)] += distance;
  };
}

/** Equal values round alike, so what a sum of them loses adds up; a column's value is one that this may hurt or not. */
function step(first: number) {
  return (inputs: Inputs, { uniform }: Random) => {
    const { x, rows, channels } = inputs;
    for (let c = 0; c < channels; c++) {
      const value = 1 + uniform();
      for (let row = 0; row < rows; row++) x[indexOf(inputs, row, c)] = row < first ? 0 : value;
    }
  };
}

/** Each column's dy is 1 where x is nearest the column's mean, else 0. */
function onOneRow({ x, dy, rows, channels }: Inputs): void {
  dy.fill(0);
  for (let c = 0; c < channels; c++) {
    const column = Array.from({ length: rows }, (_, row) => x[row * channels + c]);
    const mean = column.reduce((sum, value) => sum + value, 0) / rows;
    const off = column.map((value) => Math.abs(value - mean));
    dy[off.indexOf(Math.min(...off)) * channels + c] = 1;
  }
}

function sorted(inputs: Inputs): void {
  const { x, rows, channels } = inputs;
  for (let c = 0; c < channels; c++) {
    const column = Float32Array.from({ length: rows }, (_, row) => x[indexOf(inputs, row, c)]).sort();
    for (let row = 0; row < rows; row++) x[indexOf(inputs, row, c)] = column[row];
  }
}

function clusters(inputs: Inputs): void {
  const { x, rows, channels } = inputs;
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < channels; c++) x[indexOf(inputs, row, c)] += row < rows / 2 ? -1e4 : 1e4;
  }
}
