import { type Numbers, runningVarianceFactor } from './options.js';
import type { Params } from './params.js';
import type { Geometry } from './shape.js';

/** The device limits a plan depends on; a `GPUSupportedLimits` is one. */
export interface PlanLimits {
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly maxStorageBufferBindingSize: number;
}

/**
 * Hardware hides latency with many workgroups. A software adapter runs a workgroup on one core, so it
 * wants few: there a barrier costs tens of trivial kernels.
 */
export type AdapterClass = 'hardware' | 'software';

/** One dispatch that does it all, or parts of the rows, their merge, and the elementwise pass. */
export type PlanKind = 'single' | 'split';

/** What of a tile is compiled into a kernel; the rest stands in the uniform block. */
export interface Tile {
  /** Elements of a Value: 4 where they lie together, else 1. */
  width: 1 | 4;
  /** Whether a Value's elements are of several channels (channels-last) or of one (channels-first). */
  across: 'channels' | 'rows';
  /** Threads of a workgroup. */
  groupSize: number;
  /** False where a channel has one lane, so that nothing is merged and no barrier stands. */
  grouped: boolean;
}

/** One dispatch: its compiled tile, its uniform block, its workgroups. */
export interface Dispatch {
  tile: Tile;
  params: Params;
  grid: Grid;
}

/** The dispatches of one shape: `reduce` is the whole of a single plan. */
export interface Plan {
  kind: PlanKind;
  reduce: Dispatch;
  finish: Dispatch;
  apply: Dispatch;
  /** Bytes of partial results, for the moments and for the gradient sums. */
  momentsBytes: number;
  gradientBytes: number;
}

export type Grid = readonly [x: number, y: number];

/** What a plan may be told instead of choosing it. */
export interface PlanChoice {
  adapterClass: AdapterClass;
  kind?: PlanKind;
}

/** count, mean, meanLow, m2 */
export const MOMENTS_PLANES = 4;
/** Σ dy, Σ dy · (x − mean) */
export const GRADIENT_PLANES = 2;
/** dbeta / rows, dgamma / rows */
export const COEFFICIENT_PLANES = 2;

/**
 * What the two classes of adapter want.
 *
 * Hardware: 64 bytes of every row to a tile, so that memory is read in whole sectors, and groups enough for a
 * large GPU. Software: a lane a channel and no barrier wherever there are tiles for the cores; measured on
 * SwiftShader, which also compiles a store for every word of workgroup memory, so its groups are small.
 */
const CLASSES = {
  hardware: { groupSize: 256, single: 16, splitChannels: 64, groups: 1024, applyGroups: 16384, applyVisits: 4 },
  software: { groupSize: 16, single: Infinity, splitChannels: 8, groups: 8, applyGroups: 64, applyVisits: 64 },
} as const satisfies Record<AdapterClass, object>;

/** Bytes of adjacent channels a single plan's tile reads of each row. */
const SEGMENT_BYTES = 64;
/**
 * Visits a lane may have. llvmpipe (Mesa 22) leaves a thread's loops after 65 535 turns in all, without a word;
 * loops take four visits a turn or eight.
 */
const MAX_VISITS = 65536;
/** Visits a lane should have before another part of the rows is worth its partial. */
const MIN_VISITS = 8;

/** What a kernel does in a plan, which decides the tiles it is compiled for. */
export type Role = 'single' | 'reduce' | 'finish' | 'apply';

/** Every tile that some shape of this layout and these channels can need: what is compiled ahead. */
export function tilesOf(
  { layout, channels }: Pick<Geometry, 'layout' | 'channels'>,
  adapterClass: AdapterClass,
  limits: PlanLimits,
): Record<Role, Tile[]> {
  const groupSize = groupSizeOf(adapterClass, limits);
  const across = layout === 'channelsLast' ? 'channels' : 'rows';
  const widths: Tile['width'][] = layout === 'channelsLast' ? [channelWidth(channels)] : [1, 4];
  const tiles = (grouped: boolean) => widths.map((width): Tile => ({ width, across, groupSize, grouped }));
  return {
    single: tiles(singleGrouped(across, adapterClass)),
    reduce: tiles(true),
    finish: [finishTile(channels, groupSize)],
    apply: tiles(false),
  };
}

/** Software adapters give a channel one lane, and need no barrier, where channels lie side by side. */
function singleGrouped(across: Tile['across'], adapterClass: AdapterClass): boolean {
  return !(adapterClass === 'software' && across === 'channels');
}

export function plan(geometry: Geometry, numbers: Numbers, choice: PlanChoice, limits: PlanLimits, call = 'plan'): Plan {
  const { adapterClass } = choice;
  const wants = CLASSES[adapterClass];
  const groupSize = groupSizeOf(adapterClass, limits);
  const axes = axesOf(geometry);
  const scalars = {
    zero: 0,
    inv_rows: 1 / geometry.rows,
    eps: numbers.eps,
    momentum: numbers.momentum,
    keep: 1 - numbers.momentum,
    running_variance_factor: runningVarianceFactor(geometry.rows, numbers.runningVariance),
  };
  const dispatch = (lanes: Lanes, tile: Tile, parts: Parts): Dispatch => {
    const params = { ...scalars, ...paramsOf(axes, lanes, parts) };
    return { tile, params, grid: grid(params.tiles * params.parts, limits) };
  };
  const make = (lanes: Lanes, grouped: boolean, parts: Parts) =>
    dispatch(lanes, { width: axes.width, across: axes.across, groupSize, grouped }, parts);

  const single = singleLanes(axes, adapterClass, groupSize);
  const kind = choice.kind ?? (fitsSingle(axes, single, adapterClass) ? 'single' : 'split');
  const alone = visitsOf(axes, single);
  if (kind === 'single' && alone > MAX_VISITS) {
    throw new RangeError(`${call}: "plan" is 'single', which gives a thread ${alone} values (rows ${geometry.rows}), needs at most ${MAX_VISITS}. Use 'split'.`);
  }
  const mostParts = Math.max(1, Math.floor(limits.maxStorageBufferBindingSize / (MOMENTS_PLANES * 4 * geometry.channels)));
  const split = lanesOf(axes, Math.min(axes.channels, wants.splitChannels), groupSize);
  const reduce = kind === 'single'
    ? make(single, singleGrouped(axes.across, adapterClass), { inner: 1, outer: 1 })
    : make(split, true, partsOf(axes, split, wants.groups, MIN_VISITS, mostParts));
  const apply = make(split, false, partsOf(axes, split, wants.applyGroups, wants.applyVisits));
  const { parts } = reduce.params;
  return {
    kind,
    reduce,
    finish: finishOf(geometry.channels, parts, scalars, groupSize, limits),
    apply,
    momentsBytes: parts * MOMENTS_PLANES * geometry.channels * 4,
    gradientBytes: parts * GRADIENT_PLANES * geometry.channels * 4,
  };
}

/** Folds a count of groups to two dimensions; groups past the count find nothing to do. */
export function grid(groups: number, limits: PlanLimits): Grid {
  const x = Math.min(groups, limits.maxComputeWorkgroupsPerDimension);
  return [x, Math.ceil(groups / x)];
}

/** Few, slow cores, or many fast ones: from what the adapter says of itself. */
export function classOf(info: { isFallbackAdapter?: boolean; architecture?: string; description?: string } | undefined): AdapterClass {
  const name = `${info?.architecture ?? ''} ${info?.description ?? ''}`;
  return info?.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render|warp/i.test(name) ? 'software' : 'hardware';
}

/** A tensor as Values: channels, and the two axes whose values each channel pools. */
interface Axes {
  width: 1 | 4;
  across: Tile['across'];
  channels: number;
  channelStride: number;
  /** The axis along which neighbouring threads lie in memory where a tile has one channel. */
  near: Axis;
  far: Axis;
}

interface Axis {
  size: number;
  stride: number;
}

function axesOf({ layout, batch, channels, spatial }: Geometry): Axes {
  if (layout === 'channelsLast') {
    const width = channelWidth(channels);
    const values = channels / width;
    return { width, across: 'channels', channels: values, channelStride: 1, near: { size: batch * spatial, stride: values }, far: { size: 1, stride: 0 } };
  }
  const width = spatial % 4 === 0 ? 4 : 1;
  const values = spatial / width;
  return { width, across: 'rows', channels, channelStride: values, near: { size: values, stride: 1 }, far: { size: batch, stride: channels * values } };
}

/** How a workgroup's threads stand on a tile. */
interface Lanes {
  /** Channels of the tile. */
  channels: number;
  near: number;
  far: number;
  lanes: number;
}

function lanesOf(axes: Axes, channels: number, groupSize: number): Lanes {
  if (axes.across === 'channels') {
    const tiles = Math.ceil(axes.channels / Math.min(channels, groupSize));
    const perTile = Math.ceil(axes.channels / tiles);
    const near = Math.max(1, Math.min(Math.floor(groupSize / perTile), axes.near.size));
    return { channels: perTile, near, far: 1, lanes: near };
  }
  const turns = Math.ceil(axes.near.size / groupSize);
  const near = Math.ceil(axes.near.size / turns); // an equal share each turn, so few lanes are idle in the last
  const far = Math.min(Math.floor(groupSize / near), axes.far.size);
  // planes too small for a workgroup: several channels, which lie side by side
  const perTile = Math.min(axes.channels, Math.floor(groupSize / (near * far)));
  return { channels: perTile, near, far, lanes: near * far };
}

function singleLanes(axes: Axes, adapterClass: AdapterClass, groupSize: number): Lanes {
  if (axes.across === 'rows') return lanesOf(axes, 1, groupSize);
  if (adapterClass === 'hardware') return lanesOf(axes, Math.min(axes.channels, SEGMENT_BYTES / 4 / axes.width), groupSize);
  const perTile = Math.min(axes.channels, 4);
  return { channels: perTile, near: 1, far: 1, lanes: 1 };
}

/** Whether one workgroup should own a tile's every row. */
function fitsSingle(axes: Axes, lanes: Lanes, adapterClass: AdapterClass): boolean {
  const visits = visitsOf(axes, lanes);
  if (visits > MAX_VISITS) return false;
  if (adapterClass === 'hardware') return visits <= CLASSES.hardware.single;
  return Math.ceil(axes.channels / lanes.channels) >= 2 || visits <= 4096; // a tile for each core, or too little to share
}

/** Values each lane visits where the rows are not cut. */
function visitsOf(axes: Axes, { near, far }: Lanes): number {
  return Math.ceil(axes.near.size / near) * Math.ceil(axes.far.size / far);
}

/** Into how many parts each axis is cut. */
interface Parts {
  inner: number;
  outer: number;
}

/** The axis a lane walks in its inner loop: the longer walk, so that blocks of eight fill. */
function innerIsNear(axes: Axes, { near, far }: Lanes): boolean {
  return Math.ceil(axes.near.size / near) >= Math.ceil(axes.far.size / far);
}

function partsOf(axes: Axes, lanes: Lanes, groups: number, visits: number, most = Infinity): Parts {
  const shared = Math.ceil(groups / Math.ceil(axes.channels / lanes.channels));
  const wanted = Math.min(most, Math.max(shared, Math.ceil((2 * visitsOf(axes, lanes)) / MAX_VISITS)));
  const [inner, outer] = innerIsNear(axes, lanes) ? [axes.near.size / lanes.near, axes.far.size / lanes.far] : [axes.far.size / lanes.far, axes.near.size / lanes.near];
  const innerParts = clamp(Math.ceil(inner / visits), 1, wanted);
  const outerParts = clamp(Math.ceil(outer), 1, Math.max(1, Math.floor(wanted / innerParts)));
  return { inner: innerParts, outer: outerParts };
}

type WalkParams = Omit<Params, 'zero' | 'inv_rows' | 'eps' | 'momentum' | 'keep' | 'running_variance_factor'>;

function paramsOf(axes: Axes, lanes: Lanes, wanted: Parts): WalkParams {
  const near = innerIsNear(axes, lanes);
  const [inner, outer] = near ? [axes.near, axes.far] : [axes.far, axes.near];
  const [innerLanes, outerLanes] = near ? [lanes.near, lanes.far] : [lanes.far, lanes.near];
  const innerPerPart = Math.ceil(inner.size / wanted.inner);
  const outerPerPart = Math.ceil(outer.size / wanted.outer);
  const innerParts = Math.ceil(inner.size / innerPerPart); // so that no part is empty
  const outerParts = Math.ceil(outer.size / outerPerPart);
  // Threads lie as the values do in memory: channels-last by channel first, else by near axis, channel, far axis.
  const nearStep = axes.across === 'channels' ? lanes.channels : 1;
  const channelStep = axes.across === 'channels' ? 1 : lanes.near;
  const farStep = lanes.channels * lanes.near;
  return {
    channels: axes.channels,
    channel_stride: axes.channelStride,
    tiles: Math.ceil(axes.channels / lanes.channels),
    tile_channels: lanes.channels,
    inner_size: inner.size, inner_stride: inner.stride, inner_lanes: innerLanes, inner_parts: innerParts, inner_per_part: innerPerPart,
    outer_size: outer.size, outer_stride: outer.stride, outer_lanes: outerLanes, outer_per_part: outerPerPart,
    parts: innerParts * outerParts,
    channel_step: channelStep,
    inner_step: near ? nearStep : farStep,
    outer_step: near ? farStep : nearStep,
    lanes: lanes.lanes,
    lanes_ceil: 2 ** Math.ceil(Math.log2(lanes.lanes)),
  };
}

/** The merge walks the parts as if they were rows, channels innermost, whatever the layout. */
function finishOf(channels: number, parts: number, scalars: object, groupSize: number, limits: PlanLimits): Dispatch {
  const tile = finishTile(channels, groupSize);
  const values = channels / tile.width;
  const axes: Axes = { width: tile.width, across: 'channels', channels: values, channelStride: 1, near: { size: parts, stride: values }, far: { size: 1, stride: 0 } };
  const lanes = lanesOf(axes, Math.ceil(groupSize / Math.max(1, Math.ceil(parts / MIN_VISITS))), groupSize);
  const params = { ...scalars, ...paramsOf(axes, lanes, { inner: 1, outer: 1 }) } as Params;
  return { tile, params, grid: grid(params.tiles, limits) };
}

function finishTile(channels: number, groupSize: number): Tile {
  return { width: channelWidth(channels), across: 'channels', groupSize, grouped: true };
}

const channelWidth = (channels: number): 1 | 4 => (channels % 4 === 0 ? 4 : 1);

function groupSizeOf(adapterClass: AdapterClass, limits: PlanLimits): number {
  return Math.min(CLASSES[adapterClass].groupSize, limits.maxComputeInvocationsPerWorkgroup);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
