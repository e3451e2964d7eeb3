// Claim: pipelines are made for what is called and for what prepare() is told, once per device whoever asks; what does not compile is
// told with file and line, and thrown by later calls of that shape; a device lost or kernels disposed of meanwhile are told as that.
// Control: a prepared call makes nothing at once.
import { describe, expect, it } from 'vitest';
import { BatchNorm, type BatchNormOptions, type PreparedShape, createBatchNorm, openBackend } from '../../src/index.js';
import { DoubleDevice } from '../double.js';
import { given } from './retention.js';

const ROWS = 64;
const CHANNELS = 4;
const shape = { rows: ROWS };

async function fixture(options: Partial<BatchNormOptions> = {}, double = new DoubleDevice()) {
  const reported: string[] = [];
  const bn = await createBatchNorm(double.device,
    { channels: CHANNELS, adapterClass: 'software', onError: ({ message }) => reported.push(message), ...options });
  const [x, dy, y, dx] = [0, 1, 2, 3].map(() => given(ROWS * CHANNELS));
  const [gamma, beta, dgamma, dbeta, runningMean, runningVar] = [0, 1, 2, 3, 4, 5].map(() => given(CHANNELS));
  const saved = given(6 * CHANNELS);
  const pass = double.pass();
  const calls = {
    forward: (rows = ROWS) => bn.forward(pass, { x, gamma, beta, y, saved, runningMean, runningVar }, { rows }),
    untracked: () => bn.forward(pass, { x, gamma, beta, y, saved }, shape),
    backward: () => bn.backward(pass, { x, dy, gamma, saved, dx, dgamma, dbeta }, shape),
    over: () => bn.backward(pass, { x, dy, gamma, saved, dx: dy, dgamma, dbeta }, shape),
    infer: () => bn.infer(pass, { x, gamma, beta, runningMean, runningVar, y }, shape),
    frozen: () => bn.backwardFrozen(pass, { x, dy, gamma, runningMean, runningVar, dx, dgamma, dbeta }, shape),
  };
  return { double, bn, reported, ...calls };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 10));
/** `batchnorm/forward_single−…` → `forward_single` */
const kernelsOf = ({ pipelines }: DoubleDevice) => pipelines.map((label) => label.replace(/^batchnorm\/(\w+).*?(!?)$/, '$1$2'));

describe('what is compiled', () => {
  it('nothing that nobody asked for', async () => {
    const { double } = await fixture();
    expect(double.asked).toBe(0);
  });

  it('control: what shapes name, side by side, so that the calls make none', async () => {
    const { double, forward, backward } = await fixture({ modes: ['train'], shapes: [shape] });
    expect(kernelsOf(double)).toEqual(['forward_single', 'backward_single']);
    forward();
    backward();
    expect(double.pipelines).toHaveLength(2);
  });

  it('else what the call needs, at once', async () => {
    const { double, forward, untracked, infer } = await fixture();
    infer();
    expect(kernelsOf(double)).toEqual(['normalize!']);
    forward();
    forward();
    expect(kernelsOf(double)).toEqual(['normalize!', 'forward_single!']);
    untracked(); // another text: it has no running statistics
    expect(kernelsOf(double)).toEqual(['normalize!', 'forward_single!', 'forward_single!']);
  });

  it.each<[string, PreparedShape, (keyof Awaited<ReturnType<typeof fixture>>)[], string[]]>([
    ['all calls of the modes', shape, ['forward', 'backward', 'infer', 'frozen'], []],
    ['which calls', { ...shape, calls: ['infer'] }, ['infer', 'forward'], ['forward_single!']],
    ['no running statistics', { ...shape, running: false }, ['untracked', 'forward'], ['forward_single!']],
    ['in place', { ...shape, inPlace: true, calls: ['backward', 'forward'] }, ['over', 'forward', 'backward'], ['backward_single!']],
    ['the tensor’s own shape', { shape: [8, 8, CHANNELS], calls: ['forward'] }, ['forward'], []],
  ])('prepare is told %s', async (_, told, calls, atOnce) => {
    const { double, bn, ...rest } = await fixture({ inPlace: true });
    await bn.prepare(told);
    for (const name of calls) (rest[name as keyof typeof rest] as () => void)();
    expect(kernelsOf(double).filter((name) => name.endsWith('!'))).toEqual(atOnce);
  });

  it.each<[string, object, string]>([
    ['a call of another mode', { ...shape, calls: ['moments'] },
      'BatchNorm.prepare: "calls" holds "moments", which the modes have not. Add its mode to the options of createBatchNorm.'],
    ['no call', { ...shape, calls: ['train'] }, 'BatchNorm.prepare: "calls" holds "train", needs forward, backward, infer,'],
    ['no list', { ...shape, calls: 'infer' }, 'BatchNorm.prepare: "calls" is "infer", needs an array of forward,'],
    ['in place where that is no option', { ...shape, inPlace: true },
      'BatchNorm.prepare: "inPlace" is true, needs false (the options have no inPlace). Add it to those of createBatchNorm.'],
    ['no flag', { ...shape, running: 1 }, 'BatchNorm.prepare: "running" is 1, needs true or false.'],
    ['a misspelt entry', { ...shape, training: true }, 'BatchNorm.prepare: "shape" has an entry "training", needs only rows, or shape. Leave it out.'],
    ['no shape', { calls: ['infer'] }, 'BatchNorm.prepare: "rows" is undefined, needs an integer of at least 1.'],
    ['none at all', null!, 'BatchNorm.prepare: "shapes" holds null, needs a shape such as { rows: 128 }.'],
  ])('%s is refused, and nothing compiled, also of what is good', async (_, told, message) => {
    const { double, bn } = await fixture();
    await expect(bn.prepare(shape, told as PreparedShape)).rejects.toThrow(message);
    expect(double.asked).toBe(0);
    await expect(fixture({ shapes: [told as PreparedShape] })).rejects.toThrow(message.replace('BatchNorm.prepare', 'createBatchNorm'));
  });

  it('limits that are the device’s own object are taken, whatever else it has', async () => {
    const double = new DoubleDevice();
    await fixture({ limits: double.device.limits }, double);
    await expect(fixture({ limits: { ...double.limits } }, double)).rejects.toThrow('createBatchNorm: "maxBindGroups" is not an option');
  });

  it('no list of shapes', async () => {
    await expect(fixture({ shapes: shape as never })).rejects.toThrow('createBatchNorm: "shapes" is Object, needs an array such as [{ rows: 128 }].');
  });

  it('equal variants once per device: two kernels, a layer, two prepares at once, a call after it', async () => {
    const { double, bn, forward } = await fixture({ modes: ['train'] });
    await Promise.all([bn.prepare(shape), bn.prepare(shape), bn.prepare({ rows: 2 * ROWS })]);
    const other = await fixture({ modes: ['train'], shapes: [shape] }, double);
    forward();
    other.forward();
    const backend = await openBackend({ device: Object.assign(double, { adapterInfo: { isFallbackAdapter: true } }) as unknown as GPUDevice });
    const layer = await BatchNorm.create(backend, { channels: CHANNELS, shapes: [[ROWS, CHANNELS]] });
    expect(kernelsOf(double)).toEqual(['forward_single', 'backward_single', 'normalize']);
    layer.forward(backend.empty([ROWS, CHANNELS]));
    layer.eval().forward(backend.empty([ROWS, CHANNELS]));
    expect(double.pipelines).toHaveLength(3);
    expect((await fixture({ shapes: [{ ...shape, calls: ['infer'] }] })).double.pipelines).toHaveLength(1); // another device, its own
  });

  it('a layer’s shapes are checked as its tensors are, and also where there is nothing to compile', async () => {
    for (const backend of [await openBackend({ prefer: 'cpu' }), await openBackend({ device: new DoubleDevice().device })]) {
      const create = (shapes: unknown) => BatchNorm.create(backend, { channels: CHANNELS, shapes: shapes as number[][] });
      await expect(create([[8, 5]])).rejects.toThrow('BatchNorm.create: "shapes[0]" is [8, 5], needs [rows, 4] (last axis = channels).');
      await expect(create([8])).rejects.toThrow('BatchNorm.create: "shapes[0]" is 8, needs an array such as [rows, 4].');
      await expect(create(8)).rejects.toThrow('BatchNorm.create: "shapes" is 8, needs an array of shapes such as [[128, 4]].');
      await create([[8, 4], [2, 3, 4]]);
    }
  });

  it('a layer that works in place or in parts prepares that', async () => {
    const made = async (options: object) => {
      const double = new DoubleDevice();
      const backend = await openBackend({ device: Object.assign(double, { adapterInfo: { isFallbackAdapter: true } }) as unknown as GPUDevice });
      await BatchNorm.create(backend, { channels: CHANNELS, shapes: [[ROWS, CHANNELS]], ...options });
      return double;
    };
    expect((await made({ inPlace: true })).pipelines.filter((label) => label.includes('='))).toHaveLength(2); // infer, backward
    expect(kernelsOf(await made({ trackRunning: false }))).toEqual(['forward_single', 'backward_single']);
    expect(new Set(kernelsOf(await made({ synchronized: true })))).toEqual(new Set([
      'moments_partial', 'moments_finalize', 'normalize', 'gradient_partial', 'gradient_finalize', 'gradient_input',
    ]));
  });
});

describe('what does not compile', () => {
  const told = /^batchnorm\/normalize.* did not compile: shaders\/\w+\/\w+\.wgsl:\d+:7 unresolved value$/;

  it('ahead: createBatchNorm and prepare reject, and so do calls of that shape', async () => {
    const { double, bn, infer, forward, reported } = await fixture();
    double.spoiled = '/normalize';
    await expect(bn.prepare(shape)).rejects.toThrow(told);
    expect(infer).toThrow(told);
    forward(); // the others work
    await expect(fixture({ shapes: [shape] }, double)).rejects.toThrow(told);
    await settle();
    expect(reported).toEqual([]);
    expect(double.scopes).toEqual([]);
  });

  it('at once: it reaches onError with file and line, once, and later calls of that shape throw it', async () => {
    const { double, infer, frozen, reported } = await fixture();
    double.spoiled = '/normalize';
    infer();
    infer();
    await settle();
    expect(reported).toEqual([expect.stringMatching(told)]);
    expect(infer).toThrow(told);
    frozen();
    await settle();
    expect(reported).toHaveLength(1);
    expect(double.scopes).toEqual([]);
  });

  it('by two who made it before it was known, each is told', async () => {
    const double = new DoubleDevice();
    const [one, two] = [await fixture({}, double), await fixture({}, double)];
    double.spoiled = '/normalize';
    one.infer();
    two.infer();
    await settle();
    expect([one.reported, two.reported]).toEqual([[expect.stringMatching(told)], [expect.stringMatching(told)]]);
    expect(double.calls.get('createComputePipeline')).toBe(1);
  });
});

describe('meanwhile', () => {
  it('kernels disposed of during prepare', async () => {
    const { bn } = await fixture();
    const preparing = bn.prepare(shape);
    bn.dispose();
    await expect(preparing).rejects.toThrow('BatchNorm.prepare: this batch norm was disposed. Create a new one.');
    await expect(bn.prepare(shape)).rejects.toThrow('BatchNorm.prepare: this batch norm was disposed.');
  });

  it('a device lost during prepare, which then compiles nothing', async () => {
    const double = new DoubleDevice();
    const { bn } = await fixture({}, double);
    double.spoiled = '';
    const preparing = bn.prepare(shape);
    double.lose();
    await expect(preparing).rejects.toThrow('BatchNorm.prepare: the device was lost (pulled out). Create a device, and what runs on it, anew.');
    await expect(fixture({ shapes: [shape] }, double)).rejects.toThrow('createBatchNorm: the device was lost (pulled out).');
  });

  it('a call during prepare makes its own, and prepare ends well', async () => {
    const { double, bn, infer } = await fixture();
    const preparing = bn.prepare({ ...shape, calls: ['infer'] });
    infer();
    await preparing;
    expect(kernelsOf(double)).toEqual(['normalize', 'normalize!']);
    infer();
    expect(double.pipelines).toHaveLength(2);
  });
});
