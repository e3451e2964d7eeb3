import { type Numbers, runningVarianceFactor } from './options.js';
import type { Params } from './params.js';
import type { Shape } from './shape.js';

/** The device limits a plan depends on; a `GPUSupportedLimits` is one. */
export interface PlanLimits {
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly maxStorageBufferBindingSize: number;
  readonly minStorageBufferOffsetAlignment: number;
}

/**
 * Hardware hides latency with many workgroups. A software adapter runs a workgroup on one core, so it
 * wants few: there a barrier costs tens of trivial kernels.
 */
export type AdapterClass = 'hardware' | 'software';

/** How a workgroup lies on the matrix: fixed by the channels, so that a new batch size compiles nothing. */
export interface Tile {
  /** Channels a thread handles at once: 4 where they divide, else 1. */
  width: 1 | 4;
  /** Threads along the channels, each one Value (`width` channels) wide. */
  columns: number;
  /** Threads along the rows. */
  lanes: number;
}

/** Which of the dispatches below a shape takes, and with what numbers. */
export interface Plan {
  params: Params;
  /** Workgroups of the reduction kernels, of the finishing kernels and of the elementwise kernels. */
  reduce: Grid;
  finish: Grid;
  apply: Grid;
  /** Rows × planes × channels of partial results, in bytes, for the moments and for the gradient sums. */
  momentsBytes: number;
  gradientBytes: number;
}

export type Grid = readonly [x: number, y: number];

/** count, mean, meanLow, m2 */
export const MOMENTS_PLANES = 4;
/** Σ dy, Σ dy · (x − mean) */
export const GRADIENT_PLANES = 2;
/** mean, meanLow, invStd, gamma · invStd, dbeta / rows, dgamma / rows */
export const COEFFICIENT_PLANES = 6;

/** SwiftShader compiles a store for every word of workgroup memory: 256 threads take it a second. */
const MAX_THREADS: Record<AdapterClass, number> = { hardware: 256, software: 64 };
const MAX_COLUMNS = 64;

/** Enough groups to fill a large GPU, and few enough that one group merges a column's partials. */
const REDUCE_GROUPS: Record<AdapterClass, number> = { hardware: 1024, software: 16 };
const APPLY_GROUPS: Record<AdapterClass, number> = { hardware: 16384, software: 64 };
/** Rows a thread should have before another split is worth its partial. */
const MIN_ROWS_PER_LANE = 8;
const APPLY_ROWS_PER_LANE = 4;

/** Narrow matrices get narrow tiles, so that a workgroup's threads span rows and none is idle. */
export function planTile(channels: number, adapterClass: AdapterClass, limits: PlanLimits): Tile {
  const width = channels % 4 === 0 ? 4 : 1;
  const values = channels / width;
  const tiles = Math.ceil(values / MAX_COLUMNS);
  const columns = Math.ceil(values / tiles);
  const threads = Math.min(MAX_THREADS[adapterClass], limits.maxComputeInvocationsPerWorkgroup);
  return { width, columns, lanes: Math.floor(threads / columns) };
}

export function plan(
  { rows, channels }: Shape,
  tile: Tile,
  numbers: Numbers,
  adapterClass: AdapterClass,
  limits: PlanLimits,
): Plan {
  const values = channels / tile.width;
  const tiles = Math.ceil(values / tile.columns);
  const wanted = Math.ceil(rows / (tile.lanes * MIN_ROWS_PER_LANE));
  const rowsPerSplit = Math.ceil(rows / clamp(wanted, 1, Math.ceil(REDUCE_GROUPS[adapterClass] / tiles)));
  const splits = Math.ceil(rows / rowsPerSplit); // so that none is empty
  const rowGroups = clamp(
    Math.ceil(rows / (tile.lanes * APPLY_ROWS_PER_LANE)),
    1,
    Math.ceil(APPLY_GROUPS[adapterClass] / tiles),
  );
  return {
    params: {
      rows,
      channels: values,
      tiles,
      splits,
      rows_per_split: rowsPerSplit,
      row_groups: rowGroups,
      inv_rows: 1 / rows,
      eps: numbers.eps,
      momentum: numbers.momentum,
      keep: 1 - numbers.momentum,
      running_variance_factor: runningVarianceFactor(rows, numbers.runningVariance),
      zero: 0,
    },
    reduce: grid(tiles * splits, limits),
    finish: grid(tiles, limits),
    apply: grid(tiles * rowGroups, limits),
    momentsBytes: splits * MOMENTS_PLANES * channels * 4,
    gradientBytes: splits * GRADIENT_PLANES * channels * 4,
  };
}

/** Folds a count of groups to two dimensions; groups past the count return at once. */
export function grid(groups: number, limits: PlanLimits): Grid {
  const x = Math.min(groups, limits.maxComputeWorkgroupsPerDimension);
  return [x, Math.ceil(groups / x)];
}

/** Few, slow cores, or many fast ones: from what the adapter says of itself. */
export function classOf(info: { isFallbackAdapter?: boolean; architecture?: string; description?: string } | undefined): AdapterClass {
  const name = `${info?.architecture ?? ''} ${info?.description ?? ''}`;
  return info?.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render|warp/i.test(name) ? 'software' : 'hardware';
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
