import './training.css';
import manifest from '../../package.json';
import { byId, messageOf } from '../dom.js';
import batchNormCode from './nets/batchNormOp.ts?raw';
import { Curves } from './charts/curves.js';
import layersCode from './nets/layers.ts?raw';
import type { Both, Command, News, Score } from './messages.js';
import { clearLayers, showLayers } from './pictures/layers.js';
import { hideRegions, showRegions } from './pictures/regions.js';
import { hideWrong, showWrong } from './pictures/wrong.js';
import { EngineWorker } from './ui/engine.js';
import { type Built, type Opened, placeOf, showFacts } from './ui/facts.js';
import { Files } from './ui/files.js';
import { HeldOut } from './ui/heldOut.js';
import { OwnData } from './ui/own.js';
import { type Run, type RunText, fillDefaults, fillForm, linkOfRun, parseRun, readForm, runOfLink, textOf } from './ui/settings.js';
import { type Speed, type State, hideBanner, showBanner, showCount, showState } from './ui/status.js';
import { Sweep } from './ui/sweep.js';
import { count, percent } from './ui/words.js';

const form = byId('settings', HTMLFormElement);
const runButton = byId('run', HTMLButtonElement);
const stepButton = byId('step', HTMLButtonElement);
const resetButton = byId('reset', HTMLButtonElement);
const refusal = byId('refusal', HTMLElement);
const copied = byId('copied', HTMLElement);

const curves = new Curves();
const own = new OwnData(() => {
  if (readForm().settings.data !== 'own') fillDefaults('own');
  byId('data', HTMLSelectElement).value = 'own';
  void start(readForm(), true);
});
const sweep = new Sweep(send, enable);
const heldOut = new HeldOut(send);
const files = new Files(send);

let state: State;
let engine: EngineWorker | null = null;
let opened: Opened | null = null;
let built: Built | null = null;
/** Asked for and not yet built, in turn; `runs`: whether it then begins. */
let orders: { run: Run; runs: boolean }[] = [];
/** Built, and not yet heard to stand. */
let building: { run: Run; runs: boolean } | null = null;
/** What the nets there are do, whatever has been asked for since. */
let standing: { state: 'running' | 'paused'; words: string } = { state: 'paused', words: '' };
/** Steps from pause to pause. */
let pauseEvery = 1;
let step = 0;
let until = 0;
let speed: Speed | null = null;
let scores: Both<Score> | null = null;
/** Of the starts; only the last one counts. */
let asked = 0;

/** A setting that is refused says why and leaves what runs. */
async function start(text: RunText, runs: boolean): Promise<void> {
  refusal.textContent = '';
  const order = ++asked;
  try {
    const run = parseRun(text);
    const isOwn = run.settings.data === 'own';
    if (isOwn && !own.hasFile) return askForFile();
    const set = isOwn ? await own.dataSet(run.settings.seed) : undefined;
    if (order !== asked) return;
    if (!engine) open(`Opening the ${run.settings.backend === 'gpu' ? 'GPU' : 'CPU'} …`);
    else enter('waiting', 'Building both nets …');
    orders.push({ run, runs });
    send({ kind: 'start', settings: run.settings, ...(set ? { own: set } : {}) });
  } catch (error) {
    if (order === asked) refuse(messageOf(error));
  }
}

function askForFile(): void {
  own.show(true);
  if (!engine) return enter('waiting', 'Choose a file of your own, or drop it on this page.');
  throw new RangeError('train: "data" is "own" and there is no file yet, needs one with labels. Choose it or drop it on this page.');
}

function refuse(why: string): void {
  refusal.textContent = why;
  if (!engine) enter('error', 'Not training.');
}

function open(words: string): void {
  delete document.documentElement.dataset.backend;
  hideBanner();
  opened = built = null;
  engine = new EngineWorker(hear);
  enter('asking', words);
  showFacts(opened, built);
}

function send(command: Command): void {
  if (!engine) open('Opening …'); // to load nets once what ran is gone
  engine!.send(command);
}

function hear(news: News): void {
  switch (news.kind) {
    case 'opened':
      return hearOpened(news);
    case 'built':
      return hearBuilt(news);
    case 'progress':
      step = news.step;
      speed = news;
      curves.progress(news);
      return showCount(step, until, speed);
    case 'scores':
      scores = news.test;
      return curves.scores(news.step, news.test, news.settled);
    case 'pictures':
      return hearPictures(news);
    case 'paused':
      return hearPaused(news.step);
    case 'sweepProgress':
    case 'sweepPoint':
    case 'sweepDone':
      return sweep.hear(news);
    case 'testedBatches':
      return heldOut.showBatches(news, state === 'paused' ? step : null);
    case 'testedOne':
      return heldOut.showOne(news, built!.labels);
    case 'saved':
      return files.saved(news.net);
    case 'loaded':
      orders.unshift({ run: { settings: news.settings, steps: pauseEvery }, runs: false }); // built next
      fillForm(textOf(orders[0].run));
      return files.say(`Loaded: ${count(news.step, 'step')} of training.`);
    case 'refused':
      return hearRefused(news.command, news.message);
    case 'lost':
      showBanner('The GPU device was lost.', news.why);
      return breakOff('The device was lost, and what the nets had learned with it. “Start anew” opens another device; saved nets can be loaded.');
    case 'error':
      return breakOff(`${news.message} “Start anew” begins with another worker.`);
  }
}

function hearOpened(news: Opened): void {
  opened = news;
  document.documentElement.dataset.backend = news.backend;
  hideBanner();
  if (news.backend === 'cpu' && orders[0]?.run.settings.backend === 'gpu') showBanner('No GPU is used.', news.reason);
  showFacts(opened, built);
}

function hearBuilt(news: Built): void {
  building = orders.shift()!;
  built = news;
  pauseEvery = building.run.steps;
  step = until = 0;
  speed = scores = null;
  history.replaceState(null, '', `${location.pathname}${linkOfRun(building.run)}${location.hash}`);
  own.show(news.settings.data === 'own');
  curves.clear(news.classes);
  clearLayers(news.settings.depth);
  hideRegions();
  hideWrong();
  heldOut.clear(news.testRows);
  const { data, depth, width } = news.settings;
  sweep.describe(`${data === 'own' ? 'your own data' : `the ${data}`}, ${count(depth, 'hidden layer')} of ${count(width, 'channel')}`, news.classes);
  showFacts(opened, built);
  enter(state === 'asking' ? state : 'waiting', `Compiling for the ${placeOf(opened!)} …`);
}

function hearPictures({ step, layers, regions, wrong }: Extract<News, { kind: 'pictures' }>): void {
  if (!built) return;
  showLayers(step, layers);
  if (regions && built.points) showRegions(step, regions, built.points, built.labels);
  if (wrong && scores) showWrong(wrong, { batchNorm: scores.batchNorm.accuracy, plain: scores.plain.accuracy }, built.testRows, built.labels);
}

function hearPaused(at: number): void {
  step = at;
  const where = placeOf(opened!);
  const right =
    scores ? `: ${percent(scores.batchNorm.accuracy)} of the held-out rows are right with batch norm, ${percent(scores.plain.accuracy)} without` : '';
  standing = { state: 'paused',
    words: step === 0 ? `Ready on the ${where}: no step is taken yet.` : `Paused after ${count(step, 'step')} on the ${where}${right}.` };
  const runs = building?.runs ?? false;
  building = null;
  until = Math.max(until, step);
  if (orders.length > 0) return; // other nets are on their way
  if (runs) return run();
  enter(standing.state, standing.words);
  showCount(step, until, speed);
}

function hearRefused(command: Command['kind'], message: string): void {
  if (command === 'sweep' || command === 'stopSweep') return sweep.refuse(message);
  if (command === 'testBatches' || command === 'testOne') return heldOut.refuse(command, message);
  if (command === 'save' || command === 'load') {
    files.say(message, true);
    if (!built) breakOff('No nets are there. “Start anew” builds some.');
    return;
  }
  if (command === 'start') orders.shift();
  if (!built) breakOff(message);
  else {
    refusal.textContent = message;
    enter(standing.state, standing.words);
  }
}

/** Nothing more comes from the engine there was. */
function breakOff(why: string): void {
  engine?.end();
  engine = null;
  orders = [];
  building = null;
  if (sweep.isRunning) sweep.refuse('The sweep ended with the worker it ran in.');
  refusal.textContent = why;
  enter('error', step > 0 ? `Broke off after ${count(step, 'step')}.` : 'Not training.');
}

function run(): void {
  until = (Math.floor(step / pauseEvery) + 1) * pauseEvery;
  send({ kind: 'run', until });
  standing = { state: 'running', words: `Training on the ${placeOf(opened!)}.` };
  enter(standing.state, standing.words);
  showCount(step, until, speed);
}

function enter(next: State, words: string): void {
  state = next;
  showState(state, words);
  enable();
}

function enable(): void {
  const stands = built !== null && engine !== null; // while they wait too: a button that is disabled loses the keyboard's focus
  if (state !== 'waiting') runButton.textContent = state === 'running' ? 'Pause' : 'Run';
  runButton.disabled = !stands || sweep.isRunning;
  stepButton.disabled = !stands || sweep.isRunning || state === 'running';
  resetButton.disabled = !stands;
  sweep.enable(stands);
  heldOut.enable(stands);
  files.enable(stands);
}

/** A module as it runs, with the name that differs outside this repository. */
function published(code: string): string {
  return code.replaceAll('../../src/index.js', manifest.name).trimEnd();
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void start(readForm(), true);
});
byId('data', HTMLSelectElement).addEventListener('change', () => {
  const { data } = readForm().settings;
  fillDefaults(data as 'spiral' | 'digits' | 'own');
  own.show(data === 'own');
  if (data !== 'own' || own.hasFile) void start(readForm(), true);
});
byId('backend', HTMLSelectElement).addEventListener('change', () => void start(readForm(), true));
runButton.addEventListener('click', () => {
  if (state === 'paused') return run();
  if (state !== 'running') return;
  send({ kind: 'pause' });
  enter('waiting', 'Pausing …');
});
stepButton.addEventListener('click', () => {
  if (state !== 'paused') return;
  send({ kind: 'step' });
  enter('waiting', 'Taking one step …');
});
resetButton.addEventListener('click', () => void start(built ? textOf({ settings: built.settings, steps: pauseEvery }) : readForm(), false));
byId('copy-link', HTMLButtonElement).addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    copied.textContent = 'The link is copied: it gives this run.';
  } catch {
    copied.textContent = 'The browser refused the clipboard. The page’s own address is the link.';
  }
});

byId('op-code', HTMLElement).textContent = published(batchNormCode);
byId('layers-code', HTMLElement).textContent = published(layersCode);
const linked = runOfLink(location.search);
fillForm(linked);
own.show(linked.settings.data === 'own');
void start(linked, true);
