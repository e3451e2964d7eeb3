import type { AdapterClass } from '../core/options.js';
import type { Geometry } from '../core/shape.js';
import { CLASSES, type Values, valuesOf } from './tiles.js';
import type { Box } from './windows.js';

/** Bytes of adjacent channels a single plan's tile reads of each row. */
const SEGMENT_BYTES = 64;
/**
 * Iterations a member may have. llvmpipe (Mesa 22) leaves a thread's loops after 65 535 rounds in all, without a word, and counts
 * those of the slowest of the threads that it runs side by side, and one for each time a loop finds its end. A single
 * kernel takes a round for each iteration, one more to write it, one more where masked rows come first, and three for each
 * block. The limit binds hardware too, which has no use for more.
 */
export const MAX_ITERATIONS = 16_384;
/** Iterations a member should have before another part of the rows is worth its partial. */
export const MIN_ITERATIONS = 8;

/** A box of a tensor as Values: channels, and the two axes whose values each channel pools. */
export interface Axes extends Values {
  channels: number;
  channelStride: number;
  /** Channels that have values in the box. */
  channelFirst: number;
  channelEnd: number;
  /** Where channel 0 would begin in the window; before it, where the box begins at a later one. */
  base: number;
  rowBase: number;
  /** The axis along which neighbouring threads lie in memory where a tile has one channel. */
  near: Axis;
  far: Axis;
}

export interface Axis {
  size: number;
  stride: number;
  /** Entries of the mask from one iteration to the next. */
  rows: number;
}

export function axesOf(geometry: Geometry, box: Box): Axes {
  const { layout, channels, spatial } = geometry;
  const [n, c, s] = [box.batch, box.channels, box.spatial];
  const { width } = valuesOf(geometry);
  if (layout === 'channelsLast') {
    const values = channels / width;
    return {
      width, across: 'channels', channels: values, channelStride: 1, channelFirst: c.first / width, channelEnd: c.end / width,
      base: box.base / width, rowBase: n.first,
      near: { size: n.end - n.first, stride: values, rows: 1 }, far: { size: 1, stride: 0, rows: 0 },
    };
  }
  const values = spatial / width;
  return {
    width, across: 'rows', channels, channelStride: values, channelFirst: c.first, channelEnd: c.end,
    base: box.base / width, rowBase: n.first * values + s.first / width,
    near: { size: (s.end - s.first) / width, stride: 1, rows: 1 }, far: { size: n.end - n.first, stride: channels * values, rows: values },
  };
}

/** How a workgroup's threads stand on a tile. */
export interface Members {
  /** Channels of the tile. */
  channels: number;
  near: number;
  far: number;
  members: number;
}

export function membersOf(axes: Axes, channels: number, groupSize: number): Members {
  if (axes.across === 'channels') {
    const tiles = Math.ceil(axes.channels / Math.min(channels, groupSize));
    const perTile = Math.ceil(axes.channels / tiles);
    const near = Math.max(1, Math.min(Math.floor(groupSize / perTile), axes.near.size));
    return { channels: perTile, near, far: 1, members: near };
  }
  const turns = Math.ceil(axes.near.size / groupSize);
  const near = Math.ceil(axes.near.size / turns); // an equal share each turn, so few members are idle in the last
  const far = Math.min(Math.floor(groupSize / near), axes.far.size);
  // planes too small for a workgroup: several channels, which lie side by side
  const perTile = Math.min(axes.channels, Math.floor(groupSize / (near * far)));
  return { channels: perTile, near, far, members: near * far };
}

export function singleMembers(axes: Axes, adapterClass: AdapterClass, groupSize: number): Members {
  if (axes.across === 'rows') return membersOf(axes, 1, groupSize);
  if (adapterClass === 'hardware') return membersOf(axes, Math.min(axes.channels, SEGMENT_BYTES / 4 / axes.width), groupSize);
  const perTile = Math.min(axes.channels, 4);
  return { channels: perTile, near: 1, far: 1, members: 1 };
}

/** Whether one workgroup should own a tile's every row. */
export function fitsSingle(axes: Axes, members: Members, adapterClass: AdapterClass): boolean {
  const iterations = iterationsOf(axes, members);
  if (iterations > MAX_ITERATIONS) return false;
  if (adapterClass === 'hardware') return iterations <= CLASSES.hardware.single;
  return Math.ceil(axes.channels / members.channels) >= 2 || iterations <= 4096; // a tile for each core, or too little to share
}

/** Iterations of each member where the rows are not cut. */
export function iterationsOf(axes: Axes, { near, far }: Members): number {
  return Math.ceil(axes.near.size / near) * Math.ceil(axes.far.size / far);
}

/** Into how many parts each axis is cut. */
export interface Parts {
  inner: number;
  outer: number;
}

/** The axis a member walks in its inner loop: the longer walk, so that blocks fill. */
function innerIsNear(axes: Axes, { near, far }: Members): boolean {
  return Math.ceil(axes.near.size / near) >= Math.ceil(axes.far.size / far);
}

export function partsOf(axes: Axes, members: Members, groups: number, iterations: number, most = Infinity): Parts {
  const shared = Math.ceil(groups / Math.ceil(axes.channels / members.channels));
  const wanted = Math.min(most, Math.max(shared, Math.ceil((2 * iterationsOf(axes, members)) / MAX_ITERATIONS)));
  const [inner, outer] =
    innerIsNear(axes, members) ? [axes.near.size / members.near, axes.far.size / members.far] : [axes.far.size / members.far, axes.near.size / members.near];
  const innerParts = clamp(Math.ceil(inner / iterations), 1, wanted);
  const outerParts = clamp(Math.ceil(outer), 1, Math.max(1, Math.floor(wanted / innerParts)));
  return { inner: innerParts, outer: outerParts };
}

export function paramsOf(axes: Axes, members: Members, wanted: Parts) {
  const near = innerIsNear(axes, members);
  const [inner, outer] = near ? [axes.near, axes.far] : [axes.far, axes.near];
  const [innerMembers, outerMembers] = near ? [members.near, members.far] : [members.far, members.near];
  const innerPerPart = Math.ceil(inner.size / wanted.inner);
  const outerPerPart = Math.ceil(outer.size / wanted.outer);
  const innerParts = Math.ceil(inner.size / innerPerPart); // so that no part is empty
  const outerParts = Math.ceil(outer.size / outerPerPart);
  // Threads lie as the values do in memory: channels-last by channel first, else by near axis, channel, far axis.
  const nearStep = axes.across === 'channels' ? members.channels : 1;
  const channelStep = axes.across === 'channels' ? 1 : members.near;
  const farStep = members.channels * members.near;
  return {
    channels: axes.channels,
    channel_stride: axes.channelStride,
    channel_first: axes.channelFirst,
    channel_end: axes.channelEnd,
    base: axes.base >>> 0, // below 0 it wraps, as the shader's sums do
    row_base: axes.rowBase,
    inner_rows: inner.rows,
    outer_rows: outer.rows,
    tiles: Math.ceil(axes.channels / members.channels),
    tile_channels: members.channels,
    inner_size: inner.size, inner_stride: inner.stride, inner_members: innerMembers, inner_parts: innerParts, inner_per_part: innerPerPart,
    outer_size: outer.size, outer_stride: outer.stride, outer_members: outerMembers, outer_per_part: outerPerPart,
    parts: innerParts * outerParts,
    channel_step: channelStep,
    inner_step: near ? nearStep : farStep,
    outer_step: near ? farStep : nearStep,
    members: members.members,
    members_ceil: 2 ** Math.ceil(Math.log2(members.members)),
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
