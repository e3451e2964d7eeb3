import { valueMeant } from './meant.js';

/**
 * Where a channel's values lie. `channelsLast`: NC, NLC, NHWC, NDHWC, element (row, c) at `row · channels + c`.
 * `channelsFirst`: NCL, NCHW, NCDHW, element (n, c, s) at `(n · channels + c) · spatial + s`.
 */
export type Layout = 'channelsLast' | 'channelsFirst';

/** A tensor as the library sees it: rows = batch · spatial values pooled per channel. */
export interface Shape {
  rows: number;
  channels: number;
  /** Default `'channelsLast'`. */
  layout?: Layout;
  /** Values of a channel that lie together, channels-first. Default 1. */
  spatial?: number;
}

/** A shape with everything said. */
export interface Geometry {
  layout: Layout;
  batch: number;
  channels: number;
  spatial: number;
  rows: number;
}

/** Shader indices are u32. */
export const MAX_ELEMENTS = 0xffffffff;

/** Each has 6 words in `saved`. */
export const MAX_CHANNELS = Math.floor(MAX_ELEMENTS / 6);

/** Throws unless `value` is an integer of at least 1. */
export function checkCount(call: string, name: string, value: unknown): void {
  if (typeof value !== 'number') {
    throw new TypeError(`${call}: "${name}" is ${describe(value)}, needs an integer of at least 1.`);
  }
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${call}: "${name}" is ${value}, needs an integer of at least 1.`);
  }
}

/** Throws unless both axes are counts and every element has a u32 index. */
export function checkShape(call: string, { rows, channels }: Shape): void {
  checkCount(call, 'rows', rows);
  checkCount(call, 'channels', channels);
  if (rows * channels > MAX_ELEMENTS) {
    throw new RangeError(
      `${call}: "shape" has ${rows * channels} elements (rows ${rows} × channels ${channels}), needs at most ` +
        `${MAX_ELEMENTS} (indices are u32). Split the batch.`,
    );
  }
}

export function checkLayout(call: string, layout: unknown): void {
  if (layout !== 'channelsLast' && layout !== 'channelsFirst') {
    const meant = valueMeant(layout, ['channelsLast', 'channelsFirst']);
    throw new RangeError(`${call}: "layout" is ${describe(layout)}, needs 'channelsLast' or 'channelsFirst'.${meant}`);
  }
}

/** How a call says its shape: pooled rows; or, channels-first, batch and spatial; or the tensor's own shape. */
export type BatchShape = { rows: number } | { batch: number; spatial: number } | { shape: readonly number[] };

const NOTHING = Object.freeze({});
const AS_TENSOR: readonly string[] = ['shape'];
const AS_ROWS: readonly string[] = ['rows', 'shape'];
const AS_BATCH: readonly string[] = ['batch', 'spatial', 'shape'];

/** Refuses an entry nobody reads: a misspelt one, or of another way to say it. */
function checkEntries(call: string, said: object, known: readonly string[]): void {
  for (const name in said) {
    if (known.includes(name) || (said as Record<string, unknown>)[name] === undefined) continue;
    if (known === AS_BATCH && name === 'rows') {
      throw new TypeError(`${call}: "rows" is given, needs batch and spatial, or shape (the layout is channelsFirst). Give those.`);
    }
    const needs = known === AS_TENSOR ? 'only shape' : known === AS_ROWS ? 'only rows, or shape' : 'only batch and spatial, or shape';
    throw new TypeError(`${call}: "shape" has an entry ${JSON.stringify(name)}, needs ${needs}. Leave it out.`);
  }
}

/** A call's shape against the layout and channels it runs on. */
export function geometryOf(call: string, layout: Layout, channels: number, given: BatchShape | undefined): Geometry {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    const needed = layout === 'channelsLast' ? '{ rows } or { shape }' : '{ batch, spatial } or { shape }';
    throw new TypeError(
      `${call}: "shape" is ${Array.isArray(given) ? 'an array' : describe(given)}, needs ${needed}.${Array.isArray(given) ? ' Give { shape: [...] }.' : ''}`,
    );
  }
  const said = (given ?? NOTHING) as { rows?: number; batch?: number; spatial?: number; shape?: readonly number[] };
  if (said.shape !== undefined) {
    checkEntries(call, said, AS_TENSOR);
    return geometryOfTensor(call, 'shape', layout, channels, said.shape);
  }
  checkEntries(call, said, layout === 'channelsLast' ? AS_ROWS : AS_BATCH);
  if (layout === 'channelsLast') {
    const rows = said.rows as number;
    checkShape(call, { rows, channels });
    return { layout, batch: rows, channels, spatial: 1, rows };
  }
  checkCount(call, 'batch', said.batch);
  checkCount(call, 'spatial', said.spatial);
  const [batch, spatial] = [said.batch as number, said.spatial as number];
  checkShape(call, { rows: batch * spatial, channels });
  return { layout, batch, channels, spatial, rows: batch * spatial };
}

/** A tensor's own shape: of rank 2 or more, with the channels where the layout has them. */
export function geometryOfTensor(call: string, name: string, layout: Layout, channels: number, shape: readonly number[]): Geometry {
  if (!Array.isArray(shape)) throw new TypeError(`${call}: "${name}" is ${describe(shape)}, needs an array such as ${exampleOf(layout, channels)}.`);
  const axis = layout === 'channelsLast' ? shape.length - 1 : 1;
  if (shape.length < 2 || shape[axis] !== channels) {
    const where = layout === 'channelsLast' ? 'last axis = channels' : 'second axis = channels';
    const has = name.startsWith('shape') ? 'is' : 'has shape';
    throw new RangeError(`${call}: "${name}" ${has} [${shape.join(', ')}], needs ${exampleOf(layout, channels)} (${where}).`);
  }
  for (let i = 0; i < shape.length; i++) checkCount(call, `${name}[${i}]`, shape[i]);
  const from = layout === 'channelsLast' ? 0 : 2;
  let batch = layout === 'channelsLast' ? 1 : shape[0];
  let spatial = 1;
  for (let i = from; i < shape.length - (layout === 'channelsLast' ? 1 : 0); i++) {
    if (layout === 'channelsLast') batch *= shape[i];
    else spatial *= shape[i];
  }
  checkShape(call, { rows: batch * spatial, channels });
  return { layout, batch, channels, spatial, rows: batch * spatial };
}

function exampleOf(layout: Layout, channels: number): string {
  return layout === 'channelsLast' ? `[rows, ${channels}]` : `[batch, ${channels}, spatial]`;
}

/** Names a value in an error message: its class or type, never its contents. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'object') return value.constructor?.name ?? 'an object';
  return `a ${typeof value}`;
}
