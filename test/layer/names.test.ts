// Claim: a state goes to each library's names and back without loss, the other names that its files have are read too, and what is
// not exactly one layer's state is refused by the entry's name, with nothing done.
// Control: the full state of a layer that learned something, under each library's names.
import { describe, expect, it } from 'vitest';
import { BatchNorm, type BatchNormState, openBackend } from '../../src/index.js';
import { packHalf } from '../../src/core/storage.js';
import type { Library } from '../../src/layer/libraries.js';
import { type NamesOptions, fromNames, listBatchNorms, toNames } from '../../src/layer/names.js';

const state: Required<BatchNormState> = {
  gamma: Float32Array.of(1.5, -2, 0), beta: Float32Array.of(0.25, 0, -3),
  runningMean: Float32Array.of(10, -0.5, 0), runningVar: Float32Array.of(4, 0, 1e-3), batches: 12,
};
/** As the libraries' documentation has them: gamma, beta, mean, variance, count. */
const names: Record<Library, string[]> = {
  pytorch: ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'],
  keras: ['gamma', 'beta', 'moving_mean', 'moving_variance'],
  onnx: ['scale', 'B', 'input_mean', 'input_var'],
  flax: ['params/scale', 'params/bias', 'batch_stats/mean', 'batch_stats/var'],
  webnn: ['scale', 'bias', 'mean', 'variance'],
};
/** With a prefix, which flax has behind the collection. */
const under = (library: Library, prefix: string) => names[library].map((name) => (library === 'flax' ? name.replace('/', `/${prefix}`) : prefix + name));
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
    expect(Object.keys(toNames(state, library, 'a/'))).toEqual(under(library, 'a/'));
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
    ['flax', without('gamma'), { 'params/bias': state.beta }],
    ['webnn', without('beta'), { scale: state.gamma }],
    ['webnn', without('gamma', 'beta'), {}],
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
  it('the others have none', () => {
    expect(() => toNames(untracked, 'keras')).toThrow(
      `toNames: "state" has no running statistics, needs them (keras's batch norm always has moving_mean and moving_variance). ` +
        'Take it from a layer with trackRunning: true.',
    );
    for (const library of ['onnx', 'flax', 'webnn'] as const) expect(() => toNames({}, library)).toThrow('has no running statistics');
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
  it('where the entries do not say: the option, or 0, as PyTorch does with files older than its count', () => {
    const { num_batches_tracked: _, ...old } = entries('pytorch');
    for (const [library, given] of [['keras', entries('keras')], ['onnx', entries('onnx')], ['flax', entries('flax')], ['webnn', entries('webnn')],
      ['pytorch', old]] as const) {
      expect(fromNames(given, library, { channels: 3 }).batches).toBe(0);
      expect(fromNames(given, library, { channels: 3, batches: 5 }).batches).toBe(5);
    }
    expect(() => fromNames(old, 'pytorch', { channels: 3, batches: -1 })).toThrow('fromNames: "batches" is -1, needs an integer from 0 to 9007199254740991.');
  });
});

describe('what else files call them', () => {
  /** The state's four arrays under these names. */
  const as = (...keys: string[]): Record<string, unknown> =>
    Object.fromEntries(keys.map((key, i) => [key, [state.gamma, state.beta, state.runningMean, state.runningVar][i]]));
  it.each<[string, Library, Record<string, unknown>, string]>([
    ['TensorFlow variables', 'keras', as('batch_normalization/gamma:0', 'batch_normalization/beta:0', 'batch_normalization/moving_mean:0',
      'batch_normalization/moving_variance:0'), 'batch_normalization/'],
    ['an .h5 of Keras 3', 'keras', as(...['gamma', 'beta', 'moving_mean', 'moving_variance'].map((name) => `model_weights/named/sequential/named/${name}`)),
      'model_weights/named/sequential/named/'],
    ['tfjs', 'keras', as(...['gamma', 'beta', 'moving_mean', 'moving_variance'].map((name) => `batch_normalization_BatchNormalization1/${name}`)),
      'batch_normalization_BatchNormalization1/'],
    ['a .weights.h5 of Keras 3', 'keras', as(...[0, 1, 2, 3].map((i) => `layers/batch_normalization/vars/${i}`)), 'layers/batch_normalization/'],
    ['the same, its prefix whole', 'keras', as(...[0, 1, 2, 3].map((i) => `layers/batch_normalization/vars/${i}`)), 'layers/batch_normalization/vars/'],
    ['ONNX before opset 14', 'onnx', as('scale', 'B', 'mean', 'var'), ''],
    [`PyTorch's exporter`, 'onnx', as('bn1.weight', 'bn1.bias', 'bn1.running_mean', 'bn1.running_var'), 'bn1.'],
    ['flax, by dots', 'flax', as('params.BatchNorm_0.scale', 'params.BatchNorm_0.bias', 'batch_stats.BatchNorm_0.mean', 'batch_stats.BatchNorm_0.var'),
      'BatchNorm_0.'],
    ['flax, a prefix with its collection', 'flax', as('params/bn/scale', 'params/bn/bias', 'batch_stats/bn/mean', 'batch_stats/bn/var'), 'params/bn/'],
    ['nnx', 'flax', as('bn/scale', 'bn/bias', 'bn/mean', 'bn/var'), 'bn/'],
    ['DataParallel', 'pytorch', as(...['weight', 'bias', 'running_mean', 'running_var'].map((name) => `module.layer1.0.bn1.${name}`)), 'module.layer1.0.bn1.'],
  ])('%s', (_, library, given, prefix) => {
    const all = { ...given, 'conv1/kernel': 'another layer', 'conv1.weight': null, 'layers/dense/vars/0': [1], 'optimizer/vars/0': 3 };
    expect(fromNames(prefix ? all : given, library, { prefix, batches: 12 })).toEqual(state);
    const found = listBatchNorms(all, library);
    expect(found).toEqual([{ prefix: prefix.replace(/^params\/|vars\/$/, ''), channels: 3, gamma: true, beta: true }]);
    expect(fromNames(prefix ? all : given, library, { ...found[0], batches: 12 })).toEqual(state);
  });

  it('nested variables of flax', () => {
    const variables = {
      params: { Dense_0: { kernel: [[1]], bias: [0] }, block: { BatchNorm_0: { scale: state.gamma, bias: state.beta } } },
      batch_stats: { block: { BatchNorm_0: { mean: state.runningMean, var: { type: 'float32', data: state.runningVar } } } },
    };
    expect(fromNames(variables, 'flax', { prefix: 'block/BatchNorm_0/', batches: 12 })).toEqual(state);
    expect(listBatchNorms(variables, 'flax')).toEqual([{ prefix: 'block/BatchNorm_0/', channels: 3, gamma: true, beta: true }]);
  });

  it('Keras 3 numbers what the layer holds', () => {
    const given = { 'bn/vars/0': state.beta, 'bn/vars/1': state.runningMean, 'bn/vars/2': state.runningVar };
    expect(fromNames(given, 'keras', { prefix: 'bn/', gamma: false, batches: 12 })).toEqual(without('gamma'));
    for (const options of [{ prefix: 'bn/' }, { prefix: 'bn/', fill: true }]) {
      expect(() => fromNames(given, 'keras', options)).toThrow(
        'fromNames: "bn/vars/0", "bn/vars/1", "bn/vars/2" are there, needs 4 numbered from 0 (gamma, beta, moving_mean, moving_variance, from the ' +
          'options). Correct gamma and beta, or the prefix.',
      );
    }
    expect(() => fromNames({ ...given, 'bn/gamma': state.gamma }, 'keras', { prefix: 'bn/', gamma: false })).toThrow(
      '"bn/vars/2", "bn/gamma" are there, needs 3 numbered from 0');
  });

  it(`ONNX: the node's inputs after X, whatever their initializers are called`, () => {
    const inputs = [state.gamma, state.beta, state.runningMean, state.runningVar];
    expect(fromNames(inputs, 'onnx', { batches: 12 })).toEqual(state);
    expect(fromNames([ones, state.beta, state.runningMean, state.runningVar], 'onnx', { gamma: false, batches: 12 })).toEqual(without('gamma'));
    expect(() => fromNames(inputs.slice(1), 'onnx', { gamma: false })).toThrow(
      `fromNames: "entries" has 3 arrays, needs 4 (scale, B, input_mean, input_var). Give the node's inputs after X.`);
  });

  it('one entry under two names is refused', () => {
    expect(() => fromNames({ ...entries('onnx'), var: ones }, 'onnx')).toThrow(
      'fromNames: "var" and "input_var" are both there, needs one (both are the runningVar here). Remove one.');
    expect(() => fromNames({ ...entries('keras'), 'gamma:0': ones }, 'keras')).toThrow('fromNames: "gamma:0" and "gamma" are both there');
    expect(() => fromNames({ ...entries('flax'), scale: ones }, 'flax')).toThrow('fromNames: "scale" and "params/scale" are both there');
  });

  it('what another library calls so is said', () => {
    expect(() => fromNames(entries('pytorch'), 'keras')).toThrow(`fromNames: "weight" is no entry of keras's batch norm, needs only gamma, beta, ` +
      `moving_mean, moving_variance. Remove it, or say 'pytorch', whose name it is.`);
    expect(() => fromNames(entries('keras'), 'pytorch')).toThrow(`Remove it, or say 'keras', whose name it is.`);
    expect(() => fromNames({ 'gamma:0': ones }, 'pytorch')).toThrow(`Remove it, or say 'keras', whose name it is.`);
  });
});

describe('values of other kinds', () => {
  const gammas: [string, unknown][] = [
    ['f16', { data: packHalf(state.gamma, 'f16'), type: 'f16' }], ['bf16', { data: packHalf(state.gamma, 'bf16'), type: 'bf16' }],
    ['onnxruntime', { data: packHalf(state.gamma, 'f16'), type: 'float16', dims: [3] }], ['a dtype', { data: packHalf(state.gamma, 'bf16'), dtype: 'BF16' }],
    ['f32 with its type', { data: state.gamma, type: 'float32' }], ['f64', { data: Float64Array.from(state.gamma), dtype: 'float64' }],
      ['numbers', { data: [...state.gamma], shape: [1, 3, 1, 1] }],
  ];
  it.each(gammas)('%s', (_, gamma) => expect(fromNames({ ...entries('pytorch'), weight: gamma }, 'pytorch', { channels: 3 })).toEqual(state));

  it('a Float16Array, where the engine has one', () => {
    const { Float16Array: Halves } = globalThis as unknown as { Float16Array?: { from(values: Iterable<number>): object } };
    const halves = Halves ? Halves.from(state.gamma) : Object.defineProperty(Int16Array.from(state.gamma), Symbol.toStringTag, { value: 'Float16Array' });
    const want = Halves ? state.gamma : Float32Array.from(Int16Array.from(state.gamma)); // a stand-in's values are what reading it gives
    for (const weight of [halves, { data: halves, type: 'float16' }]) expect(fromNames({ ...entries('pytorch'), weight }, 'pytorch').gamma).toEqual(want);
  });

  it.each<[string, unknown, string]>([
    ['halves without their type', Uint16Array.of(1, 2, 3),
      `is Uint16Array, needs its type too (f16 or bf16: the words alone do not tell). Give { data, type: 'f16' } or { data, type: 'bf16' }.`],
    ['halves of another type', { data: Uint16Array.of(1, 2, 3), type: 'float32' },
      `is Uint16Array of type "f32", needs 'f16' or 'bf16' (two bytes a value). Correct its type.`],
    ['halves in an object without type', { data: Uint16Array.of(1, 2, 3) }, `is Uint16Array of type undefined, needs 'f16' or 'bf16'`],
    ['an integer type', { data: Int8Array.of(1, 2, 3), type: 'int8' }, 'is of type "int8", needs F64, F32, F16 or BF16. Save it as one of these.'],
    ['integers', { data: Int8Array.of(1, 2, 3) },
      `has data of Int8Array, needs a Float32Array, a Float64Array or an array of 3 numbers, or a Uint16Array of type 'f16' or 'bf16'.`],
    ['a tensor of tfjs', { dtype: 'float32', shape: [3], data: () => 0 },
      'is Object, needs a Float32Array, a Float64Array or an array of 3 numbers. Give the values that its data() resolves to.'],
    ['an entry of a file that is no float', { dtype: 'I32', shape: [3] }, 'is of type I32, needs F64, F32, F16 or BF16. Save it as one of these.'],
    ['an entry of a file with more axes', { dtype: 'F32', shape: [64, 3, 7, 7] }, 'has shape [64, 3, 7, 7], needs the numbers of one axis (batch norm has ' +
      'one number per channel). Give the prefix of a batch norm, or read the entry by its name.'],
    ['a NaN among halves', { data: Uint16Array.of(0x3c00, 0x7e00, 0), type: 'f16' }, 'has NaN at 1, needs finite f32 numbers. Correct it before loading.'],
  ])('refused: %s', (_, weight, message) =>
    expect(() => fromNames({ ...entries('pytorch'), weight }, 'pytorch', { channels: 3 })).toThrow(`fromNames: "weight" ${message}`));
});

describe('what is left out', () => {
  it('channels are as many as the entries have, all of them', () => {
    expect(fromNames(entries('pytorch'), 'pytorch')).toEqual(state);
    expect(() => fromNames({ ...entries('pytorch'), bias: [1, 2] }, 'pytorch')).toThrow(
      'fromNames: "bias" has 2 elements, needs 3 (as many as weight). Give the entry of that layer.');
    expect(() => fromNames(entries('pytorch'), 'pytorch', { channels: 2 })).toThrow('fromNames: "weight" has 3 elements, needs 2 (one per channel).');
    expect(() => fromNames({ weight: [], bias: [], running_mean: [], running_var: [] }, 'pytorch')).toThrow(
      'fromNames: "weight" has 0 elements, needs one per channel. Give the entry of a layer.');
  });

  it('gamma and beta are filled in on request', () => {
    const { weight: _, bias: __, ...plain } = entries('pytorch');
    expect(fromNames(plain, 'pytorch', { fill: true })).toEqual({ ...state, gamma: ones, beta: zeros });
    expect(fromNames({ ...plain, bias: state.beta }, 'pytorch', { fill: true })).toEqual({ ...state, gamma: ones });
    expect(fromNames(entries('pytorch'), 'pytorch', { fill: true })).toEqual(state);
    expect(fromNames(plain, 'pytorch', { fill: true, beta: false })).toEqual({ ...without('beta'), gamma: ones });
    expect(fromNames({}, 'pytorch', { fill: true, trackRunning: false, channels: 3 })).toEqual({ gamma: ones, beta: zeros });
  });

  it('nothing else is', () => {
    const { running_var: _, ...short } = entries('pytorch');
    expect(() => fromNames(short, 'pytorch', { fill: true })).toThrow(
      'fromNames: "running_var" is missing, needs 3 numbers (one per channel). Give it, or load into a layer with trackRunning: false.');
    expect(() => fromNames({}, 'pytorch', { fill: true })).toThrow(
      'fromNames: "channels" is undefined, needs an integer of at least 1 (no entry says how many to fill in).');
    expect(() => fromNames({}, 'pytorch', { fill: 1 as never })).toThrow('fromNames: "fill" is 1, needs true or false.');
  });
});

describe('the batch norms of many entries', () => {
  const many = {
    'conv1.weight': new Float32Array(27), ...entries('pytorch', 'module.bn1.'), 'module.ln.weight': ones, 'module.ln.bias': zeros,
    ...toNames(without('gamma', 'beta'), 'pytorch', 'module.layer1.0.bn2.'), 'half.running_mean': ones, 'odd.running_mean': [1], 'odd.running_var': [1, 1],
      'none.running_mean': [], 'none.running_var': [],
    'w.weight': [1], 'w.running_mean': ones, 'w.running_var': ones,
  };
  it('each by its prefix, with what it has', () => {
    expect(listBatchNorms(many, 'pytorch')).toEqual([
      { prefix: 'module.bn1.', channels: 3, gamma: true, beta: true }, { prefix: 'module.layer1.0.bn2.', channels: 3, gamma: false, beta: false },
    ]);
    expect(listBatchNorms(many, 'pytorch').map((found) => fromNames(many, 'pytorch', found))).toEqual([state, without('gamma', 'beta')]);
    expect(listBatchNorms(many, 'keras')).toEqual([]);
    expect(listBatchNorms({ 'a/0': [1], 'a/1': [1], 'a/2': [1], 'a/3': [1], 'b/vars/0': [1], 'b/vars/1': [1], 'b/vars/2': [1], 'b/vars/3': [1, 2] }, 'keras'))
      .toEqual([]);
  });
  it('a prefix that is none is told which there are', () => {
    const there = ': there is a batch norm under "module.bn1.", "module.layer1.0.bn2.".';
    expect(() => fromNames(many, 'pytorch', { prefix: 'bn1.' })).toThrow(
      `fromNames: "prefix" is "bn1.", needs one that entries begin with (none of 19 does). Correct it${there}`);
    expect(() => fromNames(many, 'pytorch')).toThrow(`Remove it, or give the prefix of one layer${there}`);
    const five = Object.assign({}, ...[1, 2, 3, 4, 5].map((i) => entries('pytorch', `bn${i}.`))) as Record<string, unknown>;
    expect(() => fromNames(five, 'pytorch', { prefix: 'bn9.' })).toThrow('under "bn1.", "bn2.", "bn3." and 2 more (listBatchNorms has them).');
  });
});

describe('what get_weights() gives', () => {
  it('control: in order, as long as the layer', () => {
    expect(fromNames(Object.values(entries('keras')), 'keras', { channels: 3, batches: 12 })).toEqual(state);
    expect(fromNames(Object.values(entries('keras')).slice(1), 'keras', { channels: 3, gamma: false, batches: 12 })).toEqual(without('gamma'));
  });
  it.each<[string, () => unknown, string]>([
    ['one short', () => fromNames([ones, zeros, zeros], 'keras', { channels: 3 }), 'fromNames: "entries" has 3 arrays, needs 4 (gamma, beta, moving_mean, ' +
      'moving_variance, from the options). Give what get_weights() of that layer gives.'],
    ['one too many', () => fromNames([ones, zeros, zeros, ones], 'keras', { channels: 3, beta: false }),
      'fromNames: "entries" has 4 arrays, needs 3 (gamma, moving_mean, moving_variance, from the options).'],
    ['a bad one', () => fromNames([ones, zeros, zeros, [1, 1, -1]], 'keras', { channels: 3 }),
      'fromNames: "moving_variance" has -1 at 2, needs finite f32 numbers of at least 0. Correct it before loading.'],
    ['a prefix', () => fromNames([], 'keras', { channels: 3, prefix: 'bn/' }),
      'fromNames: "prefix" is "bn/", needs none (an array has no names). Leave it out.'],
    ['PyTorch', () => fromNames([ones], 'pytorch', { channels: 3 }),
      `fromNames: "entries" is an array, needs an object of entries by name (only Keras's get_weights() and ONNX's inputs go by order).`],
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
    ['bn.weight', 'with gamma: false, or ask for ones by fill: true'], ['bn.bias', 'with beta: false, or ask for zeros by fill: true'],
    ['bn.running_mean', 'with trackRunning: false'], ['bn.running_var', 'with trackRunning: false'],
  ])('%s missing', (name, layer) => {
    expect(leave(name)).toThrow(`fromNames: "${name}" is missing, needs 3 numbers (one per channel). Give it, or load into a layer ${layer}.`);
  });

  it.each<[string, () => unknown, string]>([
    ['unknown under the prefix', load({ 'bn.momentum': 0.1 }), `fromNames: "bn.momentum" is no entry of pytorch's batch norm, needs only bn.weight, ` +
      `bn.bias, bn.running_mean, bn.running_var, bn.num_batches_tracked. Remove it, or correct the prefix.`],
    ['unknown without one', () => fromNames({ ...entries('onnx'), X: ones }, 'onnx', { channels: 3 }),
      `fromNames: "X" is no entry of onnx's batch norm, needs only scale, B, input_mean, input_var. Remove it, or give the prefix of one layer.`],
    ['no entry under the prefix', load({}, { prefix: 'features.' }),
      'fromNames: "prefix" is "features.", needs one that entries begin with (none of 5 does). Correct it: there is a batch norm under "bn.".'],
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
    ['library', () => fromNames({}, 'torch' as never, { channels: 3 }),
      `fromNames: "library" is "torch", needs one of 'pytorch', 'keras', 'onnx', 'flax', 'webnn'.`],
    ['library, of a prototype', () => toNames(state, 'toString' as never),
      `toNames: "library" is "toString", needs one of 'pytorch', 'keras', 'onnx', 'flax', 'webnn'.`],
    ['option', load({}, { gama: false } as never),
      'fromNames: "gama" is not an option, needs one of channels, gamma, beta, trackRunning, prefix, batches, fill. Remove or rename it.'],
    ['options', () => fromNames({}, 'keras', null as never),
      'fromNames: "options" is null, needs an object with channels, gamma, beta, trackRunning, prefix, batches, fill.'],
    ['channels', load({}, { channels: 0 }), 'fromNames: "channels" is 0, needs an integer of at least 1.'],
    ['flag', load({}, { beta: 0 as never }), 'fromNames: "beta" is 0, needs true or false.'],
    ['prefix', load({}, { prefix: 1 as never }), `fromNames: "prefix" is 1, needs a string such as 'features.1.'.`],
    ['prefix to', () => toNames(state, 'keras', null as never), `toNames: "prefix" is null, needs a string such as 'features.1.'.`],
    ['entries', () => fromNames(null as never, 'keras', { channels: 3 }), 'fromNames: "entries" is null, needs an object of entries by name.'],
    ['a promise', () => fromNames(Promise.resolve({}) as never, 'pytorch'), 'fromNames: "entries" is Promise, needs an object of entries by name. Await it.'],
    ['bytes', () => fromNames(new Uint8Array(8) as never, 'pytorch'),
      'fromNames: "entries" is Uint8Array, needs an object of entries by name. Of a file\'s bytes give what readSafetensors reads.'],
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
