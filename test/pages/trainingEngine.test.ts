// Claim: the training demo learns both data sets with batch norm, beats the plain net where weights begin small, repeats
// itself, gives its memory back, and refuses what has no meaning without harm to what runs. On a GPU and without one.
// Control: the plain net, from the same weights on the same batches, learns where weights begin well.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Command, DataSet, Settings } from '../../demo/training/messages.js';
import type { SavedTensor, SavedText } from '../../demo/training/saved.js';
import { DEFAULTS, linkOfSettings, parseSettings, settingsOfLink } from '../../demo/training/settings.js';
import { digits, spiral } from '../../src/data/index.js';
import { digestOf } from '../data/digest.js';
import { launch, share } from './site.js';
import { type HarnessSite, Training, last, lossesOf, serveHarness } from './training.js';

/** Of the jax-js installed. */
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../node_modules/@jax-js/jax/package.json'), 'utf8'));

const shared = share('gpu', 'plain');
let site: HarnessSite;
let opened: Training | null = null;

beforeAll(async () => {
  site = await serveHarness();
});

afterEach(async () => {
  await opened?.close();
  opened = null;
});

afterAll(() => site?.close());

async function open(where: Browser, inside: 'worker' | 'page' = 'worker'): Promise<Training> {
  return (opened = await Training.open(site, where, inside));
}

/** A net that takes no time. */
const SMALL: Partial<Settings> = { depth: 2, width: 8, batch: 20 };

describe('with WebGPU', () => {
  test('spiral: 98 % of held-out points, in batches of any size; the plane falls to the arms', { tags: ['long'] }, async () => {
    const training = await open(shared.gpu);
    const start = await training.start('spiral');
    expect(last(start, 'opened')).toMatchObject({ backend: 'gpu', adapter: { software: true }, library: `jax-js ${version}, WebGPU` });
    const { points } = last(start, 'built');
    const run = await training.run(120);
    const { test: scores } = last(run, 'scores');
    expect(scores.batchNorm.accuracy).toBeGreaterThanOrEqual(0.98);
    console.log(`spiral: ${(100 * scores.batchNorm.accuracy).toFixed(1)} % with batch norm, ${(100 * scores.plain.accuracy).toFixed(1)} % without, ` +
      `${last(run, 'progress').stepMilliseconds.toFixed(0)} ms a step`);
    const { regions, wrong } = last(run, 'pictures');
    expect(wrong).toBeUndefined();
    const { size, extent, classes } = regions!;
    expect(size).toBeGreaterThanOrEqual(100);
    const [values, labels] = [Object.values(points!.values), Object.values(points!.labels)];
    const at = (coordinate: number) => Math.floor((size * (coordinate / extent + 1)) / 2);
    const own = labels.filter((label, i) => Object.values(classes.batchNorm)[at(-values[2 * i + 1]) * size + at(values[2 * i])] === label).length;
    expect(own / labels.length).toBeGreaterThan(0.95); // points of the training rows stand in their own region

    const { rows } = last(await training.send({ kind: 'testBatches', sizes: [5, 10, 50] }, 'testedBatches', 'refused'), 'testedBatches');
    expect(rows.map(({ size }) => size)).toEqual([5, 10, 50]);
    for (const { running } of rows) expect(running.accuracy).toBe(scores.batchNorm.accuracy); // running statistics know no batch
    expect(rows[0].own.accuracy).toBeLessThan(rows[2].own.accuracy);
    expect(training.complaints).toEqual([]);
  });

  test('the same settings give the same losses, bit for bit; the ReLU fused or not the same but for rounding', async () => {
    const training = await open(shared.gpu);
    const train = async (settings: Partial<Settings>) => {
      await training.start('spiral', { ...SMALL, ...settings });
      return lossesOf(await training.run(30));
    };
    const first = await train({});
    expect(await train({})).toEqual(first);
    expect(await train({ seed: 2 })).not.toEqual(first);
    const apart = await train({ fused: false });
    expect(apart.plain).toEqual(first.plain);
    apart.batchNorm.forEach((loss, step) => expect(Math.abs(loss - first.batchNorm[step])).toBeLessThan(1e-3));
    // The CPU's batch norm and jax-js's WebAssembly come to the same: 30 steps of f32 rounding are far below this.
    const cpu = await train({ backend: 'cpu' });
    for (const net of ['batchNorm', 'plain'] as const) {
      cpu[net].forEach((loss, step) => expect(Math.abs(loss - first[net][step]), `${net} ${step}`).toBeLessThan(1e-3));
    }
    expect(cpu.batchNorm.at(-1)).not.toBe(cpu.plain.at(-1));
    for (const optimiser of ['momentum', 'adam'] as const) {
      const { batchNorm } = await train({ optimiser, rate: 0.02 });
      expect(batchNorm.at(-1)).toBeLessThan(batchNorm[0]);
    }
  });

  test('500 steps leave no more on the device or in the heap', { tags: ['long'] }, async () => {
    const training = await open(shared.gpu, 'page');
    await training.start('spiral', SMALL);
    await training.run(100); // what pools and caches keep has been made by then
    const before = await training.held();
    await training.run(600);
    const after = await training.held();
    console.log('held after 100 and 600 steps:', before, after);
    expect(before.buffers).toBeGreaterThan(50); // the count counts
    expect(after.buffers - before.buffers).toBeLessThanOrEqual(4);
    expect(after.bytes - before.bytes).toBeLessThanOrEqual(1 << 16);
    expect(after.heapBytes - before.heapBytes).toBeLessThan(1 << 20);
  });

  test('a device that is lost is said in a sentence, and so is what is asked of it', { tags: ['long'] }, async () => {
    const own = await launch({ gpu: true });
    try {
      const training = await open(own);
      await training.start('spiral', SMALL);
      await training.send({ kind: 'run' }, 'progress');
      const devtools = await own.newBrowserCDPSession();
      const lost = training.hear('lost');
      await devtools.send('Browser.crashGpuProcess');
      expect(last(await lost, 'lost').why).not.toBe('');
      expect(await training.refusal({ kind: 'step' })).toBe('train: the device was lost. Begin with a new worker.');
    } finally {
      await own.close();
    }
  });
});

describe('without WebGPU', () => {
  test('digits: 97 % of held-out ones with batch norm; one alone as in a batch; saved and loaded it is the same', { tags: ['long'] }, async () => {
    const training = await open(shared.plain);
    const start = await training.start('digits');
    expect(start.map(({ kind }) => kind)).toEqual(['opened', 'built', 'scores', 'pictures', 'paused']);
    expect(last(start, 'opened')).toMatchObject(
      { backend: 'cpu', reason: 'WebGPU has no adapter here. The CPU runs instead.', adapter: null, library: `jax-js ${version}, WebAssembly` },
    );
    // 256·48 + 2·48·48 weights, 3·(48 + 48) gammas and betas or 3·48 biases, 48·10 + 10 of the last layer
    expect(last(start, 'built')).toMatchObject(
      { trainRows: 4000, testRows: 1000, features: 256, classes: 10, parameters: { batchNorm: 17_674, plain: 17_530 } },
    );
    expect(last(start, 'scores')).toMatchObject({ step: 0, settled: false });
    const { layers: [first] } = last(start, 'pictures');
    expect(first.activations.batchNorm.deviation).toBeCloseTo(1, 2); // normalized from the first step on
    expect(first.activations.plain.deviation).toBeLessThan(0.7);
    expect(first.activations.batchNorm.counts.reduce((sum, count) => sum + count)).toBe(256 * 48);
    expect([first.gamma, first.beta, first.runningMean, first.runningVar].map((values) => [values.length, values[0]])).toEqual(
      [[48, 1], [48, 0], [48, 0], [48, 1]],
    );

    const run = await training.run(300);
    const { test: scores, settled, step } = last(run, 'scores');
    expect([step, settled]).toEqual([300, true]);
    expect(scores.batchNorm.accuracy).toBeGreaterThanOrEqual(0.97);
    const losses = lossesOf(run);
    expect([losses.batchNorm.length, losses.plain.length]).toEqual([300, 300]);
    expect(losses.batchNorm[0]).toBeCloseTo(Math.log(10), 0);
    const { wrong, layers } = last(run, 'pictures');
    expect(wrong!.batchNorm.length).toBe(Math.min(60, Math.round(1000 * (1 - scores.batchNorm.accuracy))));
    for (const { row, label, predicted, image } of wrong!.batchNorm) {
      expect(row).toBeLessThan(1000);
      expect(predicted).not.toBe(label);
      expect(Object.values(image!)).toHaveLength(256);
    }
    for (const { gamma, beta, runningMean, runningVar } of layers) {
      for (const [values, began] of [[gamma, 1], [beta, 0], [runningMean, 0], [runningVar, 1]] as const) {
        expect(Math.abs(values[0] - began)).toBeGreaterThan(1e-4);
      }
    }
    const { stepMilliseconds, examplesPerSecond } = last(run, 'progress');
    expect(examplesPerSecond).toBeCloseTo(64_000 / stepMilliseconds, 3);
    console.log(`digits: ${(100 * scores.batchNorm.accuracy).toFixed(1)} % with batch norm, ${(100 * scores.plain.accuracy).toFixed(1)} % without, ` +
      `${stepMilliseconds.toFixed(0)} ms a step`);

    const one = last(await training.send({ kind: 'testOne', row: 7 }, 'testedOne', 'refused'), 'testedOne');
    expect(one.largestNormDifference).toBe(0); // the library promises the same bits
    expect(one.largestDifference).toBeLessThan(1e-4); // jax-js multiplies one row and many by different kernels

    const { net } = last(await training.send({ kind: 'save' }, 'saved', 'refused'), 'saved');
    expect(net.file).toBe('digits-300-steps.json');
    const further = await training.run(310);
    const loaded = await training.send({ kind: 'load', text: net.text }, 'paused', 'refused');
    expect(last(loaded, 'loaded')).toEqual({ kind: 'loaded', step: 300, settings: DEFAULTS.digits });
    expect(last(loaded, 'scores').test).toEqual(scores);
    expect(lossesOf(await training.run(310))).toEqual(lossesOf(further)); // and it goes on as if nothing had been
    const state = JSON.parse(net.text);
    expect(state.nets.batchNorm['layers.0.weight'].shape).toEqual([48, 256]);
    expect(state.nets.batchNorm['norms.2.num_batches_tracked']).toBe(300);
    expect(state.nets.plain['layers.3.bias'].values).toHaveLength(10);
    expect(training.complaints).toEqual([]);
  });

  test('spiral: 98 % of held-out points', { tags: ['long'] }, async () => {
    const training = await open(shared.plain);
    await training.start('spiral');
    expect(last(await training.run(250), 'scores').test.batchNorm.accuracy).toBeGreaterThanOrEqual(0.98);
    expect(training.complaints).toEqual([]);
  });

  test('three small weight scales: batch norm learns, without it nothing is; the nets on show stay', async () => {
    const training = await open(shared.plain);
    await training.start('spiral');
    const before = await training.run(20);
    const news = await training.send({ kind: 'sweep', scales: [1e-4, 1e-3, 1e-2], steps: 100 }, 'sweepDone', 'refused');
    const points = news.filter((one) => one.kind === 'sweepPoint');
    expect(points.map(({ scale }) => scale)).toEqual([1e-4, 1e-3, 1e-2]);
    for (const { scores } of points) {
      expect(scores.batchNorm.accuracy).toBeGreaterThan(0.9);
      expect(scores.plain.accuracy).toBeLessThan(0.7);
    }
    console.log(`at scales 1e-4, 1e-3, 1e-2: ` +
      `${points.map(({ scores: { batchNorm, plain } }) => `${batchNorm.accuracy.toFixed(3)} and ${plain.accuracy.toFixed(3)}`).join(', ')}`);
    expect(last(news, 'sweepProgress')).toMatchObject({ done: 300, of: 300 });
    expect(last(news, 'sweepDone').stopped).toBe(false);
    const saved = last(await training.send({ kind: 'save' }, 'saved'), 'saved');
    expect(JSON.parse(saved.net.text).steps).toBe(20);
    expect(lossesOf(before).batchNorm).toHaveLength(20);

    const begun = await training.send({ kind: 'sweep', scales: [0.1, 1], steps: 10_000 }, 'sweepProgress', 'refused');
    expect(last(begun, 'sweepProgress').of).toBe(20_000);
    expect(await training.refusal({ kind: 'run' })).toBe('run: a sweep is under way, needs its end. Stop it or wait.');
    const stopped = await training.send({ kind: 'stopSweep' }, 'sweepDone');
    expect(last(stopped, 'sweepDone').stopped).toBe(true);
    expect(stopped.some(({ kind }) => kind === 'sweepPoint')).toBe(false);
    expect(training.complaints).toEqual([]);
  });

  test('what has no meaning is refused in a sentence, and the nets stay as they are', async () => {
    const training = await open(shared.plain);
    expect(await training.refusal({ kind: 'run' })).toBe('run: there are no nets, needs a start before.');
    await training.start('spiral', SMALL);
    const scores = last(await training.run(5), 'scores').test;
    const settings = { ...DEFAULTS.spiral, ...SMALL };
    const refused: [Command, RegExp | string][] = [
      [{ kind: 'start', settings: { ...settings, depth: 0 } }, 'train: "depth" is 0, needs an integer from 1 to 8.'],
      [{ kind: 'start', settings: { ...settings, rate: NaN } }, 'train: "rate" is null, needs a number from 0.000001 to 10.'],
      [{ kind: 'start', settings: { ...settings, data: 'own' } }, 'train: "data" is "own" and there is no file, needs one with labels. Choose a file first.'],
      [{ kind: 'start', settings: { ...settings, batch: 601 } }, 'train: "batch" is 601, needs at most 600 (the rows to train on).'],
      [{ kind: 'start', settings: { ...settings, optimiser: 'best' as 'sgd' } }, 'train: "optimiser" is "best", needs "sgd", "momentum" or "adam".'],
      [{ kind: 'run', until: 5 }, 'run: "until" is 5, needs more than 5 (the steps taken).'],
      [{ kind: 'sweep', scales: [], steps: 100 }, 'sweep: "scales" has 0 numbers, needs 1 to 100.'],
      [{ kind: 'sweep', scales: [0.1, 0], steps: 100 }, 'sweep: "scales" has 0, needs numbers from 0.000001 to 10.'],
      [{ kind: 'sweep', scales: [0.1], steps: 1 }, 'sweep: "steps" is 1, needs an integer from 50 to 10000.'],
      [{ kind: 'testBatches', sizes: [0] }, 'testBatches: "sizes" has 0, needs integers from 1 to 300 (the held-out rows).'],
      [{ kind: 'testOne', row: 300 }, 'testOne: "row" is 300, needs an integer from 0 to 299 (the held-out rows).'],
      [{ kind: 'load', text: '{' }, /^load: the text is no JSON \(.+\), needs what this page has saved\. Choose a file that this page has saved\.$/],
      [{ kind: 'load', text: '{"format":"other"}' },
        'load: the text has the format "other", needs "webgpu-batchnorm training 1". Choose a file that this page has saved.'],
      [{ kind: 'fly' } as unknown as Command, 'train: "kind" is "fly", needs a command that there is.'],
    ];
    for (const [command, message] of refused) expect(await training.refusal(command)).toMatch(message);
    const { net } = last(await training.send({ kind: 'save' }, 'saved'), 'saved');
    const spoil = (change: (json: SavedText) => void) => {
      const json = JSON.parse(net.text) as SavedText;
      change(json);
      return training.refusal({ kind: 'load', text: JSON.stringify(json) });
    };
    expect(await spoil((json) => (json.nets.plain['layers.0.weight'] as SavedTensor).values.pop())).toBe(
      'load: the text has "layers.0.weight" of shape [8,2], needs [8,2] and as many values. Choose a file that this page has saved.',
    );
    expect(await spoil((json) => ((json.nets.batchNorm['norms.1.running_var'] as SavedTensor).values[3] = -1))).toMatch(
      /^fromNames: "norms\.1\.running_var" has -1 at 3, needs finite f32 numbers of at least 0/,
    );
    expect(await spoil((json) => (json.nets.batchNorm['layers.0.bias'] = { shape: [1], values: [0] }))).toMatch(
      /^load: the text has "layers\.0\.bias" in "batchNorm", needs only layers\.0\.weight, /,
    );
    expect(await spoil((json) => delete json.optimiser.plain['layers.1.bias'])).toMatch(/^load: the text has no memory of "layers\.1\.bias", needs 0 tensors/);
    expect(await spoil((json) => (json.classes = 4))).toMatch(/^load: the text has 2 features and 4 classes, needs 2 and 3 \(those of spiral\)/);
    const after = await training.send({ kind: 'step' }, 'paused', 'refused');
    expect(last(after, 'paused').step).toBe(6);
    expect(last(after, 'scores').test).not.toEqual(scores);
    expect(training.complaints).toEqual([]);
  });

  test('pause stops a run where it is, run goes on from there, step takes one', async () => {
    const training = await open(shared.plain);
    await training.start('spiral', SMALL);
    await training.send({ kind: 'run' }, 'progress', 'refused');
    const { step } = last(await training.send({ kind: 'pause' }, 'paused', 'refused'), 'paused');
    expect(step).toBeGreaterThan(0);
    expect(last(await training.send({ kind: 'step' }, 'paused', 'refused'), 'paused').step).toBe(step + 1);
    const on = await training.run(step + 50);
    expect(last(on, 'paused').step).toBe(step + 50);
    expect(lossesOf(on).plain).toHaveLength(49);
  });

  test('the visitor’s own rows, whatever their scale', async () => {
    const training = await open(shared.plain);
    const { data, labels } = spiral({ seed: 5, rowsPerArm: 120 });
    const rows = (from: number) => labels.map((_, row) => row).filter((row) => (row % 4 === 3) === (from === 1));
    const part = (own: number[]) => ({
      values: Float32Array.from({ length: 3 * own.length },
        (_, at) => [5000 + 900 * data[2 * own[Math.floor(at / 3)]], 0.001 * data[2 * own[Math.floor(at / 3)] + 1], 7][at % 3]),
      labels: Uint8Array.from(own, (row) => labels[row]),
    });
    const own: DataSet = { name: 'own.csv', features: 3, classes: 3, labels: ['a', 'b', 'c'], train: part(rows(0)), test: part(rows(1)) };
    const start = await training.start('own', {}, own);
    expect(last(start, 'built')).toMatchObject({ trainRows: 270, testRows: 90, features: 3, classes: 3, labels: ['a', 'b', 'c'] });
    expect(last(start, 'pictures').regions).toBeUndefined();
    const { test: scores } = last(await training.run(200), 'scores');
    expect(scores.batchNorm.accuracy).toBeGreaterThan(0.9);
    expect(await training.refusal({ kind: 'start', settings: DEFAULTS.own, own: { ...own, classes: 2 } })).toMatch(
      /^train: "own\.train" has label 2 in row \d+, needs one below 2 \(classes\)\.$/,
    );
    expect(await training.refusal({ kind: 'start', settings: DEFAULTS.own, own: { ...own, features: 2 } })).toBe(
      'train: "own.train" has 810 values and 270 labels, needs 2 values for each of at least 1 label.',
    );
    const { net } = last(await training.send({ kind: 'save' }, 'saved'), 'saved');
    expect(last(await training.send({ kind: 'load', text: net.text }, 'paused', 'refused'), 'scores').test).toEqual(scores);
  });

  test('a net that goes to infinity says so: its losses are no numbers, its classes are still some, and it is not saved', { tags: ['long'] }, async () => {
    const training = await open(shared.plain);
    await training.start('spiral', { ...SMALL, depth: 8, scale: 10, rate: 10 });
    const run = await training.run(40);
    expect(lossesOf(run).plain.at(-1)).toBeNaN();
    const { test: scores } = last(run, 'scores');
    expect(scores.plain.loss).toBeNaN();
    expect(scores.plain.accuracy).toBeCloseTo(1 / 3, 5);
    expect(new Set(Object.values(last(run, 'pictures').regions!.classes.plain))).toEqual(new Set([0]));
    expect(await training.refusal({ kind: 'save' })).toMatch(
      /^save: "layers\.\d\.(weight|bias)" of the net "plain" has NaN, needs finite numbers\. Start again with a smaller rate or scale\.$/,
    );
  });

  test('this browser draws the same data as Node', async () => {
    const training = await open(shared.plain);
    expect(await training.page.evaluate(() => window.harness.digests())).toEqual({
      spiral: digestOf(spiral({ seed: 1, rowsPerArm: 100 }).data), digits: digestOf(digits({ seed: 1, count: 100 }).data),
    });
  });
});

describe('settings in a link', () => {
  const given: Settings =
    { data: 'digits', backend: 'cpu', depth: 2, width: 30, batch: 16, rate: 0.001, scale: 2.5e-5, optimiser: 'adam', fused: false, seed: 12 };

  test('control: a link gives the settings it was made of', () => {
    expect(linkOfSettings(given)).toBe('?data=digits&backend=cpu&depth=2&width=30&batch=16&rate=0.001&scale=0.000025&optimiser=adam&fused=false&seed=12');
    expect(parseSettings(settingsOfLink(linkOfSettings(given)))).toEqual(given);
    for (const scale of [1e-6, 3e-6, 0.1 + 0.2]) expect(parseSettings(settingsOfLink(linkOfSettings({ ...given, scale }))).scale).toBe(scale);
  });

  test.each(['spiral', 'digits', 'own'] as const)('what it leaves out is the default of %s', (data) => {
    expect(linkOfSettings(DEFAULTS[data])).toBe(data === 'spiral' ? '' : `?data=${data}`);
    expect(parseSettings(settingsOfLink(linkOfSettings(DEFAULTS[data])))).toEqual(DEFAULTS[data]);
    expect(parseSettings(settingsOfLink(`?data=${data}&width=7`))).toEqual({ ...DEFAULTS[data], width: 7 });
  });

  test.each([
    ['?data=mnist', 'train: "data" is "mnist", needs "spiral", "digits" or "own".'],
    ['?data=toString', 'train: "data" is "toString", needs "spiral", "digits" or "own".'],
    ['?backend=tpu', 'train: "backend" is "tpu", needs "gpu" or "cpu".'],
    ['?depth=9', 'train: "depth" is 9, needs an integer from 1 to 8.'],
    ['?depth=1.5', 'train: "depth" is 1.5, needs an integer from 1 to 8.'],
    ['?width=', 'train: "width" is "", needs an integer from 1 to 512.'],
    ['?batch=1', 'train: "batch" is 1, needs an integer from 2 to 1024.'],
    ['?rate=0', 'train: "rate" is 0, needs a number from 0.000001 to 10.'],
    ['?rate=0x1', 'train: "rate" is "0x1", needs a number from 0.000001 to 10.'],
    ['?scale=-1', 'train: "scale" is "-1", needs a number from 0.000001 to 10.'],
    ['?fused=yes', 'train: "fused" is "yes", needs true or false.'],
    ['?seed=1e9', 'train: "seed" is 1000000000, needs an integer from 0 to 999999999.'],
  ])('%s is refused', (link, message) => {
    expect(() => parseSettings(settingsOfLink(link))).toThrow(new RangeError(message));
  });
});
