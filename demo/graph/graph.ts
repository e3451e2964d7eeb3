import './graph.css';
import { adapterLine } from '../../src/verify/index.js';
import { byId, fillFacts, make, messageOf, scrollingTable } from '../dom.js';
import { AdapterRun, OUTPUTS } from './adapter.js';
import { largestDifference, numericChecks } from './checks.js';
import { Editor } from './editor.js';
import { brief, precise } from './format.js';
import { formula } from './formula.js';
import { type GraphNode, LAST_STEP, type Name, nodeOf } from './nodes.js';
import { Picture } from './picture.js';
import { PRESETS, type Preset, drawn, resized } from './presets.js';
import { DEFAULTS, MOST_CHANNELS, MOST_ROWS, type Settings, linkOfSettings, parseSeed, settingsOfLink } from './settings.js';
import { nodeState } from './state.js';
import { COLLAPSE, phaseOf, stepFor, stepOf } from './steps.js';
import { GRADIENTS, type Inputs, type Trace, traceOf } from './trace.js';

/** How long a step stands while playing. */
const STEP_MS = 1500;
/** A run on the adapter waits until the editing has paused. */
const PAUSE_MS = 300;
/** Of its scale, as the self-test has it. */
const BOUND = 2e-6;

const buttons = {
  reset: byId('reset', HTMLButtonElement), previous: byId('previous', HTMLButtonElement), play: byId('play', HTMLButtonElement),
    next: byId('next', HTMLButtonElement),
};
const slider = byId('step', HTMLInputElement);
const rowChoice = byId('row', HTMLSelectElement);
const columnChoice = byId('column', HTMLSelectElement);
const preset = byId('preset', HTMLSelectElement);
const seed = byId('seed', HTMLInputElement);
const rowsChoice = byId('rows', HTMLSelectElement);
const channelsChoice = byId('channels', HTMLSelectElement);
const frame = byId('graph', HTMLElement);
const refusal = byId('refusal', HTMLElement);
const adapterWords = byId('adapter-words', HTMLElement);
const adapterTable = byId('adapter-table', HTMLElement);

const picture = new Picture(frame, { node: chooseNode, element: (row, column) => change({ row: row ?? settings.row, column }) });
const editor = new Editor(
  { x: byId('edit-x', HTMLElement), dy: byId('edit-dy', HTMLElement), gamma: byId('edit-gamma', HTMLElement), beta: byId('edit-beta', HTMLElement) },
  byId('eps', HTMLInputElement), (inputs) => change({ inputs }), refuse,
);
const adapterRun = new AdapterRun();

let settings: Settings = DEFAULTS;
let trace: Trace;
let playing: ReturnType<typeof setInterval> | undefined;
let waiting: ReturnType<typeof setTimeout> | undefined;
let compared = 0;

function change(changed: Partial<Settings>): void {
  settings = { ...settings, ...changed };
  history.replaceState(null, '', `${location.pathname}${linkOfSettings(settings)}${location.hash}`);
  show(changed.inputs !== undefined);
}

function show(isNew: boolean): void {
  if (isNew) {
    trace = traceOf(settings.inputs);
    showGiven();
    showClosedForm();
    showGradientCheck();
    clearTimeout(waiting);
    document.documentElement.dataset.state = 'running';
    waiting = setTimeout(() => void showAdapter(settings.inputs), PAUSE_MS);
  }
  picture.show({ trace, ...settings });
  showStep();
}

function showStep(): void {
  const { step, row, column } = settings;
  const { title, words, lines } = stepOf(step, trace, row, column);
  setText('title', title);
  setText('words', words);
  byId('lines', HTMLElement).replaceChildren(...lines.map(({ local, formula: text, numbers }) =>
    make('div', { class: 'line' }, ...[local, text].filter((tex) => tex !== undefined).map(formula),
      make('span', { class: 'numbers' }, formula(`= ${numbers}`)))));
  slider.value = String(step);
  slider.setAttribute('aria-valuetext', title);
  const focused = document.activeElement; // some browsers take the focus from a button that they disable
  buttons.reset.disabled = buttons.previous.disabled = step === 0;
  buttons.next.disabled = step === LAST_STEP;
  if (focused instanceof HTMLButtonElement && focused.disabled) buttons.play.focus(); // the keyboard stays here
  rowChoice.value = String(row);
  columnChoice.value = String(column);
  showNumbers();
}

/** What the picture rounds, in full. */
function showNumbers(): void {
  const { step, inputs: { rows, channels } } = settings;
  const tables: [string, Float64Array][] = [];
  if (phaseOf(step) === 'closed') tables.push(...GRADIENTS.map((name): [string, Float64Array] => [name, trace.closed[name]]));
  else {
    const { node, phase } = stepOf(step, trace, settings.row, settings.column);
    const names: readonly Name[] = !node ? ['x', 'gamma', 'beta'] : phase === 'forward' ? [node.name] : [node.name, ...node.from];
    for (const name of names) {
      const { value, gradient, arrived, expected } = nodeState(trace, nodeOf(name), step);
      if (value && phase !== 'backward') tables.push([name, value]);
      if (gradient) tables.push([arrived < expected ? `d${name}, ${arrived} of ${expected}` : `d${name}`, gradient]);
    }
    if (!node) tables.push(['dy', trace.gradients.y]);
  }
  const columns = [{ name: 'row' }, ...Array.from({ length: channels }, (_, c) => ({ name: `column ${c + 1}`, numeric: true }))];
  byId('numbers', HTMLElement).replaceChildren(...tables.flatMap(([name, array]) => {
    const lines = array.length === channels && name !== 'x' ? 1 : rows;
    const cells =
      Array.from({ length: lines }, (_, r) => [lines === 1 ? 'all' : String(r + 1), ...Array.from(array.subarray(r * channels, (r + 1) * channels), precise)]);
    return [make('h3', {}, name), scrollingTable(`All numbers of ${name}`, columns, cells)];
  }));
}

function showGiven(): void {
  const { rows, channels } = settings.inputs;
  editor.show(settings.inputs);
  count(rowChoice, rows, 0);
  count(columnChoice, channels, 0);
  rowsChoice.value = String(rows);
  channelsChoice.value = String(channels);
}

function showClosedForm(): void {
  const { closed, staged } = trace;
  const differences = GRADIENTS.map((name) => largestDifference(closed[name], staged[name]));
  setText('closed-words', `Three formulas in place of nine steps back: the largest difference is ${brief(Math.max(...differences))}.`);
  byId('closed-table', HTMLElement).replaceChildren(scrollingTable(
    'The closed form against the nine steps',
    [{ name: 'gradient' }, { name: 'largest |value|', numeric: true }, { name: 'from the nine steps', numeric: true }],
    GRADIENTS.map((name, i) => [name, precise(Math.max(...closed[name].map(Math.abs))), brief(differences[i])]),
  ));
}

function showGradientCheck(): void {
  const { worst, flat } = numericChecks(trace);
  byId('check-table', HTMLElement).replaceChildren(scrollingTable(
    'Gradient check by central differences',
    [{ name: 'gradient' }, { name: 'error', numeric: true }, { name: 'worst at' }, { name: 'by formula', numeric: true },
      { name: 'by nudging', numeric: true }],
    GRADIENTS.map((name) => {
      const check = worst[name];
      if (!check) return [name, '–', 'not looked at', '–', '–'];
      const where = name === 'dx' ? `row ${check.row + 1}, column ${check.column + 1}` : `column ${check.column + 1}`;
      return [name, brief(check.error), where, precise(check.analytic), precise(check.numeric)];
    }),
  ));
  const left = flat.length > 0
    ? ` Column ${flat.map((column) => column + 1).join(', ')} is left out of dx: its deviation √(variance + eps) is 0, or so small beside x that a nudge ` +
      `within it is lost to rounding.`
    : '';
  setText('check-words',
    `Error: |by formula − by nudging| / max(1, both), where it is largest. Nudges of x are a ten-thousandth of √(variance + eps) of the column.${left}`);
}

async function showAdapter(inputs: Inputs): Promise<void> {
  const turn = ++compared;
  document.documentElement.dataset.state = 'running';
  adapterWords.textContent = 'Running …';
  try {
    const { backend, outputs } = await adapterRun.compare(inputs);
    if (turn !== compared) return;
    const adapter = backend.adapter ? adapterLine(backend.adapter) : backend.kind === 'cpu' ? 'none' : 'not told';
    const place = backend.kind === 'cpu' ? 'the CPU, in f64 with outputs in f32' : backend.adapter?.software ? 'a software adapter, in f32' : 'the GPU, in f32';
    adapterWords.textContent = `Closed form on ${place}: dx differs from f64 by at most ${brief(outputs.dx.difference)}.`;
    fillFacts(byId('facts', HTMLDListElement), { 'runs on': backend.kind.toUpperCase(), why: backend.reason, adapter });
    adapterTable.replaceChildren(scrollingTable(
      'The library’s layer against f64', [{ name: 'output' }, { name: 'largest difference', numeric: true }, { name: 'of its scale', numeric: true }],
      OUTPUTS.map((name) => [name, brief(outputs[name].difference), brief(outputs[name].ofScale)]), (i) => !(outputs[OUTPUTS[i]].ofScale <= BOUND),
    ));
    document.documentElement.dataset.state = 'ready';
  } catch (error) {
    if (turn !== compared) return;
    adapterTable.replaceChildren();
    adapterWords.textContent = messageOf(error);
    document.documentElement.dataset.state = 'error';
  }
}

function chooseNode(node: GraphNode): void {
  stop();
  if (node.name === 'x' || node.name === 'gamma' || node.name === 'beta') editor.focus(node.name, settings.row, settings.column);
  else change({ step: stepFor(node, settings.step) });
}

function go(step: number): void {
  if (step >= 0 && step <= LAST_STEP && step !== settings.step) change({ step });
  if (settings.step === LAST_STEP) stop();
}

function play(): void {
  if (playing !== undefined) return stop();
  go(settings.step === LAST_STEP ? 0 : settings.step + 1);
  playing = setInterval(() => go(settings.step + 1), STEP_MS);
  showPlaying(true);
}

function stop(): void {
  clearInterval(playing);
  playing = undefined;
  showPlaying(false);
}

function showPlaying(isPlaying: boolean): void {
  buttons.play.textContent = isPlaying ? 'Pause' : 'Play';
}

function refuse(message: string): void {
  refusal.textContent = message;
}

/** Options that say 1 to `length`, and mean that from `base` on. */
function count(select: HTMLSelectElement, length: number, base: number): void {
  select.replaceChildren(...Array.from({ length }, (_, i) => new Option(String(i + 1), String(i + base))));
}

function setText(id: string, text: string): void {
  byId(id, HTMLElement).textContent = text;
}

/** Draws or cuts anew; the chosen element stays inside. */
function give(from: (seed: number) => Inputs): void {
  try {
    const inputs = from(parseSeed(seed.value.trim()));
    change({ inputs, row: Math.min(settings.row, inputs.rows - 1), column: Math.min(settings.column, inputs.channels - 1) });
  } catch (error) {
    refuse(messageOf(error));
    showSize();
  }
}

function showSize(): void {
  rowsChoice.value = String(settings.inputs.rows);
  channelsChoice.value = String(settings.inputs.channels);
}

buttons.reset.addEventListener('click', () => {
  stop();
  go(0);
});
buttons.previous.addEventListener('click', () => {
  stop();
  go(settings.step - 1);
});
buttons.next.addEventListener('click', () => {
  stop();
  go(settings.step + 1);
});
buttons.play.addEventListener('click', play);
slider.addEventListener('input', () => {
  stop();
  go(Number(slider.value));
});
rowChoice.addEventListener('change', () => change({ row: Number(rowChoice.value) }));
columnChoice.addEventListener('change', () => change({ column: Number(columnChoice.value) }));
document.addEventListener('keydown', (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  if (target instanceof Element && target.closest('input, select, textarea, .scroll')) return; // they have a use for these keys
  const to = { ArrowRight: settings.step + 1, ArrowLeft: settings.step - 1 }[key];
  if (to === undefined) return;
  event.preventDefault();
  stop();
  go(to);
});
byId('draw', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  give((drawnFrom) => drawn(preset.value as Preset, drawnFrom, settings.inputs.rows, settings.inputs.channels));
});
for (const choice of [rowsChoice, channelsChoice]) {
  choice.addEventListener('change', () => give((drawnFrom) => resized(settings.inputs, drawnFrom, Number(rowsChoice.value), Number(channelsChoice.value))));
}
byId('editor', HTMLFormElement).addEventListener('submit', (event) => event.preventDefault());

preset.replaceChildren(...Object.entries(PRESETS).map(([value, text]) => new Option(text, value)));
slider.max = String(LAST_STEP);
count(rowsChoice, MOST_ROWS, 1);
count(channelsChoice, MOST_CHANNELS, 1);
byId('collapse', HTMLElement).replaceChildren(...COLLAPSE.map((tex) => make('div', { class: 'line' }, formula(tex))));
let wrong = '';
try {
  settings = settingsOfLink(location.search);
} catch (error) {
  wrong = messageOf(error); // the link stays in the address bar until something is changed
}
show(true);
refuse(wrong);
