import type { DataName, OptimiserName, Settings } from './messages.js';

/** What each data set is trained with unless something else is asked for. */
export const DEFAULTS: Record<DataName, Settings> = {
  spiral: { data: 'spiral', backend: 'gpu', depth: 3, width: 32, batch: 150, rate: 0.2, scale: 0.1, optimiser: 'sgd', fused: true, seed: 1 },
  digits: { data: 'digits', backend: 'gpu', depth: 3, width: 48, batch: 64, rate: 0.5, scale: 0.05, optimiser: 'sgd', fused: true, seed: 1 },
  own: { data: 'own', backend: 'gpu', depth: 2, width: 64, batch: 32, rate: 0.1, scale: 0.1, optimiser: 'sgd', fused: true, seed: 1 },
};

/** The numbers a run can have; whole ones are counts. */
export const RANGES = {
  depth: { least: 1, most: 8, whole: true },
  width: { least: 1, most: 512, whole: true },
  batch: { least: 2, most: 1024, whole: true },
  rate: { least: 1e-6, most: 10, whole: false },
  scale: { least: 1e-6, most: 10, whole: false },
  seed: { least: 0, most: 999_999_999, whole: true },
} as const;

/**
 * The experiment: twenty weight scales from 1e-4 to 1, each as many times the one before, and the steps of each. With fewer,
 * running statistics still show what they began with; with more, a page would wait for an hour.
 */
export const SWEEP = { scales: Array.from({ length: 20 }, (_, i) => 10 ** (-4 + (4 * i) / 19)), steps: 300, least: 50, most: 10_000 };

/** The words a run can have. */
export const CHOICES = {
  data: ['spiral', 'digits', 'own'] satisfies DataName[],
  backend: ['gpu', 'cpu'] satisfies Settings['backend'][],
  optimiser: ['sgd', 'momentum', 'adam'] satisfies OptimiserName[],
} as const;

const NAMES = ['data', 'backend', 'depth', 'width', 'batch', 'rate', 'scale', 'optimiser', 'fused', 'seed'] as const satisfies (keyof Settings)[];

/** What the form or a link says, as text; `fused` is 'true' or 'false'. */
export type SettingsText = Record<keyof Settings, string>;

/**
 * @throws {RangeError} a setting has no meaning.
 */
export function parseSettings(text: SettingsText): Settings {
  const number = (name: keyof typeof RANGES) => (/^\s*\d+(\.\d*)?(e[-+]?\d{1,3})?\s*$/i.test(text[name]) ? Number(text[name]) : text[name]);
  const fused = text.fused === 'true' ? true : text.fused === 'false' ? false : text.fused;
  return checkSettings({ ...text, ...Object.fromEntries(Object.keys(RANGES).map((name) => [name, number(name as keyof typeof RANGES)])), fused });
}

/**
 * @throws {RangeError} a setting has no meaning.
 */
export function checkSettings(settings: unknown): Settings {
  const call = 'train';
  if (typeof settings !== 'object' || settings === null) throw new TypeError(`${call}: "settings" is ${show(settings)}, needs an object of settings.`);
  const given = settings as Record<keyof Settings, unknown>;
  for (const [name, { least, most, whole }] of Object.entries(RANGES)) {
    const value = given[name as keyof typeof RANGES];
    if (typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value))) continue;
    throw new RangeError(`${call}: "${name}" is ${show(value)}, needs ${whole ? 'an integer' : 'a number'} from ${least} to ${most}.`);
  }
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value = given[name as keyof typeof CHOICES];
    if ((choices as readonly unknown[]).includes(value)) continue;
    const words = choices.map((choice) => JSON.stringify(choice));
    throw new RangeError(`${call}: "${name}" is ${show(value)}, needs ${words.slice(0, -1).join(', ')} or ${words.at(-1)}.`);
  }
  if (typeof given.fused !== 'boolean') throw new RangeError(`${call}: "fused" is ${show(given.fused)}, needs true or false.`);
  return Object.fromEntries(NAMES.map((name) => [name, given[name]])) as unknown as Settings;
}

const show = (value: unknown): string => JSON.stringify(value) ?? String(value);

/** What a link leaves out is the default of its data. */
export function settingsOfLink(search: string): SettingsText {
  const query = new URLSearchParams(search);
  const data = query.get('data') ?? 'spiral';
  const defaults = DEFAULTS[Object.hasOwn(DEFAULTS, data) ? (data as DataName) : 'spiral'];
  return Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? (name === 'data' ? data : String(defaults[name]))])) as SettingsText;
}

/** The query of a link that gives these settings; defaults are left out. */
export function linkOfSettings(settings: Settings): string {
  const defaults = DEFAULTS[settings.data];
  const query = new URLSearchParams();
  for (const name of NAMES) {
    if (name === 'data' ? settings.data !== 'spiral' : settings[name] !== defaults[name]) query.set(name, String(settings[name]));
  }
  return query.size > 0 ? `?${query}` : '';
}
