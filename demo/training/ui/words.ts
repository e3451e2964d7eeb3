// Numbers as this page says them.
import { formatNumber } from '../../dom.js';
import type { Both } from '../messages.js';

/** The two nets in words, in the order in which they stand everywhere. */
export const NETS = { batchNorm: 'with batch norm', plain: 'without' } as const;

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}\u00a0%`;
}

/** Three digits, and a minus as long as a plus. */
export function short(value: number): string {
  return Number.isFinite(value) ? formatNumber(Number(value.toPrecision(3))).replaceAll('-', '−') : String(value);
}

export function both({ batchNorm, plain }: Both<number>, say: (value: number) => string): string {
  return `${NETS.batchNorm} ${say(batchNorm)}, ${NETS.plain} ${say(plain)}`;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
