// Claim: a state goes to PyTorch's, Keras's and ONNX's names and back without loss, and what is not exactly one layer's
// state is refused by the entry's name, with nothing done.
// Control: the full state of a layer that learned something, under each library's names.
import { describe, expect, it } from 'vitest';
import { BatchNorm, type BatchNormState, openBackend } from '../../src/index.js';
import { type Library, type NamesOptions, fromNames, toNames } from '../../src/layer/names.js';

const state: Required<BatchNormState> = {
  gamma: Float32Array.of(1.5, -2, 0), beta: Float32Array.of(0.25, 0, -3),
  runningMean: Float32Array.of(10, -0.5, 0), runningVar: Float32Array.of(4, 0, 1e-3), batches: 12,
};
/** As the libraries' documentation has them: gamma, beta, mean, variance, count. */
const names: Record<Library, string[]> = {
  pytorch: ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'],
  keras: ['gamma', 'beta', 'moving_mean', 'moving_variance'],
  onnx: ['scale', 'B', 'input_mean', 'input_var'],
};
const libraries = Object.keys(names) as Library[];
const ones = Float32Array.of(1, 1, 1);
const zeros = new Float32Array(3);
const without = (...left: (keyof BatchNormState)[]): BatchNormState =>
  Object.fromEntries(Object.entries(state).filter(([name]) => !left.includes(name as keyof BatchNormState)));
const entries = (library: Library, prefix = ''): Record<string, unknown> => ({ ...toNames(state, library, prefix) });

describe.each(libraries)('control: %s', (library) => {
  it('the names, in their order, with copies of the values', () => {
    const named = toNames(state, library);
    expect(Object.keys(named)).toEqual(names[library]);
    expect(Object.values(named)).toEqual(Object.values(state).slice(0, names[library].length));
    expect(named[names[library][0]]).not.toBe(state.gamma);
  });

  it('there and back', () => {
    const back = fromNames(entries(library), library, { channels: 3, batches: 12 });
    expect(back).toEqual(state);
    expect(back.gamma).not.toBe(state.gamma);
  });

  it('under a prefix, beside other layers', () => {
    const all = { ...entries(library, 'features.1.'), ...entries(library, 'features.10.'), 'features.0.weight': 'of another layer' };
    expect(Object.keys(toNames(state, library, 'a/'))).toEqual(names[library].map((name) => `a/${name}`));
    expect(fromNames(all, library, { channels: 3, prefix: 'features.1.', batches: 12 })).toEqual(state);
  });

  it('a layer loads it, and gives the same state', async () => {
    const layer = await BatchNorm.create(await openBackend({ prefer: 'cpu' }), { channels: 3 });
    layer.load(fromNames(entries(library), library, { channels: 3, batches: 12 }));
    expect(await layer.state()).toEqual(state);
  });

  it.each<[string, NamesOptions, BatchNormState]>([
    ['no gamma, no beta', { channels: 3, gamma: false, beta: false }, without('gamma', 'beta')],
    ['gamma only', { channels: 3, beta: false }, without('beta')],
    ['beta only', { channels: 3, gamma: false }, without('gamma')],
  ])('%s: there and back', (_, options, part) => {
    expect(fromNames(toNames(part, library), library, { ...options, batches: 12 })).toEqual(part);
  });

  it('arrays of numbers and of f64 come as f32; plain numbers go, too', () => {
    const given = Object.fromEntries(Object.entries(entries(library)).map(([name, values], i) => {
      return [name, typeof values === 'number' ? values : i % 2 ? [...(values as Float32Array)] : Float64Array.from(values as Float32Array)];
    }));
    expect(fromNames(given, library, { channels: 3, batches: 12 })).toEqual(state);
    const [scale] = names[library];
    expect(fromNames({ ...given, [scale]: [0.1, 1, 1] }, library, { channels: 3, batches: 12 }).gamma).toEqual(Float32Array.of(0.1, 1, 1));
    expect(toNames({ ...state, gamma: [1.5, -2, 0] }, library)).toEqual(toNames(state, library));
  });
});

describe('what a library cannot leave out is ones or zeros', () => {
  it.each<[Library, BatchNormState, Record<string, Float32Array>]>([
    ['pytorch', without('gamma', 'beta'), {}],
    ['pytorch', without('beta'), { weight: state.gamma, bias: zeros }],
    ['pytorch', without('gamma'), { weight: ones, bias: state.beta }],
    ['keras', without('gamma', 'beta'), {}],
    ['keras', without('beta'), { gamma: state.gamma }],
    ['keras', without('gamma'), { beta: state.beta }],
    ['onnx', without('gamma', 'beta'), { scale: ones, B: zeros }],
    ['onnx', without('gamma'), { scale: ones, B: state.beta }],
  ])('%s', (library, part, want) => {
    const running = { ...toNames(state, library) };
    for (const name of names[library].slice(0, 2)) delete running[name];
    expect(toNames(part, library)).toEqual({ ...want, ...running });
  });

  it('only those are taken for a layer without', () => {
    expect(() => fromNames(entries('onnx'), 'onnx', { channels: 3, gamma: false })).toThrow(
      'fromNames: "scale" has 1.5 at 0, needs only 1 (the layer has no gamma). Load into a layer with gamma: true.',
    );
    expect(() => fromNames({ ...entries('keras', 'bn/'), 'bn/beta': [0, -0, 0.5] }, 'keras', { channels: 3, beta: false, prefix: 'bn/' })).toThrow(
      'fromNames: "bn/beta" has 0.5 at 2, needs only 0 (the layer has no beta). Load into a layer with beta: true.',
    );
    expect(() => fromNames({ ...entries('onnx'), B: [0] }, 'onnx', { channels: 3, beta: false })).toThrow(
      'fromNames: "B" has 1 elements, needs 3 (one per channel).',
    );
  });
});

describe('without running statistics', () => {
  const untracked = without('runningMean', 'runningVar', 'batches');
  it('PyTorch has such a layer', () => {
    expect(Object.keys(toNames(untracked, 'pytorch'))).toEqual(['weight', 'bias']);
    expect(fromNames(toNames(untracked, 'pytorch'), 'pytorch', { channels: 3, trackRunning: false })).toEqual(untracked);
    expect(toNames({}, 'pytorch')).toEqual({});
    expect(fromNames({}, 'pytorch', { channels: 3, gamma: false, beta: false, trackRunning: false })).toEqual({});
  });
  it('Keras and ONNX have none', () => {
    expect(() => toNames(untracked, 'keras')).toThrow(
      `toNames: "state" has no running statistics, needs them (keras's batch norm always has moving_mean and moving_variance). ` +
        'Take it from a layer with trackRunning: true.',
    );
    expect(() => toNames({}, 'onnx')).toThrow('has no running statistics');
  });
  it.each(names.pytorch.slice(2))('%s is not for it', (name) => {
    expect(() => fromNames({ ...toNames(untracked, 'pytorch'), [name]: entries('pytorch')[name] }, 'pytorch', { channels: 3, trackRunning: false })).toThrow(
      `fromNames: "${name}" is there, needs a layer that keeps running statistics. Remove it, or load into a layer with trackRunning: true.`,
    );
  });
});

describe('the count of batches', () => {
  it.each<[string, unknown]>([
    ['a number', 7], ['a bigint', 7n], ['an array', [7]], ['an array of a bigint', [7n]], ['BigInt64Array', BigInt64Array.of(7n)],
    ['BigUint64Array', BigUint64Array.of(7n)], ['Int32Array', Int32Array.of(7)], ['Float32Array', Float32Array.of(7)],
  ])('PyTorch: %s', (_, count) => {
    expect(fromNames({ ...entries('pytorch'), num_batches_tracked: count }, 'pytorch', { channels: 3, batches: 99 }).batches).toBe(7);
  });
  it('the largest', () => {
    const load = (count: unknown) => fromNames({ ...entries('pytorch'), num_batches_tracked: count }, 'pytorch', { channels: 3 }).batches;
    expect(load(2n ** 53n - 1n)).toBe(2 ** 53 - 1);
    expect(() => load(2n ** 53n)).toThrow(
      'fromNames: "num_batches_tracked" is 9007199254740992, needs one integer from 0 to 9007199254740991. Correct it before loading.',
    );
  });
  it.each<[unknown, string]>([
    [-1, 'is -1'], [-1n, 'is -1'], [0.5, 'is 0.5'], [NaN, 'is NaN'], ['7', 'is "7"'], [null, 'is null'], [true, 'is true'], [{}, 'is Object'],
    [[], 'has 0 elements'], [BigInt64Array.of(1n, 2n), 'has 2 elements'], [[[7]], 'is Array'], [new DataView(new ArrayBuffer(8)), 'is DataView'],
  ])('%s is none', (count, given) => {
    expect(() => fromNames({ ...entries('pytorch'), num_batches_tracked: count }, 'pytorch', { channels: 3 })).toThrow(
      `fromNames: "num_batches_tracked" ${given}, needs one integer from 0 to 9007199254740991. Correct it before loading.`,
    );
  });
  it('where the entries do not say: the option; else 0, but PyTorch has to say', () => {
    for (const library of ['keras', 'onnx'] as const) {
      expect(fromNames(entries(library), library, { channels: 3 }).batches).toBe(0);
      expect(fromNames(entries(library), library, { channels: 3, batches: 5 }).batches).toBe(5);
    }
    const { num_batches_tracked: _, ...old } = entries('pytorch');
    expect(fromNames(old, 'pytorch', { channels: 3, batches: 5 }).batches).toBe(5);
    expect(() => fromNames(old, 'pytorch', { channels: 3 })).toThrow(
      'fromNames: "num_batches_tracked" is missing, needs an integer of at least 0. Give it, or say it by the option "batches".',
    );
    expect(() => fromNames(old, 'pytorch', { channels: 3, batches: -1 })).toThrow('fromNames: "batches" is -1, needs an integer from 0 to 9007199254740991.');
  });
});

describe('what get_weights() gives', () => {
  it('control: in order, as long as the layer', () => {
    expect(fromNames(Object.values(entries('keras')), 'keras', { channels: 3, batches: 12 })).toEqual(state);
    expect(fromNames(Object.values(entries('keras')).slice(1), 'keras', { channels: 3, gamma: false, batches: 12 })).toEqual(without('gamma'));
  });
  it.each<[string, () => unknown, string]>([
    ['one short', () => fromNames([ones, zeros, zeros], 'keras', { channels: 3 }),
      'fromNames: "entries" has 3 arrays, needs 4 (gamma, beta, moving_mean, moving_variance, from the options). Give what get_weights() of that layer gives.'],
    ['one too many', () => fromNames([ones, zeros, zeros, ones], 'keras', { channels: 3, beta: false }),
      'fromNames: "entries" has 4 arrays, needs 3 (gamma, moving_mean, moving_variance, from the options).'],
    ['a bad one', () => fromNames([ones, zeros, zeros, [1, 1, -1]], 'keras', { channels: 3 }),
      'fromNames: "moving_variance" has -1 at 2, needs finite f32 numbers of at least 0. Correct it before loading.'],
    ['a prefix', () => fromNames([], 'keras', { channels: 3, prefix: 'bn/' }),
      'fromNames: "prefix" is "bn/", needs none (an array has no names). Leave it out.'],
    ['PyTorch', () => fromNames([ones], 'pytorch', { channels: 3 }),
      `fromNames: "entries" is an array, needs an object of entries by name (only Keras's get_weights() goes by order).`],
  ])('%s', (_, act, message) => expect(act).toThrow(message));
});

describe('what is refused', () => {
  const load = (change: Record<string, unknown>, options: Partial<NamesOptions> = {}) => () =>
    fromNames({ ...entries('pytorch', 'bn.'), ...change }, 'pytorch', { channels: 3, prefix: 'bn.', ...options });
  const leave = (name: string) => () => {
    const { [name]: _, ...rest } = entries('pytorch', 'bn.');
    return fromNames(rest, 'pytorch', { channels: 3, prefix: 'bn.' });
  };

  it('control', () => expect(load({ other: null })()).toEqual(state));

  it.each([
    ['bn.weight', 'with gamma: false'], ['bn.bias', 'with beta: false'], ['bn.running_mean', 'with trackRunning: false'],
      ['bn.running_var', 'with trackRunning: false'],
  ])('%s missing', (name, layer) => {
    expect(leave(name)).toThrow(`fromNames: "${name}" is missing, needs 3 numbers (one per channel). Give it, or load into a layer ${layer}.`);
  });

  it.each<[string, () => unknown, string]>([
    ['unknown under the prefix', load({ 'bn.momentum': 0.1 }),
      `fromNames: "bn.momentum" is no entry of pytorch's batch norm, needs only bn.weight, bn.bias, bn.running_mean, bn.running_var, bn.num_batches_tracked. ` +
        `Remove it, or correct the prefix.`],
    ['unknown without one', () => fromNames({ ...entries('onnx'), var: ones }, 'onnx', { channels: 3 }),
      `fromNames: "var" is no entry of onnx's batch norm, needs only scale, B, input_mean, input_var. Remove it, or give the prefix of one layer.`],
    ['no entry under the prefix', load({}, { prefix: 'features.' }),
      'fromNames: "prefix" is "features.", needs one that entries begin with (none of 5 does). Correct it.'],
    ['nothing at all', () => fromNames({}, 'keras', { channels: 3 }), 'fromNames: "gamma" is missing, needs 3 numbers (one per channel).'],
    ['undefined', load({ 'bn.weight': undefined }), 'fromNames: "bn.weight" is undefined, needs a Float32Array, a Float64Array or an array of 3 numbers.'],
    ['another array', load({ 'bn.weight': Int32Array.of(1, 1, 1) }),
      'fromNames: "bn.weight" is Int32Array, needs a Float32Array, a Float64Array or an array of 3 numbers.'],
    ['too short', load({ 'bn.bias': [1, 2] }), 'fromNames: "bn.bias" has 2 elements, needs 3 (one per channel). Give the entry of that layer.'],
    ['too long', load({}, { channels: 2 }), 'fromNames: "bn.weight" has 3 elements, needs 2 (one per channel). Give the entry of that layer.'],
    ['NaN', load({ 'bn.running_mean': [0, NaN, 0] }), 'fromNames: "bn.running_mean" has NaN at 1, needs finite f32 numbers. Correct it before loading.'],
    ['infinity', load({ 'bn.running_var': Float32Array.of(1, 1, Infinity) }),
      'fromNames: "bn.running_var" has Infinity at 2, needs finite f32 numbers of at least 0. Correct it before loading.'],
    ['infinity in f32', load({ 'bn.weight': Float64Array.of(1, 1e39, 1) }),
      'fromNames: "bn.weight" has 1e+39 at 1, needs finite f32 numbers. Correct it before loading.'],
    ['no number', load({ 'bn.weight': [1, '1', 1] }), 'fromNames: "bn.weight" has "1" at 1, needs finite f32 numbers. Correct it before loading.'],
    ['a hole', load({ 'bn.weight': new Array(3) }), 'fromNames: "bn.weight" has undefined at 0, needs finite f32 numbers. Correct it before loading.'],
    ['a negative variance', load({ 'bn.running_var': [1, -1e-9, 1] }),
      'fromNames: "bn.running_var" has -1e-9 at 1, needs finite f32 numbers of at least 0. Correct it before loading.'],
    ['library', () => fromNames({}, 'torch' as never, { channels: 3 }), `fromNames: "library" is "torch", needs one of 'pytorch', 'keras', 'onnx'.`],
    ['library, of a prototype', () => toNames(state, 'toString' as never), `toNames: "library" is "toString", needs one of 'pytorch', 'keras', 'onnx'.`],
    ['option', load({}, { gama: false } as never),
      'fromNames: "gama" is not an option, needs one of channels, gamma, beta, trackRunning, prefix, batches. Remove or rename it.'],
    ['options', () => fromNames({}, 'keras', undefined as never),
      'fromNames: "options" is undefined, needs an object with channels, gamma, beta, trackRunning, prefix, batches.'],
    ['channels', load({}, { channels: 0 }), 'fromNames: "channels" is 0, needs an integer of at least 1.'],
    ['flag', load({}, { beta: 0 as never }), 'fromNames: "beta" is 0, needs true or false.'],
    ['prefix', load({}, { prefix: 1 as never }), `fromNames: "prefix" is 1, needs a string such as 'features.1.'.`],
    ['prefix to', () => toNames(state, 'keras', null as never), `toNames: "prefix" is null, needs a string such as 'features.1.'.`],
    ['entries', () => fromNames(null as never, 'keras', { channels: 3 }), 'fromNames: "entries" is null, needs an object of entries by name.'],
    ['Map', () => fromNames(new Map() as never, 'keras', { channels: 3 }), 'fromNames: "entries" is Map, needs an object. Give Object.fromEntries(entries).'],
    ['state', () => toNames(null as never, 'keras'), 'toNames: "state" is null, needs what state() gave.'],
    ['a state of other names', () => toNames({ weight: ones } as never, 'pytorch'), 'toNames: "weight" is in the state, needs only nothing'],
    ['a state whose arrays differ', () => toNames({ ...state, runningVar: [1, 1] }, 'pytorch'),
      'toNames: "runningVar" has 2 elements, needs 3 (one per channel).'],
    ['a state with one of the running statistics', () => toNames(without('runningVar'), 'keras'),
      'toNames: "runningVar" is undefined, needs a Float32Array or an array of 3 numbers.'],
    ['a state without batches', () => toNames(without('batches'), 'onnx'), 'toNames: "batches" is undefined, needs an integer of at least 0.'],
    ['a state with NaN', () => toNames({ ...state, beta: [0, 0, NaN] }, 'onnx'), 'toNames: "beta" has NaN at 2, needs finite numbers.'],
  ])('%s', (_, act, message) => expect(act).toThrow(message));

  it('inputs stay as they are', () => {
    const given = entries('pytorch');
    const before = structuredClone(given);
    fromNames(given, 'pytorch', { channels: 3 }).gamma![0] = 99;
    (toNames(state, 'pytorch').weight as Float32Array)[0] = 99;
    expect(given).toEqual(before);
    expect(state.gamma[0]).toBe(1.5);
  });
});
