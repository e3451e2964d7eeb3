import { DEFAULTS } from '../plan/options.js';
import { type AdapterClass, type Dispatch, type PlanLimits, plan } from '../plan/plan.js';
import { geometryOf } from '../plan/shape.js';
import type { BenchShape } from './shapes.js';

/** What a plan costs, counted and not timed. */
export interface Count {
  shape: string;
  adapterClass: AdapterClass;
  plan: string;
  /** Dispatches of a forward, a backward and an inference. */
  dispatches: string;
  /** Workgroups of the reduction and of the elementwise pass; of a single dispatch the first alone. */
  workgroups: string;
  /** Threads of the reduction that have a lane, and values each visits. */
  threads: number;
  visits: number;
  /** Mebibytes a forward and a backward move, caches aside, and of scratch. */
  forwardMiB: number;
  backwardMiB: number;
  scratchMiB: number;
}

export function count(shape: BenchShape, adapterClass: AdapterClass, limits: PlanLimits): Count {
  const geometry = geometryOf('count', shape.layout, shape.channels, shape.shape);
  const { kind, reduce, apply, momentsBytes } = plan(geometry, DEFAULTS, { adapterClass }, limits);
  const groups = ({ params }: Dispatch) => params.tiles * params.parts;
  const { tile_channels, lanes, inner_per_part, inner_lanes, outer_per_part, outer_lanes } = reduce.params;
  const mib = (bytes: number) => bytes / 2 ** 20;
  return {
    shape: shape.name,
    adapterClass,
    plan: kind,
    dispatches: kind === 'single' ? '1 / 1 / 1' : '3 / 3 / 1',
    workgroups: kind === 'single' ? String(groups(reduce)) : `${groups(reduce)}, ${groups(apply)}`,
    threads: groups(reduce) * tile_channels * lanes,
    visits: Math.ceil(inner_per_part / inner_lanes) * Math.ceil(outer_per_part / outer_lanes),
    forwardMiB: mib(12 * shape.elements),
    backwardMiB: mib(20 * shape.elements),
    scratchMiB: kind === 'single' ? 0 : mib(momentsBytes),
  };
}
