import './benchmark.css';
import { openBackend } from '../../src/index.js';
import { SHAPES } from '../../src/benchmark/index.js';
import { type News, type Opened, PEERS, type ShapeWithPeers, peerTable, roleOf } from '../../src/benchmark/peers/index.js';
import { byId, fillFacts, make, messageOf } from '../dom.js';
import { drawChart } from './chart.js';
import { type PageReport, ReportButtons } from './report.js';
import { type Settings, type SettingsText, linkOfSettings, parseSettings, settingsOfLink, slug } from './settings.js';

type State = 'asking' | 'none' | 'ready' | 'running' | 'done' | 'stopped' | 'error';

const form = byId('settings', HTMLFormElement);
const samples = byId('samples', HTMLInputElement);
const abilities = byId('abilities', HTMLInputElement);
const run = byId('run', HTMLButtonElement);
const stop = byId('stop', HTMLButtonElement);
const verdict = byId('verdict', HTMLElement);
const refusal = byId('refusal', HTMLElement);
const banner = byId('banner', HTMLElement);
const progress = byId('progress', HTMLProgressElement);
const count = byId('count', HTMLElement);
const results = byId('results', HTMLElement);
const buttons = new ReportButtons();

let worker: Worker | null = null;
let settings: Settings | null = null;
let report: PageReport | null = null;
let began = 0;
let step = '';
let clock: ReturnType<typeof setInterval> | undefined;

function start(): void {
  refusal.textContent = '';
  try {
    const text = textOfForm();
    settings = parseSettings(text);
    history.replaceState(null, '', `${location.pathname}${linkOfSettings(text)}${location.hash}`);
  } catch (error) {
    refusal.textContent = messageOf(error); // what runs or has run stays as it is
    return;
  }
  worker?.terminate();
  report = null;
  results.replaceChildren();
  buttons.show(null);
  banner.hidden = true;
  progress.max = settings.shapes.length;
  progress.value = 0;
  began = performance.now();
  step = 'opening the GPU';
  clearInterval(clock);
  clock = setInterval(tick, 100);
  enter('running', 'Running …');
  tick();
  try {
    worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  } catch (error) {
    fail(`This page needs a module web worker and could create none (${messageOf(error)}).`);
    return;
  }
  const mine = worker;
  worker.addEventListener('message', ({ data }: MessageEvent<News>) => mine === worker && hear(data));
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    if (mine === worker) fail(`The worker broke down: ${event.message || 'the browser does not say why'}.`);
  });
  worker.postMessage(settings);
}

function hear(news: News): void {
  switch (news.kind) {
    case 'opened': {
      const { adapter, timestamps } = news.opened;
      report = { adapter, adapterClass: adapter?.software ? 'software' : 'hardware', samples: settings!.samples, timestamps: timestamps ?? false, shapes: [] };
      showFacts(news.opened);
      break;
    }
    case 'step':
      step = `${news.shape}: ${news.words}`;
      break;
    case 'shape':
      report!.shapes.push(news.done);
      progress.value = report!.shapes.length;
      showShape(news.done);
      break;
    case 'lost':
      showBanner('The GPU device was lost.', news.why);
      break;
    case 'end':
      finish('done', `Done on the ${place()}: ${counted()}.`);
      break;
    case 'error':
      fail(news.message);
      break;
  }
  tick();
}

function counted(): string {
  const shapes = report?.shapes ?? [];
  const refused = shapes.reduce((sum, shape) => sum + shape.refused.length, 0);
  const timed = shapes.reduce((sum, shape) => sum + shape.timings.length, 0);
  return `${shapes.length} of ${settings!.shapes.length} shapes, ${timed} rows timed, ${refused} with a reason instead`;
}

function place(): string {
  return report?.adapterClass === 'software' ? 'software adapter' : 'GPU';
}

function fail(message: string): void {
  refusal.textContent = message;
  finish('error', `Broke off: ${counted()}.`);
}

function finish(state: State, words: string): void {
  worker?.terminate();
  worker = null;
  clearInterval(clock);
  step = '';
  if (report && report.shapes.length > 0) buttons.show(report);
  enter(state, words);
  tick();
}

function enter(state: State, words: string): void {
  document.documentElement.dataset.state = state;
  verdict.textContent = words;
  stop.disabled = state !== 'running';
  run.disabled = state === 'asking' || state === 'none';
}

function tick(): void {
  if (!settings) return;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  count.textContent = [`${progress.value} of ${settings.shapes.length} shapes`, `${seconds} s`, step].filter(Boolean).join(', ');
}

/** A shape's heading, chart and table; a peer without a time has its reason in the row. */
function showShape(shape: ShapeWithPeers): void {
  const { head, rows } = peerTable(shape);
  const columns = head.map((name, c) => make('th', { scope: 'col', ...(c > 0 ? { class: 'number' } : {}) }, name));
  const timed = rows.map((cells) => make(
    'tr', { class: roleOf(cells[0]!).who, 'data-row': cells[0]! },
    ...cells.map((cell, c) => make('td', c > 0 ? { class: 'number' } : {}, cell)),
  ));
  const refused = shape.refused.map(({ name, reason }) => make(
    'tr', { class: 'peer bad', 'data-row': name, 'data-refused': '' },
    make('td', {}, name), make('td', { class: 'reason', colspan: String(head.length - 1) }, `not timed: ${reason}`),
  ));
  const label = `Times of ${shape.shape}`;
  const table = make('table', {}, make('thead', {}, make('tr', {}, ...columns)), make('tbody', {}, ...timed, ...refused));
  const chart = make('div', { class: 'plot' });
  const fewer = shape.timings.filter((timing) => timing.samples < settings!.samples).map(({ name, samples }) => `${name} (${samples})`);
  results.append(make(
    'section', { class: 'measured', 'aria-label': shape.shape, 'data-shape': slug(shape.shape) },
    make('h2', {}, shape.shape),
    make('p', { class: 'note' },
      `${shape.elements.toLocaleString('en')} elements. Recording one forward and one backward takes ${shape.recordMicroseconds.toFixed(1)} µs of the CPU.`,
      ...(fewer.length > 0 ? [` Fewer samples, for a run takes more than a second: ${fewer.join(', ')}.`] : [])),
    chart,
    make('p', { class: 'note' }, ...(['ceiling', 'own', 'peer'] as const).filter((who) => shape.timings.some(({ name }) => roleOf(name).who === who)).map(
      (who) => make('span', { class: `key ${who}` }, KEYS[who]),
    )),
    make('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': label }, table),
  ));
  drawChart(chart, shape.timings);
}

const KEYS = { ceiling: 'ceiling: copies, y = a·x + b', own: 'this library', peer: 'other libraries' };

function showBanner(title: string, words: string): void {
  banner.hidden = false;
  byId('banner-title', HTMLElement).textContent = title;
  byId('banner-words', HTMLElement).textContent = words;
}

function showFacts({ adapter, timestamps }: Opened): void {
  const told = (value: string | undefined) => value || 'not told';
  fillFacts(byId('facts', HTMLDListElement), {
    vendor: told(adapter?.vendor),
    architecture: told(adapter?.architecture),
    device: told(adapter?.device),
    description: told(adapter?.description),
    kind: adapter?.software ? 'software, computes on the CPU' : 'hardware',
    'timestamp queries': timestamps === null ? 'asked for when it runs' : timestamps ? 'yes, GPU time is shown' : 'none, wall time only',
    browser: navigator.userAgent,
  });
}

/** Looks for an adapter and times nothing. */
async function look(): Promise<void> {
  const backend = await openBackend();
  const { kind, reason, adapter } = backend;
  backend.dispose();
  if (kind === 'cpu') {
    showBanner('Nothing can be timed here.', reason.replace(' The CPU runs instead.', ''));
    fillFacts(byId('facts', HTMLDListElement), { adapter: 'none', browser: navigator.userAgent });
    enter('none', 'No GPU, no benchmark.');
    return;
  }
  showFacts({ adapter, timestamps: null });
  enter('ready', adapter?.software ? 'Ready, on a software adapter: its times are the CPU’s.' : 'Ready, on a GPU.');
}

const boxes = (group: string) => [...byId(group, HTMLFieldSetElement).querySelectorAll('input')];

function textOfForm(): SettingsText {
  const list = (group: string) => boxes(group).filter(({ checked }) => checked).map(({ value }) => value).join(',');
  return { shapes: list('shapes'), samples: samples.value.trim(), peers: list('peers'), abilities: abilities.checked ? '1' : '0' };
}

function fillForm(): void {
  const linked = settingsOfLink(location.search);
  const fill = (group: string, known: readonly { name: string }[], text: string) => {
    const wanted = text.split(',');
    byId(group, HTMLFieldSetElement).append(...known.map(({ name }) => {
      const box = make('input', { type: 'checkbox', value: slug(name) });
      box.checked = wanted.includes(box.value);
      return make('label', { class: 'inline' }, box, name);
    }));
  };
  fill('shapes', SHAPES, linked.shapes);
  fill('peers', PEERS, linked.peers);
  samples.value = linked.samples;
  abilities.checked = linked.abilities === '1';
  try {
    parseSettings(linked);
  } catch (error) {
    refusal.textContent = messageOf(error); // a link with a mistake says so before anything runs
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (!run.disabled) start();
});
stop.addEventListener('click', () => finish('stopped', `Stopped: ${counted()}.`));

enter('asking', 'Looking for an adapter …');
fillForm();
void look();
