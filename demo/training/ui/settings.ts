import { byId } from '../../dom.js';
import type { DataName, Settings } from '../messages.js';
import { CHOICES, type SettingsText, linkOfSettings, parseSettings, settingsOfLink } from '../settings.js';

/** A run: what the nets are, and after how many steps it pauses. */
export interface Run {
  settings: Settings;
  steps: number;
}

/** The same as text, from the form or from a link. */
export interface RunText {
  settings: SettingsText;
  steps: string;
}

const STEPS = 1000;
const MOST_STEPS = 1_000_000;

const fields: Record<keyof Settings, HTMLInputElement | HTMLSelectElement> = {
  data: byId('data', HTMLSelectElement), backend: byId('backend', HTMLSelectElement), depth: byId('depth', HTMLInputElement),
  width: byId('width', HTMLInputElement), batch: byId('batch', HTMLInputElement), rate: byId('rate', HTMLInputElement),
  scale: byId('scale', HTMLInputElement), optimiser: byId('optimiser', HTMLSelectElement), fused: byId('fused', HTMLSelectElement),
  seed: byId('seed', HTMLInputElement),
};
const names = Object.keys(fields) as (keyof Settings)[];
const steps = byId('steps', HTMLInputElement);

/**
 * @throws {RangeError} a setting has no meaning.
 */
export function parseRun({ settings, steps }: RunText): Run {
  return { settings: parseSettings(settings), steps: parseCount('train', 'steps', steps, 1, MOST_STEPS) };
}

/**
 * @throws {RangeError} the text is no such integer.
 */
export function parseCount(call: string, name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new RangeError(`${call}: "${name}" is ${JSON.stringify(text)}, needs an integer from ${least} to ${most}.`);
}

export function readForm(): RunText {
  return { settings: Object.fromEntries(names.map((name) => [name, fields[name].value.trim()])) as SettingsText, steps: steps.value.trim() };
}

/** What a select does not offer stays as it is there. */
export function fillForm(text: RunText): void {
  for (const name of names) {
    const value = String(text.settings[name]);
    const choices: readonly string[] | undefined = name in CHOICES ? CHOICES[name as keyof typeof CHOICES] : name === 'fused' ? ['true', 'false'] : undefined;
    if (!choices || choices.includes(value)) fields[name].value = value;
  }
  steps.value = text.steps;
}

/** A choice of data brings what it is best trained with; backend, seed and steps stay. */
export function fillDefaults(data: DataName): void {
  const { settings: { backend, seed }, steps } = readForm();
  fillForm({ settings: { ...settingsOfLink(`?data=${data}`), backend, seed }, steps });
}

export function textOf({ settings, steps }: Run): RunText {
  return { settings: Object.fromEntries(names.map((name) => [name, String(settings[name])])) as SettingsText, steps: String(steps) };
}

/** What a link leaves out is the default. */
export function runOfLink(search: string): RunText {
  return { settings: settingsOfLink(search), steps: new URLSearchParams(search).get('steps') ?? String(STEPS) };
}

export function linkOfRun({ settings, steps }: Run): string {
  const query = new URLSearchParams(linkOfSettings(settings));
  if (steps !== STEPS) query.set('steps', String(steps));
  return query.size > 0 ? `?${query}` : '';
}
