import type { AdapterClass } from '../core/options.js';
import type { Geometry } from '../core/shape.js';
import type { Storage } from '../core/storage.js';

/** The device limits a plan depends on; a `GPUSupportedLimits` is one. */
export interface PlanLimits {
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly maxStorageBufferBindingSize: number;
}

/** What of a tile is compiled into a kernel; the rest stands in the uniform block. */
export interface Tile {
  /** Elements of a Value: 4 where they lie together, 2 in a word of halves, else 1. */
  width: 1 | 2 | 4;
  /**
   * Whether a Value's elements are of several channels (channels-last), of one (channels-first), or whatever stands
   * in a word (halves in rows or planes that do not fill whole Values, elementwise only).
   */
  across: 'channels' | 'rows' | 'flat';
  /** Threads of a workgroup. */
  groupSize: number;
  /** False where a channel has one member, so that nothing is merged and no barrier stands. */
  grouped: boolean;
  /** Whether a thread holds its values in registers: at most REGISTER_ITERATIONS. */
  registers: boolean;
  /** Whether a round of a loop makes several iterations, so that their loads need not wait for each other. */
  unrolled: boolean;
}

/** Iterations whose values a thread can hold in registers; the same in shaders/walk/registers.wgsl. */
export const REGISTER_ITERATIONS = 8;

/** What a kernel does in a plan, which decides the tiles it is compiled for. */
export type Role = 'single' | 'reduce' | 'finalize' | 'apply';

/**
 * What the two classes of adapter want.
 *
 * Hardware: 64 bytes of every row to a tile, so that memory is read in whole sectors, and groups enough for a
 * large GPU. Software: a member a channel and no barrier wherever there are tiles for the cores and rows are not too
 * many; and groups no wider than a core's vectors, which then walk a plane in the order of memory. Measured on
 * SwiftShader, which also compiles a store for every word of workgroup memory.
 */
export const CLASSES = {
  hardware: { groupSize: 256, single: 16, splitChannels: 64, groups: 1024, applyGroups: 16384, applyIterations: 4 },
  software: { groupSize: 8, single: Infinity, splitChannels: 8, groups: 8, applyGroups: 64, applyIterations: 64 },
} as const satisfies Record<AdapterClass, object>;

/** What a Value is made of: 1 or 4 elements, of several channels or of one. */
export type Values = { width: 1 | 4; across: 'channels' | 'rows' };

/** The Values of a tensor: four elements where they lie together. */
export function valuesOf({ layout, channels, spatial }: Pick<Geometry, 'layout' | 'channels' | 'spatial'>): Values {
  const [length, across] = layout === 'channelsLast' ? [channels, 'channels' as const] : [spatial, 'rows' as const];
  return { width: length % 4 === 0 ? 4 : 1, across };
}

/** The Values of partial results. Channels-first a channel at a time: where a window ends within an image, its neighbours' may be of other counts. */
export function partialValuesOf({ layout, channels }: Pick<Geometry, 'layout' | 'channels'>): Values {
  return { width: layout === 'channelsLast' && channels % 4 === 0 ? 4 : 1, across: 'channels' };
}

/** Whether the elementwise pass goes by words: two halves that no Value holds whole. */
export const isFlat = ({ width }: Values, storage: Storage): boolean => storage !== 'f32' && width === 1;

/** The tile of a kernel of that role: the one decision that the plan dispatches by and the text is compiled for. */
export function tileOf(role: Role, values: Values, storage: Storage, adapterClass: AdapterClass, limits: PlanLimits, registers = false): Tile {
  const groupSize = groupSizeOf(adapterClass, limits);
  if (role === 'apply' && isFlat(values, storage)) return { width: 2, across: 'flat', groupSize, grouped: false, registers: false, unrolled: false };
  const alone = role === 'single' && adapterClass === 'software' && values.across === 'channels'; // a channel has one member there
  const unrolled = role !== 'finalize' && adapterClass === 'hardware' && !registers;
  return { ...values, groupSize, grouped: role !== 'apply' && !alone, registers, unrolled };
}

/** Every tile that some shape of this layout and these channels can need: the texts there are. */
export function tilesOf(
  { layout, channels }: Pick<Geometry, 'layout' | 'channels'>, adapterClass: AdapterClass, limits: PlanLimits, storage: Storage = 'f32',
): Record<Role, Tile[]> {
  const all = layout === 'channelsLast' ? [valuesOf({ layout, channels, spatial: 1 })] : [1, 4].map((spatial) => valuesOf({ layout, channels, spatial }));
  const tile = (role: Role, values: Values, registers = false) => tileOf(role, values, storage, adapterClass, limits, registers);
  return {
    single: all.filter((values) => !isFlat(values, storage)).flatMap((values) =>
      (adapterClass === 'hardware' ? [false, true] : [false]).map((registers) => tile('single', values, registers))),
    reduce: all.map((values) => tile('reduce', values)),
    finalize: [tile('finalize', partialValuesOf({ layout, channels }))],
    apply: all.map((values) => tile('apply', values)),
  };
}

export function groupSizeOf(adapterClass: AdapterClass, limits: PlanLimits): number {
  return Math.min(CLASSES[adapterClass].groupSize, limits.maxComputeInvocationsPerWorkgroup);
}
