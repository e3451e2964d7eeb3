import './workers.css';
import manifest from '../../package.json';
import { adapterLine } from '../../src/verify/index.js';
import { byId, fillFacts, messageOf, power, scrollingTable } from '../dom.js';
import { Charts } from './chart.js';
import { BOUND, COMPARED, differences } from './compare.js';
import exchangeCode from './exchange.ts?raw';
import type { News, Opened, Settings } from './messages.js';
import { linkOfSettings, parseSettings, settingsOfLink } from './settings.js';
import { MEMBERS, type Member, startTeam } from './team.js';
import { BATCH, HIDDEN, type Trained } from './train.js';
import trainCode from './train.ts?raw';

type State = 'running' | 'passed' | 'failed' | 'stopped' | 'error';

/** What has been heard of one worker. */
interface Heard {
  opened: Opened | null;
  loss: number[];
  trained: Trained | null;
}

const form = byId('settings', HTMLFormElement);
const fields = {
  backend: byId('backend', HTMLSelectElement), rows: byId('rows', HTMLSelectElement), steps: byId('steps', HTMLInputElement),
    seed: byId('seed', HTMLInputElement),
};
const stop = byId('stop', HTMLButtonElement);
const verdict = byId('verdict', HTMLElement);
const refusal = byId('refusal', HTMLElement);
const banner = byId('banner', HTMLElement);
const progress = byId('progress', HTMLProgressElement);
const count = byId('count', HTMLElement);
const table = byId('differences', HTMLElement);
const lossPlot = byId('loss-plot', HTMLElement);
const apartPlot = byId('apart-plot', HTMLElement);
const charts = new Charts(lossPlot, apartPlot);

let settings: Settings;
let team: Heard[] = [];
let end = () => {};

function start(): void {
  refusal.textContent = '';
  try {
    const { backend, rows, steps, seed } = fields;
    settings = parseSettings({ backend: backend.value, rows: rows.value, steps: steps.value.trim(), seed: seed.value.trim() });
  } catch (error) {
    refusal.textContent = messageOf(error); // what runs or has run stays as it is
    if (!document.documentElement.dataset.state) finish('error', 'Did not run.');
    return;
  }
  history.replaceState(null, '', `${location.pathname}${linkOfSettings(settings)}${location.hash}`);
  end();
  team = MEMBERS.map(() => ({ opened: null, loss: [], trained: null }));
  banner.hidden = true;
  table.replaceChildren();
  charts.show(settings.steps, team[0].loss, team[1].loss);
  progress.max = MEMBERS.length * settings.steps;
  enter('running', `Opening the ${settings.backend === 'gpu' ? 'GPU' : 'CPU'} …`);
  showFacts();
  showCount();
  showWords();
  end = startTeam(settings, hear);
}

function hear(member: Member, news: News): void {
  const heard = team[member];
  switch (news.kind) {
    case 'opened':
      heard.opened = news.opened;
      if (news.opened.kind === 'gpu' && team.every(({ loss }) => loss.length === 0)) enter('running', `Compiling for the ${place()} …`);
      if (news.opened.kind === 'cpu' && settings.backend === 'gpu') showBanner('No GPU is used.', news.opened.reason);
      showFacts();
      break;
    case 'step':
      if (team.every(({ loss }) => loss.length === 0)) enter('running', `Training on the ${place()} …`);
      heard.loss.push(news.loss);
      charts.redraw();
      showCount();
      break;
    case 'lost':
      showBanner('The GPU device was lost.', news.why);
      break;
    case 'trained':
      heard.trained = news.trained;
      if (team.every(({ trained }) => trained)) conclude(team.map(({ trained }) => trained!));
      break;
    case 'error':
      refusal.textContent = `The ${MEMBERS[member]}: ${news.message}`;
      finish('error', heard.opened ? 'Broke off.' : 'Did not run.');
      break;
  }
}

function conclude([one, first, second]: Trained[]): void {
  const fromOne = differences(one, first);
  const fromOther = differences(first, second);
  const alike = team[1].opened!.kind === team[2].opened!.kind;
  const names = Object.keys(COMPARED) as (keyof Trained)[];
  const isBad = (name: keyof Trained) => !(fromOne[name] <= BOUND && fromOther[name] <= (alike ? 0 : BOUND));
  table.replaceChildren(scrollingTable(
    'Largest differences at the end',
    [{ name: 'of the two' }, { name: 'from one worker', numeric: true }, { name: 'from each other', numeric: true }],
    names.map((name) => [COMPARED[name], format(fromOne[name]), format(fromOther[name])]),
    (row) => isBad(names[row]),
  ));
  const largest = Math.max(...Object.values(fromOne), ...Object.values(fromOther));
  const after = `after ${settings.steps} ${settings.steps === 1 ? 'step' : 'steps'} on the ${place()} the largest difference is ${format(largest)}`;
  if (names.some(isBad)) finish('failed', `Not the same training: ${after}.`);
  else finish('passed', `The same training: ${after}, within ${power(10, Math.log10(BOUND))}.`);
}

/** Of those that have opened. */
function place(): string {
  const opened = team.flatMap(({ opened }) => opened ?? []);
  const kinds = new Set(opened.map(({ kind, adapter }) => (kind === 'cpu' ? 'CPU' : adapter?.software ? 'software adapter' : 'GPU')));
  return [...kinds].join(' and the ');
}

function enter(state: State, words: string): void {
  document.documentElement.dataset.state = state;
  verdict.textContent = words;
  stop.disabled = state !== 'running';
}

function finish(state: State, words: string): void {
  end();
  enter(state, words);
  showWords();
}

function showCount(): void {
  const done = team.map(({ loss }) => loss.length);
  progress.value = done.reduce((sum, steps) => sum + steps, 0);
  count.textContent = `Steps of ${settings.steps}: ${MEMBERS.map((name, i) => `${name} ${done[i]}`).join(', ')}`;
}

/** What the charts show, in words. */
function showWords(): void {
  const [one, two] = team.length > 0 ? team.map(({ loss }) => loss) : [[], []];
  const both = Math.min(one.length, two.length);
  if (both === 0) {
    for (const host of [lossPlot, apartPlot]) host.setAttribute('aria-label', 'Nothing has been trained yet.');
    byId('apart-words', HTMLElement).textContent = '';
    return;
  }
  const apart = one.slice(0, both).map((loss, i) => Math.abs(loss - two[i]));
  const words = `|difference| of the loss, step by step: at most ${format(Math.max(...apart))}.`;
  byId('apart-words', HTMLElement).textContent = words;
  apartPlot.setAttribute('aria-label', words);
  lossPlot.setAttribute('aria-label',
    `Loss over ${both} steps: one worker from ${one[0].toFixed(3)} to ${one[both - 1].toFixed(3)}, two workers from ${two[0].toFixed(3)} to ` +
      `${two[both - 1].toFixed(3)}.`);
}

function showBanner(title: string, words: string): void {
  banner.hidden = false;
  byId('banner-title', HTMLElement).textContent = title;
  byId('banner-words', HTMLElement).textContent = words;
}

function showFacts(): void {
  const rows = [BATCH, settings.rows, BATCH - settings.rows];
  const facts = MEMBERS.map((name, i) => {
    const { opened } = team[i];
    const where = !opened ? 'opening …' : opened.adapter ? `${opened.kind.toUpperCase()}, ${adapterLine(opened.adapter)}` : opened.kind.toUpperCase();
    return [name, `${where}; ${rows[i]} of ${BATCH} rows`];
  });
  const reasons = [...new Set(team.flatMap(({ opened }) => opened?.reason ?? []))].join(' ');
  fillFacts(byId('facts', HTMLDListElement), { ...Object.fromEntries(facts), why: reasons || '…', browser: navigator.userAgent });
}

function format(difference: number): string {
  if (difference === 0 || !Number.isFinite(difference)) return String(difference);
  const [digits, exponent] = difference.toExponential(1).split('e');
  return `${digits}·${power(10, Number(exponent))}`;
}

/** A module as it runs, with the names that differ outside this repository. */
function published(code: string): string {
  return code.replaceAll('../../src/data/index.js', `${manifest.name}/data`).replaceAll('../../src/index.js', manifest.name).trimEnd();
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  start();
});
for (const field of [fields.backend, fields.rows]) field.addEventListener('change', () => start());
stop.addEventListener('click', () => finish('stopped', `Stopped: ${count.textContent!.toLowerCase()}.`));

byId('exchange-code', HTMLElement).textContent = published(exchangeCode);
byId('train-code', HTMLElement).textContent = published(trainCode);
byId('traffic', HTMLElement).textContent =
  `Each worker sends three parts a step: its moments, ${4 * HIDDEN * 4} bytes (count, mean as two values, m2; ${HIDDEN} channels), its sums of the ` +
  `backward pass, ${2 * HIDDEN * 4} bytes, and the gradients of the linear layers with the loss.`;
const linked = settingsOfLink(location.search);
fields.backend.value = linked.backend;
fields.rows.value = linked.rows;
if (!fields.rows.value) fields.rows.append(new Option(`${linked.rows} and the rest`, linked.rows, true, true)); // a link may cut anywhere
fields.steps.value = linked.steps;
fields.seed.value = linked.seed;
start();
