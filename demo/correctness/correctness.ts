import { orderLine } from '../../src/verify/index.js';
import { byId, fillFacts, messageOf } from '../dom.js';
import { Histogram } from './histogram.js';
import type { News, Opened, Prefer, Settings } from './messages.js';
import { watchOwn } from './own.js';
import { ReportButtons } from './report.js';
import { linkOfSettings, parseSettings, settingsOfLink } from './settings.js';
import { ResultTable } from './table.js';
import { type Work, startWork } from './work.js';

type State = 'running' | 'passed' | 'failed' | 'stopped' | 'error';

const form = byId('settings', HTMLFormElement);
const backend = byId('backend', HTMLSelectElement);
const seed = byId('seed', HTMLInputElement);
const filter = byId('filter', HTMLInputElement);
const stop = byId('stop', HTMLButtonElement);
const verdict = byId('verdict', HTMLElement);
const refusal = byId('refusal', HTMLElement);
const banner = byId('banner', HTMLElement);
const progress = byId('progress', HTMLProgressElement);
const count = byId('count', HTMLElement);
const facts = byId('facts', HTMLDListElement);

const table = new ResultTable(byId('results', HTMLTableSectionElement));
const histogram = new Histogram(byId('plot', HTMLElement), byId('plot-output', HTMLSelectElement), byId('plot-words', HTMLElement));
const buttons = new ReportButtons();

let work: Work | null = null;
let clock: ReturnType<typeof setInterval> | undefined;
let opened: Opened | null = null;
let done = 0;
let failed = 0;
let total = 0;

function start(): void {
  let settings: Settings;
  refusal.textContent = '';
  try {
    settings = parseSettings({ backend: backend.value, seed: seed.value.trim(), filter: filter.value });
  } catch (error) {
    refusal.textContent = messageOf(error); // what runs or has run stays as it is
    if (!document.documentElement.dataset.state) finish('error', 'Did not run.');
    return;
  }
  history.replaceState(null, '', `${location.pathname}${linkOfSettings(settings)}${location.hash}`);
  work?.end();
  opened = null;
  done = failed = total = 0;
  table.reset([]);
  histogram.clear();
  buttons.show(null);
  banner.hidden = true;
  showFacts('asking …');
  enter('running', `Opening the ${settings.backend === 'gpu' ? 'GPU' : 'CPU'} …`);
  progress.removeAttribute('value');
  const began = performance.now();
  const tick = () => showCount((performance.now() - began) / 1000);
  clearInterval(clock);
  clock = setInterval(tick, 100);
  tick();
  work = startWork({ kind: 'verify', ...settings }, (news) => {
    hear(news);
    tick();
  });
}

function hear(news: News): void {
  switch (news.kind) {
    case 'opened':
      opened = news.opened;
      total = news.names.length;
      progress.max = total;
      progress.value = 0;
      table.reset(news.names);
      if (news.opened.kind === 'cpu' && backend.value === 'gpu') showBanner('No GPU is used.', news.opened.reason);
      showFacts('asking …');
      enter('running', `Running on the ${place()} …`);
      break;
    case 'order':
      showFacts(orderLine(news.order));
      break;
    case 'result':
      done++;
      if (!news.result.passed && failed++ === 0) verdict.textContent = `Running on the ${place()} … the first failure is: ${news.result.name}`;
      progress.value = done;
      table.add(news.result);
      histogram.add(news.result.comparisons);
      break;
    case 'lost':
      showBanner('The GPU device was lost.', news.why);
      break;
    case 'report': {
      const { report } = news;
      buttons.show(report);
      table.leave();
      const tally = `${report.passed} of ${report.results.length} passed`;
      if (report.failed > 0) finish('failed', `${report.failed} of ${report.results.length} FAILED on the ${place()}.`);
      else if (report.aborted) finish('stopped', `Stopped: ${tally} on the ${place()}, ${total - done} did not run.`);
      else finish('passed', `All ${report.passed} passed on the ${place()}.`);
      break;
    }
    case 'error':
      refusal.textContent = news.message;
      table.leave();
      finish('error', opened ? 'Broke off.' : 'Did not run.');
      break;
    case 'own':
      throw new TypeError('hear: "news" is of own data, needs that of a self-test.');
  }
}

function place(): string {
  if (opened?.kind !== 'gpu') return 'CPU';
  return opened.adapter?.software ? 'software adapter' : 'GPU';
}

function enter(state: State, words: string): void {
  document.documentElement.dataset.state = state;
  verdict.textContent = words;
  stop.disabled = state !== 'running';
}

function finish(state: State, words: string): void {
  clearInterval(clock);
  if (!progress.hasAttribute('value')) progress.value = 0;
  enter(state, words);
}

function showCount(seconds: number): void {
  const failures = failed > 0 ? `, ${failed} failed` : '';
  count.textContent = `${done} of ${total || '…'} done${failures}, ${seconds.toFixed(1)} s`;
}

function showBanner(title: string, words: string): void {
  banner.hidden = false;
  byId('banner-title', HTMLElement).textContent = title;
  byId('banner-words', HTMLElement).textContent = words;
}

function showFacts(order: string): void {
  const told = (value: string | undefined) => value || 'not told';
  const adapter = opened?.adapter;
  fillFacts(facts, {
    backend: opened ? opened.kind.toUpperCase() : 'opening …',
    why: opened?.reason ?? '…',
    ...(adapter ? {
      vendor: told(adapter.vendor),
      architecture: told(adapter.architecture),
      device: told(adapter.device),
      description: told(adapter.description),
      kind: adapter.software ? 'software, computes on the CPU' : 'hardware',
    } : { adapter: opened ? 'none' : '…' }),
    'order of operations': order,
    browser: navigator.userAgent,
  });
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  start();
});
backend.addEventListener('change', () => start());
stop.addEventListener('click', () => {
  work?.stop();
  stop.disabled = true;
  verdict.textContent = 'Stopping after the row under way …';
});

const linked = settingsOfLink(location.search);
backend.value = linked.backend;
seed.value = linked.seed;
filter.value = linked.filter;
watchOwn((): Prefer => (backend.value === 'cpu' ? 'cpu' : 'gpu'));
start();
