// Claim: an activation of a user's own is computed on the GPU as on the CPU, in every layout, storage and plan, alone and behind a
// residual; its names clash with none, its compile errors name its lines, equal text is compiled once.
// Control: a text that differs from the functions beside it is seen.
import { afterEach, describe, expect, it } from 'vitest';
import { BatchNorm, type CustomActivation, type LayerOptions, createBatchNorm, openBackend } from '../../src/index.js';
import { newDevice, sharedDevice, takeErrors } from './harness.js';

const device = await sharedDevice();
const gpu = await openBackend({ device });
const cpu = await openBackend({ prefer: 'cpu' });

afterEach(() => expect(takeErrors()).toEqual([]));

/** Names that the library's own texts have, and one that loses a NaN. */
const SOFTPLUS: CustomActivation = {
  name: 'softplus',
  wgsl: `
const params = 1.0;
struct Affine { scale: f32 }
fn sigmoid(v: f32) -> f32 { return params / (1.0 + exp(-clamp(v, -80.0, 80.0))); }
fn value(z: f32) -> f32 { let affine = Affine(1.0); return affine.scale * (max(z, 0.0) + log(1.0 + exp(-abs(z)))); }
fn derivative(z: f32) -> f32 { return sigmoid(z); }`,
  value: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
  derivative: (z) => 1 / (1 + Math.exp(-z)),
};

const values = (length: number, seed: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * 0.7 + seed) * 3 + seed / 4);

/** Training and evaluation, forward and backward. */
async function life(backend: typeof gpu, options: LayerOptions, shape: readonly number[]): Promise<Record<string, Float32Array>> {
  const layer = await BatchNorm.create(backend, options);
  const { storage } = options;
  const size = shape.reduce((product, length) => product * length, 1);
  const tensor = (seed: number) => backend.tensor(values(size, seed), shape, storage);
  const residual = options.residual ? { residual: tensor(3) } : {};
  const rows = size / options.channels;
  const mask = options.mask ? { mask: backend.tensor(Array.from({ length: rows }, (_, row) => Number(row % 3 !== 1)), [rows], 'u32') } : {};
  const seen: Record<string, Float32Array> = {};
  for (const mode of ['train', 'eval'] as const) {
    layer[mode]();
    seen[`${mode} y`] = await layer.forward(tensor(1), { ...residual, ...mask }).read();
    seen[`${mode} dx`] = await layer.backward(tensor(2)).read();
    if (layer.dresidual) seen[`${mode} dresidual`] = await layer.dresidual.read();
    seen[`${mode} dgamma`] = await layer.dgamma!.read();
    seen[`${mode} dbeta`] = await layer.dbeta!.read();
  }
  layer.dispose();
  return seen;
}

const TOLERANCE = { f32: 2e-5, f16: 4e-3, bf16: 4e-2 };

/** The first place where the two differ by more than a share of the largest value. */
function apart(got: Float32Array, want: Float32Array, share: number): string {
  const largest = Math.max(...want.map(Math.abs));
  const at = got.findIndex((value, i) => !(Math.abs(value - want[i]) <= share * largest));
  return at < 0 ? '' : `${got[at]} at ${at}, needs ${want[at]}`;
}

/** Fails unless GPU and CPU give the same. */
async function same(options: LayerOptions, shape: readonly number[]): Promise<void> {
  const all = { ...options, activation: SOFTPLUS };
  const [got, want] = [await life(gpu, all, shape), await life(cpu, all, shape)];
  expect(Object.keys(got)).toEqual(Object.keys(want));
  for (const name in want) expect(apart(got[name], want[name], TOLERANCE[options.storage ?? 'f32']), name).toBe('');
}

describe('of one’s own', () => {
  it.each<[string, LayerOptions, number[]]>([
    ['four channels a thread', { channels: 8 }, [20, 8]],
    ['one channel a thread, behind a residual', { channels: 5, residual: true }, [20, 5]],
    ['channels-first, masked', { channels: 3, layout: 'channelsFirst', mask: 'rows' }, [4, 3, 8]],
    ['f16 in odd rows, behind a residual', { channels: 5, storage: 'f16', residual: true }, [21, 5]],
    ['bf16, channels-first, three dispatches', { channels: 6, storage: 'bf16', layout: 'channelsFirst', plan: 'split' }, [4, 6, 4]],
  ])('%s', (_, options, shape) => same(options, shape));

  it('hardware’s plans', { tags: ['long'] }, () => same({ channels: 4, adapterClass: 'hardware' }, [300, 4]));

  it('control: a text that computes something else is seen', async () => {
    const wrong = { ...SOFTPLUS, wgsl: SOFTPLUS.wgsl.replace('return sigmoid(z)', 'return 1.01 * sigmoid(z)') };
    const [got, want] = await Promise.all([gpu, cpu].map((backend) => life(backend, { channels: 8, activation: wrong }, [20, 8])));
    expect(apart(got['train y'], want['train y'], TOLERANCE.f32)).toBe('');
    expect(apart(got['train dx'], want['train dx'], TOLERANCE.f32)).not.toBe('');
  });

  it('a NaN stays NaN, though the text’s max would lose it; masked rows are 0, though f(0) is not', async () => {
    for (const backend of [gpu, cpu]) {
      const layer = await BatchNorm.create(backend, { channels: 2, activation: SOFTPLUS, mask: 'count' });
      layer.eval();
      const x = backend.tensor([1, NaN, 2, 3, 9, 9], [3, 2]);
      const y = await layer.forward(x, { validRows: backend.tensor([2], [1], 'u32') }).read();
      expect([...y].map((value) => (Number.isNaN(value) ? 'NaN' : value > 1 ? 'more' : value))).toEqual(['more', 'NaN', 'more', 'more', 0, 0]);
    }
  });

  it('a compile error names the line of its text', async () => {
    const wgsl = 'fn value(z: f32) -> f32 {\n  return z;\n}\nfn derivative(z: f32) -> f32 {\n  return missing(z);\n}';
    const broken = { ...SOFTPLUS, name: 'broken', wgsl };
    await expect(createBatchNorm(device, { channels: 4, activation: broken, modes: ['train'], shapes: [{ rows: 8 }] }))
      .rejects.toThrow(/did not compile: activation "broken":5:\d+ [^]*missing/);
  });

  it('equal text is compiled once, another again', async () => {
    const own = await newDevice();
    let made = 0;
    const original = own.createShaderModule.bind(own);
    own.createShaderModule = (descriptor) => {
      made++;
      return original(descriptor);
    };
    const make = (activation: CustomActivation) => createBatchNorm(own, { channels: 4, activation, modes: ['infer'], shapes: [{ rows: 8 }] });
    await make(SOFTPLUS);
    await make({ ...SOFTPLUS, value: (z) => SOFTPLUS.value(z) });
    expect(made).toBe(1);
    await make({ ...SOFTPLUS, wgsl: `${SOFTPLUS.wgsl}\n// another` });
    expect(made).toBe(2);
    own.destroy();
  });
});
