import type { Timing } from '../measure.js';

/** What a row is, read off its name. */
export interface Role {
  /** `'ceiling'` does less than batch normalization, and bounds it. */
  who: 'ceiling' | 'own' | 'peer';
  where: 'gpu' | 'cpu';
  what: 'forward' | 'backward' | 'step' | null;
}

export function roleOf(name: string): Role {
  const peer = /^(?:jax-js|tfjs) (webgpu|wasm|cpu): (forward|backward|step)/.exec(name);
  if (peer) return { who: 'peer', where: peer[1] === 'webgpu' ? 'gpu' : 'cpu', what: peer[2] as Role['what'] };
  const own = /^(forward|backward)(, CPU)?$/.exec(name);
  if (own) return { who: 'own', where: own[2] ? 'cpu' : 'gpu', what: own[1] as Role['what'] };
  if (/^(copy|pass|ReLU pass|add \+ ReLU pass)/.test(name)) return { who: 'ceiling', where: 'gpu', what: null };
  return { who: 'own', where: 'gpu', what: name === 'staged backward' ? 'backward' : null };
}

/** Milliseconds of the fastest peer that does the same in the same place; null where none does. All that were timed are right. */
export function fastestPeer(timings: readonly Timing[], { where, what }: Role): number | null {
  if (what === null) return null;
  const same = timings.filter(({ name }) => {
    const role = roleOf(name);
    return role.who === 'peer' && role.where === where && role.what === what;
  });
  return same.length > 0 ? Math.min(...same.map(({ wall }) => wall)) : null;
}

/** Each row's time as a multiple of the fastest peer's; null where no peer does the same. */
export function peerRatios(timings: readonly Timing[]): (number | null)[] {
  return timings.map(({ name, wall }) => {
    const fastest = fastestPeer(timings, roleOf(name));
    return fastest === null ? null : wall / fastest;
  });
}
