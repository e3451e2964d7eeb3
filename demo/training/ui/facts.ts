import { adapterLine } from '../../../src/verify/index.js';
import { byId, fillFacts } from '../../dom.js';
import type { News } from '../messages.js';
import { both, count } from './words.js';

export type Opened = Extract<News, { kind: 'opened' }>;
export type Built = Extract<News, { kind: 'built' }>;

/** What runs, in two words. */
export function placeOf({ backend, adapter }: Opened): string {
  return backend === 'cpu' ? 'CPU' : adapter?.software ? 'software adapter' : 'GPU';
}

export function showFacts(opened: Opened | null, built: Built | null): void {
  const where = opened && `${opened.backend.toUpperCase()}${opened.adapter ? `, ${adapterLine(opened.adapter)}` : ''}`;
  fillFacts(byId('facts', HTMLDListElement), {
    backend: where ?? 'opening …',
    why: opened?.reason ?? '…',
    layers: opened ? `${opened.library}; batch norm by this library` : '…',
    data: built ? `${count(built.trainRows, 'row')} of ${count(built.features, 'value')} to train on, ${built.testRows} held out, ` +
      `${count(built.classes, 'class', 'classes')}` : '…',
    parameters: built ? both(built.parameters, String) : '…',
    browser: navigator.userAgent,
  });
}
