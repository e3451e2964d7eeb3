import { openBackend } from '../../src/index.js';
import { adapterLine } from '../../src/verify/index.js';
import { byId, fillFacts, messageOf } from '../dom.js';
import { run } from './sample.js';

const facts = byId('facts', HTMLDListElement);
const output = byId('output', HTMLElement);

async function describeBackend(): Promise<void> {
  const backend = await openBackend();
  const { kind, reason, adapter } = backend;
  backend.dispose();
  document.documentElement.dataset.backend = kind;
  fillFacts(facts, {
    'runs on': kind === 'cpu' ? 'CPU' : adapter?.software ? 'GPU, a software adapter' : 'GPU',
    why: reason,
    adapter: adapter ? adapterLine(adapter) : 'none',
  });
}

async function runSample(): Promise<void> {
  output.classList.remove('refusal');
  output.textContent = 'Running …';
  try {
    const y = await run();
    const rows = Array.from({ length: y.length / 2 }, (_, row) => [...y.subarray(2 * row, 2 * row + 2)]);
    output.textContent = `y =\n${rows.map((row) => row.map((value) => value.toFixed(6).padStart(10)).join('')).join('\n')}`;
  } catch (error) {
    output.classList.add('refusal');
    output.textContent = messageOf(error);
  }
}

byId('run', HTMLButtonElement).addEventListener('click', (event) => {
  const button = event.currentTarget as HTMLButtonElement;
  button.disabled = true;
  runSample().finally(() => {
    button.disabled = false;
    button.focus();
  });
});
describeBackend().catch((error: unknown) => fillFacts(facts, { 'runs on': 'nothing', why: messageOf(error) }));
