import { adapterLine, ownJson } from '../../src/verify/index.js';
import { byId, downloadText, formatNumber, formatRatio, make, messageOf, scrollingTable } from '../dom.js';
import type { News, OwnFile, OwnShape, Prefer } from './messages.js';
import { environment } from './report.js';
import { parseSeed } from './settings.js';
import { comparisonTable } from './table.js';
import { type Work, startWork } from './work.js';

type OwnNews = Extract<News, { kind: 'own' }>;

/** Columns that are shown; the JSON has all. */
const MAX_COLUMNS = 40;

/** The reader's own shape or file: checked in a worker of its own, beside the self-test. */
export function watchOwn(backend: () => Prefer): void {
  const form = byId('own-form', HTMLFormElement);
  const picker = byId('own-file', HTMLInputElement);
  const zone = byId('drop', HTMLElement);
  const layout = byId('own-layout', HTMLSelectElement);
  let work: Work | null = null;

  // A refusal says why and leaves the result that stands there.
  const start = (read: () => OwnShape | OwnFile, source: string) => {
    try {
      const job = read();
      work?.end();
      say(`Checking ${source} …`, 'running');
      work = startWork(job, (news) => {
        if (news.kind === 'own') {
          byId('own-result', HTMLElement).replaceChildren(...view(news, source, job.seed));
          say(`${source}: ${news.own.passed ? 'every output is within its bound.' : 'FAIL, some outputs are beyond their bound.'}`, 'done');
        } else if (news.kind === 'error') say(news.message, 'refused');
      });
    } catch (error) {
      say(messageOf(error), 'refused');
    }
  };
  const first = () => layout.value === 'channelsFirst';
  const common = () => ({
    backend: backend(),
    seed: parseSeed('verifyOwn', byId('own-seed', HTMLInputElement).value.trim()),
    layout: first() ? 'channelsFirst' as const : 'channelsLast' as const,
    spatial: first() ? parseCount('own-spatial') : undefined,
  });
  const named = (source: string) => (first() ? `${source}, channels-first` : source);
  const showLayout = () => {
    byId('own-spatial-field', HTMLElement).hidden = !first();
    byId('own-columns-name', HTMLElement).textContent = first() ? 'Columns' : 'Channels';
  };
  const check = (files: FileList | null | undefined) => {
    if (!files || files.length === 0) return;
    const file = files[0]!;
    if (files.length > 1) say(`verifyOwn: ${files.length} files were given, needs one. Drop them one by one.`, 'refused');
    else start(() => ({ kind: 'file', ...common(), file, label: parseLabel() }), named(file.name));
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const rows = parseCount('own-rows');
    const columns = parseCount('own-columns');
    start(() => ({ kind: 'shape', ...common(), rows, columns, offset: parseOffset() }), named(`${rows}×${columns}`));
  });
  picker.addEventListener('change', () => {
    check(picker.files);
    picker.value = ''; // so that the same file can be chosen again
  });
  layout.addEventListener('change', showLayout);
  showLayout();
  // Anywhere on the page, so that a file that misses the frame does not replace the page.
  addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('over');
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) zone.classList.remove('over');
  });
  addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    check(event.dataTransfer?.files);
  });
}

function say(text: string, state: 'running' | 'done' | 'refused'): void {
  byId('own', HTMLElement).dataset.state = state;
  const said = byId('own-status', HTMLElement);
  said.textContent = text;
  said.classList.toggle('refusal', state === 'refused');
}

/** Text that is no number is passed on, for the library to refuse. */
function parseCount(id: string): number | string {
  const text = byId(id, HTMLInputElement).value.trim();
  return text === '' || Number.isNaN(Number(text)) ? text : Number(text);
}

function parseOffset(): number {
  const text = byId('own-offset', HTMLInputElement).value.trim();
  const value = Number(text);
  if (text === '' || !Number.isFinite(Math.fround(value))) {
    throw new RangeError(`verifyOwn: "mean offset" is ${JSON.stringify(text)}, needs a finite number (f32).`);
  }
  return value;
}

/** A column's name, or its index where only digits are given, from the end with a minus, as on the command line. */
function parseLabel(): string | number | undefined {
  const text = byId('own-label', HTMLInputElement).value.trim();
  if (text === '') return undefined;
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

function view({ opened, own, names }: OwnNews, source: string, seed: number): Node[] {
  const { layout, rows, channels, spatial, passed, comparisons } = own;
  const name = (c: number) => names?.[c] ?? String(c);
  const tensor = layout === 'channelsFirst' ? `[${rows / spatial}, ${channels}, ${spatial}] channels-first: ` : '';
  const shown = own.columns.slice(0, MAX_COLUMNS);
  const rest = own.columns.length - shown.length;
  const on = opened.kind === 'gpu' ? `the GPU (${opened.adapter ? adapterLine(opened.adapter) : 'adapter not told'})` : 'the CPU';
  const save = make('button', { type: 'button' }, 'Download JSON');
  save.addEventListener('click', () => {
    const text = ownJson(own, opened, names, { ...environment(), source, seed: String(seed) });
    downloadText('webgpu-batchnorm-own-data.json', 'application/json', text);
  });
  return [
    make('h3', {}, make('span', { class: passed ? 'badge ok' : 'badge fail' }, passed ? 'ok' : 'FAIL'), ` ${source}`),
    make('p', { class: 'note' },
      `${tensor}${rows} rows × ${channels} channels on ${on}; gamma 1, beta 0, dy drawn from seed ${seed}; ${own.milliseconds.toFixed(0)} ms with ` +
        `the reference.`),
    scrollingTable(
      spatial === 1 ? 'Columns' : 'Channels',
      [
        { name: spatial === 1 ? 'column' : 'channel' }, { name: 'mean', numeric: true }, { name: 'deviation', numeric: true },
          { name: 'minimum', numeric: true },
        { name: 'maximum', numeric: true }, { name: 'error / bound', numeric: true }, { name: 'worst at' },
      ],
      shown.map(({ mean, deviation, minimum, maximum, ratio, output }, c) => [
        name(c), formatNumber(mean), formatNumber(deviation), formatNumber(minimum), formatNumber(maximum), formatRatio(ratio), output,
      ]),
    ),
    ...(rest > 0 ? [make('p', { class: 'note' }, `… and ${rest} more; the JSON has all.`)] : []),
    comparisonTable('Every output', comparisons),
    make('p', { class: 'actions' }, save),
  ];
}
