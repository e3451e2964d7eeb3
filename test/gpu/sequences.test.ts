// Claim: whatever is called of a layer, in whatever order, good or bad, GPU and CPU do the same: the same answer within the self-test's
// kind of bound, or the same refusal, class and sentence; and a refused call has changed nothing.
// Control: two layers that differ are told apart, in an answer and in a refusal.
//
// WEBGPU_SEQUENCES_SEED draws others, WEBGPU_SEQUENCES_RUNS more of them.
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type Backend, BatchNorm, type Exchange, type LayerOptions, type Tensor, openBackend } from '../../src/index.js';
import { sharedDevice, takeErrors } from './harness.js';

const gpu = await openBackend({ device: await sharedDevice() });
const cpu = await openBackend({ prefer: 'cpu' });

afterEach(() => expect(takeErrors()).toEqual([]));

const env = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env ?? {};
const SEED = Number(env.WEBGPU_SEQUENCES_SEED ?? 412);
const RUNS = Number(env.WEBGPU_SEQUENCES_RUNS ?? 120);
const CALLS = 12;

const CHANNELS = 4;
const SETS: readonly LayerOptions[] = [
  { channels: CHANNELS, synchronized: true },
  { channels: CHANNELS, momentum: 'cumulative', activation: 'relu', residual: true, mask: 'count' },
  { channels: CHANNELS, residual: true, inPlace: true, runningVariance: 'biased', gamma: false },
  { channels: CHANNELS, layout: 'channelsFirst', activation: 'relu', beta: false, trackRunning: false },
  { channels: CHANNELS, activation: 'relu', residual: true, momentum: 'cumulative', synchronized: true, mask: 'rows', inPlace: true },
];
const ROWS = [1, 6, 6, 9] as const;

/** Which tensor a call is given, good or bad: one of the caller's, by number of rows, or one of the layer's own. */
const TENSORS = ['fresh', 'kept', 'y', 'dx', 'dresidual', 'same', 'none', 'disposed', 'wide', 'u32', 'array'] as const;
const tensorOf = fc.oneof({ weight: 5, arbitrary: fc.constant('fresh' as const) }, { weight: 1, arbitrary: fc.constantFrom(...TENSORS) });
const outOf = fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: tensorOf });
const EXCHANGES = ['whole', 'twice', 'without own', 'short', 'sparse', 'none', 'negative', 'uneven', 'throws', 'disposes x', 'forwards'] as const;
const exchangeOf = fc.oneof({ weight: 2, arbitrary: fc.constantFrom('whole' as const, 'twice' as const) },
  { weight: 1, arbitrary: fc.constantFrom(...EXCHANGES) });

const seed = fc.nat(99);
const rows = fc.nat(3);
const load = fc.constantFrom('none' as const, 'missing' as const, 'long' as const, 'text' as const, 'negative' as const, 'NaN' as const, 'json' as const);
const given = fc.constantFrom(...Array.from({ length: 12 }, () => 'wanted' as const), 'all' as const, 'no' as const);
const track = fc.constantFrom(undefined, undefined, undefined, true, false, false, 1);
const accumulate = fc.constantFrom(undefined, undefined, undefined, true, true, 'yes');
const named = <T extends string>(kind: T) => fc.constant(kind);
const call = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: named('forward'), rows, x: tensorOf, residual: tensorOf, out: outOf, track, given, seed }) },
  { weight: 5, arbitrary: fc.record({ kind: named('backward'), rows, dy: tensorOf, out: outOf, accumulate, seed }) },
  { weight: 2, arbitrary: fc.record({ kind: named('forwardSynchronized'), rows, x: tensorOf, out: outOf, exchange: exchangeOf, seed }) },
  { weight: 1, arbitrary: fc.record({ kind: named('backwardSynchronized'), rows, dy: tensorOf, exchange: exchangeOf, seed }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('train' as const, 'train' as const, 'eval' as const, 'statistics' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: named('load'), change: load, seed }) },
  { weight: 1, arbitrary: fc.record({
    kind: named('estimatePopulation'), method: fc.constantFrom('paper' as const, 'pooled' as const, 'median' as const), rows: fc.array(rows, { maxLength: 3 }),
      seed,
  }) },
  { weight: 1, arbitrary: fc.record({ kind: named('disposeOwn'), name: fc.constantFrom('gamma' as const, 'runningVar' as const, 'dbeta' as const),
    odds: fc.nat(19) }) },
);
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

const values = (length: number, seed: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * 1.7 + seed) * 2 + Math.cos(i * 0.3 * seed));

/** A layer, and what its caller holds. */
class Side {
  readonly layer: BatchNorm;
  readonly backend: Backend;
  y: Tensor | null = null;
  dx: Tensor | null = null;
  kept: Tensor | null = null;
  x: Tensor | null = null;

  constructor(layer: BatchNorm) {
    this.layer = layer;
    this.backend = layer.backend;
  }

  tensor(which: (typeof TENSORS)[number], rows: number, seed: number): Tensor {
    const { backend } = this;
    const shape = this.layer.layout === 'channelsLast' ? [rows, CHANNELS] : [rows, CHANNELS, 1];
    const own = { y: this.y, dx: this.dx, dresidual: this.layer.dresidual, kept: this.kept, same: this.x };
    if (which === 'none') return undefined as unknown as Tensor;
    if (which === 'array') return [1, 2] as unknown as Tensor;
    if (which === 'wide') return backend.tensor(values(rows * 5, seed), [rows, 5]);
    if (which === 'u32') return backend.empty(shape, 'u32');
    const tensor = (which in own ? own[which as keyof typeof own] : null) ?? backend.tensor(values(rows * CHANNELS, seed), shape);
    if (which === 'disposed') tensor.dispose();
    return tensor;
  }

  /** The rows that count, as the layer's options have it. */
  rows(rows: number, seed: number, given: 'wanted' | 'all' | 'no') {
    const { mask } = this.layer;
    const entries = Array.from({ length: rows }, (_, row) => Number((row * 7 + seed) % 3 > 0));
    return {
      ...(given === 'all' || (mask === 'rows' && given === 'wanted') ? { mask: this.backend.tensor(entries, [rows], 'u32') } : {}),
      ...(given === 'all' || (mask === 'count' && given === 'wanted') ? { validRows: this.backend.tensor([seed % (rows + 1)], [1], 'u32') } : {}),
    };
  }

  exchange(kind: (typeof EXCHANGES)[number], planes: number): Exchange {
    return async (part) => {
      const other = part.slice();
      if (kind === 'throws') throw new Error('the line is dead');
      if (kind === 'disposes x') this.x?.dispose();
      if (kind === 'forwards') {
        const residual = this.layer.residual ? { residual: this.tensor('fresh', 6, 2) } : {};
        this.layer.forward(this.tensor('fresh', 6, 1), { ...residual, ...this.rows(6, 1, 'wanted') });
      }
      if (kind === 'twice') return [part, other];
      if (kind === 'without own') return [other.fill(1)];
      if (kind === 'short') return [part.subarray(1)];
      if (kind === 'sparse') return Object.assign(new Array<Uint32Array>(2), { 1: part });
      if (kind === 'none') return undefined as unknown as Uint32Array[];
      if (kind === 'negative' && planes === 4) other.fill(0xbf800000, 3 * CHANNELS);
      if (kind === 'uneven' && planes === 4) other[1]++;
      return kind === 'negative' || kind === 'uneven' ? [part, other] : [part];
    };
  }

  /** Makes a call; what it gives. */
  async make(drawn: Call): Promise<Record<string, Float32Array | number>> {
    const { layer } = this;
    switch (drawn.kind) {
      case 'forward': {
        const rows = ROWS[drawn.rows];
        const x = this.tensor(drawn.x, rows, drawn.seed);
        this.x = x;
        const adds = layer.residual;
        const residual = drawn.given === 'all' || (adds && drawn.given === 'wanted') ? { residual: this.tensor(drawn.residual, rows, drawn.seed + 1) } : {};
        const out = drawn.out ? { out: this.tensor(drawn.out, rows, drawn.seed + 2) } : {};
        const tracked = drawn.track === undefined ? {} : { track: drawn.track as boolean };
        const y = layer.forward(x, { ...residual, ...this.rows(rows, drawn.seed, drawn.given), ...out, ...tracked });
        this.kept = x;
        return this.#gave('y', y);
      }
      case 'backward': {
        const rows = this.#rowsOf(drawn);
        const out = drawn.out ? { out: this.tensor(drawn.out, rows, drawn.seed + 2) } : {};
        const adds = drawn.accumulate === undefined ? {} : { accumulate: drawn.accumulate as boolean };
        const dx = layer.backward(this.tensor(drawn.dy, rows, drawn.seed), { ...out, ...adds });
        return this.#gave('dx', dx);
      }
      case 'forwardSynchronized': {
        const rows = ROWS[drawn.rows];
        const x = this.tensor(drawn.x, rows, drawn.seed);
        this.x = x;
        const residual = layer.residual ? { residual: this.tensor('fresh', rows, drawn.seed + 1) } : {};
        const out = drawn.out ? { out: this.tensor(drawn.out, rows, drawn.seed + 2) } : {};
        const options = { ...residual, ...this.rows(rows, drawn.seed, 'wanted'), ...out };
        const y = await layer.forwardSynchronized(x, this.exchange(drawn.exchange, 4), options);
        this.kept = x;
        return this.#gave('y', y);
      }
      case 'backwardSynchronized': {
        const dy = this.tensor(drawn.dy, this.#rowsOf(drawn), drawn.seed);
        return this.#gave('dx', await layer.backwardSynchronized(dy, this.exchange(drawn.exchange, 2)));
      }
      case 'train': return { training: Number(layer.train().training) };
      case 'eval': return { training: Number(layer.eval().training) };
      case 'statistics': {
        const { mean, meanLow, variance, invStd, count, flags } = await layer.statistics();
        return { mean: mean.map((high, c) => high + meanLow[c]), variance, invStd, count: count[0], flags: flags[0] };
      }
      case 'load': {
        const state = await layer.state();
        const gamma = values(CHANNELS, drawn.seed);
        const changes = {
          none: layer.gamma ? { gamma } : {}, missing: { beta: undefined }, long: { runningMean: values(5, 1) }, text: { gamma: [1, 'x', 1, 1] },
          negative: { runningVar: [1, -1, 1, 1] }, NaN: layer.runningVar ? { runningVar: [1, NaN, 1, 1] } : {}, json: {},
        };
        const text = JSON.stringify({ ...state, ...changes[drawn.change] });
        layer.load(drawn.change === 'json' ? JSON.parse(text) : { ...state, ...changes[drawn.change] });
        return {};
      }
      case 'estimatePopulation': {
        const batches = drawn.rows.map((i) => this.tensor('fresh', ROWS[i], drawn.seed + i));
        await layer.estimatePopulation(batches, drawn.method as 'paper');
        return {};
      }
      case 'disposeOwn':
        if (drawn.odds === 0) layer[drawn.name]?.dispose();
        return {};
    }
  }

  /** Mostly those of the last forward. */
  #rowsOf({ rows }: { rows: number }): number {
    return rows === 0 ? 5 : (this.kept?.shape[0] ?? 6);
  }

  async #gave(name: 'y' | 'dx', tensor: Tensor): Promise<Record<string, Float32Array>> {
    this[name] = tensor;
    const { dresidual } = this.layer;
    return { [name]: await tensor.read(), ...(name === 'dx' && dresidual ? { dresidual: await dresidual.read() } : {}) };
  }

  /** Everything that can be read of a layer. */
  async all(): Promise<Record<string, Float32Array | number>> {
    const { layer } = this;
    const seen: Record<string, Float32Array | number> = { training: Number(layer.training), batches: layer.batches };
    const tensors = {
      gamma: layer.gamma, beta: layer.beta, runningMean: layer.runningMean, runningVar: layer.runningVar, dgamma: layer.dgamma, dbeta: layer.dbeta,
      y: this.y, dx: this.dx, dresidual: layer.dresidual,
    };
    for (const [name, tensor] of Object.entries(tensors)) if (tensor) seen[name] = tensor.disposed ? -1 : await tensor.read();
    const counted = await layer.state().catch(() => null);
    if (counted) seen.counted = counted.batches ?? -1;
    return seen;
  }
}

/**
 * Values of order 10 and sums of at most 18 of them: a dozen roundings of 2⁻²⁴ between the two, as in layer.test.ts; a column of nearly
 * equal values has invStd up to 1/√eps, which the inputs' own roundings are multiplied by.
 */
function apart(a: Record<string, Float32Array | number>, b: Record<string, Float32Array | number>): string | null {
  if (Object.keys(a).join() !== Object.keys(b).join()) return `has ${Object.keys(a).join()} for ${Object.keys(b).join()}`;
  for (const [name, got] of Object.entries(a)) {
    const [left, right] = [got, b[name]].map((value) => (typeof value === 'number' ? [value] : [...value]));
    if (left.length !== right.length) return `${name} has ${left.length} elements for ${right.length}`;
    const scale = Math.max(1, ...right.filter(Number.isFinite).map(Math.abs));
    const at = left.findIndex((value, i) => !(Object.is(value, right[i]) || Math.abs(value - right[i]) <= 1e-5 * scale));
    if (at >= 0) return `${name}[${at}] is ${left[at]} for ${right[at]}`;
  }
  return null;
}

type Outcome = { gave: Record<string, Float32Array | number>; refused?: undefined } | { refused: string; gave?: undefined };

const outcomeOf = (side: Side, drawn: Call): Promise<Outcome> =>
  side.make(drawn).then((gave) => ({ gave }), (error: Error) => ({ refused: `${error.constructor.name}: ${error.message}` }));

/** What a refused call may have changed: what its own exchange did. */
const excused = (drawn: Call): boolean => 'exchange' in drawn && drawn.exchange === 'forwards';

const told = { sequences: 0, answers: 0, refusals: 0, kinds: new Set<string>() };

async function play(left: Side, right: Side, calls: readonly Call[]): Promise<void> {
  told.sequences++;
  for (const drawn of calls) {
    const before = await left.all();
    const [a, b] = [await outcomeOf(left, drawn), await outcomeOf(right, drawn)];
    const fail = (why: string) => { throw new Error(`${why}\nafter ${JSON.stringify(drawn)}`); };
    if (a.refused !== b.refused) fail(`${a.refused ?? 'an answer'}\nfor ${b.refused ?? 'an answer'}`);
    const [one, other] = [await left.all(), await right.all()];
    const wrong = (a.gave && b.gave && apart(a.gave, b.gave)) || apart(one, other);
    if (wrong) fail(wrong);
    if (a.refused && !excused(drawn)) {
      const changed = apart(before, one);
      if (changed && !(drawn.kind === 'forward' || 'exchange' in drawn) ) fail(`refused, and changed: ${changed}`);
      if (changed && !changed.includes('-1')) fail(`refused, and changed: ${changed}`); // what the caller disposed itself is gone
    }
    if (a.refused) {
      told.refusals++;
      told.kinds.add(a.refused.replace(/[\d.]+/g, '#'));
    } else told.answers++;
  }
}

async function sides(options: LayerOptions, others: LayerOptions = options): Promise<[Side, Side]> {
  return [new Side(await BatchNorm.create(gpu, options)), new Side(await BatchNorm.create(cpu, others))];
}

describe('control', () => {
  const forward: Call = { kind: 'forward', rows: 1, x: 'fresh', residual: 'fresh', out: undefined, track: undefined, given: 'wanted', seed: 3 };

  it('another answer, and another refusal, are seen', async () => {
    await play(...(await sides(SETS[0])), [forward]);
    await expect(play(...(await sides(SETS[0], { ...SETS[0], eps: 1e-3 })), [forward])).rejects.toThrow(/y\[\d+\] is .* for /);
    const biased = await sides(SETS[0], { ...SETS[0], runningVariance: 'biased' });
    await expect(play(...biased, [{ ...forward, rows: 0 }])).rejects.toThrow('RangeError: BatchNorm.forward: "rows" is 1');
  });
});

describe(`${RUNS} sequences of ${CALLS} calls over ${SETS.length} option sets, seed ${SEED}`, () => {
  it('the same answers and refusals', async () => {
    const first = { ...told };
    await fc.assert(
      fc.asyncProperty(fc.nat(SETS.length - 1), fc.array(call, { minLength: CALLS, maxLength: CALLS, size: 'max' }), async (set, calls) => {
        const [left, right] = await sides(SETS[set]);
        await play(left, right, calls);
        left.layer.dispose();
        right.layer.dispose();
      }),
      { seed: SEED, numRuns: RUNS },
    );
    expect(told.sequences - first.sequences).toBeGreaterThanOrEqual(RUNS);
    expect(Math.min(told.answers, told.refusals)).toBeGreaterThan((RUNS * CALLS) / 3);
    expect(told.kinds.size).toBeGreaterThan(RUNS / 4);
    console.info(`${told.sequences} sequences: ${told.answers} answers and ${told.refusals} refusals of ${told.kinds.size} kinds, alike on both`);
  }, 240_000 + 1000 * RUNS);
});
