import manifest from '../../package.json';
import { adapterLine } from '../../src/verify/index.js';
import { openBackend } from '../../src/index.js';
import { byId, fillFacts, messageOf } from '../dom.js';
import { run } from './sample.js';
import sample from './sample.ts?raw';

// The module that runs, with the one name that differs outside this repository.
byId('sample', HTMLElement).textContent = sample.replace('../../src/index.js', manifest.name).trimEnd();
byId('version', HTMLElement).textContent = manifest.version;

async function describeBackend(): Promise<void> {
  const backend = await openBackend();
  const { kind, reason, adapter } = backend;
  backend.destroy();
  document.documentElement.dataset.backend = kind;
  fillFacts(byId('facts', HTMLDListElement), {
    'runs on': kind === 'cpu' ? 'CPU' : adapter?.software ? 'GPU, a software adapter' : 'GPU',
    why: reason,
    adapter: adapter ? adapterLine(adapter) : 'none',
  });
}

async function runSample(): Promise<void> {
  const output = byId('output', HTMLElement);
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

/** Where the source stands: what package.json names, else the repository whose GitHub page this is. */
function findSource(): string | null {
  const { repository }: { name: string; repository?: string | { url: string } } = manifest;
  if (repository) return (typeof repository === 'string' ? repository : repository.url).replace(/^git\+/, '').replace(/\.git$/, '');
  const owner = /^([\w-]+)\.github\.io$/.exec(location.hostname)?.[1];
  return owner ? `https://github.com/${owner}/${location.pathname.split('/')[1]}` : null;
}

function showLinks(): void {
  const readme = Object.values(import.meta.glob<string>('../../README.md', { query: '?url&no-inline', import: 'default', eager: true }));
  const source = findSource();
  const targets = { source, readme: source ? `${source}#readme` : readme[0] };
  for (const [id, href] of Object.entries(targets)) {
    const link = byId(id, HTMLAnchorElement);
    link.hidden = !href; // rather no link than a dead one
    if (href) link.href = href;
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
showLinks();
describeBackend().catch((error: unknown) => fillFacts(byId('facts', HTMLDListElement), { 'runs on': 'nothing', why: messageOf(error) }));
