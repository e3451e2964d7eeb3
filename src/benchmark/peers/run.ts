import { classOf } from '../../plan/plan.js';
import type { AdapterClass, PlanKind } from '../../core/options.js';
import { geometryOf } from '../../core/shape.js';
import { inputsOf } from '../../verify/cases.js';
import { expected } from '../../verify/expected.js';
import { fieldOf } from '../contenders.js';
import { type Contender, type Timing, measure } from '../measure.js';
import type { ShapeReport } from '../run.js';
import type { BenchShape } from '../shapes.js';
import type { PeerEntry } from './list.js';
import type { Peer, PeerContender } from './peer.js';

/** A row without a time, and why. */
export interface Refusal {
  name: string;
  reason: string;
}

/** One shape's timings, the peers' among them. */
export interface ShapeWithPeers extends ShapeReport {
  refused: Refusal[];
}

export interface PeerOptions {
  samples: number;
  /** Milliseconds a sample should last at least. */
  sampleTime: number;
  peers: readonly PeerEntry[];
  plan?: PlanKind;
  adapterClass?: AdapterClass;
  /** Whether our CPU fallback and the staged backward are timed too. Default true. */
  cpu?: boolean;
  staged?: boolean;
  /** Whether half storage and fused activations are timed too. Default false. */
  abilities?: boolean;
  /** Called with what is done now. */
  onStep?: (words: string) => void;
}

/** A run of this many milliseconds is sampled `SLOW_SAMPLES` times at most: tfjs takes many seconds where others take one. */
const SLOW = 1000;
const SLOW_SAMPLES = 3;

/** Below so many milliseconds a run is tried in tens; a sample has at most so many runs, as in `measure`. */
const QUICK = 20;
const MAX_RUNS = 200;

/**
 * Times this library and its peers on one shape, in turn. A wrong answer of ours ends the run; a peer that is wrong,
 * throws or is missing loses its row's time and keeps its reason.
 */
export async function benchmarkShape(device: GPUDevice, shape: BenchShape, options: PeerOptions): Promise<ShapeWithPeers> {
  const { samples, sampleTime, peers, plan, cpu = true, staged = true, abilities = false, onStep = () => {} } = options;
  const adapterClass = options.adapterClass ?? classOf(device.adapterInfo);
  onStep('preparing');
  const field = await fieldOf(device, shape, { adapterClass, plan, cpu, staged, abilities });
  const opened: Peer[] = [];
  try {
    const refused: Refusal[] = [];
    const quick: Contender[] = [];
    const slow: Contender[] = [];
    const runsOf = new Map<string, number>();
    if (peers.length > 0) {
      const { layout, channels, rows } = shape;
      const { spatial } = geometryOf('benchmark', layout, channels, shape.shape);
      const inputs = inputsOf({ name: '', rows, channels, spatial: layout === 'channelsFirst' ? spatial : undefined }, 1); // as the field's
      const want = expected(inputs);
      for (const { name, open } of peers) {
        onStep(`loading ${name}`);
        try {
          const peer = await open(shape, inputs, want);
          opened.push(peer);
          for (const contender of peer.contenders) {
            onStep(`checking ${contender.name}`);
            const tried = await tryOut(contender);
            if (typeof tried === 'string') {
              refused.push({ name: contender.name, reason: tried });
              continue;
            }
            const runs = Math.min(MAX_RUNS, Math.max(1, Math.ceil(sampleTime / Math.max(tried, 1e-3))));
            runsOf.set(contender.name, runs);
            (tried > SLOW ? slow : quick).push(guarded(contender, runs, refused));
          }
        } catch (error) {
          refused.push({ name, reason: messageOf(error) });
        }
      }
    }
    onStep('timing');
    const timings = await measure(device, [...field.contenders, ...quick], { samples, sampleTime });
    for (const contender of slow) {
      onStep(`timing ${contender.name}`);
      timings.push(...(await measure(device, [contender], { samples: Math.min(samples, SLOW_SAMPLES), sampleTime })));
    }
    const right = timings.filter(({ name }) => !refused.some((refusal) => refusal.name === name)).map((timing) => aRun(timing, runsOf.get(timing.name) ?? 1));
    return { shape: shape.name, elements: shape.elements, timings: inOrder(right, opened), recordMicroseconds: field.recordTime(), refused };
  } finally {
    for (const peer of opened) peer.dispose();
    field.dispose();
  }
}

/** Milliseconds of a run once the answer is right, or why there is none. */
async function tryOut(contender: PeerContender): Promise<number | string> {
  try {
    const timed = async (runs: number) => {
      const start = performance.now();
      await contender.batch(runs);
      return (performance.now() - start) / runs;
    };
    await contender.check();
    const first = await timed(1); // touches what the check did not
    if (first > SLOW) return first;
    const alone = await timed(1);
    return alone < QUICK ? await timed(10) : alone; // short runs are mostly waiting when they wait alone
  } catch (error) {
    return messageOf(error);
  }
}

/** The contender as `measure` takes it: `runs` to a call, checked already, and when it throws after all it is refused and ends nothing. */
function guarded(contender: PeerContender, runs: number, refused: Refusal[]): Contender {
  const { name, kind, bytes, dispatches } = contender;
  return {
    name, kind, bytes, dispatches,
    async run() {
      if (refused.some((refusal) => refusal.name === name)) return;
      try {
        await contender.batch(runs);
      } catch (error) {
        refused.push({ name, reason: messageOf(error) });
      }
    },
  };
}

/** What `measure` timed a call of, by its runs. */
function aRun(timing: Timing, runs: number): Timing {
  const [fastest, slowest] = timing.wallRange;
  return { ...timing, wall: timing.wall / runs, wallRange: [fastest / runs, slowest / runs], repeats: timing.repeats * runs };
}

/** The slow rows back beside their library's others. */
function inOrder(timings: readonly Timing[], peers: readonly Peer[]): Timing[] {
  const order = peers.flatMap(({ contenders }) => contenders.map(({ name }) => name));
  const place = ({ name }: Timing) => order.indexOf(name); // −1 for our own, which stay in front as they are
  return [...timings].sort((a, b) => place(a) - place(b));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
