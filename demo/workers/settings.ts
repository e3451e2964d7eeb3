import type { Settings } from './messages.js';
import { BATCH } from './train.js';

const DEFAULTS: Settings = { backend: 'gpu', rows: BATCH / 2, steps: 100, seed: 1 };
const NAMES = ['backend', 'rows', 'steps', 'seed'] as const;

/** What the form or a link says, as text. */
export type SettingsText = Record<keyof Settings, string>;

/**
 * @throws {RangeError} a setting has no meaning.
 */
export function parseSettings({ backend, rows, steps, seed }: SettingsText): Settings {
  if (backend !== 'gpu' && backend !== 'cpu') throw new RangeError(`train: "backend" is ${JSON.stringify(backend)}, needs "gpu" or "cpu".`);
  return { backend, rows: parse('rows', rows, 1, BATCH - 1), steps: parse('steps', steps, 1, 1000), seed: parse('seed', seed, 0, 999_999_999) };
}

function parse(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new RangeError(`train: "${name}" is ${JSON.stringify(text)}, needs an integer from ${least} to ${most}.`);
}

export function settingsOfLink(search: string): SettingsText {
  const query = new URLSearchParams(search);
  return Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? String(DEFAULTS[name])])) as SettingsText;
}

/** The query of a link that gives these settings; defaults are left out. */
export function linkOfSettings(settings: Settings): string {
  const query = new URLSearchParams();
  for (const name of NAMES) if (settings[name] !== DEFAULTS[name]) query.set(name, String(settings[name]));
  return query.size > 0 ? `?${query}` : '';
}
