// Claim: the layer, here on the CPU, keeps its state through training and evaluation, and refuses what it cannot
// do before anything has changed.
import { beforeEach, describe, expect, it } from 'vitest';
import { BatchNorm, type LayerOptions, type LoadableState, openBackend, presets } from '../../src/index.js';

const cpu = await openBackend({ prefer: 'cpu' });
const matrix = (rows: number, channels: number, seed = 1) =>
  cpu.tensor(Float32Array.from({ length: rows * channels }, (_, i) => Math.sin(i * 1.3 + seed) * 2), [rows, channels]);

let layer: BatchNorm;
beforeEach(async () => {
  layer = await BatchNorm.create(cpu, { channels: 3 });
});

describe('training and evaluation', () => {
  it('control: columns of y have mean beta and deviation gamma', async () => {
    layer.gamma!.write([1, 2, -3]);
    layer.beta!.write([0, 5, 1]);
    const y = await layer.forward(matrix(50, 3)).read();
    for (let c = 0; c < 3; c++) {
      const column = y.filter((_, i) => i % 3 === c);
      const mean = column.reduce((sum, value) => sum + value, 0) / 50;
      const deviation = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 50);
      expect(mean).toBeCloseTo([0, 5, 1][c], 5);
      expect(deviation).toBeCloseTo([1, 2, 3][c], 4);
    }
  });

  it('running statistics follow training only; eval uses them', async () => {
    const x = matrix(40, 3);
    layer.forward(x);
    const after = await layer.state();
    const { mean } = await layer.statistics();
    after.runningMean!.forEach((value, c) => expect(value).toBeCloseTo(0.1 * mean[c], 6));
    expect(layer.batches).toBe(1);
    expect(layer.eval().training).toBe(false);
    layer.forward(x);
    expect(await layer.state()).toEqual(after);
    expect(layer.train().training).toBe(true);
  });

  it('backward goes by the mode its forward ran in', async () => {
    const x = matrix(10, 3);
    const dy = matrix(10, 3, 5);
    layer.eval().forward(x);
    layer.train();
    const dx = await layer.backward(dy).read(); // frozen: gamma 1, running variance 1
    (await dy.read()).forEach((value, i) => expect(dx[i]).toBeCloseTo(value / Math.sqrt(1 + 1e-5), 6));
  });

  it('channels-first, of whatever rank, the second axis channels: the same numbers as channels-last', async () => {
    const first = await BatchNorm.create(cpu, { channels: 3, layout: 'channelsFirst' });
    const rows = matrix(8, 3); // [8, 3] is [2, 4, 3], which is [2, 3, 2, 2] with the channels moved
    const values = await rows.read();
    const moved = Float32Array.from({ length: 24 }, (_, i) => values[(Math.floor(i / 12) * 4 + (i % 4)) * 3 + (Math.floor(i / 4) % 3)]);
    const want = await layer.forward(rows).read();
    const y = first.forward(cpu.tensor(moved, [2, 3, 2, 2]));
    expect(y.shape).toEqual([2, 3, 2, 2]);
    const got = await y.read();
    got.forEach((value, i) => expect(value).toBeCloseTo(want[(Math.floor(i / 12) * 4 + (i % 4)) * 3 + (Math.floor(i / 4) % 3)], 6));
    expect(() => first.forward(rows)).not.toThrow(); // [8, 3]: batch 8, spatial 1
    expect(() => first.forward(matrix(3, 4))).toThrow('BatchNorm.forward: "x" has shape [3, 4], needs [batch, 3, spatial] (second axis = channels).');
  });

  it('results of the last 16 shapes are kept, older ones are freed', () => {
    const results = Array.from({ length: 18 }, (_, i) => layer.forward(matrix(i + 2, 3)));
    expect(results.map(({ disposed }) => disposed)).toEqual(results.map((_, i) => i < 2));
  });

  it('any rank whose last axis is channels', () => {
    const x = cpu.tensor(new Float32Array(24).map((_, i) => i), [2, 4, 3]);
    expect(layer.forward(x).shape).toEqual([2, 4, 3]);
  });

  it('without running statistics there is no evaluation, and one row trains', async () => {
    const untracked = await BatchNorm.create(cpu, { channels: 3, trackRunning: false });
    expect(() => untracked.eval()).toThrow('BatchNorm.eval: the layer has no running statistics, needs them. Create it with trackRunning: true.');
    expect(untracked.training).toBe(true);
    expect(untracked.forward(matrix(1, 3)).shape).toEqual([1, 3]);
    expect(await untracked.state()).toEqual({ gamma: new Float32Array([1, 1, 1]), beta: new Float32Array(3) });
  });

  it('a forward that is not tracked gives the same y and gradients, and moves and counts nothing; one row will do', async () => {
    const [x, dy] = [matrix(20, 3), matrix(20, 3, 4)];
    const y = await layer.forward(x).read();
    const dx = await layer.backward(dy).read();
    const before = await layer.state();
    expect(before.batches).toBe(1);
    expect(await layer.forward(x, { track: false }).read()).toEqual(y);
    expect(await layer.backward(dy).read()).toEqual(dx);
    layer.forward(matrix(1, 3), { track: false });
    layer.eval().forward(x, { track: false });
    expect(await layer.state()).toEqual(before);
    expect(layer.batches).toBe(1);
  });

  it('gamma and beta may each be left out', async () => {
    const plain = await BatchNorm.create(cpu, { channels: 3, gamma: false, beta: false });
    expect([plain.gamma, plain.beta, plain.dgamma, plain.dbeta]).toEqual([null, null, null, null]);
    plain.forward(matrix(9, 3));
    plain.backward(matrix(9, 3, 2));
    expect(Object.keys(await plain.state())).toEqual(['runningMean', 'runningVar', 'batches']);
  });
});

describe('presets', () => {
  it.each([
    ['pytorch', 1e-5, 0.1, 'unbiased'], ['keras', 1e-3, 0.01, 'biased'], ['onnx', 1e-5, 0.1, 'biased'], ['cs231n', 1e-5, 0.1, 'biased'],
  ] as const)('%s', async (name, eps, momentum, runningVariance) => {
    const { numbers } = await BatchNorm.create(cpu, { channels: 2, ...presets[name] });
    expect(numbers).toEqual({ eps, momentum, runningVariance });
  });
});

describe('state', () => {
  it('control: out, through JSON, and in again', async () => {
    layer.forward(matrix(30, 3));
    layer.gamma!.write([2, 3, 4]);
    const state = await layer.state();
    const other = await BatchNorm.create(cpu, { channels: 3 });
    other.load(JSON.parse(JSON.stringify(state)) as LoadableState);
    expect(await other.state()).toEqual(state);
    expect(other.batches).toBe(1);
  });

  it('broken values come back through JSON as they were', async () => {
    const values = Float32Array.of(NaN, Infinity, -0);
    layer.runningMean!.write(values);
    const text = JSON.stringify({ layers: [{ ...(await layer.state()) }] });
    expect(text).toContain('"runningMean":["NaN","Infinity","-0"]');
    const other = await BatchNorm.create(cpu, { channels: 3 });
    const [parsed] = (JSON.parse(text) as { layers: LoadableState[] }).layers;
    other.load(parsed);
    expect(await other.runningMean!.read()).toEqual(values);
    other.load({ ...parsed, beta: [1, null, 3] }); // JSON's word for the NaN of a plain array
    expect(await other.beta!.read()).toEqual(Float32Array.of(1, NaN, 3));
  });

  it('nothing is loaded where a tensor of the layer’s own is gone', async () => {
    const state = { ...(await layer.state()), gamma: [5, 5, 5] };
    layer.beta!.dispose();
    expect(() => layer.load(state)).toThrow('BatchNorm.load: the layer\'s own "beta" was disposed, needs it alive. Dispose the layer instead.');
    expect(await layer.gamma!.read()).toEqual(new Float32Array([1, 1, 1]));
    await expect(layer.state()).rejects.toThrow('BatchNorm.state: the layer\'s own "beta" was disposed');
  });

  it('more batches than cumulative averaging counts', async () => {
    const state = { ...(await layer.state()), batches: 2 ** 32 };
    layer.load(state);
    const cumulative = await BatchNorm.create(cpu, { channels: 3, momentum: 'cumulative' });
    expect(() => cumulative.load(state)).toThrow('BatchNorm.load: "batches" is 4294967296, needs at most 4294967295 (cumulative averaging counts in u32).');
  });

  it('is a copy', async () => {
    const state = await layer.state();
    state.gamma!.fill(9);
    expect(await layer.gamma!.read()).toEqual(new Float32Array([1, 1, 1]));
  });

  it.each<[string, object | null, string]>([
    ['nothing', null, 'BatchNorm.load: "state" is null, needs what state() gave.'],
    ['missing', { gamma: undefined }, 'BatchNorm.load: "gamma" is undefined, needs a Float32Array or an array of 3 numbers.'],
    ['unknown', { weight: [1, 2, 3] }, 'BatchNorm.load: "weight" is in the state, needs only gamma, beta, runningMean, runningVar, batches'],
    ['wrongly sized', { beta: [1, 2] }, 'BatchNorm.load: "beta" has 2 elements, needs 3 (one per channel).'],
    ['too large for f32', { runningMean: [1, 1e39, 3] }, 'BatchNorm.load: "runningMean" has 1e+39 at 1, needs numbers (f32).'],
    ['sparse', { gamma: Object.assign(new Array<number>(3), { 0: 1, 2: 3 }) }, 'BatchNorm.load: "gamma" has undefined at 1, needs numbers (f32).'],
    ['not numbers', { runningMean: [1, 'x', 3] }, 'BatchNorm.load: "runningMean" has "x" at 1, needs numbers (f32).'],
    ['negative variance', { runningVar: [1, 2, -3] }, 'BatchNorm.load: "runningVar" has -3 at 2, needs numbers of at least 0 (f32).'],
    ['no count', { batches: 1.5 }, 'BatchNorm.load: "batches" is 1.5, needs an integer of at least 0.'],
  ])('%s is refused and changes nothing', async (_, change, message) => {
    const before = await layer.state();
    const good = { gamma: [5, 5, 5], beta: [5, 5, 5], runningMean: [5, 5, 5], runningVar: [5, 5, 5], batches: 5 };
    expect(() => layer.load((change && { ...good, ...change }) as LoadableState)).toThrow(message);
    expect(await layer.state()).toEqual(before);
    expect(layer.batches).toBe(0);
  });
});

describe('bad input', () => {
  it.each<[object, string]>([
    [{}, 'BatchNorm.create: "channels" is undefined'],
    [{ channels: 0 }, 'BatchNorm.create: "channels" is 0, needs an integer of at least 1.'],
    [{ channels: 3, eps: NaN }, 'BatchNorm.create: "eps" is NaN, needs a finite number (f32).'],
    [{ channels: 3, momentum: 1.01 },
      'BatchNorm.create: "momentum" is 1.01, needs a number from 0 to 1 (weight of the new batch; Keras\'s 0.99 is 0.01 here).'],
    [{ channels: 3, trackRunning: 'yes' }, 'BatchNorm.create: "trackRunning" is "yes", needs true or false.'],
    [{ channels: 3, affine: true }, 'BatchNorm.create: "affine" is not an option, needs "gamma" and "beta" (so it is called here). Rename it.'],
    [{ num_features: 3 }, 'BatchNorm.create: "num_features" is not an option, needs "channels" (so it is called here). Rename it.'],
    [{ channels: 3, epsilon: 1e-3 }, 'BatchNorm.create: "epsilon" is not an option, needs "eps" (so it is called here). Rename it.'],
    [{ channels: 3, axis: -1 }, 'BatchNorm.create: "axis" is not an option, needs "layout" (so it is called here). Rename it.'],
    [{ channels: 3, dtype: 'float16' }, 'BatchNorm.create: "dtype" is not an option, needs "storage" (so it is called here). Rename it.'],
    [{ channels: 3, running_variance: 'biased' },
      'BatchNorm.create: "running_variance" is not an option, needs "runningVariance" (so it is called here). Rename it.'],
    [{ channels: 3, colour: 1 }, 'BatchNorm.create: "colour" is not an option, needs one of channels,'],
    [{ channels: 3, momentum: null }, 'BatchNorm.create: "momentum" is null, needs a number from 0 to 1, or \'cumulative\'. Use \'cumulative\'.'],
    [{ channels: 3, storage: 'float16' }, 'BatchNorm.create: "storage" is "float16", needs \'f32\', \'f16\' or \'bf16\'. Use \'f16\'.'],
    [{ channels: 3, activation: 'leaky_ReLU' },
      'BatchNorm.create: "activation" is "leaky_ReLU", needs one of \'none\', \'relu\', \'leakyRelu\', \'relu6\', \'silu\', \'hardSwish\', \'gelu\', ' +
        'or { name, wgsl, value, derivative }. Use \'leakyRelu\'.'],
    [{ channels: 3, onError: 'log' }, 'BatchNorm.create: "onError" is "log", needs a function.'],
    [{ channels: 3, layout: 'NCHW' }, 'BatchNorm.create: "layout" is "NCHW", needs \'channelsLast\' or \'channelsFirst\'. Use \'channelsFirst\'.'],
    [{ channels: 3, layout: 'NHWC' }, 'BatchNorm.create: "layout" is "NHWC", needs \'channelsLast\' or \'channelsFirst\'. Use \'channelsLast\'.'],
    [{ channels: 3, eps: 1e39 }, 'BatchNorm.create: "eps" is 1e+39, needs a finite number (f32).'],
  ])('options %j', async (options, message) => {
    await expect(BatchNorm.create(cpu, options as LayerOptions)).rejects.toThrow(message);
  });

  it('new makes no layer', () => {
    const make = () => new (BatchNorm as unknown as new (channels: number) => BatchNorm)(4);
    expect(make).toThrow(TypeError);
    expect(make).toThrow('BatchNorm: "new" is called, needs create (kernels are compiled first, which is awaited). Use await BatchNorm.create(backend, { ' +
      'channels }).');
  });

  it('no backend', async () => {
    await expect(BatchNorm.create(undefined as unknown as typeof cpu, { channels: 3 })).rejects.toThrow(
      'BatchNorm.create: "backend" is undefined, needs what openBackend() gave.',
    );
  });

  it.each<[string, () => unknown, string]>([
    ['no tensor', () => layer.forward(new Float32Array(3) as never),
      'BatchNorm.forward: "x" is Float32Array, needs a tensor. Make one by backend.tensor(data, shape).'],
    ['wrong channels', () => layer.forward(matrix(3, 4)), 'BatchNorm.forward: "x" has shape [3, 4], needs [rows, 3] (last axis = channels).'],
    ['no rows', () => layer.forward(cpu.empty([3])), 'BatchNorm.forward: "x" has shape [3], needs [rows, 3] (last axis = channels).'],
    ['one row, unbiased', () => layer.forward(matrix(1, 3)),
      'BatchNorm.forward: "rows" is 1, needs at least 2 (an unbiased running variance divides by rows − 1).'],
    ['out of another shape', () => layer.forward(matrix(2, 3), { out: cpu.empty([3, 3]) }),
      'BatchNorm.forward: "out" has shape [3, 3], needs [2, 3]. Create it with that shape.'],
    ['a pass', () => layer.forward(matrix(2, 3), { pass: {} as GPUComputePassEncoder }),
      'BatchNorm.forward: "pass" is given, needs none (the backend is the CPU). Leave it out.'],
    ['a misspelt option', () => layer.forward(matrix(2, 3), { output: 1 } as never),
      'BatchNorm.forward: "output" is not an option, needs "out" (so it is called here). Rename it.'],
    ['an unknown option', () => layer.forward(matrix(2, 3), { colour: 1 } as never),
      'BatchNorm.forward: "colour" is not an option, needs one of out, pass, residual, mask, validRows, track. Remove or rename it.'],
    ['a track that is no flag', () => layer.forward(matrix(2, 3), { track: 1 } as never), 'BatchNorm.forward: "track" is 1, needs true or false.'],
    ['backward first', () => layer.backward(matrix(2, 3)), 'BatchNorm.backward: there was no forward, needs one. Call forward(x) first.'],
  ])('%s', async (_, call, message) => {
    const before = await layer.state();
    expect(call).toThrow(message);
    expect(await layer.state()).toEqual(before);
    expect(layer.batches).toBe(0);
  });

  it('out that is an input, its own result as x, a disposed tensor, dy of another shape', () => {
    const x = matrix(4, 3);
    expect(() => layer.forward(x, { out: x })).toThrow('BatchNorm.forward: "out" is also "x", needs another tensor');
    const y = layer.forward(x);
    expect(() => layer.forward(y)).toThrow('BatchNorm.forward: "x" is this layer\'s own last result, which this call would overwrite');
    expect(() => layer.backward(matrix(5, 3))).toThrow('BatchNorm.backward: "dy" has shape [5, 3], needs [4, 3] (that of x in the last forward).');
    expect(() => layer.backward(matrix(4, 3), { out: x })).toThrow('BatchNorm.backward: "out" is also "x"');
    x.dispose();
    expect(() => layer.forward(x)).toThrow('BatchNorm.forward: "x" was disposed, needs a live tensor.');
    expect(() => layer.backward(matrix(4, 3))).toThrow('BatchNorm.backward: the x of the last forward was disposed');
  });

  it('its own dx as x or dy of the backward that would overwrite it', () => {
    const x = matrix(4, 3);
    layer.forward(x);
    const dx = layer.backward(matrix(4, 3, 2));
    expect(() => layer.backward(dx)).toThrow('BatchNorm.backward: "dy" is this layer\'s own last result');
    layer.forward(dx);
    expect(() => layer.backward(matrix(4, 3, 2))).toThrow('BatchNorm.backward: "x" is this layer\'s own last result');
  });

  it('what it would overwrite as residual, of forward and of backward; its own dresidual as dy is harmless', async () => {
    const fused = await BatchNorm.create(cpu, { channels: 3, activation: 'relu', residual: true });
    const [x, residual, dy] = [matrix(4, 3), matrix(4, 3, 7), matrix(4, 3, 2)];
    const y = fused.forward(x, { residual });
    const before = await y.read();
    expect(() => fused.forward(x, { residual: y })).toThrow(
      'BatchNorm.forward: "residual" is this layer\'s own last result, which this call would overwrite, needs another tensor. Give "out".');
    expect(() => fused.forward(x, { residual, out: residual })).toThrow('BatchNorm.forward: "out" is also "residual", needs another tensor');
    expect(await y.read()).toEqual(before);
    const dx = fused.backward(dy);
    const dresidual = fused.dresidual!;
    const copy = cpu.tensor(await dresidual.read(), [4, 3]);
    fused.backward(dresidual);
    expect(fused.dresidual).not.toBe(dresidual);
    const got = [await dx.read(), await fused.dresidual!.read()];
    fused.backward(copy);
    expect(got).toEqual([await dx.read(), await fused.dresidual!.read()]);
    fused.forward(x, { residual: dx });
    expect(() => fused.backward(dy)).toThrow('BatchNorm.backward: "residual" is this layer\'s own last result');
    fused.forward(x, { residual: fused.dresidual! });
    fused.backward(dy, { out: dresidual });
    expect([fused.dresidual === dresidual, fused.dresidual!.disposed]).toEqual([false, false]);
  });

  it('a tensor of its own that was disposed, before anything is written', async () => {
    const x = matrix(4, 3);
    const out = cpu.empty([4, 3]);
    layer.runningMean!.dispose();
    expect(() => layer.forward(x, { out })).toThrow('BatchNorm.forward: the layer\'s own "runningMean" was disposed, needs it alive.');
    expect(await out.read()).toEqual(new Float32Array(12));
  });

  it('no options', () => {
    expect(() => layer.forward(matrix(4, 3), null as never)).toThrow(
      'BatchNorm.forward: "options" is null, needs an object with out, pass, residual, mask, validRows, track.');
  });

  it('estimatePopulation of no method, no batches, or batches it cannot take: before any has run', async () => {
    const taken: number[] = [];
    function* batches() {
      for (const rows of [4, 1]) {
        taken.push(rows);
        yield matrix(rows, 3);
      }
    }
    const before = await layer.state();
    const call = layer.estimatePopulation.bind(layer) as (...args: unknown[]) => Promise<void>;
    await expect(call(batches(), 'median')).rejects.toThrow('BatchNorm.estimatePopulation: "method" is "median", needs \'paper\' or \'pooled\'.');
    expect(taken).toEqual([]);
    await expect(call(undefined)).rejects.toThrow(
      'BatchNorm.estimatePopulation: "batches" is undefined, needs an array of tensors, or another iterable of them.');
    await expect(call([])).rejects.toThrow('BatchNorm.estimatePopulation: "batches" is empty, needs at least one batch.');
    await expect(call([matrix(4, 3), 5])).rejects.toThrow('BatchNorm.estimatePopulation: "batches[1]" is 5, needs a tensor.');
    await expect(call(batches(), 'paper')).rejects.toThrow('BatchNorm.estimatePopulation: "rows" is 1, needs at least 2');
    await expect(call([matrix(1, 3)], 'pooled')).rejects.toThrow('BatchNorm.estimatePopulation: "rows" is 1, needs at least 2');
    expect(await layer.state()).toEqual(before);
    await call([cpu.tensor([NaN, 1, 2, 3, 4, 5], [2, 3])]);
    expect([...await layer.runningMean!.read()]).toEqual([NaN, 2.5, 3.5]);
  });

  it('statistics before any training forward', async () => {
    layer.eval().forward(matrix(4, 3));
    await expect(layer.statistics()).rejects.toThrow('BatchNorm.statistics: there was no forward in training');
  });

  it('after dispose', async () => {
    const x = matrix(4, 3);
    const y = layer.forward(x);
    layer.dispose();
    layer.dispose();
    expect(y.disposed).toBe(true);
    expect(() => layer.forward(x)).toThrow('BatchNorm.forward: the layer was disposed. Create a new one.');
    await expect(layer.state()).rejects.toThrow('BatchNorm.state: the layer was disposed.');
  });
});
