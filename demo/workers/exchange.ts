import type { Exchange } from '../../src/index.js';

/**
 * An exchange among workers. All make the same calls in the same order, so the n-th part that comes through a port
 * belongs to the n-th call.
 *
 * @param ports - in the order of the workers, one to each other worker, null in this one's own place.
 */
export function exchangeThrough(ports: readonly (MessagePort | null)[]): Exchange {
  const inboxes = ports.map((port) => port && inboxOf(port));
  return (part) => {
    for (const port of ports) port?.postMessage(part);
    return Promise.all(inboxes.map((next) => (next ? next() : part)));
  };
}

/** Gives what comes through a port, one part a call; the part of a worker that is ahead waits here. */
function inboxOf(port: MessagePort): () => Promise<Uint32Array> {
  const parts: Uint32Array[] = [];
  let ended = false;
  let wake = () => {};
  port.onmessage = ({ data }: MessageEvent<Uint32Array>) => {
    parts.push(data);
    wake();
  };
  port.addEventListener('close', () => { // Node says so when a thread has ended; browsers may not: there the page ends who waits
    ended = true;
    wake();
  });
  return async () => {
    while (parts.length === 0) {
      if (ended) throw new Error('exchange: another worker has ended, needs its part. Start all of them again.');
      await new Promise<void>((resolve) => (wake = resolve));
    }
    return parts.shift()!;
  };
}
