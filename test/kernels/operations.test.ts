// Claim: every dispatch of every operation finds its text compiled and its buffers at hand, whatever the options and the
// shape; every argument an operation asks for is bound as its slot says. Control: the usual options, by hand.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KernelSettings, type ResolvedOperation, type Step, resolveOperations, stepsOf, variantOf, variantsOf } from '../../src/kernels/operations.js';
import { type BufferName, type Kernel, KERNELS, bindingsOf, variantKey } from '../../src/shader/kernels.js';
import type { Storage } from '../../src/core/storage.js';
import { type ActivationName, isActivated, resolveActivation } from '../../src/core/activations.js';
import { plan, planMerge } from '../../src/plan/plan.js';
import { type AdapterClass, DEFAULTS, type PlanKind, type RowMask } from '../../src/core/options.js';
import type { Geometry, Layout } from '../../src/core/shape.js';

const MODES = ['train', 'infer', 'frozen', 'phases'] as const;
const limitsOf = (buffers: number, binding = 2 ** 27) => ({
  maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupsPerDimension: 65535,
  maxStorageBufferBindingSize: binding, maxStorageBuffersPerShaderStage: buffers,
});

const RELU = resolveActivation('', 'relu');
const plain: KernelSettings = {
  ...DEFAULTS, channels: 8, layout: 'channelsLast', storage: 'f32', activation: resolveActivation('', 'none'), residual: false,
  mask: 'none', inPlace: false, gamma: true, beta: true,
  adapterClass: 'hardware', plan: undefined, limits: undefined, onError: undefined,
};

const settings = fc
  .record({
    channels: fc.integer({ min: 1, max: 12 }), layout: fc.constantFrom<Layout>('channelsLast', 'channelsFirst'),
    storage: fc.constantFrom<Storage>('f32', 'f16', 'bf16'),
    activation: fc.constantFrom<ActivationName>('none', 'relu', 'gelu').map((name) => resolveActivation('', name)), residual: fc.boolean(),
    mask: fc.constantFrom<RowMask>('none', 'rows', 'count'), inPlace: fc.boolean(), gamma: fc.boolean(), beta: fc.boolean(),
    adapterClass: fc.constantFrom<AdapterClass>('hardware', 'software'), plan: fc.constantFrom<PlanKind | undefined>(undefined, 'single', 'split'),
    momentum: fc.constantFrom<number | 'cumulative'>(0.1, 'cumulative'),
  })
  .map((of): KernelSettings => ({ ...DEFAULTS, limits: undefined, onError: undefined, ...of }));

/** What an operation binds in a step: its arguments by name, and its own scratch. */
function boundIn(resolved: ResolvedOperation, step: Step, inPlace: boolean): { name: BufferName; reads: boolean; writes: boolean }[] {
  return bindingsOf(variantOf(resolved, step, step.dispatch.tile, inPlace)).map(({ name, access }) => ({
    name: name === 'partials' && step.partials ? step.partials : name, reads: access === 'read', writes: access !== 'read',
  }));
}

describe('operations', () => {
  it('control: forward and backward of the usual options', () => {
    const [forward, untracked, backward, ...others] = resolveOperations(plain, ['train'], 8);
    expect(others).toEqual([]);
    expect(forward.slots.map(({ name }) => name)).toEqual(['x', 'gamma', 'beta', 'y', 'saved', 'runningMean', 'runningVar']);
    expect(untracked.slots.map(({ name }) => name)).toEqual(['x', 'gamma', 'beta', 'y', 'saved']);
    expect(backward.slots.map(({ name }) => name)).toEqual(['x', 'dy', 'gamma', 'saved', 'dx', 'dgamma', 'dbeta']);
    const kernels = (resolved: ResolvedOperation, kind: PlanKind) => {
      const geometry: Geometry = { layout: 'channelsLast', batch: 64, channels: 8, spatial: 1, rows: 64 };
      return stepsOf(resolved, plan(geometry, DEFAULTS, { adapterClass: 'hardware', kind }, limitsOf(8))).map(({ kernel }) => kernel);
    };
    expect(kernels(forward, 'single')).toEqual(['forward_single']);
    expect(kernels(forward, 'split')).toEqual(['moments_partial', 'moments_finalize', 'normalize']);
    expect(kernels(backward, 'single')).toEqual(['backward_single']);
    expect(kernels(backward, 'split')).toEqual(['gradient_partial', 'gradient_finalize', 'gradient_input']);
  });

  it.each<[string, Partial<KernelSettings>, Record<string, string>]>([
    ['all there is', { activation: RELU, residual: true, mask: 'rows', momentum: 'cumulative' }, {
      forward: 'x residual gamma beta mask → y saved runningMean runningVar batches',
      forwardUntracked: 'x residual gamma beta mask → y saved',
      backward: 'x dy residual gamma beta saved mask → dx dresidual dgamma dbeta',
      infer: 'x residual gamma beta runningMean runningVar mask → y',
      backwardFrozen: 'x dy residual gamma beta runningMean runningVar mask → dx dresidual dgamma dbeta',
      moments: 'x mask → moments',
      merge: 'moments → saved runningMean runningVar batches',
      mergeUntracked: 'moments → saved',
      normalize: 'x residual saved gamma beta mask → y',
      gradientSums: 'x dy residual gamma beta saved mask → sums',
      gradientInput: 'x dy residual gamma beta saved sums mask → dx dresidual dgamma dbeta',
    }],
    ['nothing', { gamma: false, beta: false }, {
      forward: 'x → y saved runningMean runningVar', forwardUntracked: 'x → y saved', backward: 'x dy saved → dx', infer: 'x runningMean runningVar → y',
      backwardFrozen: 'x dy runningMean runningVar → dx', moments: 'x → moments', merge: 'moments → saved runningMean runningVar',
      mergeUntracked: 'moments → saved',
      normalize: 'x saved → y', gradientSums: 'x dy saved → sums', gradientInput: 'x dy saved sums → dx',
    }],
    ['only a residual added, no row masked: its gradient is dy', { residual: true }, {
      forward: 'x residual gamma beta → y saved runningMean runningVar', forwardUntracked: 'x residual gamma beta → y saved',
      backward: 'x dy gamma saved → dx dgamma dbeta', infer: 'x residual gamma beta runningMean runningVar → y',
      backwardFrozen: 'x dy gamma runningMean runningVar → dx dgamma dbeta', moments: 'x → moments',
      merge: 'moments → saved runningMean runningVar', mergeUntracked: 'moments → saved', normalize: 'x residual saved gamma beta → y',
      gradientSums: 'x dy gamma saved → sums', gradientInput: 'x dy gamma saved sums → dx dgamma dbeta',
    }],
    ['only a residual added, rows masked: its gradient is written, and no backward reads it', { residual: true, mask: 'count' }, {
      forward: 'x residual gamma beta validRows → y saved runningMean runningVar', forwardUntracked: 'x residual gamma beta validRows → y saved',
      backward: 'x dy gamma saved validRows → dx dresidual dgamma dbeta', infer: 'x residual gamma beta runningMean runningVar validRows → y',
      backwardFrozen: 'x dy gamma runningMean runningVar validRows → dx dresidual dgamma dbeta', moments: 'x validRows → moments',
      merge: 'moments → saved runningMean runningVar', mergeUntracked: 'moments → saved', normalize: 'x residual saved gamma beta validRows → y',
      gradientSums: 'x dy gamma saved validRows → sums', gradientInput: 'x dy gamma saved sums validRows → dx dresidual dgamma dbeta',
    }],
    ['another activation alone: the backward asks for beta too', { activation: resolveActivation('', 'silu'), gamma: false }, {
      forward: 'x beta → y saved runningMean runningVar', forwardUntracked: 'x beta → y saved', backward: 'x dy beta saved → dx dbeta',
        infer: 'x beta runningMean runningVar → y',
      backwardFrozen: 'x dy beta runningMean runningVar → dx dbeta', moments: 'x → moments', merge: 'moments → saved runningMean runningVar',
      mergeUntracked: 'moments → saved',
      normalize: 'x saved beta → y', gradientSums: 'x dy beta saved → sums', gradientInput: 'x dy beta saved sums → dx dbeta',
    }],
  ])('each call has the arguments its options give it: %s', (_, change, want) => {
    const operations = resolveOperations({ ...plain, ...change }, MODES, 8);
    expect(operations.map(({ operation }) => operation).sort()).toEqual(Object.keys(want).sort());
    for (const { operation, slots, absent } of operations) {
      const of = (writes: boolean) => slots.filter((slot) => slot.writes === writes).map(({ name }) => name);
      const [reads, writes] = want[operation].split(' → ').map((list) => list.split(' '));
      expect([of(false).sort(), of(true).sort()], operation).toEqual([reads.sort(), writes.sort()]);
      expect(absent.filter((name) => [...reads, ...writes].includes(name)), operation).toEqual([]);
    }
  });

  const anyShape = (numRuns: number) => {
    const shape = fc.record({
      batch: fc.integer({ min: 1, max: 300 }), spatial: fc.integer({ min: 1, max: 40 }), binding: fc.constantFrom(4096, 2 ** 27), cut: fc.boolean(),
      parts: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(settings, shape, fc.constantFrom(8, 10, 16), (of, { batch, spatial, binding, cut, parts }, buffers) => {
        const limits = limitsOf(buffers, binding);
        const geometry: Geometry = of.layout === 'channelsLast'
          ? { layout: of.layout, batch, channels: of.channels, spatial: 1, rows: batch }
          : { layout: of.layout, batch, channels: of.channels, spatial, rows: batch * spatial };
        const cuts = cut && geometry.rows * of.channels > 128 ? [128] : [];
        for (const resolved of resolveOperations(of, MODES, buffers)) {
          const compiled = new Set(variantsOf(resolved, limits).map(variantKey));
          const choice = { adapterClass: of.adapterClass, kind: of.plan, storage: of.storage, single: resolved.single !== null, cuts };
          let made;
          try {
            made = plan(geometry, of, choice, limits);
          } catch (error) {
            expect([(error as RangeError).name, of.plan], resolved.operation).toEqual(['RangeError', 'single']);
            continue;
          }
          if (/^merge|^gradientInput$/.test(resolved.operation)) made = { ...made, finalize: planMerge(of, parts, of, choice, limits) };
          const known = [...resolved.slots, ...resolved.scratch].map(({ name }) => name);
          for (const step of stepsOf(resolved, made)) {
            for (const inPlace of resolved.inPlace ? [false, true] : [false]) {
              const key = variantKey(variantOf(resolved, step, step.dispatch.tile, inPlace));
              expect(compiled.has(key), `${resolved.operation}: ${key} is compiled`).toBe(true);
              const bound = boundIn(resolved, step, inPlace).map(({ name }) => name);
              expect(bound.filter((name) => !known.includes(name)), `${resolved.operation}: ${key}`).toEqual([]);
              expect(new Set(bound).size, `${resolved.operation}: ${key} binds each once`).toBe(bound.length);
              expect(bound.length, key).toBeLessThanOrEqual(buffers);
            }
          }
        }
      }),
      { numRuns, seed: 20261122 },
    );
  };
  it('any options, any shape: every text is compiled, and of every buffer it is known where it comes from', () => anyShape(20));
  it('any options, any shape: every text is compiled, and of every buffer it is known where it comes from, 200 of them', { tags: ['long'] },
    () => anyShape(200));

  const anyOptions = (numRuns: number) => {
    fc.assert(
      fc.property(settings, fc.constantFrom(8, 16), (of, buffers) => {
        for (const resolved of resolveOperations(of, MODES, buffers)) {
          const tile = { width: 1, across: 'channels', groupSize: 16, grouped: true, registers: false } as const;
          const dispatch = { tile } as Step['dispatch'];
          const plans = [resolved.single, resolved.split, resolved.onePart].filter((steps) => steps !== null);
          const uses = plans.map((steps) =>
            steps.flatMap(({ kernel, partials, without }) => boundIn(resolved, { kernel, partials, without, dispatch }, false)));
          for (const { name, reads, writes } of resolved.slots) {
            for (const use of uses) {
              const mine = use.filter((bound) => bound.name === name);
              // With constant statistics and no ReLU dx has no x in it; it is asked for whatever the options.
              const unused = name === 'x' && resolved.operation === 'backwardFrozen' && !of.gamma && !of.beta && !isActivated(of.activation);
              expect(mine.length > 0, `${resolved.operation} binds ${name}`).toBe(!unused);
              if (mine.some((bound) => bound.reads)) expect(reads, `${resolved.operation} reads ${name}`).toBe(true);
              expect(mine.some((bound) => bound.writes), `${resolved.operation} writes ${name}`).toBe(writes);
            }
            expect(reads || writes).toBe(true);
            expect(resolved.absent, resolved.operation).not.toContain(name);
          }
          // WebGPU forbids one buffer read and written in a dispatch: scratch that is both belongs to two.
          for (const steps of plans) {
            for (const { kernel, partials } of steps) {
              const { bindings }: Kernel = KERNELS[kernel];
              const place = (name: BufferName) => (name === 'partials' && partials ? partials : name);
              const written = bindings.filter(({ access }) => access !== 'read').map(({ name }) => place(name));
              expect(bindings.filter(({ name, access }) => access === 'read' && written.includes(place(name)))).toEqual([]);
            }
          }
        }
      }),
      { numRuns, seed: 20261122 },
    );
  };
  it('any options: an argument is bound in every plan, and is read and written as its slot says', () => anyOptions(40));
  it('any options: an argument is bound in every plan, and is read and written as its slot says, 300 of them', { tags: ['long'] }, () => anyOptions(300));

  it('scratch is as large as what the dispatches write', () => {
    const geometry: Geometry = { layout: 'channelsFirst', batch: 40, channels: 6, spatial: 90, rows: 3600 };
    for (const resolved of resolveOperations({ ...plain, layout: 'channelsFirst', channels: 6, activation: RELU, residual: true, mask: 'rows' }, MODES, 8)) {
      const made = plan(geometry, DEFAULTS, { adapterClass: 'hardware', kind: 'split', cuts: [640] }, limitsOf(8));
      const planes = { moments_partial: 4, gradient_partial: 2, gradient_partial_frozen: 2, gradient_partial_packed: 2 } as Partial<Record<string, number>>;
      for (const { kernel, dispatch, partials } of stepsOf(resolved, made)) {
        const words = planes[kernel];
        if (words === undefined || partials) continue;
        const size = resolved.scratch.find(({ name }) => name === 'partials')!.bytes(made);
        expect((dispatch.params.part_base + dispatch.params.parts) * words * 6 * 4).toBeLessThanOrEqual(size);
        expect(size).toBe(made.parts * words * 6 * 4);
      }
      const coefficients = resolved.scratch.find(({ name }) => name === 'coefficients');
      if (coefficients) expect(coefficients.bytes(made)).toBe(6 * 6 * 4);
    }
  });
});
