import type { Shape } from '../plan/shape.js';

/**
 * A tensor as blocks that lie together in memory: channels-last, a row of all channels; channels-first, the
 * `spatial` values of one channel. Loops over it walk memory in order.
 */
export interface Lines {
  /** True where a line is one channel's values, false where it is one value of every channel. */
  perChannel: boolean;
  count: number;
  length: number;
  channels: number;
}

export function linesOf({ rows, channels, layout = 'channelsLast', spatial = 1 }: Shape): Lines {
  return layout === 'channelsLast'
    ? { perChannel: false, count: rows, length: channels, channels }
    : { perChannel: true, count: (rows / spatial) * channels, length: spatial, channels };
}
