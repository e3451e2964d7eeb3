import type { Settings } from './messages.js';

const DEFAULTS: Settings = { backend: 'gpu', seed: 1, filter: '' };

/** What the form or a link says, as text. */
export type SettingsText = Record<keyof Settings, string>;

/**
 * @throws {RangeError} a setting has no meaning.
 */
export function parseSettings({ backend, seed, filter }: SettingsText): Settings {
  if (backend !== 'gpu' && backend !== 'cpu') throw new RangeError(`verify: "backend" is ${JSON.stringify(backend)}, needs "gpu" or "cpu".`);
  return { backend, seed: parseSeed('verify', seed), filter };
}

/** Up to nine digits, as on the command line. */
export function parseSeed(call: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new RangeError(`${call}: "seed" is ${JSON.stringify(text)}, needs an integer from 0 to 999999999.`);
  return Number(text);
}

export function settingsOfLink(search: string): SettingsText {
  const query = new URLSearchParams(search);
  return {
    backend: query.get('backend') ?? DEFAULTS.backend,
    seed: query.get('seed') ?? String(DEFAULTS.seed),
    filter: query.get('filter') ?? DEFAULTS.filter,
  };
}

/** The query of a link that gives these settings; defaults are left out. */
export function linkOfSettings(settings: Settings): string {
  const query = new URLSearchParams();
  for (const name of ['backend', 'seed', 'filter'] as const) {
    if (settings[name] !== DEFAULTS[name]) query.set(name, String(settings[name]));
  }
  return query.size > 0 ? `?${query}` : '';
}
