import { type Storage, flushed } from '../core/storage.js';
import type { AdapterClass, Numbers, PlanKind } from '../core/options.js';
import type { Params } from './params.js';
import type { Geometry, Layout } from '../core/shape.js';
import { type Box, type Window, boxesOf, windowsOf } from './windows.js';

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

/** One dispatch: its compiled tile, its uniform block, its workgroups, and which window of the tensors it sees. */
export interface Dispatch {
  tile: Tile;
  params: Params;
  grid: Grid;
  window: Window;
}

/** The dispatches of one shape. A single plan has one `reduce`, which does it all, and no use for the others. */
export interface Plan {
  kind: PlanKind;
  reduce: Dispatch[];
  finalize: Dispatch;
  apply: Dispatch[];
  /** Of all reduce dispatches together. */
  parts: number;
  /** Bytes of partial results, for the moments and for the gradient sums. */
  momentsBytes: number;
  gradientBytes: number;
}

export type Grid = readonly [x: number, y: number];

/** What a plan is made for beside its shape. */
export interface PlanChoice {
  adapterClass: AdapterClass;
  /** Forces a plan. */
  kind?: PlanKind;
  /** Default `'f32'`. */
  storage?: Storage;
  /** False where a single dispatch would bind more buffers than the device allows. Default true. */
  single?: boolean;
  /** Elements at which a tensor's buffer ends and its next begins. Default none. */
  cuts?: readonly number[];
  /** Whether dgamma and dbeta are added to. Default false. */
  accumulate?: boolean;
  /** The part that the caller's own moments or sums are written to. Default 0. */
  part?: number;
}

/** count, mean, meanLow, m2 */
export const MOMENTS_PLANES = 4;
/** dbeta, dgamma */
export const GRADIENT_PLANES = 2;
/** mean, meanLow, scale, shift, dbeta / rows, dgamma / rows · invStd */
export const COEFFICIENT_PLANES = 6;
/** Iterations whose values a thread can hold in registers; the same in shaders/walk/registers.wgsl. */
export const REGISTER_ITERATIONS = 8;

/**
 * What the two classes of adapter want.
 *
 * Hardware: 64 bytes of every row to a tile, so that memory is read in whole sectors, and groups enough for a
 * large GPU. Software: a member a channel and no barrier wherever there are tiles for the cores and rows are not too
 * many; and groups no wider than a core's vectors, which then walk a plane in the order of memory. Measured on
 * SwiftShader, which also compiles a store for every word of workgroup memory.
 */
const CLASSES = {
  hardware: { groupSize: 256, single: 16, splitChannels: 64, groups: 1024, applyGroups: 16384, applyIterations: 4 },
  software: { groupSize: 8, single: Infinity, splitChannels: 8, groups: 8, applyGroups: 64, applyIterations: 64 },
} as const satisfies Record<AdapterClass, object>;

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
const MIN_ITERATIONS = 8;

/** What a kernel does in a plan, which decides the tiles it is compiled for. */
export type Role = 'single' | 'reduce' | 'finalize' | 'apply';

/** Every tile that some shape of this layout and these channels can need: the texts there are. */
export function tilesOf(
  { layout, channels }: Pick<Geometry, 'layout' | 'channels'>,
  adapterClass: AdapterClass,
  limits: PlanLimits,
  storage: Storage = 'f32',
): Record<Role, Tile[]> {
  const groupSize = groupSizeOf(adapterClass, limits);
  const across = layout === 'channelsLast' ? 'channels' : 'rows';
  const widths: (1 | 4)[] = layout === 'channelsLast' ? [channelWidth(channels)] : [1, 4];
  const flat = (width: 1 | 4) => storage !== 'f32' && width === 1;
  const unrolled = adapterClass === 'hardware';
  const tiles = (grouped: boolean, registers: boolean, of: readonly (1 | 4)[] = widths) =>
    of.map((width): Tile => ({ width, across, groupSize, grouped, registers, unrolled: unrolled && !registers }));
  const singles = widths.filter((width) => !flat(width));
  const grouped = singleGrouped(across, adapterClass);
  return {
    single: [...tiles(grouped, false, singles), ...(adapterClass === 'hardware' ? tiles(grouped, true, singles) : [])],
    reduce: tiles(true, false),
    finalize: [finalizeTile(layout, channels, groupSize)],
    apply: widths.map((width) => (flat(width) ? flatTile(groupSize) : { width, across, groupSize, grouped: false, registers: false, unrolled })),
  };
}

/** Software adapters give a channel one member, and need no barrier, where channels lie side by side. */
function singleGrouped(across: Tile['across'], adapterClass: AdapterClass): boolean {
  return !(adapterClass === 'software' && across === 'channels');
}

export function plan(geometry: Geometry, numbers: Numbers, choice: PlanChoice, limits: PlanLimits, call = 'plan'): Plan {
  const { adapterClass, storage = 'f32', single: canBeSingle = true, cuts = [], part = 0 } = choice;
  const wants = CLASSES[adapterClass];
  const groupSize = groupSizeOf(adapterClass, limits);
  const scalars = scalarsOf(geometry, numbers, choice);
  const windows = windowsOf(geometry, storage, cuts, limits.maxStorageBufferBindingSize);
  const boxes = windows.flatMap((window) => boxesOf(geometry, window).map((box) => ({ window, axes: axesOf(geometry, box) })));
  const whole = boxes[0].axes;
  const { width, across } = whole;
  const flat = storage !== 'f32' && width === 1;
  const make = (axes: Axes, window: Window, members: Members, tile: Pick<Tile, 'grouped' | 'registers'>, parts: Parts, partBase: number): Dispatch => {
    const params = { ...scalars, ...paramsOf(axes, members, parts), part_base: partBase };
    const unrolled = adapterClass === 'hardware' && !tile.registers;
    return { tile: { width, across, groupSize, ...tile, unrolled }, params, grid: grid(params.tiles * params.parts, limits, call), window };
  };
  const mostGroups = limits.maxComputeWorkgroupsPerDimension ** 2;
  /** The most groups that are the same number for each tile. */
  const fitting = (axes: Axes, { channels }: Members) => {
    const tiles = Math.ceil(axes.channels / channels);
    return Math.max(tiles, mostGroups - (mostGroups % tiles));
  };

  const members = singleMembers(whole, adapterClass, groupSize);
  const iterations = iterationsOf(whole, members);
  const alone = canBeSingle && boxes.length === 1 && !flat;
  if (choice.kind === 'single' && canBeSingle && boxes.length > 1) {
    throw new RangeError(
      `${call}: "plan" is 'single', needs each tensor in one buffer, at most ${limits.maxStorageBufferBindingSize} bytes of it ` +
        `(maxStorageBufferBindingSize). Use 'split'.`,
    );
  }
  const kind = alone ? (choice.kind ?? (fitsSingle(whole, members, adapterClass) ? 'single' : 'split')) : 'split';
  if (kind === 'single' && iterations > MAX_ITERATIONS) {
    throw new RangeError(
      `${call}: "plan" is 'single', which has a thread read ${iterations} times (rows ${geometry.rows}), needs at most ${MAX_ITERATIONS}. Use 'split'.`,
    );
  }
  const reduce: Dispatch[] = [];
  const apply: Dispatch[] = [];
  if (kind === 'single') {
    const grouped = singleGrouped(across, adapterClass);
    const registers = adapterClass === 'hardware' && iterations <= REGISTER_ITERATIONS;
    reduce.push(make(whole, windows[0], members, { grouped, registers }, { inner: 1, outer: 1 }, part));
  }
  const mostParts = Math.max(1, Math.floor(limits.maxStorageBufferBindingSize / (MOMENTS_PLANES * 4 * geometry.channels * boxes.length)));
  let parts = kind === 'single' ? 1 : 0;
  for (const { axes, window } of boxes) {
    const split = membersOf(axes, Math.min(axes.channels, wants.splitChannels), groupSize);
    const fit = fitting(axes, split);
    if (kind === 'split') {
      const cut = partsOf(axes, split, Math.min(wants.groups, fit), MIN_ITERATIONS, mostParts);
      const dispatch = make(axes, window, split, { grouped: true, registers: false }, cut, parts);
      reduce.push(dispatch);
      parts += dispatch.params.parts;
    }
    if (!flat) {
      const cuts = partsOf(axes, split, Math.min(wants.applyGroups, fit), wants.applyIterations);
      apply.push(make(axes, window, split, { grouped: false, registers: false }, cuts, 0));
    }
  }
  if (flat) for (const window of windows) apply.push(flatOf(geometry, window, scalars, wants, groupSize, limits));
  if (parts === 1) for (const dispatch of reduce) dispatch.params.part_base = part; // straight to the caller's own
  return {
    kind,
    reduce,
    finalize: finalizeOf(geometry, parts, scalars, adapterClass, limits, part, call),
    apply,
    parts,
    momentsBytes: parts * MOMENTS_PLANES * geometry.channels * 4,
    gradientBytes: parts * GRADIENT_PLANES * geometry.channels * 4,
  };
}

/** The dispatch that merges parts which the caller brings. */
export function planMerge(
  { layout, channels }: Pick<Geometry, 'layout' | 'channels'>, parts: number, numbers: Numbers, choice: PlanChoice, limits: PlanLimits, call = 'plan',
): Dispatch {
  const geometry: Geometry = { layout, batch: 1, channels, spatial: 1, rows: 1 };
  return finalizeOf(geometry, parts, scalarsOf(geometry, numbers, choice), choice.adapterClass, limits, choice.part ?? 0, call);
}

type Scalars = Omit<Params, keyof ReturnType<typeof paramsOf>>;

function scalarsOf(geometry: Geometry, numbers: Numbers, { accumulate = false, part = 0 }: PlanChoice): Scalars {
  const { momentum } = numbers;
  const weight = momentum === 'cumulative' ? 0 : momentum;
  return {
    zero: 0,
    part_base: part,
    unbiased: Number(numbers.runningVariance === 'unbiased'),
    cumulative: Number(momentum === 'cumulative'),
    accumulate: Number(accumulate),
    eps: flushed(numbers.eps),
    momentum: weight,
    keep: 1 - weight,
    flat_words: 0, flat_groups: 0, flat_first: 0, flat_end: 0, flat_odd: NONE,
    flat_spatial: geometry.layout === 'channelsLast' ? 1 : geometry.spatial,
  };
}

/** No word: past every index. */
const NONE = 0xffffffff;

/** A thread a word, every word of a window. */
function flatOf(
  geometry: Geometry, window: Window, scalars: Scalars, wants: (typeof CLASSES)[AdapterClass], groupSize: number, limits: PlanLimits,
): Dispatch {
  const { channels, rows } = geometry;
  const elements = rows * channels;
  const words = Math.ceil((window.end - window.start) / 2);
  const fitting = Math.min(wants.applyGroups, limits.maxComputeWorkgroupsPerDimension ** 2);
  const groups = Math.min(Math.ceil(words / groupSize), Math.max(fitting, Math.ceil((2 * words) / (groupSize * MAX_ITERATIONS))));
  const one: Axis = { size: 1, stride: 0, rows: 0 }; // nothing walks it; 0 would make NaN of the parts
  const axes: Axes =
    { width: 1, across: 'channels', channels, channelStride: 1, channelFirst: 0, channelEnd: channels, base: 0, rowBase: 0, near: one, far: one };
  const params = {
    ...paramsOf(axes, { channels: 1, near: 1, far: 1, members: 1 }, { inner: 1, outer: 1 }),
    ...scalars,
    flat_words: words, flat_groups: groups, flat_first: window.start, flat_end: elements,
    flat_odd: window.end % 2 === 1 ? words - 1 : NONE,
  };
  return { tile: flatTile(groupSize), params, grid: grid(groups, limits), window };
}

/** Folds a count of groups to two dimensions; groups past the count find nothing to do. */
export function grid(groups: number, limits: PlanLimits, call = 'plan'): Grid {
  const most = limits.maxComputeWorkgroupsPerDimension;
  const x = Math.min(groups, most);
  const y = Math.ceil(groups / x);
  if (y > most) {
    throw new RangeError(
      `${call}: "shape" takes ${groups} workgroups, the device runs at most ${most} × ${most} (maxComputeWorkgroupsPerDimension). ` +
        `Request the device with a higher limit, or split the channels.`,
    );
  }
  return [x, y];
}

/** Few, slow cores, or many fast ones: from what the adapter says of itself. */
export function classOf(info: { isFallbackAdapter?: boolean; architecture?: string; description?: string } | undefined): AdapterClass {
  const name = `${info?.architecture ?? ''} ${info?.description ?? ''}`;
  return info?.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render|warp/i.test(name) ? 'software' : 'hardware';
}

/** A box of a tensor as Values: channels, and the two axes whose values each channel pools. */
interface Axes {
  width: 1 | 4;
  across: 'channels' | 'rows';
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

interface Axis {
  size: number;
  stride: number;
  /** Entries of the mask from one iteration to the next. */
  rows: number;
}

function axesOf({ layout, channels, spatial }: Geometry, box: Box): Axes {
  const [n, c, s] = [box.batch, box.channels, box.spatial];
  if (layout === 'channelsLast') {
    const width = channelWidth(channels);
    const values = channels / width;
    return {
      width, across: 'channels', channels: values, channelStride: 1, channelFirst: c.first / width, channelEnd: c.end / width,
      base: box.base / width, rowBase: n.first,
      near: { size: n.end - n.first, stride: values, rows: 1 }, far: { size: 1, stride: 0, rows: 0 },
    };
  }
  const width = spatial % 4 === 0 ? 4 : 1;
  const values = spatial / width;
  return {
    width, across: 'rows', channels, channelStride: values, channelFirst: c.first, channelEnd: c.end,
    base: box.base / width, rowBase: n.first * values + s.first / width,
    near: { size: (s.end - s.first) / width, stride: 1, rows: 1 }, far: { size: n.end - n.first, stride: channels * values, rows: values },
  };
}

/** How a workgroup's threads stand on a tile. */
interface Members {
  /** Channels of the tile. */
  channels: number;
  near: number;
  far: number;
  members: number;
}

function membersOf(axes: Axes, channels: number, groupSize: number): Members {
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

function singleMembers(axes: Axes, adapterClass: AdapterClass, groupSize: number): Members {
  if (axes.across === 'rows') return membersOf(axes, 1, groupSize);
  if (adapterClass === 'hardware') return membersOf(axes, Math.min(axes.channels, SEGMENT_BYTES / 4 / axes.width), groupSize);
  const perTile = Math.min(axes.channels, 4);
  return { channels: perTile, near: 1, far: 1, members: 1 };
}

/** Whether one workgroup should own a tile's every row. */
function fitsSingle(axes: Axes, members: Members, adapterClass: AdapterClass): boolean {
  const iterations = iterationsOf(axes, members);
  if (iterations > MAX_ITERATIONS) return false;
  if (adapterClass === 'hardware') return iterations <= CLASSES.hardware.single;
  return Math.ceil(axes.channels / members.channels) >= 2 || iterations <= 4096; // a tile for each core, or too little to share
}

/** Iterations of each member where the rows are not cut. */
function iterationsOf(axes: Axes, { near, far }: Members): number {
  return Math.ceil(axes.near.size / near) * Math.ceil(axes.far.size / far);
}

/** Into how many parts each axis is cut. */
interface Parts {
  inner: number;
  outer: number;
}

/** The axis a member walks in its inner loop: the longer walk, so that blocks fill. */
function innerIsNear(axes: Axes, { near, far }: Members): boolean {
  return Math.ceil(axes.near.size / near) >= Math.ceil(axes.far.size / far);
}

function partsOf(axes: Axes, members: Members, groups: number, iterations: number, most = Infinity): Parts {
  const shared = Math.ceil(groups / Math.ceil(axes.channels / members.channels));
  const wanted = Math.min(most, Math.max(shared, Math.ceil((2 * iterationsOf(axes, members)) / MAX_ITERATIONS)));
  const [inner, outer] =
    innerIsNear(axes, members) ? [axes.near.size / members.near, axes.far.size / members.far] : [axes.far.size / members.far, axes.near.size / members.near];
  const innerParts = clamp(Math.ceil(inner / iterations), 1, wanted);
  const outerParts = clamp(Math.ceil(outer), 1, Math.max(1, Math.floor(wanted / innerParts)));
  return { inner: innerParts, outer: outerParts };
}

function paramsOf(axes: Axes, members: Members, wanted: Parts) {
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

/** The merge walks the parts as if they were rows, channels innermost, whatever the layout. */
function finalizeOf(
  { layout, channels }: Geometry, parts: number, scalars: Scalars, adapterClass: AdapterClass, limits: PlanLimits, part: number, call: string,
): Dispatch {
  const groupSize = groupSizeOf(adapterClass, limits);
  const tile = finalizeTile(layout, channels, groupSize);
  const values = channels / tile.width;
  const axes: Axes = {
    width: tile.width, across: 'channels', channels: values, channelStride: 1, channelFirst: 0, channelEnd: values, base: 0, rowBase: 0,
    near: { size: parts, stride: values, rows: 0 }, far: { size: 1, stride: 0, rows: 0 },
  };
  const members = membersOf(axes, Math.ceil(groupSize / Math.max(1, Math.ceil(parts / MIN_ITERATIONS))), groupSize);
  const params: Params = { ...scalars, ...paramsOf(axes, members, { inner: 1, outer: 1 }), part_base: part };
  return { tile, params, grid: grid(params.tiles, limits, call), window: { start: 0, end: 0 } };
}

/** Channels-first a channel at a time: where a window ends within an image, its neighbours' partials may be of other counts. */
function finalizeTile(layout: Layout, channels: number, groupSize: number): Tile & { width: 1 | 4 } {
  return { width: layout === 'channelsLast' ? channelWidth(channels) : 1, across: 'channels', groupSize, grouped: true, registers: false, unrolled: false };
}

function flatTile(groupSize: number): Tile {
  return { width: 2, across: 'flat', groupSize, grouped: false, registers: false, unrolled: false };
}

const channelWidth = (channels: number): 1 | 4 => (channels % 4 === 0 ? 4 : 1);

function groupSizeOf(adapterClass: AdapterClass, limits: PlanLimits): number {
  return Math.min(CLASSES[adapterClass].groupSize, limits.maxComputeInvocationsPerWorkgroup);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
