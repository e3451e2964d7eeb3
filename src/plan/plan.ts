import { type Storage, flushed } from '../core/storage.js';
import type { AdapterClass, Numbers, PlanKind } from '../core/options.js';
import type { Geometry } from '../core/shape.js';
import {
  type Axes, type Axis, MAX_ITERATIONS, MIN_ITERATIONS, type Members, type Parts, axesOf, fitsSingle, iterationsOf, membersOf, paramsOf, partsOf, singleMembers,
} from './members.js';
import type { Params } from './params.js';
import { CLASSES, type PlanLimits, REGISTER_ITERATIONS, type Role, type Tile, groupSizeOf, isFlat, partialValuesOf, tileOf } from './tiles.js';
import { type Window, boxesOf, windowsOf } from './windows.js';

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
export function plan(geometry: Geometry, numbers: Numbers, choice: PlanChoice, limits: PlanLimits, call = 'plan'): Plan {
  const { adapterClass, storage = 'f32', single: canBeSingle = true, cuts = [], part = 0 } = choice;
  const wants = CLASSES[adapterClass];
  const groupSize = groupSizeOf(adapterClass, limits);
  const scalars = scalarsOf(geometry, numbers, choice);
  const windows = windowsOf(geometry, storage, cuts, limits.maxStorageBufferBindingSize);
  const boxes = windows.flatMap((window) => boxesOf(geometry, window).map((box) => ({ window, axes: axesOf(geometry, box) })));
  const whole = boxes[0].axes;
  const { width, across } = whole;
  const flat = isFlat(whole, storage);
  const tile = (role: Role, registers?: boolean) => tileOf(role, { width, across }, storage, adapterClass, limits, registers);
  const make = (axes: Axes, window: Window, members: Members, of: Tile, parts: Parts, partBase: number): Dispatch => {
    const params = { ...scalars, ...paramsOf(axes, members, parts), part_base: partBase };
    return { tile: of, params, grid: grid(params.tiles * params.parts, limits, call), window };
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
    const registers = adapterClass === 'hardware' && iterations <= REGISTER_ITERATIONS;
    reduce.push(make(whole, windows[0], members, tile('single', registers), { inner: 1, outer: 1 }, part));
  }
  const mostParts = Math.max(1, Math.floor(limits.maxStorageBufferBindingSize / (MOMENTS_PLANES * 4 * geometry.channels * boxes.length)));
  let parts = kind === 'single' ? 1 : 0;
  for (const { axes, window } of boxes) {
    const split = membersOf(axes, Math.min(axes.channels, wants.splitChannels), groupSize);
    const fit = fitting(axes, split);
    if (kind === 'split') {
      const cut = partsOf(axes, split, Math.min(wants.groups, fit), MIN_ITERATIONS, mostParts);
      const dispatch = make(axes, window, split, tile('reduce'), cut, parts);
      reduce.push(dispatch);
      parts += dispatch.params.parts;
    }
    if (!flat) {
      const cuts = partsOf(axes, split, Math.min(wants.applyGroups, fit), wants.applyIterations);
      apply.push(make(axes, window, split, tile('apply'), cuts, 0));
    }
  }
  if (flat) for (const window of windows) apply.push(flatOf(geometry, window, scalars, wants, tile('apply'), limits));
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
  geometry: Geometry, window: Window, scalars: Scalars, wants: (typeof CLASSES)[AdapterClass], tile: Tile, limits: PlanLimits,
): Dispatch {
  const { groupSize } = tile;
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
  return { tile, params, grid: grid(groups, limits), window };
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

/** The merge walks the parts as if they were rows, channels innermost, whatever the layout. */
function finalizeOf(
  { layout, channels }: Geometry, parts: number, scalars: Scalars, adapterClass: AdapterClass, limits: PlanLimits, part: number, call: string,
): Dispatch {
  const groupSize = groupSizeOf(adapterClass, limits);
  const of = partialValuesOf({ layout, channels });
  const tile = tileOf('finalize', of, 'f32', adapterClass, limits);
  const values = channels / of.width;
  const axes: Axes = {
    ...of, channels: values, channelStride: 1, channelFirst: 0, channelEnd: values, base: 0, rowBase: 0,
    near: { size: parts, stride: values, rows: 0 }, far: { size: 1, stride: 0, rows: 0 },
  };
  const members = membersOf(axes, Math.ceil(groupSize / Math.max(1, Math.ceil(parts / MIN_ITERATIONS))), groupSize);
  const params: Params = { ...scalars, ...paramsOf(axes, members, { inner: 1, outer: 1 }), part_base: part };
  return { tile, params, grid: grid(params.tiles, limits, call), window: { start: 0, end: 0 } };
}
