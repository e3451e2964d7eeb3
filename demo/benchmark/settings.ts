import { SHAPES } from '../../src/benchmark/index.js';
import { PEERS } from '../../src/benchmark/peers/index.js';

/** What decides a run; a link carries all of it. Shapes and peers by their names. */
export interface Settings {
  shapes: string[];
  samples: number;
  peers: string[];
  /** Whether half storage and fused activations are timed too. */
  abilities: boolean;
}

const DEFAULTS = { shapes: '256x64,4096x256', samples: '9', peers: PEERS.map(({ name }) => slug(name)).join(','), abilities: '0' };

/** What the form or a link says, as text; shapes and peers are lists of slugs. */
export type SettingsText = Record<keyof Settings, string>;

/** A shape's or a peer's name without what a link would have to escape: `[256, 64]` is `256x64`. */
export function slug(name: string): string {
  return name.replace(/[[\]]/g, '').replace(/, |×/g, 'x').replace(/ /g, '-').toLowerCase();
}

/**
 * @throws {RangeError} a setting has no meaning.
 */
export function parseSettings({ shapes, samples, peers, abilities }: SettingsText): Settings {
  if (!/^[1-9]\d{0,2}$/.test(samples)) throw new RangeError(`benchmark: "samples" is ${JSON.stringify(samples)}, needs an integer from 1 to 999.`);
  const chosen = parseList('shapes', shapes, SHAPES);
  if (chosen.length === 0) throw new RangeError('benchmark: "shapes" is empty, needs at least one. Tick a shape.');
  if (abilities !== '0' && abilities !== '1') throw new RangeError(`benchmark: "abilities" is ${JSON.stringify(abilities)}, needs 0 or 1.`);
  return { shapes: chosen, samples: Number(samples), peers: parseList('peers', peers, PEERS), abilities: abilities === '1' };
}

function parseList(setting: string, text: string, known: readonly { name: string }[]): string[] {
  return text.split(',').filter(Boolean).map((wanted) => {
    const found = known.find(({ name }) => slug(name) === wanted);
    if (!found) throw new RangeError(`benchmark: "${setting}" has ${JSON.stringify(wanted)}, needs some of ${known.map(({ name }) => slug(name)).join(', ')}.`);
    return found.name;
  });
}

export function settingsOfLink(search: string): SettingsText {
  const query = new URLSearchParams(search);
  return {
    shapes: query.get('shapes') ?? DEFAULTS.shapes,
    samples: query.get('samples') ?? DEFAULTS.samples,
    peers: query.get('peers') ?? DEFAULTS.peers,
    abilities: query.get('abilities') ?? DEFAULTS.abilities,
  };
}

/** The query of a link that gives these settings; defaults are left out. */
export function linkOfSettings(text: SettingsText): string {
  const parts = (['shapes', 'samples', 'peers', 'abilities'] as const).filter((name) => text[name] !== DEFAULTS[name]).map((name) => `${name}=${text[name]}`);
  return parts.length > 0 ? `?${parts.join('&')}` : '';
}
