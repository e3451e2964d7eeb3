import { type Shape, describe } from '../core/shape.js';
import { checkRows } from './types.js';

/** Which rows count, all of them where neither is given. Rows go in (batch, spatial) order: row = n · spatial + s. */
export interface ValidRows {
  /** One entry per row: 0 where it does not count, anything else where it does. */
  mask?: Uint32Array;
  /** Rows 0 to validRows − 1 count, of which there may be none; all of them where it is more. */
  validRows?: number;
}

/**
 * How loops walk a tensor: blocks in memory order, in a block channel by channel. One channel's values in one block
 * are a strip: `step` elements apart, `stride` before the next channel's. So one loop serves both layouts, masks
 * only make blocks shorter, and a channel's numbers stay in registers.
 */
export interface Walk {
  channels: number;
  /** Rows that count. */
  count: number;
  step: number;
  stride: number;
  /** Blocks of rows that count: where channel 0 starts and how many rows, in turn. */
  valid: number[];
  /** Blocks of the rows that do not. */
  masked: number[];
}

/** Elements of a channels-last block: two of its f32 tensors fill a first-level cache of 32 KiB. */
const BLOCK_ELEMENTS = 4096;

/** The walk over a checked shape. Throws unless `mask` or `validRows`, and not both, name rows of it. */
export function walkOf(call: string, shape: Shape, { mask, validRows }: ValidRows): Walk {
  const { rows, channels, layout = 'channelsLast', spatial = 1 } = shape;
  const planar = layout === 'channelsFirst' && spatial > 1;
  const step = planar ? 1 : channels;
  const walk: Walk = { channels, count: 0, step, stride: planar ? spatial : 1, valid: [], masked: [] };
  const together = planar ? spatial : rows; // rows whose values of a channel lie `step` apart
  // Loops are unrolled by four; a strip of four rows keeps even 1024 channels, 4 KiB a row, within 8 cache ways.
  const most = planar ? spatial : Math.max(4, Math.floor(BLOCK_ELEMENTS / channels) & ~3);
  if (mask !== undefined) checkMask(call, mask, rows, validRows);
  else if (validRows !== undefined) checkRows(call, 'validRows', validRows);
  const limit = validRows ?? rows;
  for (let from = 0; from < rows; from += together) {
    const last = from + together;
    for (let row = from, end = last; row < last; row = end) {
      let counts: boolean;
      if (mask === undefined) {
        counts = row < limit;
        end = counts ? Math.min(limit, last) : last;
      } else {
        counts = mask[row] !== 0;
        for (end = row + 1; end < last && (mask[end] !== 0) === counts; ) end++;
      }
      const blocks = counts ? walk.valid : walk.masked;
      if (counts) walk.count += end - row;
      const start = from * channels + (row - from) * step;
      for (let at = 0; at < end - row; at += most) blocks.push(start + at * step, Math.min(most, end - row - at));
    }
  }
  return walk;
}

function checkMask(call: string, mask: unknown, rows: number, validRows: unknown): void {
  if (validRows !== undefined) throw new TypeError(`${call}: "mask" and "validRows" are both given, needs one of them. Leave one out.`);
  if (!(mask instanceof Uint32Array)) throw new TypeError(`${call}: "mask" is ${describe(mask)}, needs a Uint32Array.`);
  if (mask.length !== rows) {
    throw new RangeError(`${call}: "mask" has ${mask.length} elements, needs ${rows} (rows ${rows}). Give one entry per row.`);
  }
}
